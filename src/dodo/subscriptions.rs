//! Which of a person's subscriptions describes the person. Pure.

use super::client::Object;
use crate::event::{date, lenient};
use serde_json::Value;
use std::cmp::Reverse;

/// The state of a person who may have several subscriptions.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscriptions {
    /// The best one, as Dodo lists it.
    pub best: Object,
    /// How many are active.
    pub active: usize,
}

/// Better ones come first; a status that is not here says nothing about a plan that runs.
const TIERS: [&[&str]; 5] =
    [&["active"], &["past_due"], &["on_hold"], &["paused"], &["cancelled", "expired"]];

/// The last of them: nothing follows.
const ENDED: Option<usize> = Some(TIERS.len() - 1);

impl Subscriptions {
    /// Chooses among those listed. `own` is the event's own: newer than its list item if `own_is_newer`,
    /// and in any case known to exist. `None` if none of them ever ran.
    pub fn of(mut listed: Vec<Object>, own: &Object, own_is_newer: bool) -> Option<Self> {
        let is_own = |item: &Object| id(item).is_some() && id(item) == id(own);
        match listed.iter_mut().find(|item| is_own(item)) {
            // What has ended does not run again, whatever a webhook that was on its way says.
            Some(item) if own_is_newer && (tier(item) != ENDED || tier(own) == ENDED) => {
                item.extend(own.clone());
            }
            Some(_) => {}
            None => listed.push(own.clone()),
        }
        let active = listed.iter().filter(|item| tier(item) == Some(0)).count();
        let ranked = listed.into_iter().filter_map(|item| Some((tier(&item)?, item)));
        let (_, best) = ranked.min_by_key(|(tier, item)| (*tier, Reverse(created(item))))?;
        Some(Self { best, active })
    }
}

fn id(subscription: &Object) -> Option<&str> {
    subscription.get("subscription_id").and_then(Value::as_str)
}

fn tier(subscription: &Object) -> Option<usize> {
    let status = lenient::string(subscription.get("status")?)?.to_ascii_lowercase();
    TIERS.iter().position(|tier| tier.contains(&status.as_str()))
}

fn created(subscription: &Object) -> Option<u64> {
    subscription.get("created_at").and_then(date::unix_milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subscription(id: &str, status: &str, day: u8) -> Object {
        let value = json!({
            "subscription_id": id, "status": status, "created_at": format!("2026-03-{day:02}"),
        });
        value.as_object().unwrap().clone()
    }

    fn best(listed: &[(&str, &str, u8)], own: (&str, &str, u8), is_newer: bool) -> Option<String> {
        let listed = listed.iter().map(|(id, status, day)| subscription(id, status, *day));
        let own = subscription(own.0, own.1, own.2);
        let chosen = Subscriptions::of(listed.collect(), &own, is_newer)?;
        Some(format!("{} {}", id(&chosen.best).unwrap(), chosen.active))
    }

    #[test]
    fn the_one_that_runs_comes_first_then_the_newest() {
        let old = ("old", "cancelled", 1);
        assert_eq!(best(&[("pro", "active", 2), old], old, true).as_deref(), Some("pro 1"));
        assert_eq!(best(&[("a", "past_due", 2), ("b", "on_hold", 3)], old, true).unwrap(), "a 0");
        assert_eq!(best(&[("a", "on_hold", 2), ("b", "paused", 3)], old, true).unwrap(), "a 0");
        assert_eq!(best(&[("a", "expired", 2), ("b", "cancelled", 3)], old, true).unwrap(), "b 0");
        assert_eq!(best(&[("a", "active", 2), ("b", "active", 3)], old, true).unwrap(), "b 2");
        assert_eq!(best(&[("a", "expired", 2)], old, true).unwrap(), "a 0");
    }

    #[test]
    fn what_never_ran_says_nothing() {
        assert_eq!(best(&[("a", "pending", 2)], ("b", "failed", 3), true), None);
        assert_eq!(best(&[("a", "paused", 1)], ("b", "failed", 3), true).unwrap(), "a 0");
    }

    #[test]
    fn the_newer_of_payload_and_list_counts() {
        let listed = [("a", "active", 1)];
        assert_eq!(best(&listed, ("a", "cancelled", 1), true).unwrap(), "a 0");
        assert_eq!(best(&listed, ("a", "cancelled", 1), false).unwrap(), "a 1");
        assert_eq!(best(&listed, ("a", "on_hold", 1), true).unwrap(), "a 0");
        assert_eq!(best(&[], ("a", "active", 1), false).unwrap(), "a 1", "not listed yet");
        assert_eq!(best(&[("a", "cancelled", 1)], ("a", "active", 1), true).unwrap(), "a 0");
    }
}

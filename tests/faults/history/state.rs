//! The state of a person's subscriptions.

use super::subscriptions::PRODUCTS;
use super::truth::{Attributes, Own, unix};
use serde_json::Value;
use std::cmp::Reverse;

/// The best first; of those that are equal, the newest.
const BEST: [&[&str]; 5] =
    [&["active"], &["past_due"], &["on_hold"], &["paused"], &["cancelled", "expired"]];

/// With a key that of the best subscription; without, that of the newest event.
pub fn of(own: &Own<'_>) -> Attributes {
    let mut events = own.events.iter().map(|it| &it.event);
    let newest = events.rfind(|event| says_something(event));
    let Some(newest) = newest else { return Attributes::new() };
    if !own.past.case.has_key {
        return attributes(&newest["data"]);
    }
    let all = own.objects("subscription", "subscription_id");
    let started: Vec<_> = all.into_iter().filter(|it| rank(it).is_some()).collect();
    let best = started.iter().min_by_key(|it| (rank(it), Reverse(it["created_at"].as_str())));
    let mut known = attributes(best.unwrap());
    let product = &best.unwrap()["product_id"];
    let (_, name) = PRODUCTS.iter().find(|(id, _)| product == id).unwrap();
    known.extend(name.map(|name| ("subscription_product_name".to_owned(), name.into())));
    let active = started.iter().filter(|it| it["status"] == "active").count();
    known.insert("active_subscriptions".to_owned(), active.into());
    known
}

/// A checkout that failed says nothing of a plan that runs.
pub fn says_something(event: &Value) -> bool {
    event["type"].as_str().unwrap().starts_with("subscription.")
        && event["type"] != "subscription.failed"
        && rank(&event["data"]).is_some()
}

/// `None` for what never started.
fn rank(subscription: &Value) -> Option<usize> {
    BEST.iter().position(|group| group.contains(&subscription["status"].as_str().unwrap()))
}

fn attributes(data: &Value) -> Attributes {
    let is_over = ["cancelled", "expired"].contains(&data["status"].as_str().unwrap());
    let next_billing = unix(&data["next_billing_date"]).filter(|_| !is_over);
    let known = [
        ("subscription_id", Some(data["subscription_id"].clone())),
        ("subscription_status", Some(data["status"].clone())),
        ("subscription_product_id", Some(data["product_id"].clone())),
        ("next_billing", next_billing),
        ("cancel_at_next_billing", Some(data["cancel_at_next_billing_date"].clone())),
        ("cancelled_at", unix(&data["cancelled_at"])),
        ("expires_at", unix(&data["expires_at"])),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

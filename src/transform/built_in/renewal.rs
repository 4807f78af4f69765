//! `subscription.renewed` comes for the very first charge too. A mail "thanks for renewing" on day one
//! is a mistake that only this module prevents.

use crate::event::{Event, date, lenient};

const SECONDS_PER_DAY: u64 = 86_400;

/// How much later than a subscription's creation (and its trial) the first charge may be: a customer
/// takes time at the checkout. Half of the shortest billing interval there is, a day.
const FIRST_CHARGE_WITHIN: u64 = SECONDS_PER_DAY / 2;

/// Whether a `subscription.renewed` is in truth the first charge. In that one Dodo's
/// `previous_billing_date` is the day on which the subscription was created (or its trial ended).
/// `None` for other events, and where the dates are missing.
pub(super) fn is_first_billing(event: &Event<'_>) -> Option<bool> {
    if event.event_type != "subscription.renewed" {
        return None;
    }
    let date = |field| date::unix_seconds(event.data.get(field)?);
    let trial_days = event.data.get("trial_period_days").and_then(lenient::integer).unwrap_or(0);
    let trial = u64::try_from(trial_days).unwrap_or(0).saturating_mul(SECONDS_PER_DAY);
    let latest = date("created_at")?.saturating_add(trial).saturating_add(FIRST_CHARGE_WITHIN);
    Some(date("previous_billing_date")? <= latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn first(event_type: &str, data: Value) -> Option<bool> {
        let Value::Object(data) = data else { panic!("an object") };
        is_first_billing(&Event {
            id: "msg_1",
            event_type: event_type.into(),
            timestamp_ms: None,
            data,
            raw: "",
        })
    }

    fn renewed(created: &str, previous: &str, trial_days: u64) -> Option<bool> {
        first(
            "subscription.renewed",
            json!({
                "created_at": created,
                "previous_billing_date": previous,
                "trial_period_days": trial_days,
            }),
        )
    }

    #[test]
    fn the_first_charge_is_told_from_the_later_ones() {
        let created = "2026-09-01T10:00:00.5Z";
        assert_eq!(renewed(created, "2026-09-01T10:00:00.5Z", 0), Some(true));
        assert_eq!(renewed(created, "2026-09-01T10:03:20Z", 0), Some(true));
        assert_eq!(renewed(created, "2026-09-02T10:00:00Z", 0), Some(false));
        assert_eq!(renewed(created, "2026-10-01T10:00:00Z", 0), Some(false));
    }

    #[test]
    fn a_trial_delays_the_first_charge() {
        let created = "2026-09-01T10:00:00Z";
        assert_eq!(renewed(created, "2026-09-15T10:00:00Z", 14), Some(true));
        assert_eq!(renewed(created, "2026-10-15T10:00:00Z", 14), Some(false));
        assert_eq!(renewed(created, "2026-09-15T10:00:00Z", u64::MAX), Some(false));
    }

    #[test]
    fn without_dates_or_for_other_events_nothing_is_claimed() {
        assert_eq!(first("subscription.renewed", json!({})), None);
        assert_eq!(first("subscription.renewed", json!({"created_at": "2026-09-01"})), None);
        let data = json!({"created_at": "2026-09-01", "previous_billing_date": "2026-09-01"});
        assert_eq!(first("subscription.active", data), None);
    }
}

//! What an event says about the state of its person, and whether it says anything.

use super::table::{self, When};
use super::updates_payment_method;
use crate::event::{Event, lenient};
use serde_json::{Map, Value};

/// The `data.status` of a payload, in lower case.
pub(super) fn status(data: &Map<String, Value>) -> String {
    let status = data.get("status").and_then(lenient::string);
    status.unwrap_or_default().to_ascii_lowercase()
}

/// Whether the person's state changes by this event, also if the event itself is switched off.
pub(super) fn is_stated(event: &Event<'_>) -> bool {
    table::group(&event.event_type).person.iter().any(|(when, _)| holds(*when, event))
}

/// Whether rows apply to an event.
pub(super) fn holds(when: When, event: &Event<'_>) -> bool {
    let amount = || event.data.get("total_amount").and_then(lenient::integer);
    match when {
        When::Paid => {
            event.event_type == "payment.succeeded"
                && !updates_payment_method(event)
                && amount().is_some_and(|amount| amount > 0)
        }
        When::Ended => {
            let is_ended = matches!(
                event.event_type.as_str(),
                "payment.succeeded" | "payment.failed" | "payment.cancelled"
            );
            is_ended && !updates_payment_method(event)
        }
        // A checkout that failed, or has yet to succeed, says nothing about a plan that runs.
        When::Ran => {
            event.event_type != "subscription.failed"
                && !matches!(status(&event.data).as_str(), "failed" | "pending")
        }
    }
}

/// Whether nothing more will be charged for a subscription.
pub(super) fn has_ended(subscription: &Map<String, Value>) -> bool {
    matches!(status(subscription).as_str(), "cancelled" | "expired" | "failed")
}

/// Whether an event takes something away: then what else the person has matters most.
pub(super) fn takes_away(event: &Event<'_>) -> bool {
    table::group(&event.event_type).prefix == "subscription"
        && matches!(
            status(&event.data).as_str(),
            "cancelled" | "expired" | "on_hold" | "paused" | "past_due"
        )
}

/// Whether what the person has paid in total changes by this event.
pub(in crate::transform) fn changes_lifetime(event: &Event<'_>) -> bool {
    match event.event_type.as_str() {
        "payment.succeeded" => !updates_payment_method(event),
        "refund.succeeded" | "dispute.lost" | "dispute.accepted" | "dispute.won" => true,
        _ => false,
    }
}

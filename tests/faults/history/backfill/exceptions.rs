//! What no list holds: the only differences that an import may leave.

use super::super::customers::Group;
use super::super::deliver::Run;
use super::super::identity::Name;
use super::snapshot::Difference;
use crate::clock::{MINUTE, SECOND};
use serde_json::Value;

/// A difference that is right.
pub struct Exception {
    /// `None` is the whole person.
    attribute: Option<&'static str>,
    /// Whether this difference is of that kind; more than its name must fit.
    fits: fn(&Run, &Difference) -> bool,
}

/// After an import alone.
pub const ONLY_IMPORTED: &[Exception] =
    &[END_OF_SUBSCRIPTION, NOT_IN_A_LIST, TIME_OF_SUCCESS, NEWEST_CUSTOMER];

/// After an import, and then all webhooks: what an import says is as new as the lists.
pub const REPLAYED: &[Exception] = &[TIME_OF_SUCCESS, NEWEST_CUSTOMER];

/// The list of subscriptions leaves out when they expire.
const END_OF_SUBSCRIPTION: Exception =
    Exception { attribute: Some("expires_at"), fits: |_, it| it.got.is_null() };

/// Whom nothing but abandoned checkouts, licenses and plans that never started name has no payment that
/// ended and no subscription that ran.
const NOT_IN_A_LIST: Exception = Exception {
    attribute: None,
    fits: |run, it| it.got == false && events_of(run, &it.name).all(is_without_list),
};

/// Lists say when a payment was made, not when it succeeded: here up to a few minutes later.
const TIME_OF_SUCCESS: Exception = Exception {
    attribute: Some("last_payment_date"),
    fits: |_, it| {
        let seconds = |value: &Value| value.as_u64().unwrap_or_default();
        let later = seconds(&it.expected).saturating_sub(seconds(&it.got));
        !it.got.is_null() && later > 0 && later <= 5 * MINUTE / SECOND
    },
};

/// Of several customers with one address the newest event decides, and lists do not have all events.
const NEWEST_CUSTOMER: Exception = Exception {
    attribute: Some("dodo_customer_id"),
    fits: |run, it| {
        let has = |group: &Group, id: &Value| group.iter().any(|one| *id == one.id.as_str());
        let mut groups = run.history.groups.iter();
        groups.any(|group| has(group, &it.got) && has(group, &it.expected))
    },
};

/// Attributes of objects that tell of an event, or are in payloads only.
const NOT_IN_LISTED_SUBSCRIPTIONS: [&str; 8] = [
    "dodo_event_type",
    "dodo_webhook_id",
    "is_first_billing",
    "payment_id",
    "expires_at",
    "past_due_ends_at",
    "cancellation_comment",
    "cancellation_feedback",
];

/// Attributes that an older event has set, and that no newer one clears since it does not have the field.
const LEFT_BY_OLDER_EVENTS: [(&str, &str); 4] = [
    ("paused_at", "/paused_at"),
    ("billing_country", "/billing/country"),
    ("payment_method_id", "/payment_method_id"),
    ("product_name", "/product_name"),
];

/// What webhooks have added to an object that was imported.
pub fn is_from_events(run: &Run, difference: &Difference) -> bool {
    let attribute = difference.attribute.as_deref().unwrap_or_default();
    let dodo = run.dodo_api.state();
    let now = dodo.subscriptions.get(&difference.name).unwrap();
    let is_left = |(name, field): &(&str, &str)| {
        *name == attribute && now.pointer(field).is_none_or(Value::is_null)
    };
    difference.got.is_null()
        && (NOT_IN_LISTED_SUBSCRIPTIONS.contains(&attribute)
            || LEFT_BY_OLDER_EVENTS.iter().any(is_left))
}

/// Whether one of them explains a difference.
pub fn explain(exceptions: &[Exception], run: &Run, difference: &Difference) -> bool {
    let is_it = |it: &&Exception| it.attribute == difference.attribute.as_deref();
    exceptions.iter().filter(is_it).any(|exception| (exception.fits)(run, difference))
}

/// The events that name somebody.
fn events_of<'a>(run: &'a Run, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let sent = run.history.happenings.iter().enumerate().filter(|(_, it)| it.is_sent);
    let own = sent.filter(move |(index, _)| match run.name(*index) {
        Some(Name::Id(own) | Name::Email(own)) => own == name,
        None => false,
    });
    own.map(|(_, happening)| &happening.event)
}

fn is_without_list(event: &Value) -> bool {
    let event_type = event["type"].as_str().unwrap();
    ["abandoned_checkout.", "license_key.", "subscription.failed"]
        .iter()
        .any(|without| event_type.starts_with(without))
}

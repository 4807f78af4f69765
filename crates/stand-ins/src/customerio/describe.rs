//! Short descriptions of requests, for people.

use super::Arrival;
use serde_json::{Map, Value};

/// The attributes worth showing, most informative first.
const INFORMATIVE: [&str; 14] = [
    "payment_amount",
    "last_payment_amount",
    "amount",
    "currency",
    "last_payment_currency",
    "subscription_status",
    "status",
    "is_first_billing",
    "payment_method",
    "error_code",
    "license_key",
    "trigger_state",
    "abandonment_reason",
    "email",
];

/// How many of them to show.
const MAX_SHOWN: usize = 4;

/// A line for the request and one for each of its items.
pub fn arrival(arrival: &Arrival) -> String {
    let lines = arrival.items().iter().map(|it| format!("\n    {:<32} {}", person(it), item(it)));
    format!("{} {}{}", arrival.status, arrival.path, lines.collect::<String>())
}

/// Such as `event "Payment Completed" payment_amount=29.00 currency=EUR`.
pub fn item(item: &Value) -> String {
    let action = item["action"].as_str().unwrap_or("?");
    let what = match item["name"].as_str() {
        Some(name) => format!("{action} \"{name}\""),
        None => action.to_owned(),
    };
    let attributes = item["attributes"].as_object().map(attributes).unwrap_or_default();
    format!("{what} {attributes}").trim_end().to_owned()
}

fn person(item: &Value) -> String {
    let identifiers = item["identifiers"].as_object();
    let first = identifiers.and_then(|identifiers| identifiers.iter().next());
    first.map(|(kind, value)| format!("{kind} {}", plain(value))).unwrap_or_default()
}

fn attributes(attributes: &Map<String, Value>) -> String {
    let informative = INFORMATIVE.iter().filter_map(|name| Some((name, attributes.get(*name)?)));
    let informative = informative.filter(|(_, value)| *value != "").take(MAX_SHOWN);
    informative
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A value without quotation marks.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

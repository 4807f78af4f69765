//! Fields that no row of the [`table`] names, so that what Dodo adds arrives before anybody adds a row.

use super::ExcludedFields;
use super::fields::{Amount, add};
use super::table::{self, Group, Kind, LEFT_OUT};
use crate::customerio::{Attributes, Weight};
use crate::event::{Event, date, lenient};
use serde_json::Value;

/// Passes on the scalar fields that no row names. The name tells the kind: `…_amount` and `amount_…` are
/// money if there is a `currency`, and `id` gets the group before it. What looks like a date becomes one.
pub(super) fn pass_through(
    group: &Group<'_>,
    event: &Event<'_>,
    excluded: &ExcludedFields,
    attributes: &mut Attributes,
) {
    let named = |name: &str| {
        let rows = group.event.iter().chain(table::EVERY_EVENT);
        LEFT_OUT.contains(&name) || rows.into_iter().any(|row| row.field == name)
    };
    for (name, value) in &event.data {
        if attributes.is_full() {
            return;
        }
        if !named(name) && !excluded.contain(name) {
            pass(name, value, group, event.data.get("currency"), attributes);
        }
    }
}

fn pass(
    name: &str,
    value: &Value,
    group: &Group<'_>,
    currency: Option<&Value>,
    attributes: &mut Attributes,
) {
    let is_amount = name == "amount" || name.ends_with("_amount") || name.starts_with("amount_");
    if is_amount
        && currency.is_some_and(Value::is_string)
        && let Some(amount) = Amount::read(Kind::Money("currency"), Some(value), currency)
    {
        return amount.add(name.to_owned(), attributes);
    }
    match value {
        Value::String(text) if date::is_rfc3339(text.trim()) => {
            let seconds = date::unix_seconds(value).map(Value::from);
            add(name.to_owned(), seconds, Weight::Essential, attributes);
        }
        Value::String(_) => {
            let name = if name == "id" { format!("{}_id", group.prefix) } else { name.to_owned() };
            add(name, lenient::string(value).map(Value::from), Weight::Optional, attributes);
        }
        Value::Number(_) | Value::Bool(_) => {
            add(name.to_owned(), Some(value.clone()), Weight::Optional, attributes);
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(data: Value) -> Event<'static> {
        let Value::Object(data) = data else { panic!("an object") };
        Event {
            id: "msg_1",
            event_type: "loyalty.earned".into(),
            timestamp_ms: Some(1_793_448_000_123),
            data,
            raw: "",
        }
    }

    fn passed_on(data: Value) -> Value {
        passed_on_without("", data)
    }

    fn passed_on_without(excluded: &str, data: Value) -> Value {
        let mut attributes = Attributes::default();
        let excluded = ExcludedFields::parse(excluded).unwrap();
        pass_through(&table::group("loyalty.earned"), &event(data), &excluded, &mut attributes);
        serde_json::to_value(&attributes).unwrap()
    }

    #[test]
    fn unknown_fields_keep_their_names() {
        let data = json!({
            "id": "loy_1",
            "points": 12,
            "tier": "gold",
            "vip": true,
            "earned_at": "2026-10-31T12:00:00.5+00:00",
            "bonus_amount": 150,
            "amount_lent": 7,
            "currency": "JPY",
            "list": [1],
            "object": {"a": 1},
            "nothing": null,
        });
        assert_eq!(
            passed_on(data),
            json!({
                "loyalty_id": "loy_1",
                "points": 12,
                "tier": "gold",
                "vip": true,
                "earned_at": 1_793_448_000,
                "amount_lent": "7",
                "amount_lent_minor": 7,
                "bonus_amount": "150",
                "bonus_amount_minor": 150,
            })
        );
    }

    #[test]
    fn an_amount_without_currency_is_just_a_number() {
        assert_eq!(passed_on(json!({"amount": 150})), json!({"amount": 150}));
    }

    #[test]
    fn an_excluded_field_is_not_passed_on_under_another_name_either() {
        let data = json!({"id": "loy_1", "tier": "gold", "points": 7});
        assert_eq!(passed_on_without("id,tier", data), json!({"points": 7}));
    }

    #[test]
    fn what_must_not_leave_does_not() {
        for name in LEFT_OUT {
            assert_eq!(passed_on(json!({*name: "x"})), json!({}), "{name}");
        }
    }

    #[test]
    fn a_flood_of_fields_ends_at_the_limit() {
        let data = (0..10_000).map(|n| (format!("field_{n}"), json!(n))).collect();
        let attributes = passed_on(Value::Object(data));
        assert_eq!(
            attributes.as_object().unwrap().len(),
            crate::customerio::limits::MAX_ATTRIBUTES
        );
    }
}

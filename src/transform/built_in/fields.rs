//! Walks the [`table`](super::table): reads fields of a payload and writes attributes.

use super::table::{Kind, Row};
use crate::customerio::{Attributes, Weight};
use crate::event::{date, lenient, money};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// As many items of a list as are sent.
const MAX_ITEMS: usize = 20;

/// Adds what the rows find in an object of Dodo's. What is absent or cannot be used is left out.
/// `occurred` is the time of the event, in Unix seconds.
pub(super) fn map(
    rows: &[Row],
    data: &Map<String, Value>,
    occurred: Option<u64>,
    attributes: &mut Attributes,
) {
    for row in rows {
        let field = lookup(data, row.field);
        match row.kind {
            Kind::Money(currency) | Kind::MoneyOrCleared(currency) | Kind::Decimal(currency) => {
                let Some(amount) = Amount::read(row.kind, field, lookup(data, currency)) else {
                    continue;
                };
                let clears = matches!(row.kind, Kind::MoneyOrCleared(_));
                let amount = if clears { amount.or_cleared() } else { amount };
                amount.add(row.attribute, attributes);
            }
            Kind::Occurred => {
                add(row.attribute, occurred.map(Value::from), Weight::Essential, attributes);
            }
            kind => add(row.attribute, read_as(kind, field), weight(kind), attributes),
        }
    }
}

fn lookup<'a>(data: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((parent, child)) => data.get(parent)?.get(child),
        None => data.get(path),
    }
}

fn read_as(kind: Kind, field: Option<&Value>) -> Option<Value> {
    match kind {
        Kind::Id | Kind::Text => field.and_then(lenient::string).map(Value::from),
        Kind::TextOr(default) => {
            Some(field.and_then(lenient::string).unwrap_or_else(|| default.to_owned()).into())
        }
        Kind::Number => field.and_then(lenient::number).map(Value::from),
        Kind::Flag => field.and_then(lenient::flag).map(Value::from),
        Kind::DateOrCleared if field == Some(&Value::Null) => Some("".into()),
        Kind::Date | Kind::DateOrCleared => field.and_then(date::unix_seconds).map(Value::from),
        Kind::Metadata => field.and_then(scalars_only),
        Kind::Strings => list(field?, |item| lenient::string(item).map(Value::from)),
        Kind::Objects(fields) => list(field?, |item| part(item, fields)),
        Kind::Money(_) | Kind::MoneyOrCleared(_) | Kind::Decimal(_) | Kind::Occurred => None,
    }
}

fn weight(kind: Kind) -> Weight {
    match kind {
        Kind::Metadata => Weight::Metadata,
        Kind::Strings | Kind::Objects(_) => Weight::List,
        Kind::Text | Kind::TextOr(_) => Weight::Optional,
        _ => Weight::Essential,
    }
}

pub(super) fn add(
    name: impl Into<Cow<'static, str>>,
    value: Option<Value>,
    weight: Weight,
    attributes: &mut Attributes,
) {
    if let Some(value) = value {
        attributes.add(name, value, weight);
    }
}

/// An amount of money, which is always added twice: as the decimal string that people read, if the
/// currency is known, and as the integer of minor units that Dodo sent.
pub(super) struct Amount {
    minor: i64,
    decimal: Option<String>,
}

impl Amount {
    pub(super) fn read(
        kind: Kind,
        amount: Option<&Value>,
        currency: Option<&Value>,
    ) -> Option<Self> {
        let currency = currency.and_then(Value::as_str);
        let minor = match kind {
            Kind::Decimal(_) => money::minor_or_decimal(amount?, currency.unwrap_or_default())?,
            _ => lenient::integer(amount?)?,
        };
        let decimal = currency.and_then(|code| money::decimal(minor, code));
        Some(Self { minor, decimal })
    }

    fn or_cleared(self) -> Self {
        Self { decimal: Some(self.decimal.unwrap_or_default()), ..self }
    }

    pub(super) fn add(self, name: impl Into<Cow<'static, str>>, attributes: &mut Attributes) {
        let name = name.into();
        let minor = format!("{name}_minor");
        add(name, self.decimal.map(Value::from), Weight::Essential, attributes);
        attributes.add(minor, self.minor, Weight::Essential);
    }
}

/// A list's usable items; absent if there are none.
fn list(value: &Value, read: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let items: Vec<_> = value.as_array()?.iter().filter_map(read).take(MAX_ITEMS).collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

/// Some scalar fields of an object; absent if it has none of them.
fn part(item: &Value, fields: &[&str]) -> Option<Value> {
    let found = fields.iter().filter_map(|field| Some((*field, item.get(field)?)));
    let found = found.filter(|(_, value)| is_scalar(value));
    let part: Map<_, _> = found.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    (!part.is_empty()).then_some(Value::Object(part))
}

fn scalars_only(metadata: &Value) -> Option<Value> {
    let entries = metadata.as_object()?.iter().filter(|(_, value)| is_scalar(value));
    let entries: Map<_, _> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
    (!entries.is_empty()).then_some(Value::Object(entries))
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn taken(kind: Kind, data: Value) -> Value {
        let mut attributes = Attributes::default();
        let row = Row { field: "field", attribute: "attribute", kind };
        map(&[row], data.as_object().unwrap(), Some(1_793_448_000), &mut attributes);
        serde_json::to_value(&attributes).unwrap()
    }

    #[test]
    fn each_kind_is_read_leniently() {
        for (kind, field, expected) in [
            (Kind::Id, json!(7), json!({"attribute": "7"})),
            (Kind::Text, json!(" x "), json!({"attribute": "x"})),
            (Kind::Text, json!(null), json!({})),
            (Kind::TextOr("unknown"), json!(null), json!({"attribute": "unknown"})),
            (Kind::Number, json!("3"), json!({"attribute": 3})),
            (Kind::Flag, json!("true"), json!({"attribute": true})),
            (Kind::Date, json!("2026-10-31T12:00:00Z"), json!({"attribute": 1_793_448_000})),
            (Kind::Date, json!(null), json!({})),
            (Kind::DateOrCleared, json!(null), json!({"attribute": ""})),
            (Kind::DateOrCleared, json!("soon"), json!({})),
            (Kind::Occurred, json!(null), json!({"attribute": 1_793_448_000})),
            (Kind::Metadata, json!({"a": 1, "b": {"c": 2}}), json!({"attribute": {"a": 1}})),
            (Kind::Metadata, json!({}), json!({})),
            (Kind::Metadata, json!("text"), json!({})),
            (Kind::Strings, json!(["a", 7, null, " "]), json!({"attribute": ["a", "7"]})),
            (Kind::Strings, json!([]), json!({})),
            (Kind::Strings, json!(vec!["a"; 30]), json!({"attribute": vec!["a"; 20]})),
            (
                Kind::Objects(&["code", "amount"]),
                json!([{"code": "X", "amount": 5, "nested": {}, "other": 1}, {"other": 1}, "x"]),
                json!({"attribute": [{"code": "X", "amount": 5}]}),
            ),
        ] {
            assert_eq!(taken(kind, json!({"field": field})), expected, "{kind:?} {field}");
        }
    }

    #[test]
    fn an_absent_date_clears_nothing() {
        assert_eq!(taken(Kind::DateOrCleared, json!({})), json!({}));
    }

    #[test]
    fn money_comes_twice_and_an_unknown_currency_once() {
        let data = |currency: Value| json!({"field": "2900", "currency": currency});
        let money = |currency| taken(Kind::Money("currency"), data(currency));
        assert_eq!(money(json!("USD")), json!({"attribute": "29.00", "attribute_minor": 2900}));
        assert_eq!(money(json!("XXZ")), json!({"attribute_minor": 2900}));
        assert_eq!(money(json!(null)), json!({"attribute_minor": 2900}));
        assert_eq!(taken(Kind::Money("currency"), json!({"field": "29.00"})), json!({}));

        let of_person = taken(Kind::MoneyOrCleared("currency"), data(json!("XXZ")));
        assert_eq!(of_person, json!({"attribute": "", "attribute_minor": 2900}));
    }

    #[test]
    fn a_disputes_amount_may_be_a_decimal() {
        let data = |amount: Value| json!({"field": amount, "currency": "USD"});
        for amount in [json!("400"), json!(400), json!("4.00")] {
            let disputed = taken(Kind::Decimal("currency"), data(amount));
            assert_eq!(disputed, json!({"attribute": "4.00", "attribute_minor": 400}));
        }
        assert_eq!(taken(Kind::Money("currency"), data(json!("4.00"))), json!({}));
    }
}

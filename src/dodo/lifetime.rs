//! What a customer has paid in total. Pure.

use crate::event::{Event, date, lenient, money};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a customer has paid in total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifetimeValue {
    /// ISO 4217.
    pub currency: String,
    /// Succeeded payments in that currency without what was refunded, in minor units.
    pub total_minor: i64,
    /// Succeeded payments in any currency.
    pub payments_count: usize,
    /// Of the first one, in Unix seconds.
    pub first_payment_date: Option<u64>,
}

impl LifetimeValue {
    pub(super) fn attributes(&self) -> Vec<(&'static str, Value)> {
        let Self { currency, total_minor, payments_count, first_payment_date } = self;
        // Cleared if it cannot be written, or it would keep its value in another currency.
        let decimal = money::decimal(*total_minor, currency).unwrap_or_default();
        let mut attributes = vec![
            ("total_spent", decimal.into()),
            ("total_spent_minor", (*total_minor).into()),
            ("total_spent_currency", currency.as_str().into()),
            ("payments_count", (*payments_count).into()),
        ];
        attributes.extend(first_payment_date.map(|date| ("first_payment_date", date.into())));
        attributes
    }
}

/// A customer's succeeded payments and refunds, as far as the API lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Any order; an item may be there twice, since pages shift while they are read.
    pub payments: Vec<Payment>,
    /// The same.
    pub refunds: Vec<Refund>,
}

/// A succeeded payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payment {
    id: String,
    /// Minor units.
    amount: i64,
    currency: String,
    /// Unix seconds.
    created_at: Option<u64>,
}

/// A succeeded refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refund {
    id: String,
    payment_id: String,
    /// Minor units; absent: the whole payment, unless it is partial.
    amount: Option<i64>,
    currency: Option<String>,
    is_partial: bool,
}

impl Payment {
    /// Reads what the API lists or a webhook holds. `None` if it cannot be used in a sum.
    pub(super) fn read(item: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            id: lenient::string(item.get("payment_id")?)?,
            amount: lenient::integer(item.get("total_amount")?)?,
            currency: currency(item)?,
            created_at: item.get("created_at").and_then(date::unix_seconds),
        })
    }
}

impl Refund {
    /// Reads what the API lists or a webhook holds. `None` if it cannot be used in a sum.
    pub(super) fn read(item: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            id: lenient::string(item.get("refund_id")?)?,
            payment_id: lenient::string(item.get("payment_id")?)?,
            amount: item.get("amount").and_then(lenient::integer),
            currency: currency(item),
            is_partial: item.get("is_partial").and_then(lenient::flag).unwrap_or(true),
        })
    }
}

fn currency(item: &Map<String, Value>) -> Option<String> {
    Some(lenient::string(item.get("currency")?)?.to_ascii_uppercase())
}

impl History {
    /// The sums in the currency of the webhook's payment or refund, which counts whether it is listed
    /// yet or not. `None` rather than a wrong one.
    pub(super) fn lifetime(self, event: &Event<'_>) -> Option<LifetimeValue> {
        let mut payments = by_id(self.payments, |payment| &payment.id);
        let mut refunds = by_id(self.refunds, |refund| &refund.id);
        let currency = if event.event_type.starts_with("refund.") {
            let own = Refund::read(&event.data)?;
            let paid = payments.get(&own.payment_id).map(|payment| payment.currency.clone());
            let currency = paid.or_else(|| own.currency.clone())?;
            refunds.entry(own.id.clone()).or_insert(own);
            currency
        } else {
            let own = Payment::read(&event.data)?;
            let currency = own.currency.clone();
            payments.entry(own.id.clone()).or_insert(own);
            currency
        };
        let mut total_minor = 0_i64;
        for payment in payments.values().filter(|payment| payment.currency == currency) {
            let of_payment = refunds.values().filter(|refund| refund.payment_id == payment.id);
            total_minor = total_minor.checked_add(left_of(payment, of_payment)?)?;
        }
        Some(LifetimeValue {
            currency,
            total_minor,
            payments_count: payments.len(),
            first_payment_date: payments.values().filter_map(|payment| payment.created_at).min(),
        })
    }
}

/// What is left of a payment after its refunds.
fn left_of<'a>(payment: &Payment, refunds: impl Iterator<Item = &'a Refund>) -> Option<i64> {
    let mut left = payment.amount;
    for refund in refunds {
        if refund.currency.as_ref().is_some_and(|currency| *currency != payment.currency) {
            return None;
        }
        let refunded = match refund.amount {
            Some(amount) => amount,
            None if refund.is_partial => return None,
            None => left,
        };
        left = left.checked_sub(refunded)?;
    }
    Some(left)
}

/// An item that is listed twice counts once.
fn by_id<T>(items: Vec<T>, id: impl Fn(&T) -> &String) -> BTreeMap<String, T> {
    items.into_iter().map(|item| (id(&item).clone(), item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payment(id: &str, amount: i64, currency: &str) -> Value {
        json!({
            "payment_id": id, "total_amount": amount, "currency": currency,
            "created_at": "2026-10-31T12:00:00Z",
        })
    }

    fn refund(id: &str, payment: &str, amount: Value) -> Value {
        json!({"refund_id": id, "payment_id": payment, "amount": amount, "is_partial": true})
    }

    fn event(event_type: &str, data: &Value) -> Event<'static> {
        Event {
            id: "msg_1",
            event_type: event_type.to_owned(),
            timestamp_ms: None,
            data: data.as_object().unwrap().clone(),
            raw: "",
        }
    }

    /// After a payment of one thousand euros that is not listed.
    fn after(payments: &[Value], refunds: &[Value]) -> Option<LifetimeValue> {
        let read = |items: &[Value]| -> Vec<Map<String, Value>> {
            items.iter().map(|item| item.as_object().unwrap().clone()).collect()
        };
        let history = History {
            payments: read(payments).iter().map(|item| Payment::read(item).unwrap()).collect(),
            refunds: read(refunds).iter().map(|item| Refund::read(item).unwrap()).collect(),
        };
        history.lifetime(&event("payment.succeeded", &payment("own", 1_000, "EUR")))
    }

    fn total(payments: &[Value], refunds: &[Value]) -> Option<i64> {
        after(payments, refunds).map(|lifetime| lifetime.total_minor)
    }

    #[test]
    fn an_item_counts_once_however_often_it_is_listed() {
        let own = payment("own", 1_000, "EUR");
        let other = payment("other", 500, "EUR");
        assert_eq!(total(&[], &[]), Some(1_000));
        assert_eq!(total(&[own.clone(), other.clone(), own, other.clone()], &[]), Some(1_500));
        let half = refund("half", "other", json!(250));
        assert_eq!(total(std::slice::from_ref(&other), &[half.clone(), half]), Some(1_250));
    }

    #[test]
    fn refunds_come_off_their_own_payments_only() {
        let yen = payment("yen", 700, "jpy");
        let of_yen = refund("of_yen", "yen", json!(700));
        let of_nothing = refund("of_nothing", "unknown", json!(900));
        let lifetime = after(&[yen], &[of_yen, of_nothing]).unwrap();
        assert_eq!((lifetime.total_minor, lifetime.payments_count), (1_000, 2));
        assert_eq!(lifetime.first_payment_date, Some(1_793_448_000));
    }

    #[test]
    fn a_whole_refund_needs_no_amount_and_a_partial_one_does() {
        let mut whole = refund("whole", "own", Value::Null);
        assert_eq!(total(&[], std::slice::from_ref(&whole)), None);
        whole["is_partial"] = false.into();
        assert_eq!(total(&[], &[whole]), Some(0));
    }

    #[test]
    fn amounts_beyond_all_numbers_are_no_sum() {
        assert_eq!(total(&[payment("other", i64::MAX, "EUR")], &[]), None);
    }

    #[test]
    fn a_refunds_currency_is_that_of_its_payment() {
        let history = || History {
            payments: vec![
                Payment::read(payment("own", 1_000, "EUR").as_object().unwrap()).unwrap(),
            ],
            refunds: Vec::new(),
        };
        let mut own = refund("own", "own", json!(100));
        let lifetime = history().lifetime(&event("refund.succeeded", &own)).unwrap();
        assert_eq!((lifetime.currency.as_str(), lifetime.total_minor), ("EUR", 900));
        own["currency"] = "USD".into();
        assert_eq!(history().lifetime(&event("refund.succeeded", &own)), None);
    }
}

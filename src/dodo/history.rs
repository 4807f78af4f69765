//! What a customer has paid in all. Pure.

use super::facts::Lifetime;
use crate::transform::{date, read};
use crate::webhook::Envelope;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A customer's succeeded payments and refunds, as far as the API lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Any order; an item may be there twice, since pages shift while they are read.
    pub payments: Vec<Payment>,
    /// The same.
    pub refunds: Vec<Refund>,
}

/// A succeeded payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    id: String,
    /// Minor units.
    amount: i64,
    currency: String,
    /// Unix seconds.
    created_at: Option<u64>,
}

/// A succeeded refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    id: String,
    payment_id: String,
    /// Minor units; absent: the whole payment, unless it is partial.
    amount: Option<i64>,
    currency: Option<String>,
    is_partial: bool,
}

impl Payment {
    /// Reads what the API lists or a webhook holds. `None` if it cannot be reckoned with.
    pub fn read(item: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            id: read::text(item.get("payment_id")?)?,
            amount: read::integer(item.get("total_amount")?)?,
            currency: currency(item)?,
            created_at: item.get("created_at").and_then(date::unix_seconds),
        })
    }
}

impl Refund {
    /// Reads what the API lists or a webhook holds. `None` if it cannot be reckoned with.
    pub fn read(item: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            id: read::text(item.get("refund_id")?)?,
            payment_id: read::text(item.get("payment_id")?)?,
            amount: item.get("amount").and_then(read::integer),
            currency: currency(item),
            is_partial: item.get("is_partial").and_then(read::flag).unwrap_or(true),
        })
    }
}

fn currency(item: &Map<String, Value>) -> Option<String> {
    Some(read::text(item.get("currency")?)?.to_ascii_uppercase())
}

impl History {
    /// The sums in the currency of the webhook's payment or refund, which counts whether it is listed
    /// yet or not. `None` rather than a wrong one.
    pub fn lifetime(self, envelope: &Envelope) -> Option<Lifetime> {
        let (mut payments, mut refunds) = (by_id(self.payments), by_id(self.refunds));
        let currency = if envelope.event_type.starts_with("refund.") {
            let own = Refund::read(&envelope.data)?;
            let paid = payments.get(&own.payment_id).map(|payment| payment.currency.clone());
            let currency = paid.or_else(|| own.currency.clone())?;
            refunds.entry(own.id.clone()).or_insert(own);
            currency
        } else {
            let own = Payment::read(&envelope.data)?;
            let currency = own.currency.clone();
            payments.entry(own.id.clone()).or_insert(own);
            currency
        };
        let mut total_minor = 0_i64;
        for payment in payments.values().filter(|payment| payment.currency == currency) {
            let of_payment = refunds.values().filter(|refund| refund.payment_id == payment.id);
            total_minor = total_minor.checked_add(left_of(payment, of_payment)?)?;
        }
        Some(Lifetime {
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

trait Identified {
    fn id(&self) -> &str;
}

impl Identified for Payment {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

fn by_id<T: Identified>(items: Vec<T>) -> BTreeMap<String, T> {
    items.into_iter().map(|item| (item.id().to_owned(), item)).collect()
}

//! What Dodo's API shows of an object: lists leave fields out, and payments know their refunds and disputes.

use super::State;
use serde_json::{Value, json};

/// All that a listed payment has, beside what is known of its refunds and disputes.
const LISTED_PAYMENT: [&str; 9] = [
    "payment_id",
    "total_amount",
    "currency",
    "status",
    "created_at",
    "customer",
    "subscription_id",
    "subscription_ids",
    "metadata",
];

const LISTED_DISPUTE: [&str; 7] = [
    "dispute_id",
    "payment_id",
    "amount",
    "currency",
    "dispute_status",
    "dispute_stage",
    "created_at",
];

const NOT_IN_LISTED_SUBSCRIPTION: [&str; 5] =
    ["expires_at", "addons", "meters", "cancellation_feedback", "cancellation_comment"];

impl State {
    pub(super) fn listed_payment(&self, payment: &Value) -> Value {
        let mut item = only(payment, &LISTED_PAYMENT);
        item["refund_status"] = self.refund_status(payment);
        item["dispute_status"] = self.dispute_status(payment);
        item
    }

    pub(super) fn whole_payment(&self, payment: &Value) -> Value {
        let mut whole = payment.clone();
        whole["refund_status"] = self.refund_status(payment);
        let id = text(payment, "payment_id");
        whole["refunds"] = self.refunds.of_payment(id).map(listed_refund).collect();
        whole["disputes"] = self.disputes.of_payment(id).map(listed_dispute).collect();
        whole
    }

    pub(super) fn listed_subscription(&self, subscription: &Value) -> Value {
        let mut item = without(subscription, &NOT_IN_LISTED_SUBSCRIPTION);
        let product = self.products.get(text(subscription, "product_id"));
        item["product_name"] = product.map_or(Value::Null, |product| product["name"].clone());
        item
    }

    /// `partial` or `full`; null if nothing has been refunded.
    fn refund_status(&self, payment: &Value) -> Value {
        let refunds = self.refunds.of_payment(text(payment, "payment_id"));
        let succeeded: Vec<_> = refunds.filter(|refund| refund["status"] == "succeeded").collect();
        let refunded: i64 = succeeded.iter().filter_map(|refund| refund["amount"].as_i64()).sum();
        let paid = payment["total_amount"].as_i64().unwrap_or(i64::MAX);
        let whole = |refund: &&Value| refund["is_partial"] == false;
        match succeeded.as_slice() {
            [] => Value::Null,
            refunds if refunds.iter().any(whole) || refunded >= paid => "full".into(),
            _ => "partial".into(),
        }
    }

    /// The newest dispute's.
    fn dispute_status(&self, payment: &Value) -> Value {
        let newest = self.disputes.of_payment(text(payment, "payment_id")).last();
        newest.map_or(Value::Null, |dispute| dispute["dispute_status"].clone())
    }
}

pub(super) fn listed_refund(refund: &Value) -> Value {
    without(refund, &["customer"])
}

pub(super) fn listed_dispute(dispute: &Value) -> Value {
    only(dispute, &LISTED_DISPUTE)
}

pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

fn only(object: &Value, fields: &[&str]) -> Value {
    let mut copy = json!({});
    for field in fields {
        copy[*field] = object[*field].clone();
    }
    copy
}

fn without(object: &Value, fields: &[&str]) -> Value {
    let mut copy = object.clone();
    if let Some(copy) = copy.as_object_mut() {
        copy.retain(|field, _| !fields.contains(&field.as_str()));
    }
    copy
}

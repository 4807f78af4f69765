//! What Dodo's API shows of an object: lists leave fields out, and payments know their refunds and disputes.

use super::State;
use serde_json::{Value, json};

/// All that a listed payment has, beside what is known of its refunds and disputes: nothing of what was
/// bought or settled, no error, and not whether it updated a payment method.
const LISTED_PAYMENT: [&str; 27] = [
    "payment_id",
    "brand_id",
    "total_amount",
    "currency",
    "status",
    "created_at",
    "customer",
    "subscription_id",
    "subscription_ids",
    "is_multi_subscription",
    "service_periods",
    "includes_usage",
    "charge_type",
    "retry_attempt",
    "payment_method",
    "payment_method_type",
    "payment_provider",
    "card_exp_month",
    "card_exp_year",
    "card_last_four",
    "card_network",
    "card_type",
    "checkout_session_id",
    "digital_products_delivered",
    "invoice_id",
    "invoice_url",
    "metadata",
];

const LISTED_REFUND: [&str; 11] = [
    "refund_id",
    "payment_id",
    "business_id",
    "amount",
    "currency",
    "is_partial",
    "status",
    "reason",
    "created_at",
    "network_reference",
    "network_reference_type",
];

const LISTED_DISPUTE: [&str; 10] = [
    "dispute_id",
    "payment_id",
    "business_id",
    "amount",
    "currency",
    "dispute_status",
    "dispute_stage",
    "created_at",
    "payment_provider",
    "is_resolved_by_rdr",
];

/// What only the subscription itself has, and what only a webhook has.
const NOT_IN_LISTED_SUBSCRIPTION: [&str; 9] = [
    "expires_at",
    "addons",
    "meters",
    "cancellation_feedback",
    "cancellation_comment",
    "past_due_ends_at",
    "credit_entitlement_cart",
    "payment_id",
    "payload_type",
];

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
    only(refund, &LISTED_REFUND)
}

pub(super) fn listed_dispute(dispute: &Value) -> Value {
    only(dispute, &LISTED_DISPUTE)
}

/// The list does not say who is blocked.
pub(super) fn listed_customer(customer: &Value) -> Value {
    without(customer, &["blocked_at"])
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

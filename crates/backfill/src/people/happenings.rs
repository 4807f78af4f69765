//! From the objects in Dodo's lists to the events that told of them.

use super::customer::Customer;
use dodo_customerio::dodo::{Object, named_subscription};
use dodo_customerio::event::{date, lenient};
use std::collections::BTreeMap;

/// Something that happened to an object, as a webhook would have told of it.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Such as `payment.succeeded`.
    pub event_type: String,
    /// Stands for the `webhook-id`: the same in every run.
    pub id: String,
    /// In Unix milliseconds, as far as the list says.
    pub at: Option<u64>,
    /// The object.
    pub data: Object,
    /// Whether history has it as an event of its own.
    pub is_history: bool,
}

/// Everything that happened to a customer's objects, as far as their present state tells, oldest first.
/// `with_renewals`: also that subscriptions were paid for, which can name another person.
pub fn of(customer: &Customer, with_renewals: bool) -> Vec<Happening> {
    let mut all = Vec::new();
    let payments = customer.payments.iter();
    all.extend(payments.filter_map(|(id, payment)| of_payment(id, payment)));
    all.extend(customer.refunds.iter().filter_map(|(id, refund)| of_refund(id, refund)));
    all.extend(customer.disputes.iter().filter_map(|(id, dispute)| of_dispute(id, dispute)));
    let renewals = if with_renewals { renewals(customer) } else { BTreeMap::new() };
    for (id, subscription) in &customer.subscriptions {
        of_subscription(id, subscription, renewals.get(id), &mut all);
    }
    all.sort_by_key(|happening| happening.at);
    all
}

fn happening(event_type: &str, id: &str, at: Option<u64>, data: &Object) -> Happening {
    Happening {
        event_type: event_type.to_owned(),
        id: format!("backfill_{event_type}_{id}"),
        at,
        data: data.clone(),
        is_history: false,
    }
}

/// A payment that waits for its payer has no webhook.
fn of_payment(id: &str, payment: &Object) -> Option<Happening> {
    let event_type = match status(payment).as_str() {
        "succeeded" => "payment.succeeded",
        "failed" => "payment.failed",
        "cancelled" => "payment.cancelled",
        "processing" => "payment.processing",
        _ => return None,
    };
    let amount = payment.get("total_amount").and_then(lenient::integer);
    // A payment of zero may be a trial, or update a card: no list says which.
    let is_history = event_type == "payment.succeeded" && amount.is_some_and(|amount| amount > 0);
    Some(Happening { is_history, ..happening(event_type, id, created(payment), payment) })
}

fn of_refund(id: &str, refund: &Object) -> Option<Happening> {
    let (event_type, is_history) = match status(refund).as_str() {
        "succeeded" => ("refund.succeeded", true),
        "failed" => ("refund.failed", false),
        _ => return None,
    };
    Some(Happening { is_history, ..happening(event_type, id, created(refund), refund) })
}

fn of_dispute(id: &str, dispute: &Object) -> Option<Happening> {
    let status = dispute.get("dispute_status").and_then(lenient::string)?.to_ascii_lowercase();
    let event_type = format!("dispute.{}", status.trim_start_matches("dispute_"));
    Some(happening(&event_type, id, created(dispute), dispute))
}

/// One that is pending has no webhook. The state is that of `status`, whatever the type.
fn of_subscription(
    id: &str,
    subscription: &Object,
    paid_by: Option<&(Option<u64>, String)>,
    all: &mut Vec<Happening>,
) {
    let status = status(subscription);
    if status == "pending" {
        return;
    }
    if status == "failed" {
        return all.push(happening("subscription.failed", id, created(subscription), subscription));
    }
    let started = happening("subscription.active", id, created(subscription), subscription);
    all.push(Happening { is_history: true, ..started });
    if let Some((paid_at, payment_id)) = paid_by {
        let mut renewed = happening("subscription.renewed", id, *paid_at, subscription);
        renewed.data.insert("payment_id".to_owned(), payment_id.as_str().into());
        all.push(renewed);
    }
    let cancelled_at = subscription.get("cancelled_at").and_then(date::unix_milliseconds);
    if status == "cancelled" && cancelled_at.is_some() {
        let cancelled = happening("subscription.cancelled", id, cancelled_at, subscription);
        all.push(Happening { is_history: true, ..cancelled });
    }
}

/// The newest succeeded payment of each subscription, and when it was made.
fn renewals(customer: &Customer) -> BTreeMap<String, (Option<u64>, String)> {
    let mut newest = BTreeMap::new();
    for (id, payment) in &customer.payments {
        if status(payment) == "succeeded"
            && let Some(subscription) = named_subscription(payment)
        {
            let this = (created(payment), id.clone());
            let entry = newest.entry(subscription).or_insert_with(|| this.clone());
            *entry = this.max(entry.clone());
        }
    }
    newest
}

fn status(object: &Object) -> String {
    let status = object.get("status").and_then(lenient::string);
    status.unwrap_or_default().to_ascii_lowercase()
}

fn created(object: &Object) -> Option<u64> {
    object.get("created_at").and_then(date::unix_milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    fn shown(customer: &Customer, with_renewals: bool) -> Vec<String> {
        let show = |it: Happening| format!("{}{}", it.id, if it.is_history { " *" } else { "" });
        of(customer, with_renewals).into_iter().map(show).collect()
    }

    #[test]
    fn objects_tell_of_what_webhooks_told() {
        let mut customer = Customer::default();
        for (id, status, amount, day) in [
            ("pay_1", "succeeded", 2900, 1),
            ("pay_2", "succeeded", 0, 2),
            ("pay_3", "requires_customer_action", 2900, 3),
            ("pay_4", "failed", 2900, 4),
        ] {
            let payment = json!({"status": status, "total_amount": amount, "created_at": format!("2026-03-0{day}")});
            customer.payments.insert(id.to_owned(), Arc::new(object(payment)));
        }
        for (id, status) in [("ref_1", "succeeded"), ("ref_2", "pending")] {
            let refund = json!({"status": status, "created_at": "2026-03-05"});
            customer.refunds.insert(id.to_owned(), object(refund));
        }
        let dispute = json!({"dispute_status": "dispute_lost", "created_at": "2026-03-06"});
        customer.disputes.insert("dis_1".to_owned(), object(dispute));
        assert_eq!(
            shown(&customer, false),
            [
                "backfill_payment.succeeded_pay_1 *",
                "backfill_payment.succeeded_pay_2",
                "backfill_payment.failed_pay_4",
                "backfill_refund.succeeded_ref_1 *",
                "backfill_dispute.lost_dis_1",
            ]
        );
    }

    #[test]
    fn subscriptions_start_are_paid_for_and_end() {
        let mut customer = Customer::default();
        for (id, status) in [
            ("sub_1", "cancelled"),
            ("sub_2", "pending"),
            ("sub_3", "failed"),
            ("sub_4", "on_hold"),
        ] {
            let subscription =
                json!({"status": status, "created_at": "2026-03-01", "cancelled_at": "2026-03-09"});
            customer.subscriptions.insert(id.to_owned(), Arc::new(object(subscription)));
        }
        for (id, day) in [("pay_1", 2), ("pay_2", 3)] {
            let payment = json!({"status": "succeeded", "total_amount": 1, "subscription_id": "sub_1", "created_at": format!("2026-03-0{day}")});
            customer.payments.insert(id.to_owned(), Arc::new(object(payment)));
        }
        let all = of(&customer, true);
        let renewed = all.iter().find(|it| it.event_type == "subscription.renewed").unwrap();
        assert_eq!(renewed.data["payment_id"], "pay_2");
        assert_eq!(
            shown(&customer, true),
            [
                "backfill_subscription.active_sub_1 *",
                "backfill_subscription.failed_sub_3",
                "backfill_subscription.active_sub_4 *",
                "backfill_payment.succeeded_pay_1 *",
                "backfill_payment.succeeded_pay_2 *",
                "backfill_subscription.renewed_sub_1",
                "backfill_subscription.cancelled_sub_1 *",
            ]
        );
        assert!(!shown(&customer, false).iter().any(|it| it.contains("renewed")));
    }
}

//! What a person has paid in total.

use super::truth::{Attributes, Own, unix};
use crate::clock::SECOND;
use serde_json::Value;
use std::collections::BTreeMap;

/// After these the sums are known.
const EVENTS: [&str; 5] =
    ["payment.succeeded", "refund.succeeded", "dispute.lost", "dispute.accepted", "dispute.won"];

/// Of one currency.
#[derive(Default)]
struct Sum<'a> {
    minor: i64,
    payments: usize,
    newest: &'a str,
}

pub fn of(own: &Own<'_>) -> Attributes {
    if !own.events.iter().any(|it| change_by(&it.event)) {
        return Attributes::new();
    }
    let mut known = of_customers(own);
    let mut set = |name: &str, value: Value| known.insert(name.to_owned(), value);
    let purchases = purchases(own);
    let sums = sums(own, &purchases);
    let main = sums.iter().max_by_key(|(_, sum)| (sum.payments, sum.newest));
    let Some((currency, main)) = main else { return known };
    set("total_spent", decimal(main.minor, currency).into());
    set("total_spent_minor", main.minor.into());
    set("total_spent_currency", (*currency).into());
    for (currency, Sum { minor, .. }) in &sums {
        let name = format!("total_spent_{}", currency.to_lowercase());
        set(&format!("{name}_minor"), (*minor).into());
        set(&name, decimal(*minor, currency).into());
    }
    set("payments_count", purchases.len().into());
    let first = purchases.iter().filter_map(|it| unix(&it["created_at"])?.as_u64()).min();
    set("first_payment_date", first.into());
    known
}

/// Whether the sums are asked for.
pub fn change_by(event: &Value) -> bool {
    let is_purchase = event["data"]["is_update_payment_method"] != true;
    is_purchase && EVENTS.contains(&event["type"].as_str().unwrap())
}

/// Of someone who never paid, or of whom the sums were never asked.
pub fn without_payments(own: &Own<'_>) -> Attributes {
    let mut known = of_customers(own);
    known.insert("payments_count".to_owned(), 0.into());
    known
}

fn of_customers(own: &Own<'_>) -> Attributes {
    let since = own.customers().map(|customer| customer.joined / SECOND).min();
    let mut known = Attributes::from([("customer_since".to_owned(), since.into())]);
    let locale = own.customers().find_map(|customer| customer.locale);
    known.extend(locale.map(|locale| ("preferred_locale".to_owned(), locale.into())));
    known
}

fn purchases<'a>(own: &Own<'a>) -> Vec<&'a Value> {
    let mut payments = own.objects("payment", "payment_id");
    payments.retain(|it| it["status"] == "succeeded" && it["total_amount"].as_i64().unwrap() > 0);
    payments
}

fn sums<'a>(own: &Own<'a>, purchases: &[&'a Value]) -> BTreeMap<&'a str, Sum<'a>> {
    let (refunds, disputes) =
        (own.objects("refund", "refund_id"), own.objects("dispute", "dispute_id"));
    let mut sums: BTreeMap<&str, Sum<'_>> = BTreeMap::new();
    for payment in purchases {
        let is_of = |it: &&&Value| it["payment_id"] == payment["payment_id"];
        let refunded = refunds.iter().filter(is_of).map(|it| refunded(it, payment));
        let charged_back = disputes.iter().filter(is_of).map(|it| charged_back(it));
        let gone: i64 = refunded.chain(charged_back).sum();
        let sum = sums.entry(payment["currency"].as_str().unwrap()).or_default();
        sum.minor += payment["total_amount"].as_i64().unwrap() - gone;
        sum.payments += 1;
        sum.newest = sum.newest.max(payment["created_at"].as_str().unwrap());
    }
    sums
}

fn refunded(refund: &Value, payment: &Value) -> i64 {
    let amount = refund["amount"].as_i64().or(payment["total_amount"].as_i64()).unwrap();
    if refund["status"] == "succeeded" { amount } else { 0 }
}

/// Minor units, or a decimal with two places.
fn charged_back(dispute: &Value) -> i64 {
    let is_lost =
        ["dispute_lost", "dispute_accepted"].iter().any(|it| dispute["dispute_status"] == *it);
    let amount = dispute["amount"].as_str().unwrap();
    if is_lost { amount.replace('.', "").parse().unwrap() } else { 0 }
}

/// As people write an amount.
pub fn decimal(minor: i64, currency: &str) -> String {
    match currency {
        "JPY" | "CLP" => minor.to_string(),
        "KWD" => format!("{}.{:03}", minor / 1000, minor % 1000),
        _ => format!("{}.{:02}", minor / 100, minor % 100),
    }
}

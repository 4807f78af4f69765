//! Lists of a large business, written as they are asked for: a million payments take no memory.

use super::query::{Query, Window};
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;
use time::{OffsetDateTime, UtcDateTime};

/// One of so many customers has a subscription.
const CUSTOMERS_A_SUBSCRIPTION: u64 = 4;

/// One of so many payments is refunded in part, one of so many is disputed.
const PAYMENTS_A_REFUND: u64 = 50;
const PAYMENTS_A_DISPUTE: u64 = 500;

/// One of so many payments fails.
const PAYMENTS_A_FAILURE: u64 = 20;

/// Customers, and what they have bought evenly over a period. The older a customer, the more payments.
#[derive(Debug, Clone)]
pub struct Archive {
    customers: u64,
    payments: u64,
    /// Unix microseconds.
    period: Range<i64>,
}

/// What a business comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Customers with a payment or a subscription.
    pub people: usize,
    /// Succeeded payments, all above zero.
    pub payments: u64,
    /// What is left of those after refunds and lost disputes, in minor units of both currencies.
    pub minor: i64,
}

/// Objects at equal distances.
struct Series {
    count: u64,
    /// Unix microseconds.
    first: i64,
    step: i64,
}

impl Archive {
    /// So many of them over a period in Unix seconds, at a microsecond's distance at least. Subscriptions,
    /// refunds and disputes follow from that.
    pub fn new(customers: u64, payments: u64, period: Range<i64>) -> Self {
        let period = period.start * 1_000_000..period.end * 1_000_000;
        Self { customers, payments, period }
    }

    /// What a backfill must find.
    pub fn totals(&self) -> Totals {
        let subscribers = (0..self.length("subscriptions")).map(|it| it * CUSTOMERS_A_SUBSCRIPTION);
        let payers = (0..self.payments).map(|payment| self.payer(payment));
        let people: HashSet<_> = subscribers.chain(payers).collect();
        let succeeded = || (0..self.payments).filter(|payment| has_succeeded(*payment));
        let paid = succeeded().map(amount).sum::<u64>();
        let refunds =
            (0..self.length("refunds")).map(|refund| refunded(refund * PAYMENTS_A_REFUND));
        let lost = (0..self.length("disputes")).filter(|dispute| is_lost(*dispute));
        let disputed = lost.map(|dispute| amount(payment_of_dispute(dispute)));
        Totals {
            people: people.len(),
            payments: succeeded().count() as u64,
            minor: paid.cast_signed() - refunds.chain(disputed).sum::<u64>().cast_signed(),
        }
    }

    /// How many items a list has; 0 if there is no such list.
    pub fn count(&self, list: &str) -> usize {
        usize::try_from(self.length(list)).unwrap_or(usize::MAX)
    }

    fn length(&self, list: &str) -> u64 {
        match list {
            "customers" => self.customers,
            "payments" => self.payments,
            "subscriptions" => self.customers / CUSTOMERS_A_SUBSCRIPTION,
            "refunds" => self.payments / PAYMENTS_A_REFUND,
            "disputes" => self.payments / PAYMENTS_A_DISPUTE,
            _ => 0,
        }
    }

    /// A page as JSON; `None` if the query has filters, which are for single customers.
    pub(super) fn page(&self, list: &str, query: &Query) -> Option<String> {
        if query.has_filters() {
            return None;
        }
        let series = self.series(list);
        let found = series.within(&query.window);
        let (number, size) = (query.page_number as u64, query.page_size as u64);
        let end = found.end.saturating_sub(number.saturating_mul(size)).max(found.start);
        let start = end.saturating_sub(size).max(found.start);
        let mut page = "{\"items\":[".to_owned();
        for index in (start..end).rev() {
            let created = rfc3339(series.created(index));
            let item = self.item(list, index, &created);
            write!(page, "{item}{}", if index > start { "," } else { "" }).ok()?;
        }
        Some(page + "]}")
    }

    fn series(&self, list: &str) -> Series {
        let count = self.length(list);
        let length = self.period.end - self.period.start;
        let step = length / i64::try_from(count.max(1)).unwrap_or(i64::MAX);
        Series { count, first: self.period.start, step: step.max(1) }
    }

    fn item(&self, list: &str, index: u64, created: &str) -> String {
        match list {
            "customers" => customer(index, created),
            "payments" => self.payment(index, created),
            "subscriptions" => subscription(index, created),
            "refunds" => refund(index, created),
            _ => dispute(index, created),
        }
    }

    /// One of the customers who had signed up by then.
    fn payer(&self, payment: u64) -> u64 {
        let by_then = u128::from(payment) * u128::from(self.customers) / u128::from(self.payments);
        mixed(payment) % (u64::try_from(by_then).unwrap_or_default() + 1)
    }

    fn payment(&self, index: u64, created: &str) -> String {
        let payer = self.payer(index);
        let status = if has_succeeded(index) { "succeeded" } else { "failed" };
        let quoted =
            |set: bool, value| if set { format!("\"{value}\"") } else { "null".to_owned() };
        let refund_status = quoted(is_refunded(index), "partial");
        let dispute_status = quoted(is_disputed(index), dispute_status(index / PAYMENTS_A_DISPUTE));
        let (amount, currency) = (amount(index), currency(index));
        let person = person(payer);
        format!(
            r#"{{"payment_id":"pay_{index}","brand_id":"bus_sample","total_amount":{amount},"currency":"{currency}","status":"{status}","created_at":"{created}","customer":{person},"subscription_id":null,"subscription_ids":[],"is_multi_subscription":false,"service_periods":[],"includes_usage":false,"charge_type":null,"retry_attempt":0,"payment_method":"card","payment_method_type":null,"payment_provider":"dodo","card_exp_month":"04","card_exp_year":"2029","card_last_four":"4242","card_network":"visa","card_type":"credit","checkout_session_id":null,"digital_products_delivered":false,"invoice_id":null,"invoice_url":null,"metadata":{{"user_id":"user_{payer}"}},"refund_status":{refund_status},"dispute_status":{dispute_status}}}"#
        )
    }
}

impl Series {
    fn created(&self, index: u64) -> i64 {
        self.first + self.step * index.cast_signed()
    }

    /// Indices of those that were created within the window.
    fn within(&self, window: &Window) -> Range<u64> {
        let microseconds = |nanoseconds: i128| i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        let floor = |date: OffsetDateTime| date.unix_timestamp_nanos().div_euclid(1_000);
        let ceiling = |date: OffsetDateTime| -(-date.unix_timestamp_nanos()).div_euclid(1_000);
        let index = |after: i64| u64::try_from(after).unwrap_or_default().min(self.count);
        let from = window.from.map_or(0, |from| {
            index((microseconds(ceiling(from)) - self.first + self.step - 1).div_euclid(self.step))
        });
        let to = window.to.map_or(self.count, |to| {
            index((microseconds(floor(to)) - self.first).div_euclid(self.step) + 1)
        });
        from..to.max(from)
    }
}

fn customer(index: u64, created: &str) -> String {
    format!(
        r#"{{"business_id":"bus_sample","customer_id":"cus_{index}","email":"person{index}@example.com","name":"Pat Sample {index}","phone_number":null,"created_at":"{created}","metadata":{{}},"preferred_locale":null}}"#
    )
}

/// As they appear in payments and subscriptions.
fn person(index: u64) -> String {
    format!(
        r#"{{"customer_id":"cus_{index}","email":"person{index}@example.com","name":"Pat Sample {index}","phone_number":null,"metadata":{{}}}}"#
    )
}

fn subscription(index: u64, created: &str) -> String {
    let customer = index * CUSTOMERS_A_SUBSCRIPTION;
    let (status, cancelled_at) = match mixed(index) % 10 {
        0..3 => ("cancelled", format!("\"{created}\"")),
        3 => ("on_hold", "null".to_owned()),
        _ => ("active", "null".to_owned()),
    };
    let (person, product) = (person(customer), index % 5);
    format!(
        r#"{{"subscription_id":"sub_{index}","product_id":"pdt_{product}","product_name":"Plan {product}","recurring_pre_tax_amount":1900,"currency":"USD","status":"{status}","created_at":"{created}","previous_billing_date":"{created}","next_billing_date":"2027-03-01T00:00:00Z","cancel_at_next_billing_date":false,"cancelled_at":{cancelled_at},"customer":{person},"payment_frequency_count":1,"payment_frequency_interval":"Month","subscription_period_count":1,"subscription_period_interval":"Year","quantity":1,"trial_period_days":0,"tax_inclusive":false,"on_demand":false,"has_payment_method":true,"discounts":[],"paused_at":null,"scheduled_change":null,"trial_amount":null,"billing":{{"country":"US","city":null,"state":null,"street":null,"zipcode":null}},"metadata":{{"user_id":"user_{customer}"}}}}"#
    )
}

fn refund(index: u64, created: &str) -> String {
    let payment = index * PAYMENTS_A_REFUND;
    let (amount, currency) = (refunded(payment), currency(payment));
    format!(
        r#"{{"refund_id":"ref_{index}","payment_id":"pay_{payment}","business_id":"bus_sample","amount":{amount},"currency":"{currency}","is_partial":true,"status":"succeeded","reason":null,"created_at":"{created}","network_reference":null,"network_reference_type":null}}"#
    )
}

fn dispute(index: u64, created: &str) -> String {
    let payment = payment_of_dispute(index);
    let (amount, currency, status) = (amount(payment), currency(payment), dispute_status(index));
    format!(
        r#"{{"dispute_id":"dp_{index}","payment_id":"pay_{payment}","business_id":"bus_sample","amount":"{amount}","currency":"{currency}","dispute_status":"{status}","dispute_stage":"dispute","created_at":"{created}","payment_provider":"dodo","is_resolved_by_rdr":null}}"#
    )
}

fn has_succeeded(payment: u64) -> bool {
    let has_failed = mixed(payment ^ 1).is_multiple_of(PAYMENTS_A_FAILURE);
    !has_failed || is_refunded(payment) || is_disputed(payment)
}

fn is_refunded(payment: u64) -> bool {
    payment.is_multiple_of(PAYMENTS_A_REFUND)
}

fn is_disputed(payment: u64) -> bool {
    payment % PAYMENTS_A_DISPUTE == 1
}

fn payment_of_dispute(index: u64) -> u64 {
    index * PAYMENTS_A_DISPUTE + 1
}

fn is_lost(dispute: u64) -> bool {
    dispute.is_multiple_of(2)
}

fn dispute_status(index: u64) -> &'static str {
    if is_lost(index) { "dispute_lost" } else { "dispute_won" }
}

/// Minor units, half of the payment.
fn refunded(payment: u64) -> u64 {
    amount(payment) / 2
}

/// Minor units.
fn amount(payment: u64) -> u64 {
    100 + mixed(payment ^ 2) % 50_000
}

fn currency(payment: u64) -> &'static str {
    if mixed(payment ^ 3).is_multiple_of(10) { "EUR" } else { "USD" }
}

/// Looks random, and is always the same (`SplitMix64`).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn rfc3339(microseconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(microseconds.div_euclid(1_000_000));
    let moment = moment.unwrap_or(UtcDateTime::UNIX_EPOCH);
    let (hour, minute, second) = moment.time().as_hms();
    let fraction = microseconds.rem_euclid(1_000_000);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z", moment.date())
}

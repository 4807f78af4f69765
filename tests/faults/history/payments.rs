//! Purchases, and what becomes of them: refunds, disputes, licenses, abandoned checkouts.

use super::generate::Life;
use crate::clock::{DAY, HOUR, MINUTE, SECOND, rfc3339};
use serde_json::{Value, json};

/// With two, none and three decimals.
pub const CURRENCIES: [&str; 5] = ["USD", "EUR", "JPY", "KWD", "CLP"];

/// A payment that may be refunded or disputed later.
pub struct Payment {
    pub id: String,
    amount: i64,
    currency: &'static str,
    subscription: Value,
    /// Unix milliseconds.
    created: u64,
}

impl Life<'_> {
    /// One purchase, from the checkout on.
    pub fn buy(&mut self, at: u64) {
        let payment = self.payment(at);
        let cart = json!([
            {"product_id": "pdt_pro", "quantity": 1}, {"product_id": "pdt_bare", "quantity": 2},
        ]);
        match self.rng.u8(..20) {
            0 => self.pay(at, &payment, "failed", json!({"error_code": "declined"})),
            1 => self.pay(at, &payment, "cancelled", json!({})),
            2 => self.abandon(at, &payment),
            3..6 => {
                self.pay(at, &payment, "processing", json!({"product_cart": cart}));
                self.succeed(at + MINUTE, &payment, json!({"product_cart": cart}));
            }
            _ => self.succeed(at, &payment, json!({"product_cart": cart})),
        }
    }

    /// A payment once; some are free.
    fn payment(&mut self, created: u64) -> Payment {
        let amount = if self.chance(8) { 0 } else { self.rng.i64(1..100_000) };
        let (id, currency) = (self.new_id("pay"), self.currency());
        Payment { id, amount, currency, subscription: Value::Null, created }
    }

    /// A payment for a subscription.
    pub fn charge(
        &mut self,
        created: u64,
        amount: i64,
        currency: &'static str,
        subscription: &str,
    ) -> Payment {
        let (id, subscription) = (self.new_id("pay"), subscription.into());
        Payment { id, amount, currency, subscription, created }
    }

    /// It succeeds; a few are refunded or disputed.
    pub fn succeed(&mut self, at: u64, payment: &Payment, fields: Value) {
        self.pay(at, payment, "succeeded", fields);
        if self.chance(10) {
            self.license(at, payment);
        }
        match self.rng.u8(..20) {
            0..3 if payment.amount > 3 => self.refund(at, payment),
            3..5 if payment.amount > 3 => self.dispute(at, payment),
            _ => {}
        }
    }

    /// An event of a payment in this status.
    pub fn pay(&mut self, at: u64, payment: &Payment, status: &str, fields: Value) {
        let at = self.moment(at);
        let fields = self.payment_fields(payment, status, fields);
        self.tell(at, &format!("payment.{status}"), fields);
    }

    /// At this very moment, with other events.
    pub fn pay_at(&mut self, at: u64, payment: &Payment, fields: Value) {
        let fields = self.payment_fields(payment, "succeeded", fields);
        self.tell(at, "payment.succeeded", fields);
    }

    fn payment_fields(&mut self, payment: &Payment, status: &str, more: Value) -> Value {
        let methods = ["card", "upi", "sepa"];
        let mut fields = json!({
            "payment_id": payment.id, "total_amount": payment.amount, "currency": payment.currency,
            "subscription_id": payment.subscription, "status": status, "product_cart": null,
            "payment_method": methods[self.rng.usize(..methods.len())],
            "created_at": rfc3339(payment.created / SECOND * SECOND), "metadata": self.customer.metadata(),
            "error_code": null,
        });
        for (name, value) in more.as_object().unwrap() {
            fields[name] = value.clone();
        }
        fields
    }

    /// A payment that never was: the checkout was left.
    fn abandon(&mut self, at: u64, payment: &Payment) {
        let link = format!("https://checkout.example.com/{}", payment.id);
        let at = self.moment(at);
        let fields = json!({"payment_link": link});
        let fields = self.payment_fields(payment, "requires_payment_method", fields);
        self.keep_quiet(at, "payment.processing", fields);
        let at = self.moment(at + HOUR);
        let payment_id = json!({"payment_id": payment.id, "abandoned_at": rfc3339(at)});
        self.tell(at, "abandoned_checkout.detected", payment_id);
    }

    fn license(&mut self, at: u64, payment: &Payment) {
        let at = self.moment(at + MINUTE);
        let id = self.new_id("lic");
        let fields = json!({"id": id, "payment_id": payment.id, "subscription_id": null});
        self.tell(at, "license_key.created", fields);
    }

    fn refund(&mut self, at: u64, payment: &Payment) {
        let part = self.rng.i64(1..payment.amount / 2);
        let whole = payment.amount;
        match self.rng.u8(..6) {
            0 => self.refund_of(at, payment, json!(whole), false, "failed"),
            1 => self.refund_of(at, payment, json!(whole), false, "succeeded"),
            2 => self.refund_of(at, payment, Value::Null, false, "succeeded"),
            3 => self.refund_of(at, payment, json!(part), true, "succeeded"),
            _ => {
                self.refund_of(at, payment, json!(part), true, "succeeded");
                self.refund_of(at + DAY, payment, json!(whole - part), true, "succeeded");
            }
        }
    }

    fn refund_of(
        &mut self,
        paid: u64,
        payment: &Payment,
        amount: Value,
        is_partial: bool,
        status: &str,
    ) {
        let at = self.later(paid, 5 * DAY);
        let at = self.moment(at);
        let fields = json!({
            "refund_id": self.new_id("ref"), "payment_id": payment.id, "amount": amount,
            "currency": payment.currency, "is_partial": is_partial, "status": status,
            "created_at": rfc3339(at - SECOND), "metadata": {},
        });
        self.tell(at, &format!("refund.{status}"), fields);
    }

    /// Opened, and mostly decided. Some come twice: the newest says nothing of the older.
    fn dispute(&mut self, paid: u64, payment: &Payment) {
        let amount = if self.chance(50) { payment.amount } else { payment.amount / 2 };
        let opened = self.later(paid, 3 * DAY);
        match self.rng.u8(..8) {
            0 => drop(self.dispute_of(opened, payment, amount, &["opened"])),
            1 | 2 => drop(self.dispute_of(opened, payment, amount, &["opened", "won"])),
            3 => drop(self.dispute_of(opened, payment, amount, &["opened", "accepted"])),
            4 => {
                let half = payment.amount / 2;
                let end = self.dispute_of(opened, payment, half, &["opened", "lost"]);
                self.dispute_of(end, payment, half, &["opened", "won"]);
            }
            _ => drop(self.dispute_of(opened, payment, amount, &["opened", "lost"])),
        }
    }

    fn dispute_of(&mut self, at: u64, payment: &Payment, amount: i64, steps: &[&str]) -> u64 {
        let (id, created_at) = (self.new_id("dp"), rfc3339(at));
        let without_customer = self.chance(10);
        let amount = dispute_amount(amount, payment.currency, self.chance(40));
        let mut at = at;
        for step in steps {
            at = self.later(at, 4 * DAY);
            at = self.moment(at);
            let mut fields = json!({
                "dispute_id": id, "payment_id": payment.id, "amount": amount,
                "currency": payment.currency, "dispute_status": format!("dispute_{step}"),
                "created_at": created_at,
            });
            if without_customer {
                fields["customer"] = "absent".into();
            }
            self.tell(at, &format!("dispute.{step}"), fields);
        }
        at
    }
}

/// Minor units, or a decimal where there are two.
fn dispute_amount(amount: i64, currency: &str, as_decimal: bool) -> Value {
    if as_decimal && ["USD", "EUR"].contains(&currency) {
        return format!("{}.{:02}", amount / 100, amount % 100).into();
    }
    amount.to_string().into()
}

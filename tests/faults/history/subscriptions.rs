//! The lives of subscriptions.

use super::generate::Life;
use crate::clock::{DAY, HOUR, SECOND, rfc3339};
use serde_json::{Value, json};

/// Dodo's products; one has no name.
pub const PRODUCTS: [(&str, Option<&str>); 4] = [
    ("pdt_pro", Some("PRO")),
    ("pdt_plus", Some("Plus")),
    ("pdt_team", Some("Team")),
    ("pdt_bare", None),
];

/// At most so many for one customer.
const MOST: usize = 4;

/// A subscription as it is now.
#[derive(Clone)]
struct Subscription {
    id: String,
    product: &'static str,
    amount: i64,
    currency: &'static str,
    status: &'static str,
    created: u64,
    next_billing: u64,
    ends_with_period: bool,
    cancelled: Option<u64>,
    expires: Option<u64>,
    trial_days: u64,
    /// When the last charge was due.
    billed: u64,
}

impl Life<'_> {
    /// A new subscription and all that becomes of it.
    pub fn subscribe(&mut self, at: u64) {
        if self.subscriptions == MOST {
            return;
        }
        let mut own = self.new_subscription(at);
        match self.rng.u8(..12) {
            0 => self.leave_pending(at, &own),
            1 | 2 => self.decline(at, &mut own),
            _ => {
                let start = self.start(at, &mut own);
                self.go_on(start, &mut own);
            }
        }
    }

    fn new_subscription(&mut self, at: u64) -> Subscription {
        self.subscriptions += 1;
        let trial_days = if self.chance(15) { 14 } else { 0 };
        Subscription {
            id: self.new_id("sub"),
            product: PRODUCTS[self.rng.usize(..PRODUCTS.len())].0,
            amount: self.rng.i64(100..50_000),
            currency: self.currency(),
            status: "pending",
            created: at,
            next_billing: at + 30 * DAY,
            ends_with_period: false,
            cancelled: None,
            expires: self.chance(30).then_some(at + 365 * DAY),
            trial_days,
            billed: at,
        }
    }

    fn leave_pending(&mut self, at: u64, own: &Subscription) {
        let at = self.moment(at);
        self.keep_quiet(at, "subscription.updated", own.fields(self));
    }

    /// An add-on that the bank declines.
    fn decline(&mut self, at: u64, own: &mut Subscription) {
        self.leave_pending(at, own);
        self.fail_to_pay(at + 2 * SECOND, own);
        own.status = "failed";
        let at = self.moment(at + 3 * SECOND);
        self.tell(at, "subscription.failed", own.fields(self));
    }

    /// Payment, first renewal and start carry one timestamp; a trial has a payment of zero.
    fn start(&mut self, at: u64, own: &mut Subscription) -> u64 {
        let at = self.moment(at);
        (own.status, own.created, own.billed) = ("active", at - 5 * SECOND, at - 5 * SECOND);
        let amount = if own.trial_days > 0 { 0 } else { own.amount };
        let payment = self.charge(at, amount, own.currency, &own.id);
        self.pay_at(at, &payment, json!({"charge_type": "new"}));
        self.tell(at, "subscription.active", own.fields(self));
        if own.trial_days == 0 {
            let mut renewed = own.fields(self);
            renewed["payment_id"] = payment.id.into();
            self.tell(at, "subscription.renewed", renewed);
        }
        at
    }

    fn go_on(&mut self, start: u64, own: &mut Subscription) {
        let mut at = start;
        for _ in 0..self.rng.u8(..4) {
            at = self.later(at, 6 * DAY);
            match own.status {
                "active" => self.change_active(at, own),
                "on_hold" | "past_due" => self.decide(at, own),
                "paused" => self.step(at, own, "unpaused", "active"),
                _ => return,
            }
        }
    }

    fn change_active(&mut self, at: u64, own: &mut Subscription) {
        match self.rng.u8(..14) {
            0..3 => self.renew(at, own),
            3 => self.fall_behind(at, own),
            4 | 5 => self.put_on_hold(at, own),
            6 => self.step(at, own, "paused", "paused"),
            7 => self.change_plan(at, own),
            8 => {
                own.ends_with_period = true;
                self.step(at, own, "updated", "active");
            }
            9 => self.end(at, own, "expired"),
            10 => self.update_card(at, own),
            11 | 12 => self.replace(at, own),
            _ => self.end(at, own, "cancelled"),
        }
    }

    fn decide(&mut self, at: u64, own: &mut Subscription) {
        match self.rng.u8(..3) {
            0 => self.end(at, own, "cancelled"),
            1 => self.recover(at, own),
            _ => {}
        }
    }

    /// An event of the subscription, which then has this status.
    fn step(&mut self, at: u64, own: &mut Subscription, event: &str, status: &'static str) {
        let at = self.moment(at);
        own.status = status;
        self.tell(at, &format!("subscription.{event}"), own.fields(self));
    }

    fn renew(&mut self, at: u64, own: &mut Subscription) {
        let payment = self.charge(at, own.amount, own.currency, &own.id);
        self.succeed(at, &payment, json!({"charge_type": "renewal"}));
        own.next_billing += 30 * DAY;
        own.begin_period();
        self.step(at, own, "renewed", "active");
    }

    /// What was seen: a renewal that says `past_due`.
    fn fall_behind(&mut self, at: u64, own: &mut Subscription) {
        self.fail_to_pay(at, own);
        own.begin_period();
        let event = if self.rng.bool() { "renewed" } else { "past_due" };
        self.step(at, own, event, "past_due");
    }

    fn put_on_hold(&mut self, at: u64, own: &mut Subscription) {
        self.fail_to_pay(at, own);
        self.step(at, own, "on_hold", "on_hold");
        self.dun(at + HOUR, own, "started");
    }

    fn recover(&mut self, at: u64, own: &mut Subscription) {
        let payment = self.charge(at, own.amount, own.currency, &own.id);
        self.succeed(at, &payment, json!({"charge_type": "renewal"}));
        self.step(at, own, "active", "active");
        self.dun(at, own, "recovered");
    }

    fn dun(&mut self, at: u64, own: &Subscription, step: &str) {
        let at = self.moment(at);
        let fields = json!({"subscription_id": own.id, "payment_id": null});
        self.tell(at, &format!("dunning.{step}"), fields);
    }

    fn change_plan(&mut self, at: u64, own: &mut Subscription) {
        own.product = PRODUCTS[self.rng.usize(..PRODUCTS.len())].0;
        own.amount += 500;
        let payment = self.charge(at, 500, own.currency, &own.id);
        self.succeed(at, &payment, json!({"charge_type": "plan_change"}));
        self.step(at, own, "plan_changed", "active");
    }

    fn end(&mut self, at: u64, own: &mut Subscription, status: &'static str) {
        own.cancelled = (status == "cancelled").then_some(at);
        if status == "expired" {
            own.expires = Some(at);
        }
        self.step(at, own, status, status);
    }

    /// Another plan starts, the old one is cancelled a second later.
    fn replace(&mut self, at: u64, own: &mut Subscription) {
        if self.subscriptions == MOST {
            return;
        }
        let mut other = self.new_subscription(at);
        let started = self.start(at, &mut other);
        self.end(started + SECOND, own, "cancelled");
        self.go_on(started, &mut other);
    }

    /// A charge of nothing, which is no purchase.
    fn update_card(&mut self, at: u64, own: &mut Subscription) {
        let payment = self.charge(at, 0, own.currency, &own.id);
        self.pay(at, &payment, "succeeded", json!({"is_update_payment_method": true}));
        self.step(at, own, "update_payment_method", "active");
    }

    fn fail_to_pay(&mut self, at: u64, own: &Subscription) {
        let payment = self.charge(at, own.amount, own.currency, &own.id);
        self.pay(at, &payment, "failed", json!({"error_code": "insufficient_funds"}));
    }
}

impl Subscription {
    /// The first period begins after the trial.
    fn begin_period(&mut self) {
        let in_trial = self.trial_days > 0 && self.billed == self.created;
        self.billed += if in_trial { self.trial_days * DAY } else { 30 * DAY };
    }

    fn fields(&self, life: &Life<'_>) -> Value {
        let ends = |date: Option<u64>| date.map_or(Value::Null, |date| rfc3339(date).into());
        json!({
            "subscription_id": self.id, "product_id": self.product, "currency": self.currency,
            "recurring_pre_tax_amount": self.amount, "status": self.status,
            "created_at": rfc3339(self.created), "previous_billing_date": rfc3339(self.billed),
            "next_billing_date": rfc3339(self.next_billing),
            "cancel_at_next_billing_date": self.ends_with_period,
            "cancelled_at": ends(self.cancelled), "expires_at": ends(self.expires),
            "trial_period_days": self.trial_days, "metadata": life.customer.metadata(),
        })
    }
}

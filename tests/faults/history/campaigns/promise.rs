//! Who should get which mail when, by the sentence of each page and the history alone.

use super::super::generate::{Happening, History};
use super::super::identity::{Name, person};
use super::super::truth::{Attributes, Past, unix};
use super::{Case, Mails};
use crate::clock::{DAY, HOUR, SECOND};
use serde_json::Value;
use std::collections::BTreeSet;

/// 2 July 2031, in the month in which the cards of the samples expire, in Unix milliseconds.
const CARDS_EXPIRE: u64 = 1_940_716_800_000;

/// The mails of a recipe.
pub fn promised(recipe: &str, case: Case, history: &History) -> Mails {
    let mut own = Promises { case, history, mails: Mails::new() };
    match recipe {
        "welcome" => own.once("welcome", is_paid),
        "receipt" => own.each("receipt", is_paid),
        "subscription-started" => {
            own.each("started", |it, own| own.is_first_charge(it) && trial_days(it) == 0);
            own.once("trial", |it, _| is(it, "subscription.active") && trial_days(it) > 0);
        }
        "renewed" => own.each("renewed", |it, own| {
            let is_renewal = is(it, "subscription.renewed") && !own.is_first_charge(it);
            is_renewal && it.event["data"]["status"] == "active"
        }),
        "trial-ends" => own.trials(),
        "dunning" => own.dunning(),
        "card-expires" => own.cards(),
        "cancelled" => own.cancelled(),
        "abandoned-checkout" => own.abandoned(),
        "delivery" => own.each("license-key", |it, _| is(it, "license_key.created")),
        "refund" => own.each("refund", |it, _| is(it, "refund.succeeded")),
        "dispute" => own.each("dispute", |it, _| is(it, "dispute.opened")),
        _ => panic!("{recipe} has no promise here"),
    }
    own.mails
}

struct Promises<'a> {
    case: Case,
    history: &'a History,
    mails: Mails,
}

fn is(happening: &Happening, event_type: &str) -> bool {
    happening.event["type"] == event_type
}

fn is_completed(happening: &Happening) -> bool {
    is(happening, "payment.succeeded")
        && happening.event["data"]["is_update_payment_method"] != true
}

fn is_paid(happening: &Happening, _: &Promises<'_>) -> bool {
    is_completed(happening) && happening.event["data"]["total_amount"].as_i64().unwrap() > 0
}

fn trial_days(happening: &Happening) -> u64 {
    happening.event["data"]["trial_period_days"].as_u64().unwrap_or_default()
}

impl<'a> Promises<'a> {
    /// Everything that a webhook tells of somebody who can be named.
    fn told(&self) -> impl Iterator<Item = (Name, &'a Happening)> + use<'a> {
        let (case, history) = (self.case, self.history);
        let sent = history.happenings.iter().filter(|it| it.is_sent);
        sent.filter_map(move |it| Some((person(case, history.customer(it), it)?, it)))
    }

    /// As the items name a person.
    fn add(&mut self, name: &Name, at: u64, mail: &str) {
        let name = match name {
            Name::Id(id) => format!("id {id}"),
            Name::Email(email) => format!("email {email}"),
        };
        *self.mails.entry((name, at / SECOND, mail.to_owned())).or_default() += 1;
    }

    fn each(&mut self, mail: &str, is_due: impl Fn(&Happening, &Self) -> bool) {
        for (name, it) in self.told() {
            if is_due(it, self) {
                self.add(&name, it.at, mail);
            }
        }
    }

    fn once(&mut self, mail: &str, is_due: impl Fn(&Happening, &Self) -> bool) {
        let mut had = BTreeSet::new();
        for (name, it) in self.told() {
            if is_due(it, self) && had.insert(name.clone()) {
                self.add(&name, it.at, mail);
            }
        }
    }

    /// The first of a subscription's `subscription.renewed`.
    fn is_first_charge(&self, happening: &Happening) -> bool {
        let id = &happening.event["data"]["subscription_id"];
        let renewed = |it: &&Happening| {
            is(it, "subscription.renewed") && it.event["data"]["subscription_id"] == *id
        };
        let of_group = self.history.happenings.iter().filter(|it| it.group == happening.group);
        of_group.into_iter().find(renewed).is_some_and(|first| std::ptr::eq(first, happening))
    }

    /// What is known of the person of a happening at a time, the happenings of that second included.
    fn known(&self, name: &Name, happening: &Happening, at: u64) -> Attributes {
        let group = &self.history.groups[happening.group];
        let mut happenings = self.history.of_group(happening.group);
        happenings.retain(|it| it.at <= at);
        let past = Past { case: self.case, group, happenings: &happenings };
        past.people().remove(name).map(|person| person.known).unwrap_or_default()
    }

    fn is_on(&self, name: &Name, happening: &Happening, at: u64, statuses: &[&str]) -> bool {
        let known = self.known(name, happening, at);
        let status = known.get("subscription_status").and_then(Value::as_str).unwrap_or_default();
        statuses.contains(&status)
    }

    fn trials(&mut self) {
        let mut had = BTreeSet::new();
        for (name, it) in self.told() {
            if !is(it, "subscription.active")
                || trial_days(it) == 0
                || !self.goes_on(&name, it, it.at)
            {
                continue;
            }
            let end = unix(&it.event["data"]["next_billing_date"]).unwrap().as_u64().unwrap();
            let due = end * SECOND - 3 * DAY;
            if had.insert(name.clone()) && self.goes_on(&name, it, due) {
                self.add(&name, due, "trial-ends");
            }
        }
    }

    fn goes_on(&self, name: &Name, happening: &Happening, at: u64) -> bool {
        let known = self.known(name, happening, at);
        known["subscription_status"] == "active" && known["cancel_at_next_billing"] == false
    }

    fn dunning(&mut self) {
        for (name, it) in self.told().filter(|(_, it)| is(it, "subscription.on_hold")) {
            for (days, mail) in [(0, "first"), (3, "second"), (7, "third")] {
                let due = it.at / SECOND * SECOND + days * DAY;
                let now = if days == 0 { it.at } else { due - 1 };
                if !self.is_on(&name, it, now, &["on_hold"]) {
                    break;
                }
                self.add(&name, due, mail);
            }
        }
    }

    fn cards(&mut self) {
        let mut had = BTreeSet::new();
        for (name, it) in self.told() {
            let pays = is_completed(it) && it.event["data"]["subscription_id"].is_string();
            let updates = is(it, "payment.succeeded") && !is_completed(it);
            let due = CARDS_EXPIRE - 28 * DAY;
            let is_due = (pays || updates) && had.insert(name.clone());
            if is_due && self.is_on(&name, it, due, &["active"]) {
                self.add(&name, due, "card-expires");
            }
        }
    }

    fn cancelled(&mut self) {
        for (name, it) in self.told().filter(|(_, it)| is(it, "subscription.cancelled")) {
            for (days, mail) in [(0, "cancelled"), (30, "win-back")] {
                let due = it.at / SECOND * SECOND + days * DAY;
                let now = if days == 0 { it.at } else { due - 1 };
                let has_none =
                    self.known(&name, it, now).get("active_subscriptions") == Some(&0.into());
                if !has_none || !self.is_on(&name, it, now, &["cancelled", "expired"]) {
                    break;
                }
                self.add(&name, due, mail);
            }
        }
    }

    fn abandoned(&mut self) {
        let with_link = self.told().filter(|(_, it)| is(it, "abandoned_checkout.detected"));
        for (name, it) in with_link.filter(|_| self.case.has_key).collect::<Vec<_>>() {
            let due = it.at / SECOND * SECOND + HOUR;
            let pays = |(payer, other): (Name, &Happening)| {
                payer == name && is_completed(other) && (it.at..due).contains(&other.at)
            };
            if !self.told().any(pays) {
                self.add(&name, due, "abandoned-checkout");
            }
        }
    }
}

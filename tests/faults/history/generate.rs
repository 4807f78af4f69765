//! What happened to the customers of one address, in the order in which it happened.

use super::customers::{Customer, Group, groups};
use super::payments::CURRENCIES;
use super::subscriptions::PRODUCTS;
use crate::clock::{DAY, HOUR, SECOND, START, rfc3339};
use fastrand::Rng;
use serde_json::{Value, json};
use stand_ins::dodo::samples;
use stand_ins::dodo_api::State;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// By their names.
static SAMPLES: LazyLock<HashMap<String, Value>> =
    LazyLock::new(|| samples().into_iter().map(|sample| (sample.name, sample.event)).collect());

/// Something that happened.
#[derive(Debug)]
pub struct Happening {
    /// Unix milliseconds.
    pub at: u64,
    /// The webhook that tells of it.
    pub event: Value,
    /// Of some things Dodo's API knows, but no webhook tells.
    pub is_sent: bool,
    /// The customer's place in the group.
    pub customer: usize,
    /// The group's place in the history.
    pub group: usize,
}

/// What happened to everybody.
pub struct History {
    pub groups: Vec<Group>,
    /// In the order in which they happened.
    pub happenings: Vec<Happening>,
}

impl History {
    pub fn random(rng: &mut Rng, customers: usize, share_addresses: bool) -> Self {
        let groups = groups(rng, customers, share_addresses);
        let mut happenings = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            let mut seconds = HashSet::new();
            for (place, customer) in group.iter().enumerate() {
                let mut life = Life::new(rng, customer, &mut seconds);
                life.live();
                happenings.extend(life.happenings.into_iter().map(|(at, event, is_sent)| {
                    Happening { at, event, is_sent, customer: place, group: number }
                }));
            }
        }
        happenings.sort_by_key(|happening| happening.at);
        Self { groups, happenings }
    }

    /// Dodo's API knows customers and products from the start.
    pub fn introduce(&self, dodo: &mut State) {
        for (product, name) in PRODUCTS {
            dodo.sell(product, name);
        }
        self.groups.iter().flatten().for_each(|customer| customer.sign_up(dodo));
    }

    /// Whom it happened to.
    pub fn customer(&self, happening: &Happening) -> &Customer {
        &self.groups[happening.group][happening.customer]
    }

    /// What happened to a group.
    pub fn of_group(&self, number: usize) -> Vec<&Happening> {
        self.happenings.iter().filter(|happening| happening.group == number).collect()
    }
}

/// One customer's life, as it is written.
pub struct Life<'a> {
    pub rng: &'a mut Rng,
    pub customer: &'a Customer,
    /// Nothing but what belongs together happens in the same second to the same address.
    seconds: &'a mut HashSet<u64>,
    happenings: Vec<(u64, Value, bool)>,
    pub subscriptions: usize,
    objects: usize,
    home_currency: &'static str,
}

impl<'a> Life<'a> {
    fn new(rng: &'a mut Rng, customer: &'a Customer, seconds: &'a mut HashSet<u64>) -> Self {
        let home_currency = CURRENCIES[rng.usize(..CURRENCIES.len())];
        let (happenings, subscriptions, objects) = Default::default();
        Self { rng, customer, seconds, happenings, subscriptions, objects, home_currency }
    }

    fn live(&mut self) {
        let start = START + HOUR + self.rng.u64(..20 * DAY);
        for _ in 0..[0, 0, 0, 1, 1, 1, 1, 2, 2, 3][self.rng.usize(..10)] {
            let at = start + self.rng.u64(..10 * DAY);
            self.subscribe(at);
        }
        for _ in 0..[0, 0, 1, 1, 2][self.rng.usize(..5)] {
            let at = start + self.rng.u64(..15 * DAY);
            self.buy(at);
        }
        if self.happenings.iter().all(|(_, _, is_sent)| !is_sent) {
            self.buy(start);
        }
    }

    /// A moment in a second of its own, not before `at`.
    pub fn moment(&mut self, at: u64) -> u64 {
        let mut second = at / SECOND;
        while !self.seconds.insert(second) {
            second += 1;
        }
        second * SECOND + self.rng.u64(..SECOND)
    }

    /// A while later.
    pub fn later(&mut self, at: u64, most: u64) -> u64 {
        at + self.rng.u64(HOUR / 2..most)
    }

    /// A new id, such as `pay_7_1`.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.objects += 1;
        let customer = self.customer.id.trim_start_matches("cus_");
        format!("{prefix}_{customer}_{}", self.objects)
    }

    pub fn currency(&mut self) -> &'static str {
        let other = CURRENCIES[self.rng.usize(..CURRENCIES.len())];
        if self.rng.u8(..5) == 0 { other } else { self.home_currency }
    }

    pub fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    /// An event of this type: the sample with these fields.
    pub fn tell(&mut self, at: u64, event_type: &str, fields: Value) {
        let event = self.event(at, event_type, fields);
        self.happenings.push((at, event, true));
    }

    /// The same without a webhook.
    pub fn keep_quiet(&mut self, at: u64, event_type: &str, fields: Value) {
        let event = self.event(at, event_type, fields);
        self.happenings.push((at, event, false));
    }

    fn event(&self, at: u64, event_type: &str, fields: Value) -> Value {
        let mut event = SAMPLES[event_type].clone();
        event["timestamp"] = rfc3339(at).into();
        let data = &mut event["data"];
        match data.get("customer") {
            Some(_) => data["customer"] = self.customer.in_payload(),
            None => data["customer_id"] = self.customer.id.as_str().into(),
        }
        for (name, value) in fields.as_object().unwrap() {
            data[name] = value.clone();
        }
        if data["customer"] == json!("absent") {
            data.as_object_mut().unwrap().remove("customer");
        }
        event
    }
}

//! What should be known of each person, computed from the history alone.

use super::customers::{Customer, Group};
use super::generate::Happening;
use super::identity::{Name, person};
use super::{Case, Mode, state, sums};
use crate::clock::SECOND;
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The attributes of a person; none is empty.
pub type Attributes = BTreeMap<String, Value>;

/// One person.
#[derive(Default)]
pub struct Person {
    /// What must be known.
    pub known: Attributes,
    /// What may be known as well, by events that need not bring it.
    pub allowed: Attributes,
}

/// Everybody who shares an address.
pub type People = BTreeMap<Name, Person>;

/// What happened to one group so far.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    pub case: Case,
    pub group: &'a Group,
    /// In the order in which it happened.
    pub happenings: &'a [&'a Happening],
}

/// What happened to one person so far.
pub struct Own<'a> {
    pub past: Past<'a>,
    /// The events that name the person.
    pub events: Vec<&'a Happening>,
}

impl<'a> Past<'a> {
    pub fn customer(&self, happening: &Happening) -> &'a Customer {
        &self.group[happening.customer]
    }

    /// Everybody, as they should be now.
    pub fn people(self) -> People {
        let mut owners: BTreeMap<Name, Vec<&Happening>> = BTreeMap::new();
        for happening in self.happenings.iter().filter(|happening| happening.is_sent) {
            if let Some(name) = person(self.case, self.customer(happening), happening) {
                owners.entry(name).or_default().push(happening);
            }
        }
        let people = owners.into_iter();
        people
            .map(|(name, events)| {
                let own = Own { past: self, events };
                let person = own.person(&name);
                (name, person)
            })
            .collect()
    }
}

impl<'a> Own<'a> {
    fn person(&self, name: &Name) -> Person {
        let mut person = Person { known: self.identity(name), ..Person::default() };
        person.known.extend(self.payments());
        person.known.extend(state::of(self));
        if self.past.case.has_key {
            person.known.extend(sums::of(self));
            person.allowed = sums::without_payments(self);
        } else if person.known.len() == 1 {
            // Of events that name nothing but the customer, who is the person already.
            person.allowed = std::mem::take(&mut person.known);
        }
        person
    }

    /// The merchant's own users keep their address and name.
    fn identity(&self, name: &Name) -> Attributes {
        let newest = self.events.iter().rev();
        let customer = |it: &Happening| self.past.customer(it);
        let has_name =
            |it: &&&Happening| it.event["data"]["customer"].is_object() || self.past.case.has_key;
        let mut known = Attributes::new();
        let dodo = newest.clone().next().map(|it| customer(it).id.clone());
        known.extend(dodo.map(|id| ("dodo_customer_id".to_owned(), id.into())));
        let is_own = self.past.case.mode == Mode::Metadata && matches!(name, Name::Id(_));
        if let Some(named) = newest.clone().find(has_name).filter(|_| !is_own) {
            let Customer { email, name, .. } = customer(named);
            known.insert("email".to_owned(), email.to_lowercase().into());
            known.insert("name".to_owned(), name.as_str().into());
        }
        known
    }

    fn payments(&self) -> Attributes {
        let mut known = Attributes::new();
        let mut set = |name: &str, value: Value| known.insert(name.to_owned(), value);
        let own = self
            .events
            .iter()
            .filter(|it| it.event["type"].as_str().unwrap().starts_with("payment."));
        for payment in own {
            let data = &payment.event["data"];
            if data["is_update_payment_method"] == true {
                continue;
            }
            if ["succeeded", "failed", "cancelled"].contains(&data["status"].as_str().unwrap()) {
                set("last_payment_status", data["status"].clone());
            }
            let amount = data["total_amount"].as_i64().unwrap();
            if data["status"] == "succeeded" && amount > 0 {
                let currency = data["currency"].as_str().unwrap();
                set("payment_method", data["payment_method"].clone());
                set("last_payment_date", (payment.at / SECOND).into());
                set("last_payment_amount", sums::decimal(amount, currency).into());
                set("last_payment_amount_minor", amount.into());
                set("last_payment_currency", currency.into());
            }
        }
        known
    }

    /// The newest state of each object of a kind, of all the customers who count.
    pub fn objects(&self, group: &str, id: &str) -> Vec<&'a Value> {
        let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
        for happening in self.past.happenings.iter().filter(|it| self.counts(it)) {
            let (event_type, data) = (&happening.event["type"], &happening.event["data"]);
            if event_type.as_str().unwrap().split('.').next() == Some(group) {
                newest.insert(data[id].as_str().unwrap(), data);
            }
        }
        newest.into_values().collect()
    }

    /// By address all customers count who have it, otherwise the event's own.
    fn counts(&self, happening: &Happening) -> bool {
        self.past.case.mode == Mode::Email || happening.customer == self.events[0].customer
    }

    /// The customers who count.
    pub fn customers(&self) -> impl Iterator<Item = &'a Customer> {
        let own = self.events[0].customer;
        let by_email = self.past.case.mode == Mode::Email;
        let customers = self.past.group.iter().enumerate();
        customers.filter(move |(place, _)| by_email || *place == own).map(|(_, customer)| customer)
    }
}

/// A date in Unix seconds.
pub fn unix(date: &Value) -> Option<Value> {
    let moment = OffsetDateTime::parse(date.as_str()?, &Rfc3339).unwrap();
    Some(moment.unix_timestamp().into())
}

//! Who the customers are: at Dodo, to the merchant and by their addresses.

use crate::clock::{DAY, HOUR, START, rfc3339};
use fastrand::Rng;
use serde_json::{Value, json};
use stand_ins::dodo_api::State;

/// The key in `metadata` that holds the merchant's own id.
pub const KEY: &str = "user_id";

/// What is no id although it stands in its place.
const JUNK: [Value; 2] = [Value::Null, Value::Bool(true)];
const JUNK_TEXTS: [&str; 3] = ["undefined", "null", "  "];

/// Where the merchant's own id of a customer stands.
#[derive(Debug, Clone)]
pub enum OwnId {
    /// In the metadata of their payments and subscriptions.
    OnObjects(Value),
    /// In the customer's metadata at Dodo; in payloads too, or not.
    OnCustomer(String, bool),
    /// Something else stands there.
    Junk(Value),
    Nowhere,
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    pub email: String,
    pub name: String,
    /// Unix milliseconds.
    pub joined: u64,
    pub locale: Option<&'static str>,
    pub own_id: OwnId,
}

/// Customers with one address.
pub type Group = Vec<Customer>;

/// So many customers; if they may share addresses, a third of them do, by two or three.
pub fn groups(rng: &mut Rng, count: usize, share: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for number in 0..count {
        let joins = share && number % 3 == 2 && number % 7 != 0;
        match groups.last_mut().filter(|_| joins) {
            Some(group) => {
                let mut next = customer(rng, number);
                (next.name, next.locale) = (group[0].name.clone(), group[0].locale);
                next.email = group[0].email.to_uppercase();
                group.push(next);
            }
            None => groups.push(vec![customer(rng, number)]),
        }
    }
    groups
}

fn customer(rng: &mut Rng, number: usize) -> Customer {
    let name = if rng.u8(..4) == 0 { "Person" } else { "person" };
    Customer {
        id: format!("cus_{number}"),
        email: format!("{name}{number}@example.com"),
        name: format!("Pat Sample {number}"),
        joined: START - rng.u64(HOUR..100 * DAY),
        locale: [None, Some("de"), Some("fr")][rng.usize(..3)],
        own_id: own_id(rng, number),
    }
}

fn own_id(rng: &mut Rng, number: usize) -> OwnId {
    match rng.u8(..12) {
        0 => OwnId::Nowhere,
        1 => OwnId::Junk(JUNK[rng.usize(..JUNK.len())].clone()),
        2 => OwnId::Junk(JUNK_TEXTS[rng.usize(..JUNK_TEXTS.len())].into()),
        3 => OwnId::OnObjects((10_000 + number).into()),
        4 | 5 => OwnId::OnCustomer(format!("user_{number}"), rng.bool()),
        _ => OwnId::OnObjects(format!("user_{number}").into()),
    }
}

impl Customer {
    /// The metadata of their payments and subscriptions.
    pub fn metadata(&self) -> Value {
        match &self.own_id {
            OwnId::OnObjects(value) | OwnId::Junk(value) => json!({KEY: value, "source": "shop"}),
            OwnId::OnCustomer(..) | OwnId::Nowhere => json!({}),
        }
    }

    /// As `customer` in payloads.
    pub fn in_payload(&self) -> Value {
        let metadata = match &self.own_id {
            OwnId::OnCustomer(id, true) => json!({KEY: id}),
            _ => json!({}),
        };
        json!({
            "customer_id": self.id, "email": self.email, "name": self.name,
            "phone_number": null, "metadata": metadata,
        })
    }

    /// Makes Dodo's API know them.
    pub fn sign_up(&self, dodo: &mut State) {
        dodo.know(&self.id, &self.email, &self.name, &rfc3339(self.joined));
        let customer = dodo.customers.get_mut(&self.id).unwrap();
        customer["preferred_locale"] = self.locale.into();
        if let OwnId::OnCustomer(id, _) = &self.own_id {
            customer["metadata"] = json!({KEY: id});
        }
    }
}

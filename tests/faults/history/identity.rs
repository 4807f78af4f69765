//! Whom an event is about, by the documented rules.

use super::customers::{Customer, KEY, OwnId};
use super::generate::Happening;
use super::{Case, Mode};
use serde_json::Value;

/// How Customer.io knows a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    Id(String),
    /// In lower case.
    Email(String),
}

/// `None` if nobody can be named: the event is ignored or rejected.
pub fn person(case: Case, customer: &Customer, happening: &Happening) -> Option<Name> {
    let data = &happening.event["data"];
    let in_payload = data["customer"].get("customer_id").or_else(|| data.get("customer_id"));
    let id = in_payload.is_some() || case.has_key;
    let address = data["customer"].get("email").is_some() || case.has_key;
    let email = || address.then(|| Name::Email(customer.email.to_lowercase()));
    match case.mode {
        Mode::CustomerId => id.then(|| Name::Id(customer.id.clone())),
        Mode::Email => email(),
        Mode::Metadata if case.has_key => own_id(customer).map(Name::Id).or_else(email),
        Mode::Metadata => own_id_in(data).map(Name::Id).or_else(email),
    }
}

/// As Dodo's API knows it; every event here names a payment or a subscription that has it.
fn own_id(customer: &Customer) -> Option<String> {
    match &customer.own_id {
        OwnId::OnObjects(value) => text(value),
        OwnId::OnCustomer(id, _) => Some(id.clone()),
        OwnId::Junk(_) | OwnId::Nowhere => None,
    }
}

fn own_id_in(data: &Value) -> Option<String> {
    text(&data["metadata"][KEY]).or_else(|| text(&data["customer"]["metadata"][KEY]))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !["undefined", "null", "  "].contains(&text.as_str()) => {
            Some(text.clone())
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

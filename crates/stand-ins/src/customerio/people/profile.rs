//! One person.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One person.
#[derive(Debug, Default, Clone)]
pub struct Profile {
    /// Customer.io's own id, which never changes.
    pub cio_id: String,
    /// Their id; somebody may be known by an e-mail address alone.
    pub id: Option<String>,
    /// What is known of them, the address included.
    pub attributes: BTreeMap<String, Value>,
    /// Their events, in order of arrival.
    pub activity: Vec<Activity>,
    /// The timestamp of each attribute, in Unix seconds.
    updated: BTreeMap<String, i64>,
}

/// One event of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Such as `Payment Completed`.
    pub name: String,
    /// Unix seconds.
    pub timestamp: Option<i64>,
    /// The event's own attributes.
    pub attributes: Map<String, Value>,
}

/// How an item names a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Id(String),
    Email(String),
    Phone(String),
    CioId(String),
}

impl Name {
    /// `None` if an item names nobody.
    pub(super) fn of(identifiers: &Value) -> Option<Self> {
        let text = |name| Some(identifiers.get(name)?.as_str()?.to_owned());
        let id = text("id").map(Self::Id);
        id.or_else(|| text("email").map(Self::Email))
            .or_else(|| text("phone").map(Self::Phone))
            .or_else(|| text("cio_id").map(Self::CioId))
    }
}

impl Profile {
    pub(super) fn new(cio_id: String) -> Self {
        Self { cio_id, ..Self::default() }
    }

    /// The address, which is an attribute like any other.
    pub fn email(&self) -> Option<&str> {
        self.attributes.get("email")?.as_str()
    }

    /// All that names them, the `cio_id` excepted.
    pub(super) fn names(&self) -> Vec<Name> {
        let phone = self.attributes.get("phone").and_then(Value::as_str);
        let names = [
            self.id.clone().map(Name::Id),
            self.email().map(|email| Name::Email(email.to_owned())),
            phone.map(|phone| Name::Phone(phone.to_owned())),
        ];
        names.into_iter().flatten().collect()
    }

    pub(super) fn is(&self, name: &Name) -> bool {
        match name {
            Name::Id(id) => self.id.as_ref() == Some(id),
            Name::Email(email) => self.email().is_some_and(|own| same_address(own, email)),
            Name::Phone(phone) => self.attributes.get("phone").is_some_and(|own| own == phone),
            Name::CioId(id) => self.cio_id == *id,
        }
    }

    pub(super) fn set_name(&mut self, name: Name) {
        let (attribute, value) = match name {
            Name::Id(id) => {
                self.id = Some(id);
                return;
            }
            Name::Email(email) if self.email().is_none() => ("email", email),
            Name::Phone(phone) => ("phone", phone),
            Name::Email(_) | Name::CioId(_) => return,
        };
        self.attributes.insert(attribute.to_owned(), value.into());
    }

    /// Sets attributes as of `at`, each unless it has a newer value.
    pub(super) fn update(&mut self, attributes: &Map<String, Value>, at: i64) {
        for (name, value) in attributes {
            if self.updated.get(name).is_some_and(|updated| *updated > at) {
                continue;
            }
            self.updated.insert(name.clone(), at);
            if is_empty(value) {
                self.attributes.remove(name);
            } else {
                self.attributes.insert(name.clone(), value.clone());
            }
        }
    }

    /// When an attribute was last updated, in Unix seconds.
    pub fn updated(&self, name: &str) -> Option<i64> {
        self.updated.get(name).copied()
    }

    /// The newest timestamp of any attribute.
    pub(super) fn last_update(&self) -> Option<i64> {
        self.updated.values().max().copied()
    }

    pub(super) fn log(&mut self, name: &str) {
        let (name, attributes) = (name.to_owned(), Map::new());
        self.activity.push(Activity { name, timestamp: None, attributes });
    }

    /// Takes over what it lacks from another person.
    pub(super) fn absorb(&mut self, secondary: Self) {
        self.id = self.id.take().or(secondary.id);
        for (name, value) in secondary.attributes {
            if !self.attributes.contains_key(&name) {
                let updated = secondary.updated.get(&name).copied().unwrap_or_default();
                self.updated.insert(name.clone(), updated);
                self.attributes.insert(name, value);
            }
        }
        self.activity.extend(secondary.activity);
    }
}

/// Customer.io clears attributes that are sent so.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value == ""
}

/// Customer.io does not tell case apart in addresses.
pub(super) fn same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || !one.is_ascii() && one.to_lowercase() == other.to_lowercase()
}

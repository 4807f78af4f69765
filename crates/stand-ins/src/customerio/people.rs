//! The people that Customer.io knows, with their attributes and events.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// Everybody who appeared in an item so far.
#[derive(Debug, Default)]
pub struct People {
    profiles: Vec<Profile>,
    event_ids: HashSet<String>,
    /// How many events were ignored because their id had been seen before.
    pub repeated: usize,
}

/// One person.
#[derive(Debug, Default, Clone)]
pub struct Profile {
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

impl Profile {
    /// The address, which is an attribute like any other.
    pub fn email(&self) -> Option<&str> {
        self.attributes.get("email")?.as_str()
    }

    fn is(&self, identifiers: &Value) -> bool {
        let same = |name, own: Option<&str>| own.is_some() && identifiers[name].as_str() == own;
        same("id", self.id.as_deref()) || same("email", self.email())
    }

    fn set(&mut self, name: &str, value: &Value, at: i64) {
        if self.updated.get(name).is_some_and(|updated| *updated > at) {
            return;
        }
        self.updated.insert(name.to_owned(), at);
        if value == "" {
            self.attributes.remove(name);
        } else {
            self.attributes.insert(name.to_owned(), value.clone());
        }
    }
}

impl People {
    /// Applies a valid item.
    pub fn apply(&mut self, item: &Value) {
        let attributes = item["attributes"].as_object().cloned().unwrap_or_default();
        match item["action"].as_str() {
            Some("identify") => self.identify(item, &attributes),
            Some("event") => self.event(item, attributes),
            _ => {}
        }
    }

    /// In the order in which they became known.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The person with an id or an e-mail address.
    pub fn find(&self, id_or_email: &str) -> Option<&Profile> {
        let identifiers = json!({"id": id_or_email, "email": id_or_email});
        self.profiles.iter().find(|profile| profile.is(&identifiers))
    }

    /// All events of all people.
    pub fn events(&self) -> impl Iterator<Item = &Activity> {
        self.profiles.iter().flat_map(|profile| &profile.activity)
    }

    fn identify(&mut self, item: &Value, attributes: &Map<String, Value>) {
        let email = attributes.get("email").and_then(Value::as_str);
        let index = self.find_or_claim(&item["identifiers"], email);
        let taken =
            self.profiles.iter().enumerate().any(|(other, profile)| {
                other != index && email.is_some() && profile.email() == email
            });
        let profile = &mut self.profiles[index];
        if taken {
            profile.activity.push(Activity {
                name: "Attribute Update Failure".to_owned(),
                timestamp: None,
                attributes: Map::new(),
            });
            return;
        }
        let at = item["timestamp"].as_i64().unwrap_or(i64::MAX);
        for (name, value) in attributes {
            profile.set(name, value, at);
        }
    }

    fn event(&mut self, item: &Value, attributes: Map<String, Value>) {
        if let Some(id) = item["id"].as_str()
            && !self.event_ids.insert(id.to_owned())
        {
            self.repeated += 1;
            return;
        }
        let index = self.find_or_claim(&item["identifiers"], None);
        self.profiles[index].activity.push(Activity {
            name: item["name"].as_str().unwrap_or_default().to_owned(),
            timestamp: item["timestamp"].as_i64(),
            attributes,
        });
    }

    /// The index of the person with these identifiers; or else of the one with the address `email` and no
    /// id yet, who gets this id; or else of a new one.
    fn find_or_claim(&mut self, identifiers: &Value, email: Option<&str>) -> usize {
        let known = self.profiles.iter().position(|profile| profile.is(identifiers));
        let without_id = || {
            let is_it = |profile: &Profile| {
                profile.id.is_none() && email.is_some() && profile.email() == email
            };
            self.profiles.iter().position(is_it)
        };
        let index = known.or_else(without_id).unwrap_or(self.profiles.len());
        if index == self.profiles.len() {
            self.profiles.push(Profile::default());
        }
        let profile = &mut self.profiles[index];
        if let Some(id) = identifiers["id"].as_str() {
            profile.id = Some(id.to_owned());
        }
        if let Some(email) = identifiers["email"].as_str() {
            profile.attributes.insert("email".to_owned(), email.into());
        }
        index
    }
}

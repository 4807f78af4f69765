//! The people that Customer.io knows, with their attributes and events, and the objects related to them.

mod objects;
mod profile;
mod watched;

pub use objects::{Object, Objects};
pub use profile::{Activity, Profile};
pub(super) use watched::Watched;

use crate::clock::Clock;
use profile::{Name, same_address};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a person's activity says after an `identify` of which nothing was applied.
pub const UPDATE_FAILURE: &str = "Attribute Update Failure";

/// What becomes of an `identify` that is older than others that arrived before it. Customer.io does not
/// say which it does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum LateIdentify {
    /// Each attribute is applied unless that attribute has a newer value.
    #[default]
    ByAttribute,
    /// Nothing is applied if any attribute of the person has a newer value.
    Dropped,
}

/// Everybody who appeared in an item so far.
#[derive(Debug, Default)]
pub struct People {
    profiles: Vec<Profile>,
    event_ids: HashSet<String>,
    suppressed: Vec<Name>,
    /// How many people got a `cio_id` that begins so.
    given: HashMap<String, usize>,
    /// What people are related to.
    pub objects: Objects,
    /// How many events were ignored because their id had been seen before.
    pub repeated: usize,
    /// How late updates are ordered.
    pub late_identify: LateIdentify,
    /// Whether an address that is set stays although an `identify` with an `id` brings another: the
    /// default of new workspaces, but not here.
    pub addresses_are_fixed: bool,
    /// When an `identify` without a timestamp arrives.
    pub clock: Clock,
}

impl People {
    /// Applies a valid item.
    pub fn apply(&mut self, item: &Value) {
        if item["type"] == "object" {
            return self.apply_to_object(item);
        }
        if item["action"] == "merge" {
            return self.merge(item);
        }
        let Some(name) = Name::of(&item["identifiers"]) else { return };
        match item["action"].as_str() {
            Some("identify") => self.identify(&name, item),
            Some("event" | "screen" | "page") => self.event(&name, item),
            Some("delete") => self.delete(&name),
            Some("suppress") => self.suppress(&name),
            Some("unsuppress") => self.suppressed.retain(|known| *known != canonical(&name)),
            Some("add_relationships") => {
                if let Some(index) = self.find_or_create(&name) {
                    self.relate_objects(&self.profiles[index].cio_id.clone(), item);
                }
            }
            Some("delete_relationships") => self.unrelate_objects(&name, item),
            _ => {}
        }
    }

    /// In the order in which they became known.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The person with an id or an e-mail address.
    pub fn find(&self, id_or_email: &str) -> Option<&Profile> {
        let names = [Name::Id(id_or_email.to_owned()), Name::Email(id_or_email.to_owned())];
        self.profiles.iter().find(|profile| names.iter().any(|name| profile.is(name)))
    }

    /// All events of all people.
    pub fn events(&self) -> impl Iterator<Item = &Activity> {
        self.profiles.iter().flat_map(|profile| &profile.activity)
    }

    fn identify(&mut self, name: &Name, item: &Value) {
        let none = Map::new();
        let attributes = item["attributes"].as_object().unwrap_or(&none);
        let email = attributes.get("email").and_then(Value::as_str);
        let Some(index) = self.find_or_claim(name, email) else { return };
        if email.is_some_and(|email| self.refuses(email, index)) {
            return self.profiles[index].log(UPDATE_FAILURE);
        }
        let at = item["timestamp"].as_i64().unwrap_or_else(|| self.now());
        let profile = &mut self.profiles[index];
        if self.late_identify == LateIdentify::Dropped && profile.last_update() > Some(at) {
            return;
        }
        profile.update(attributes, at);
        let cio_id = profile.cio_id.clone();
        self.relate_objects(&cio_id, item);
    }

    fn now(&self) -> i64 {
        self.clock.since_1970().as_secs().cast_signed()
    }

    /// Whether the person at `index` cannot get this address.
    fn refuses(&self, email: &str, index: usize) -> bool {
        let name = Name::Email(email.to_owned());
        let is_taken =
            self.profiles.iter().enumerate().any(|(other, it)| other != index && it.is(&name));
        let own = self.profiles[index].email().unwrap_or(email);
        let is_fixed = self.addresses_are_fixed && !same_address(own, email);
        is_taken || is_fixed || self.is_suppressed(&name)
    }

    fn event(&mut self, name: &Name, item: &Value) {
        if let Some(id) = item["id"].as_str()
            && !self.event_ids.insert(id.to_owned())
        {
            self.repeated += 1;
            return;
        }
        let Some(index) = self.find_or_create(name) else { return };
        self.profiles[index].activity.push(Activity {
            name: item["name"].as_str().unwrap_or_default().to_owned(),
            timestamp: item["timestamp"].as_i64(),
            attributes: item["attributes"].as_object().cloned().unwrap_or_default(),
        });
    }

    fn position(&self, name: &Name) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.is(name))
    }

    fn find_or_create(&mut self, name: &Name) -> Option<usize> {
        self.find_or_claim(name, None)
    }

    /// The index of the person with this name; or else of the one with the address `email` and no id yet,
    /// who gets this id; or else of a new one. `None` if the name is suppressed, or is an unknown
    /// `cio_id`, which Customer.io alone gives.
    fn find_or_claim(&mut self, name: &Name, email: Option<&str>) -> Option<usize> {
        if self.is_suppressed(name) {
            return None;
        }
        let without_id = || {
            let email = Name::Email(email?.to_owned());
            self.profiles.iter().position(|profile| profile.id.is_none() && profile.is(&email))
        };
        let index = match self.position(name).or_else(without_id) {
            Some(index) => index,
            None if matches!(name, Name::CioId(_)) => return None,
            None => self.create(name),
        };
        self.profiles[index].set_name(name.clone());
        Some(index)
    }

    /// The same name gets the same `cio_id` in each run, so that a page that remembers earlier ones finds its
    /// people; a person who comes after they were deleted is another one.
    fn create(&mut self, name: &Name) -> usize {
        let mut hasher = DefaultHasher::new();
        canonical(name).hash(&mut hasher);
        let stem = format!("cio{:08x}", hasher.finish() >> 32);
        let given = self.given.entry(stem.clone()).or_default();
        *given += 1;
        let cio_id = if *given == 1 { stem } else { format!("{stem}-{given}") };
        self.profiles.push(Profile::new(cio_id));
        self.profiles.len() - 1
    }

    fn delete(&mut self, name: &Name) {
        if let Some(index) = self.position(name) {
            let profile = self.profiles.remove(index);
            self.objects.replace_person(&profile.cio_id, None);
        }
    }

    /// Deletes the person; from now on nothing that names them is applied.
    fn suppress(&mut self, name: &Name) {
        let names = self.position(name).map(|index| self.profiles[index].names());
        self.delete(name);
        let names = names.into_iter().flatten().chain([name.clone()]);
        self.suppressed.extend(names.map(|name| canonical(&name)));
    }

    fn is_suppressed(&self, name: &Name) -> bool {
        !self.suppressed.is_empty() && self.suppressed.contains(&canonical(name))
    }

    /// Only if both are known: the primary person takes over what they lack, the secondary is deleted.
    fn merge(&mut self, item: &Value) {
        let position = |people: &Self, which: &str| people.position(&Name::of(&item[which])?);
        let Some(primary) = position(self, "primary") else { return };
        let Some(secondary) = position(self, "secondary").filter(|it| *it != primary) else {
            return;
        };
        let primary_cio_id = self.profiles[primary].cio_id.clone();
        let secondary = self.profiles[secondary].clone();
        self.objects.replace_person(&secondary.cio_id, Some(&primary_cio_id));
        self.profiles[primary].absorb(secondary.clone());
        self.profiles.retain(|profile| profile.cio_id != secondary.cio_id);
    }
}

/// The same for all spellings of an address.
fn canonical(name: &Name) -> Name {
    match name {
        Name::Email(email) => Name::Email(email.to_lowercase()),
        other => other.clone(),
    }
}

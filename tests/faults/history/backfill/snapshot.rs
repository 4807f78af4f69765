//! What Customer.io knows, and how two such states differ.

use super::super::compare::normal;
use super::super::deliver::Run;
use crate::world::World;
use serde_json::Value;
use stand_ins::customerio::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What is known of one person or object; nothing in it is empty.
pub type Attributes = BTreeMap<String, Value>;

/// Everybody and everything that Customer.io knows.
pub struct Snapshot {
    /// By id, or else by address in lower case.
    pub people: BTreeMap<String, Attributes>,
    /// Subscriptions by their ids, each with the names of its people.
    pub objects: BTreeMap<String, (Attributes, BTreeSet<String>)>,
    /// How many events were counted.
    pub events: usize,
}

impl Snapshot {
    pub fn of(world: &World) -> Self {
        let state = world.customerio.state();
        let profiles = state.people.profiles();
        let people = profiles.iter().map(|it| (name(it), normal(&it.attributes))).collect();
        let names: BTreeMap<_, _> = profiles.iter().map(|it| (&it.cio_id, name(it))).collect();
        let objects = state.people.objects.iter().map(|(_, id, object)| {
            let related = object.people.keys().map(|cio_id| names[cio_id].clone()).collect();
            (id.to_owned(), (object.attributes.clone(), related))
        });
        Self { people, objects: objects.collect(), events: state.people.events().count() }
    }
}

fn name(profile: &Profile) -> String {
    let address = || profile.email().unwrap_or_default().to_lowercase();
    profile.id.clone().unwrap_or_else(address)
}

/// One value that differs, or a person or object that only one side has.
#[derive(Debug)]
pub struct Difference {
    /// Of the person or object.
    pub name: String,
    /// `None`: the whole person or object.
    pub attribute: Option<String>,
    pub got: Value,
    pub expected: Value,
}

pub struct Differences(Vec<Difference>);

impl Differences {
    /// Of people, and of whom objects belong to.
    pub fn of(got: &Snapshot, expected: &Snapshot) -> Self {
        let mut all = Vec::new();
        compare(&got.people, &expected.people, &mut all);
        let owners = |(id, (_, people)): (&String, &(Attributes, BTreeSet<String>))| {
            let people = people.iter().map(String::as_str).collect::<Vec<_>>();
            (format!("object {id}"), Attributes::from([("people".to_owned(), people.into())]))
        };
        let owners = |snapshot: &Snapshot| snapshot.objects.iter().map(owners).collect();
        compare(&owners(got), &owners(expected), &mut all);
        Self(all)
    }

    /// Of the attributes of objects.
    pub fn of_objects(got: &Snapshot, expected: &Snapshot) -> Self {
        let mut all = Vec::new();
        let attributes = |snapshot: &Snapshot| {
            let objects = snapshot.objects.iter();
            objects.map(|(id, (attributes, _))| (id.clone(), attributes.clone())).collect()
        };
        compare(&attributes(got), &attributes(expected), &mut all);
        Self(all)
    }

    /// Without those that are right.
    pub fn except(mut self, is_right: impl Fn(&Difference) -> bool) -> Self {
        self.0.retain(|difference| !is_right(difference));
        self
    }

    pub fn assert_none(&self, run: &Run, what: &str) {
        let mut text = String::new();
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        for Difference { name, attribute, got, expected } in &self.0 {
            *counts.entry(attribute).or_default() += 1;
            writeln!(text, "{name} {attribute:?}: expected {expected}, got {got}").unwrap();
        }
        let shown = text.lines().take(20).collect::<Vec<_>>().join("\n");
        assert!(self.0.is_empty(), "{:?}, {what}: {counts:#?}\n{shown}", run.case);
    }
}

fn compare(
    got: &BTreeMap<String, Attributes>,
    expected: &BTreeMap<String, Attributes>,
    all: &mut Vec<Difference>,
) {
    for name in got.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
        let add = |attribute: Option<&String>, got: Value, expected: Value| {
            let attribute = attribute.cloned();
            Difference { name: name.clone(), attribute, got, expected }
        };
        let (Some(got), Some(expected)) = (got.get(name), expected.get(name)) else {
            all.push(add(None, got.contains_key(name).into(), expected.contains_key(name).into()));
            continue;
        };
        for attribute in got.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            let value = |known: &Attributes| known.get(attribute).cloned().unwrap_or_default();
            let (got, expected) = (value(got), value(expected));
            if got != expected {
                all.push(add(Some(attribute), got, expected));
            }
        }
    }
}

//! The differences between what should be known and what is known.

use super::deliver::{Run, find};
use super::generate::Happening;
use super::identity::{Name, person};
use super::truth::{Attributes, Past, People, Person};
use super::upstream::OBJECT_TYPE;
use serde_json::{Value, json};
use stand_ins::customerio::{Arrival, People as Known, Profile, State, UPDATE_FAILURE};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How many people are shown with all their differences and events.
const SHOWN: usize = 6;

#[derive(Default)]
struct Differences {
    /// How many people differ in an attribute.
    counts: BTreeMap<String, usize>,
    people: Vec<String>,
}

impl Differences {
    fn add(&mut self, name: &Name, lines: Vec<(String, String)>, past: &[&Happening]) {
        if lines.is_empty() {
            return;
        }
        let mut text = format!("{name:?}\n");
        for (attribute, line) in lines {
            writeln!(text, "    {attribute}: {line}").unwrap();
            *self.counts.entry(attribute).or_default() += 1;
        }
        for happening in past {
            writeln!(text, "        {}", brief(happening)).unwrap();
        }
        self.people.push(text);
    }

    fn assert_none(&self, run: &Run) {
        if !self.people.is_empty() {
            let shown = self.people.iter().take(SHOWN).cloned().collect::<String>();
            let (people, counts) = (self.people.len(), &self.counts);
            panic!("{:?}: {people} people differ, in {counts:#?}\n{shown}", run.case);
        }
    }
}

/// Everybody is known as they should be, nobody else, and each event was counted once.
pub fn assert_equal(run: &Run) {
    let state = run.world.customerio.state();
    let mut differences = Differences::default();
    let mut expected_people = 0;
    for number in 0..run.history.groups.len() {
        let happenings = run.history.of_group(number);
        let people = past(run, number, &happenings).people();
        expected_people += people.len();
        for (name, expected) in &people {
            let mut lines = match find(state.people.profiles(), name) {
                Some(profile) => lines(expected, &normal(&profile.attributes)),
                None => vec![("person".to_owned(), "not known".to_owned())],
            };
            for (attribute, line) in &mut lines {
                *line += &arrived(&state, name, attribute);
            }
            differences.add(name, lines, &happenings);
        }
    }
    differences.assert_none(run);
    let strangers = state.people.profiles().len() - expected_people;
    assert_eq!(strangers, 0, "people who should not exist, out of {:?}", names(&state.people));
    let failures = state.people.events().filter(|event| event.name == UPDATE_FAILURE).count();
    assert_eq!(failures, 0, "an address was taken");
    assert_eq!(state.people.events().count(), run.expected_events, "each event once");
}

/// Each subscription that a webhook told of is an object, related to its person and to nobody else.
pub fn assert_objects(run: &Run) {
    let state = run.world.customerio.state();
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for happening in run.history.happenings.iter().filter(|happening| happening.is_sent) {
        let (event, customer) = (&happening.event, run.history.customer(happening));
        if event["type"].as_str().unwrap().starts_with("subscription.") {
            let name = person(run.case, customer, happening).unwrap();
            let profile = find(state.people.profiles(), &name).unwrap();
            let id = event["data"]["subscription_id"].as_str().unwrap();
            expected.entry(id).or_default().insert(&profile.cio_id);
        }
    }
    let objects = state.people.objects.iter();
    let known: BTreeMap<&str, BTreeSet<&str>> = objects
        .map(|(type_id, id, object)| {
            assert_eq!(type_id, OBJECT_TYPE);
            (id, object.people.keys().map(String::as_str).collect())
        })
        .collect();
    assert_eq!(known, expected, "subscriptions and their people");
}

/// Whatever was known of a person was true at some time, and not before what was known earlier.
pub fn assert_forward(run: &Run) {
    let mut differences = Differences::default();
    for number in 0..run.history.groups.len() {
        let happenings = run.history.of_group(number);
        let timeline: Vec<People> = (1..=happenings.len())
            .map(|length| past(run, number, &happenings[..length]).people())
            .collect();
        let last = timeline.last().into_iter().flatten();
        for (name, _) in last {
            let truths: Vec<_> = timeline.iter().filter_map(|people| people.get(name)).collect();
            let observed = run.observed.get(name).map(Vec::as_slice).unwrap_or_default();
            let observed: Vec<_> = observed.iter().map(normal).collect();
            differences.add(name, backward(&truths, &observed), &happenings);
        }
    }
    differences.assert_none(run);
}

fn past<'a>(run: &'a Run, number: usize, happenings: &'a [&'a Happening]) -> Past<'a> {
    Past { case: run.case, group: &run.history.groups[number], happenings }
}

fn lines(expected: &Person, known: &Attributes) -> Vec<(String, String)> {
    let names: BTreeSet<_> = expected.known.keys().chain(known.keys()).collect();
    let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let differing = names.into_iter().filter(|name| !is_right(expected, name, known.get(*name)));
    differing
        .map(|name| {
            let (expected, known) = (show(expected.known.get(name)), show(known.get(name)));
            (name.clone(), format!("expected {expected}, got {known}"))
        })
        .collect()
}

fn is_right(expected: &Person, name: &str, value: Option<&Value>) -> bool {
    match expected.known.get(name) {
        Some(known) => value == Some(known),
        None => value.is_none() || value == expected.allowed.get(name),
    }
}

/// The attributes whose values, one after the other, do not appear in this order in the timeline.
fn backward(timeline: &[&Person], observed: &[Attributes]) -> Vec<(String, String)> {
    let names: BTreeSet<_> = observed.iter().flat_map(Attributes::keys).collect();
    let mut lines = Vec::new();
    for name in names {
        let mut place = 0;
        for known in observed.iter().filter_map(|attributes| attributes.get(name)) {
            let is_it = |truth: &&Person| is_right(truth, name, Some(known));
            let found = timeline[place..].iter().position(is_it);
            let Some(found) = found else {
                let before: Vec<_> = observed.iter().filter_map(|it| it.get(name)).collect();
                lines.push((name.clone(), format!("{known} was not true any more, of {before:?}")));
                break;
            };
            place += found;
        }
    }
    lines
}

/// Case does not tell addresses apart.
pub fn normal(known: &BTreeMap<String, Value>) -> Attributes {
    let mut known = known.clone();
    if let Some(Value::String(email)) = known.get_mut("email") {
        *email = email.to_lowercase();
    }
    known
}

/// The times and values with which an attribute arrived.
fn arrived(state: &State, name: &Name, attribute: &str) -> String {
    let identifiers = match name {
        Name::Id(id) => json!({"id": id}),
        Name::Email(email) => json!({"email": email}),
    };
    let items = state.arrivals.iter().flat_map(Arrival::items);
    let own = items.filter(|item| item["identifiers"] == identifiers);
    let values = own.filter_map(|item| {
        let value = item["attributes"].get(attribute).filter(|_| item["action"] == "identify")?;
        Some(format!("{} at {}", value, item["timestamp"]))
    });
    format!(", arrived {:?}", values.collect::<Vec<_>>())
}

fn names(people: &Known) -> Vec<String> {
    let name = |profile: &Profile| format!("{:?} {:?}", profile.id, profile.email());
    people.profiles().iter().map(name).collect()
}

/// A line for a happening.
fn brief(happening: &Happening) -> String {
    let (event, data) = (&happening.event, &happening.event["data"]);
    let fields =
        ["status", "dispute_status", "payment_id", "subscription_id", "refund_id", "product_id"];
    let more = ["total_amount", "amount", "currency", "created_at", "metadata", "expires_at"];
    let mut text = format!("{} {}", event["timestamp"].as_str().unwrap(), event["type"]);
    for field in fields.iter().chain(&more).filter(|field| !data[**field].is_null()) {
        write!(text, " {field}={}", data[*field]).unwrap();
    }
    if !happening.is_sent {
        text += " (not sent)";
    }
    text
}

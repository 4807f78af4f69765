//! The differences between what should be known and what is known.

use super::deliver::{Run, find};
use super::generate::Happening;
use super::identity::Name;
use super::truth::{Attributes, Past, People};
use serde_json::Value;
use stand_ins::customerio::{Profile, UPDATE_FAILURE};
use std::collections::BTreeMap;
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
            let lines = match find(state.people.profiles(), name) {
                Some(profile) => lines(expected, &normal(&profile.attributes)),
                None => vec![("person".to_owned(), "not known".to_owned())],
            };
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

fn lines(expected: &Attributes, known: &Attributes) -> Vec<(String, String)> {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(known.keys()).collect();
    let differing = names.into_iter().filter(|name| {
        expected.get(*name) != known.get(*name) && !is_zero_without_purchase(name, expected, known)
    });
    let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    differing
        .map(|name| {
            let (expected, known) = (show(expected.get(name)), show(known.get(name)));
            (name.clone(), format!("expected {expected}, got {known}"))
        })
        .collect()
}

/// Of someone who never paid, the count may be zero or absent.
fn is_zero_without_purchase(name: &str, expected: &Attributes, known: &Attributes) -> bool {
    name == "payments_count" && !expected.contains_key(name) && known[name] == 0
}

/// The attributes whose values, one after the other, do not appear in this order in the timeline.
fn backward(timeline: &[&Attributes], observed: &[Attributes]) -> Vec<(String, String)> {
    let names: std::collections::BTreeSet<_> = observed.iter().flat_map(Attributes::keys).collect();
    let mut lines = Vec::new();
    for name in names {
        let mut place = 0;
        for known in observed.iter().filter_map(|attributes| attributes.get(name)) {
            let found = timeline[place..].iter().position(|truth| truth.get(name) == Some(known));
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
fn normal(known: &BTreeMap<String, Value>) -> Attributes {
    let mut known = known.clone();
    if let Some(Value::String(email)) = known.get_mut("email") {
        *email = email.to_lowercase();
    }
    known
}

fn names(people: &stand_ins::customerio::People) -> Vec<String> {
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

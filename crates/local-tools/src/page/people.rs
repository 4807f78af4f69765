//! What Customer.io knows of people, and how it came to know it.

use super::{Page, Reply, query};
use serde_json::{Map, Value, json};
use stand_ins::customerio::{People, Profile};
use std::cmp::Reverse;

/// As many people come at once.
const LISTED: usize = 100;

impl Page {
    /// The people, last changed first.
    pub(super) fn people(&self, query: Option<&str>) -> Value {
        let wanted = query::value(query, "text").unwrap_or_default().to_lowercase();
        let limit = query::value(query, "limit").and_then(|limit| limit.parse().ok());
        let history = self.history();
        let last = history.last_changes();
        let state = self.setup().services.customerio.state();
        let profiles = state.people.profiles();
        let mut found: Vec<Value> = profiles
            .iter()
            .filter(|profile| wanted.is_empty() || mentions(profile, &wanted))
            .map(|profile| listed(profile, last.get(profile.cio_id.as_str()).copied()))
            .collect();
        found.sort_by_key(|person| Reverse(person["last"].as_u64()));
        found.truncate(limit.unwrap_or(LISTED));
        json!({"people": found, "total": profiles.len()})
    }

    /// One person with their timeline.
    pub(super) fn person(&self, cio_id: &str) -> Reply {
        let timeline = self.timeline(cio_id);
        let state = self.setup().services.customerio.state();
        let profile = state.people.profiles().iter().find(|it| it.cio_id == cio_id);
        let Some(profile) = profile else {
            return Err((404, "Customer.io knows no such person any more.".to_owned()));
        };
        let attributes = profile.attributes.iter().map(
            |(name, value)| json!({"name": name, "value": value, "updated": profile.updated(name)}),
        );
        Ok(json!({
            "cio_id": cio_id,
            "id": profile.id,
            "email": profile.email(),
            "attributes": attributes.collect::<Vec<_>>(),
            "relationships": relationships(&state.people, cio_id),
            "timeline": timeline,
        }))
    }

    /// The attributes of a person, as items name them.
    pub(super) fn attributes_of(&self, identifiers: &Value) -> Map<String, Value> {
        let name =
            identifiers.as_object().and_then(|it| it.values().next()).and_then(Value::as_str);
        let state = self.setup().services.customerio.state();
        let profile = name.and_then(|name| state.people.find(name));
        let attributes = profile.map(|it| it.attributes.clone()).unwrap_or_default();
        attributes.into_iter().collect()
    }

    /// What happened to a person, newest first.
    fn timeline(&self, cio_id: &str) -> Vec<Value> {
        let (mut steps, history) = (Vec::new(), self.history());
        for record in history.of_person(cio_id) {
            let place = json!({"at": record["at"], "webhook": record["number"]});
            let people = record["changes"]["people"].as_array().into_iter().flatten();
            for person in people.filter(|person| person["cio_id"] == cio_id) {
                steps.extend(steps_of(person, &place));
            }
            let objects = record["changes"]["objects"].as_array().into_iter().flatten();
            let names = record["people"].as_array().cloned().unwrap_or_default();
            let theirs = objects.filter(|it| {
                it["people"].as_array().is_some_and(|all| all.iter().any(|one| names.contains(one)))
            });
            steps.extend(theirs.map(|object| {
                let with = json!({"type": object["type"], "id": object["id"]});
                step(
                    "related",
                    &place,
                    &[("with", with), ("attributes", object["attributes"].clone())],
                )
            }));
        }
        steps.reverse();
        steps
    }
}

/// What one webhook brought of a person, in the order in which Customer.io applies it.
fn steps_of(person: &Value, place: &Value) -> Vec<Value> {
    let mut steps = Vec::new();
    if person["created"] == true {
        steps.push(step("created", place, &[]));
    }
    let is_empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    if !is_empty(&person["attributes"]) || !is_empty(&person["kept"]) {
        let lists = ["attributes", "kept"].map(|name| (name, person[name].clone()));
        steps.push(step("attributes", place, &lists));
    }
    let events = person["events"].as_array().into_iter().flatten();
    steps.extend(events.map(|event| {
        let parts = ["name", "timestamp", "attributes"].map(|name| (name, event[name].clone()));
        step("event", place, &parts)
    }));
    if person["deleted"] == true {
        let kind = if person["merged_into"].is_null() { "deleted" } else { "merged" };
        steps.push(step(kind, place, &[("with", person["merged_into"].clone())]));
    }
    steps
}

fn step(kind: &str, place: &Value, parts: &[(&str, Value)]) -> Value {
    let mut step = place.clone();
    step["kind"] = kind.into();
    for (name, value) in parts {
        step[*name] = value.clone();
    }
    step
}

fn listed(profile: &Profile, last: Option<u64>) -> Value {
    json!({
        "cio_id": profile.cio_id,
        "id": profile.id,
        "email": profile.email(),
        "name": profile.attributes.get("name"),
        "events": profile.activity.len(),
        "last": last,
    })
}

fn mentions(profile: &Profile, wanted: &str) -> bool {
    let values = profile.attributes.values().map(ToString::to_string);
    let all = values.chain(profile.id.clone()).chain([profile.cio_id.clone()]);
    all.into_iter().any(|text| text.to_lowercase().contains(wanted))
}

fn relationships(people: &People, cio_id: &str) -> Vec<Value> {
    let related = people.objects.iter().filter_map(|(type_id, id, object)| {
        let attributes = object.people.get(cio_id)?;
        Some(json!({
            "type": type_id, "id": id, "attributes": attributes, "object": object.attributes,
        }))
    });
    related.collect()
}

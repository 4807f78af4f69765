//! What a request changes: the people and objects that it names, before and after.

use super::People;
use super::objects::{Key, Object, key};
use super::profile::{Name, Profile, is_empty};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Those that a request names, as they were before it.
pub(in super::super) struct Watched {
    items: Vec<Value>,
    names: Vec<Name>,
    people: BTreeMap<String, Profile>,
    objects: BTreeMap<Key, Option<Object>>,
    /// Ids of events that had been seen.
    repeated: Vec<String>,
}

impl Watched {
    /// Before the request to this path with this body is processed.
    pub(in super::super) fn of(people: &People, path: &str, body: &Value) -> Self {
        let items = items(path, body);
        let names: Vec<Name> = items.iter().flat_map(names).collect();
        let keys: BTreeSet<Key> = items.iter().flat_map(keys).collect();
        let objects = keys.into_iter().map(|key| {
            let before = people.objects.find(&key.0, &key.1).cloned();
            (key, before)
        });
        let ids =
            items.iter().filter(|it| it["action"] == "event").filter_map(|it| it["id"].as_str());
        let repeated = ids.filter(|id| people.event_ids.contains(*id)).map(str::to_owned).collect();
        let (objects, known) = (objects.collect(), named(people, &names));
        Self { names, people: known, objects, repeated, items }
    }

    /// What has become of them.
    pub(in super::super) fn changes(&self, people: &People) -> Value {
        let mut after = named(people, &self.names);
        for profile in people.profiles.iter().filter(|it| self.people.contains_key(&it.cio_id)) {
            after.entry(profile.cio_id.clone()).or_insert_with(|| profile.clone());
        }
        let ids: BTreeSet<&String> = self.people.keys().chain(after.keys()).collect();
        let changed =
            ids.into_iter().filter_map(|id| self.person(self.people.get(id), after.get(id)));
        let objects =
            self.objects.iter().filter_map(|(key, before)| object(people, key, before.as_ref()));
        json!({
            "people": changed.collect::<Vec<_>>(),
            "objects": objects.collect::<Vec<_>>(),
            "repeated": self.repeated,
        })
    }

    /// `None` if all is as before.
    fn person(&self, before: Option<&Profile>, after: Option<&Profile>) -> Option<Value> {
        let any = after.or(before)?;
        let none = BTreeMap::new();
        let attributes =
            |profile: Option<&Profile>| profile.map_or(none.clone(), |it| it.attributes.clone());
        let changed = difference(&attributes(before), &attributes(after));
        let seen = before.map_or(0, |it| it.activity.len());
        let activity =
            after.map(|it| it.activity.get(seen..).unwrap_or_default()).unwrap_or_default();
        let events = activity.iter().map(|event| {
            json!({"name": event.name, "timestamp": event.timestamp, "attributes": event.attributes})
        });
        let events: Vec<Value> = events.collect();
        let kept = after.map(|it| self.kept(it)).unwrap_or_default();
        let new_id = before.is_some_and(|it| after.is_some_and(|after| it.id != after.id));
        let is_same = before.is_some() == after.is_some();
        if is_same && changed.is_empty() && events.is_empty() && kept.is_empty() && !new_id {
            return None;
        }
        Some(json!({
            "cio_id": any.cio_id,
            "id": any.id,
            "email": any.email(),
            "created": before.is_none(),
            "deleted": after.is_none(),
            "merged_into": if after.is_none() { self.merged_into(any) } else { None },
            "attributes": changed,
            "kept": kept,
            "events": events,
        }))
    }

    /// What was sent of a person but is older than what was known.
    fn kept(&self, profile: &Profile) -> Vec<Value> {
        let identifies = self.items.iter().filter(|it| it["action"] == "identify");
        let theirs = identifies
            .filter(|it| Name::of(&it["identifiers"]).is_some_and(|name| profile.is(&name)));
        let older = theirs.flat_map(|item| {
            let at = item["timestamp"].as_i64();
            let sent = item["attributes"].as_object().into_iter().flatten();
            sent.filter(move |(name, _)| at.is_some_and(|at| profile.updated(name) > Some(at)))
        });
        let kept = older.filter_map(|(name, sent)| {
            let kept = profile.attributes.get(name);
            let is_same = kept.map_or(is_empty(sent), |kept| kept == sent);
            (!is_same).then(|| json!({"name": name, "sent": sent, "kept": kept}))
        });
        kept.collect()
    }

    /// The primary person of the merge that ended this one.
    fn merged_into(&self, profile: &Profile) -> Option<Value> {
        let ended = |item: &&Value| {
            item["action"] == "merge"
                && Name::of(&item["secondary"]).is_some_and(|it| profile.is(&it))
        };
        self.items.iter().find(ended).map(|item| item["primary"].clone())
    }
}

/// The items of a request; of an older path the person that it names.
fn items(path: &str, body: &Value) -> Vec<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", "v1", "customers", id, ..] => {
            vec![json!({"type": "person", "identifiers": {"id": id}, "attributes": body})]
        }
        _ => body["batch"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]),
    }
}

/// The people that an item may create, change or end.
fn names(item: &Value) -> Vec<Name> {
    let related = item["cio_relationships"].as_array().into_iter().flatten();
    let related = related.map(|it| &it["identifiers"]);
    let named = [&item["identifiers"], &item["primary"], &item["secondary"]].into_iter();
    let email = item["attributes"]["email"].as_str().map(|email| Name::Email(email.to_owned()));
    named.chain(related).filter_map(Name::of).chain(email).collect()
}

fn keys(item: &Value) -> Vec<Key> {
    let related = item["cio_relationships"].as_array().into_iter().flatten();
    let related = related.map(|it| &it["identifiers"]);
    [&item["identifiers"]].into_iter().chain(related).filter_map(key).collect()
}

fn named(people: &People, names: &[Name]) -> BTreeMap<String, Profile> {
    let is_named = |profile: &&Profile| names.iter().any(|name| profile.is(name));
    let found = people.profiles.iter().filter(is_named);
    found.map(|profile| (profile.cio_id.clone(), profile.clone())).collect()
}

/// Attributes that are no longer as they were; null is absent.
fn difference(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<Value> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let line =
        |name: &String| json!({"name": name, "before": before.get(name), "after": after.get(name)});
    changed.map(line).collect()
}

fn object(people: &People, key: &Key, before: Option<&Object>) -> Option<Value> {
    let after = people.objects.find(&key.0, &key.1);
    let none = Object::default();
    let [old, new] = [before, after].map(|it| it.unwrap_or(&none));
    let attributes = difference(&old.attributes, &new.attributes);
    if attributes.is_empty() && old.people == new.people && before.is_some() == after.is_some() {
        return None;
    }
    let related = new.people.keys().filter_map(|cio_id| {
        let profile = people.profiles.iter().find(|it| it.cio_id == *cio_id)?;
        profile.id.clone().or_else(|| profile.email().map(str::to_owned))
    });
    Some(json!({
        "type": key.0,
        "id": key.1,
        "created": before.is_none(),
        "attributes": attributes,
        "people": related.collect::<Vec<_>>(),
    }))
}

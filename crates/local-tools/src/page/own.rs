//! Queue mode: what is one webhook's own in the requests, lookups and changes of a batch.

use serde_json::{Value, json};

/// A record that shows no items of other webhooks, which are in the same requests.
pub fn own_part(mut record: Value) -> Value {
    let whole = record.clone();
    for delivery in record["deliveries"].as_array_mut().into_iter().flatten() {
        let requests = delivery["requests"].as_array().into_iter().flatten();
        delivery["requests"] = requests.filter_map(|it| own_request(&whole, it)).collect();
    }
    record
}

/// Of a batch's request what is this webhook's; `None` if nothing is.
pub fn own_request(record: &Value, request: &Value) -> Option<Value> {
    let Some(items) = request["body"]["batch"].as_array() else {
        let is_own = |it: &&Value| it["path"] == request["path"] && it["body"] == request["body"];
        return computed(record).any(|it| is_own(&it)).then(|| request.clone());
    };
    let own = own_indices(record, items);
    let place = |index: u64| own.iter().position(|own| *own as u64 == index);
    let errors = request["response"]["errors"].as_array().into_iter().flatten();
    let errors: Vec<Value> = errors
        .filter_map(|error| {
            let mut error = error.clone();
            if let Some(index) = error["batch_index"].as_u64() {
                error["batch_index"] = place(index)?.into();
            }
            Some(error)
        })
        .collect();
    let mut part = request.clone();
    part["body"]["batch"] = own.iter().map(|index| items[*index].clone()).collect();
    part["others"] = (items.len() - own.len()).into();
    if request["response"]["errors"].is_array() {
        part["response"]["errors"] = errors.into();
    }
    (!own.is_empty()).then_some(part)
}

fn computed(record: &Value) -> impl Iterator<Item = &Value> {
    record["transform"]["requests"].as_array().into_iter().flatten()
}

/// The positions of a webhook's items: those that were computed here, and those that name it. What only the queue
/// function could look up changes attributes, so an item may also be known by whom and when it is about.
fn own_indices(record: &Value, items: &[Value]) -> Vec<usize> {
    let is_named = |item: &Value| {
        let id = &item["attributes"]["dodo_webhook_id"];
        id.is_string() && *id == record["webhook_id"]
    };
    let mut own: Vec<usize> = (0..items.len()).filter(|index| is_named(&items[*index])).collect();
    let expected = computed(record).filter_map(|it| it["body"]["batch"].as_array()).flatten();
    for wanted in expected {
        let is_like = |item: &Value| {
            ["type", "action", "identifiers", "timestamp", "name"]
                .iter()
                .all(|part| item[*part] == wanted[*part])
        };
        let is_other = |item: &Value| item["attributes"]["dodo_webhook_id"].is_string();
        let exact = items.iter().position(|item| item == wanted);
        let like = || items.iter().position(|item| is_like(item) && !is_other(item));
        own.extend(exact.or_else(like));
    }
    own.sort_unstable();
    own.dedup();
    own
}

/// Of a batch's lookups those of what the event names, and of what that names.
pub fn own_lookups(record: &Value, lookups: &[Value]) -> Vec<Value> {
    let mut text = record["body"].as_str().unwrap_or_default().to_owned();
    let mut own: Vec<&Value> = Vec::new();
    for _ in 0..2 {
        own = lookups.iter().filter(|it| names_part_of(it, &text)).collect();
        text.extend(own.iter().map(|it| it["response"].to_string()));
    }
    own.into_iter().cloned().collect()
}

/// Whether an id in a path is also in a text.
fn names_part_of(lookup: &Value, text: &str) -> bool {
    let path = lookup["path"].as_str().unwrap_or_default();
    let mut parts =
        path.split(['/', '?', '&']).map(|it| it.split_once('=').map_or(it, |(_, value)| value));
    parts.any(|it| it.contains('_') && text.contains(it))
}

/// Of what a batch changed, what is about this webhook's person, objects and event ids.
pub fn own_changes(record: &Value, changes: &Value, requests: &[Value]) -> Value {
    let items: Vec<&Value> =
        requests.iter().filter_map(|it| it["body"]["batch"].as_array()).flatten().collect();
    let people = changes["people"].as_array().into_iter().flatten();
    let of = |list: &str, is_own: &dyn Fn(&&Value) -> bool| -> Vec<Value> {
        changes[list].as_array().into_iter().flatten().filter(is_own).cloned().collect()
    };
    let is_object =
        |change: &&Value| items.iter().any(|it| it["identifiers"]["object_id"] == change["id"]);
    let is_event = |id: &&Value| items.iter().any(|item| item["id"] == **id);
    json!({
        "people": people.filter_map(|it| own_person(record, it, &items)).collect::<Vec<_>>(),
        "objects": of("objects", &is_object),
        "repeated": of("repeated", &is_event),
    })
}

/// What a webhook's own items changed of a person; `None` if nothing.
fn own_person(record: &Value, change: &Value, items: &[&Value]) -> Option<Value> {
    let names: Vec<&Value> = record["people"].as_array().into_iter().flatten().collect();
    let identified = items.iter().filter_map(|item| item["identifiers"].as_object());
    let names: Vec<&Value> =
        names.into_iter().chain(identified.flat_map(|it| it.values())).collect();
    let mut identities = [&change["id"], &change["email"]].into_iter();
    if items.is_empty() || !identities.any(|it| it.is_string() && names.contains(&it)) {
        return None;
    }
    let sent = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        items.iter().any(|it| {
            it["identifiers"].get(name).is_some()
                || it["action"] != "event" && it["attributes"].get(name).is_some()
        })
    };
    let is_own_event = |event: &Value| match &event["attributes"]["dodo_webhook_id"] {
        Value::String(id) => record["webhook_id"] == id.as_str(),
        _ => items.iter().any(|it| it["action"] == "event" && it["name"] == event["name"]),
    };
    let mut own = change.clone();
    let retain = |list: &mut Value, is_own: &dyn Fn(&Value) -> bool| {
        list.as_array_mut().is_none_or(|all| {
            all.retain(is_own);
            all.is_empty()
        })
    };
    let is_same = [
        retain(&mut own["attributes"], &|it| sent(&it["name"])),
        retain(&mut own["kept"], &|it| sent(&it["name"])),
        retain(&mut own["events"], &is_own_event),
    ];
    let is_gone = change["deleted"] == true;
    (is_gone || is_same.contains(&false)).then_some(own)
}

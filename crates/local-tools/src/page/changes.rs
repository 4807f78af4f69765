//! What several requests changed at Customer.io, as one.

use serde_json::{Map, Value, json};

/// The changes of requests in their order: before the first and after the last of them.
pub fn merged<'c>(changes: impl Iterator<Item = &'c Value>) -> Value {
    let mut merged = json!({"people": [], "objects": [], "repeated": []});
    for change in changes {
        for (list, key) in [("people", &["cio_id"][..]), ("objects", &["type", "id"])] {
            let theirs = change[list].as_array().into_iter().flatten();
            theirs.for_each(|one| add(&mut merged[list], one, key));
        }
        let repeated = change["repeated"].as_array().into_iter().flatten().cloned();
        if let Some(list) = merged["repeated"].as_array_mut() {
            list.extend(repeated);
        }
    }
    merged
}

/// Adds what changed of one person or object, which `key` names.
fn add(list: &mut Value, change: &Value, key: &[&str]) {
    let Some(list) = list.as_array_mut() else { return };
    let is_it = |known: &&mut Value| key.iter().all(|name| known[*name] == change[*name]);
    match list.iter_mut().find(is_it) {
        Some(known) => combine(known, change),
        None => list.push(change.clone()),
    }
}

fn combine(known: &mut Value, later: &Value) {
    let first = known["attributes"].as_array().cloned().unwrap_or_default();
    let mut attributes: Map<String, Value> = Map::new();
    for line in first.iter().chain(later["attributes"].as_array().into_iter().flatten()) {
        let name = line["name"].as_str().unwrap_or_default();
        let entry = attributes.entry(name).or_insert_with(|| line.clone());
        entry["after"] = line["after"].clone();
    }
    let was_created = known["created"].clone();
    for list in ["events", "kept"] {
        if let (Some(all), Some(more)) = (known[list].as_array().cloned(), later[list].as_array()) {
            known[list] = all.into_iter().chain(more.iter().cloned()).collect();
        }
    }
    for field in ["id", "email", "deleted", "merged_into", "people"] {
        if let Some(value) = later.get(field) {
            known[field] = value.clone();
        }
    }
    known["created"] = was_created;
    known["attributes"] =
        attributes.into_values().filter(|it| it["before"] != it["after"]).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_are_one_change_from_before_the_first_to_after_the_last() {
        let person = |created: bool, name: &str, before: Value, after: Value, event: &str| {
            json!({"people": [{
                "cio_id": "cio1", "created": created, "kept": [], "events": [{"name": event}],
                "attributes": [{"name": name, "before": before, "after": after}],
            }], "objects": [], "repeated": []})
        };
        let first = person(true, "plan", Value::Null, json!("a"), "One");
        let second = person(false, "plan", json!("a"), json!("b"), "Two");
        let back = person(false, "plan", json!("b"), Value::Null, "Three");
        let other = json!({"people": [{"cio_id": "cio2"}], "objects": [], "repeated": ["01"]});
        let both = merged([&first, &second, &Value::Null, &other].into_iter());
        let people = both["people"].as_array().unwrap();
        assert_eq!(people.len(), 2);
        assert_eq!(people[0]["created"], true);
        assert_eq!(people[0]["events"], json!([{"name": "One"}, {"name": "Two"}]));
        let line = json!([{"name": "plan", "before": null, "after": "b"}]);
        assert_eq!(people[0]["attributes"], line);
        assert_eq!(both["repeated"], json!(["01"]));
        let all = merged([&first, &second, &back].into_iter());
        assert_eq!(all["people"][0]["attributes"], json!([]));
    }
}

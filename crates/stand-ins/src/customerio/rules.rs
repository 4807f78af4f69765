//! Customer.io's published rules for an item, and the errors it reports.

use super::schema::{self, shortened, shown};
use serde_json::{Map, Value, json};

// The published limits, in bytes; repeated here so that a mistake in the function's own constants shows.
const MAX_ITEM: usize = 32_000;
const MAX_EVENT_NAME: usize = 100;
const MAX_IDENTIFIER: usize = 150;
const MAX_ATTRIBUTE_NAME: usize = 150;
const MAX_ATTRIBUTE_VALUE: usize = 1_000;
const MAX_ATTRIBUTES: usize = 300;
/// Of the year 9999. What is later was meant in milliseconds.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// One of them names a person.
const IDENTIFIERS: [&str; 4] = ["id", "email", "phone", "cio_id"];

/// One of them names a related person; or a person to be merged.
const RELATED_IDENTIFIERS: [&str; 3] = ["id", "email", "cio_id"];

/// Names an object; the last one does it alone.
const OBJECT_IDENTIFIERS: [&str; 3] = ["object_type_id", "object_id", "cio_object_id"];

/// The errors of an item, in the form that Customer.io reports them.
pub fn errors(item: &Value) -> Vec<Value> {
    let mut errors = Errors(Vec::new());
    errors.check(item.to_string().len() <= MAX_ITEM, "item", || {
        format!("item cannot be larger than {MAX_ITEM} bytes")
    });
    errors.timestamp(&item["timestamp"]);
    match item["type"].as_str() {
        Some("person") if item["action"] == "merge" => {
            errors.person("primary", &item["primary"], &RELATED_IDENTIFIERS);
            errors.person("secondary", &item["secondary"], &RELATED_IDENTIFIERS);
        }
        Some("person") => {
            errors.person("identifiers", &item["identifiers"], &IDENTIFIERS);
            errors.event(item);
            errors.attributes("attributes", &item["attributes"]);
            errors.relationships(item, Errors::object);
        }
        Some("object") => {
            errors.object("identifiers", &item["identifiers"]);
            errors.attributes("attributes", &item["attributes"]);
            errors.relationships(item, |errors, field, identifiers| {
                errors.person(field, identifiers, &RELATED_IDENTIFIERS);
            });
        }
        _ => {}
    }
    // The schema covers the rest.
    if errors.0.is_empty()
        && let Err(schema::Mistake { field, message }) = schema::check(item)
    {
        errors.add(&field, message);
    }
    errors.0
}

/// The errors of an item that is refused although it keeps the rules.
pub fn refused() -> Vec<Value> {
    let mut errors = Errors(Vec::new());
    errors.add("attributes", "was refused, as the local Customer.io was told to");
    errors.0
}

struct Errors(Vec<Value>);

impl Errors {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(json!({"reason": "invalid", "field": field, "message": message.into()}));
    }

    fn check(&mut self, holds: bool, field: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.add(field, message());
        }
    }

    fn person(&mut self, field: &str, identifiers: &Value, allowed: &[&str]) {
        let one_of = format!("exactly one of {} must identify the person", allowed.join(", "));
        if !self.strings(field, identifiers, allowed, &one_of) {
            return;
        }
        let given = identifiers.as_object();
        self.check(given.is_some_and(|given| given.len() == 1), field, || one_of);
        for value in given.into_iter().flat_map(Map::values).filter_map(Value::as_str) {
            self.identifier(field, value);
        }
    }

    fn object(&mut self, field: &str, identifiers: &Value) {
        const BY: &str = "object_type_id and object_id must identify the object";
        if !self.strings(field, identifiers, &OBJECT_IDENTIFIERS, BY) {
            return;
        }
        let text = |name: &str| identifiers[name].as_str();
        match (text("object_type_id"), text("object_id"), text("cio_object_id")) {
            (Some(type_id), Some(id), None) => {
                self.identifier(field, type_id);
                self.identifier(field, id);
            }
            (None, None, Some(id)) => self.identifier(field, id),
            _ => self.add(field, BY),
        }
    }

    /// Names each identifier that nobody knows or that is no string. False: there is one.
    fn strings(&mut self, field: &str, identifiers: &Value, allowed: &[&str], by: &str) -> bool {
        let before = self.0.len();
        for (name, value) in identifiers.as_object().into_iter().flatten() {
            let field = format!("{field}.{}", shortened(name));
            if !allowed.contains(&name.as_str()) {
                self.add(&field, format!("is not known here; {by}"));
            } else if !value.is_string() {
                self.add(&field, format!("is {}; it must be a string", shown(value)));
            }
        }
        self.0.len() == before
    }

    fn identifier(&mut self, field: &str, value: &str) {
        self.check((1..=MAX_IDENTIFIER).contains(&value.len()), field, || {
            format!("an identifier must have 1 to {MAX_IDENTIFIER} bytes")
        });
    }

    fn relationships(&mut self, item: &Value, check: impl Fn(&mut Self, &str, &Value)) {
        for relationship in item["cio_relationships"].as_array().into_iter().flatten() {
            check(self, "cio_relationships.identifiers", &relationship["identifiers"]);
            let attributes = &relationship["relationship_attributes"];
            self.attributes("cio_relationships.relationship_attributes", attributes);
        }
    }

    fn timestamp(&mut self, timestamp: &Value) {
        let fits = timestamp.as_f64().is_none_or(|seconds| seconds <= LAST_SECOND);
        self.check(fits, "timestamp", || {
            format!("is {}; it must be in seconds, not in milliseconds", shown(timestamp))
        });
    }

    fn event(&mut self, item: &Value) {
        if item["action"] != "event" {
            return;
        }
        match &item["name"] {
            Value::String(name) => {
                self.check((1..=MAX_EVENT_NAME).contains(&name.len()), "name", || {
                    format!("an event's name must have 1 to {MAX_EVENT_NAME} bytes")
                });
            }
            Value::Null => self.add("name", "is missing"),
            other => self.add("name", format!("is {}; it must be a string", shown(other))),
        }
        if let Some(id) = item.get("id") {
            let is_ulid = id.as_str().is_some_and(|id| ulid::Ulid::from_string(id).is_ok());
            self.check(is_ulid, "id", || format!("is {}; an event's id must be a ULID", shown(id)));
        }
    }

    fn attributes(&mut self, field: &str, attributes: &Value) {
        let Some(attributes) = attributes.as_object() else { return };
        self.check(attributes.len() <= MAX_ATTRIBUTES, field, || {
            format!("there cannot be more than {MAX_ATTRIBUTES} attributes")
        });
        for (name, value) in attributes {
            let field = format!("{field}.{}", shortened(name));
            self.check(name.len() <= MAX_ATTRIBUTE_NAME, &field, || {
                format!("property name cannot be longer than {MAX_ATTRIBUTE_NAME} bytes")
            });
            self.check(strings_fit(value), &field, || {
                format!("property value cannot be longer than {MAX_ATTRIBUTE_VALUE} bytes")
            });
        }
    }
}

fn strings_fit(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_ATTRIBUTE_VALUE,
        Value::Array(values) => values.iter().all(strings_fit),
        Value::Object(map) => map.values().all(strings_fit),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

//! Customer.io's published schema of one item (descriptions and examples removed).

use jsonschema::Validator;
use serde_json::{Value, json};
use std::sync::LazyLock;

static ENTITY_REQUEST: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema: Value =
        serde_json::from_str(include_str!("track-v2.schema.json")).expect("the schema is JSON");
    let root = schema.as_object_mut().expect("the schema is an object");
    root.remove("anyOf");
    root.insert("$ref".to_owned(), json!("#/$defs/entity_request"));
    jsonschema::validator_for(&schema).expect("the schema is valid")
});

/// Checks an item against the published schema.
///
/// # Errors
/// The validator's first error.
pub fn check(item: &Value) -> Result<(), String> {
    ENTITY_REQUEST.validate(item).map_err(|error| error.to_string())
}

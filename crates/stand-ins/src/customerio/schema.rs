//! Customer.io's published schema of one item (descriptions and examples removed), and what an item that
//! breaks it must be instead.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// As much of a string is quoted, in characters.
const QUOTED: usize = 40;

static ENTITY_REQUEST: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema: Value =
        serde_json::from_str(include_str!("track-v2.schema.json")).expect("the schema is JSON");
    let root = schema.as_object_mut().expect("the schema is an object");
    root.remove("anyOf");
    root.insert("$ref".to_owned(), json!("#/$defs/entity_request"));
    jsonschema::validator_for(&schema).expect("the schema is valid")
});

/// A field that breaks the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Such as `attributes.path`.
    pub field: String,
    /// What it is and what it must be.
    pub message: String,
}

/// Checks an item against the published schema.
///
/// # Errors
/// The first mistake in what the item seems to be meant as.
pub fn check(item: &Value) -> Result<(), Mistake> {
    ENTITY_REQUEST.validate(item).map_err(|error| mistake(&error))
}

fn mistake(error: &ValidationError<'_>) -> Mistake {
    if let Some(alternatives) = alternatives(error) {
        return of_alternatives(&alternatives);
    }
    let is = shown(error.instance());
    let message = match error.kind() {
        ValidationErrorKind::Required { .. } => "is missing".to_owned(),
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => {
            format!("is {is}; it must be {}", named(*kind))
        }
        ValidationErrorKind::Enum { .. } => must_be(&is, options(error)),
        _ => format!("does not fit the published schema: {error}"),
    };
    Mistake { field: field(error), message }
}

type Alternative<'e> = Vec<&'e ValidationError<'static>>;

/// Why each alternative does not fit; those of an alternative for the same place are as good as its own.
fn alternatives<'e>(error: &'e ValidationError<'_>) -> Option<Vec<Alternative<'e>>> {
    let (ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context }) =
        error.kind()
    else {
        return None;
    };
    let inner = |errors: &'e Vec<ValidationError<'static>>| match errors.as_slice() {
        [only] if only.instance_path().as_str() == error.instance_path().as_str() => {
            alternatives(only)
        }
        _ => None,
    };
    let alternative = |errors: &'e Vec<ValidationError<'static>>| {
        inner(errors).unwrap_or_else(|| vec![errors.iter().collect()])
    };
    Some(context.iter().flat_map(alternative).collect())
}

/// The item is meant as the alternative whose type and action it has.
fn of_alternatives(alternatives: &[Alternative<'_>]) -> Mistake {
    let is_about = |errors: &Alternative<'_>, name: &str| errors.iter().any(|it| field(it) == name);
    let mut meant: Vec<_> = alternatives.iter().collect();
    for name in ["type", "action"] {
        if !meant.is_empty() && meant.iter().all(|errors| is_about(errors, name)) {
            return of_all(name, &meant);
        }
        meant.retain(|errors| !is_about(errors, name));
    }
    let nearest = meant.into_iter().min_by_key(|errors| errors.len());
    let first = nearest.and_then(|errors| errors.first());
    let unknown = || Mistake {
        field: String::new(),
        message: "does not fit the published schema".to_owned(),
    };
    first.map_or_else(unknown, |error| mistake(error))
}

/// The mistake in a field that fits no alternative.
fn of_all(name: &str, alternatives: &[&Alternative<'_>]) -> Mistake {
    let errors = alternatives.iter().flat_map(|errors| errors.iter());
    let errors: Vec<_> = errors.filter(|error| field(error) == name).collect();
    let all: BTreeSet<_> = errors.iter().flat_map(|error| options(error)).collect();
    match errors.iter().find(|error| !options(error).is_empty()) {
        Some(error) => {
            let message = must_be(&shown(error.instance()), all);
            Mistake { field: name.to_owned(), message }
        }
        None => mistake(errors[0]),
    }
}

/// The strings that a field may be.
fn options(error: &ValidationError<'_>) -> Vec<String> {
    let ValidationErrorKind::Enum { options } = error.kind() else { return Vec::new() };
    let options = options.as_array().into_iter().flatten();
    options.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn must_be(is: &str, options: impl IntoIterator<Item = String>) -> String {
    let options: Vec<_> = options.into_iter().collect();
    let one_of = if options.len() > 1 { "one of " } else { "" };
    format!("is {is}; it must be {one_of}{}", options.join(", "))
}

/// Such as `attributes.path`.
fn field(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    let missing = match error.kind() {
        ValidationErrorKind::Required { property } => property.as_str(),
        _ => None,
    };
    let names = path.split('/').filter(|name| !name.is_empty()).chain(missing);
    names.collect::<Vec<_>>().join(".")
}

/// A value, for a sentence.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string \"{}\"", shortened(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// As much of a text as is worth reading.
pub(super) fn shortened(text: &str) -> String {
    let start: String = text.chars().take(QUOTED).collect();
    if start.len() < text.len() { start + "…" } else { start }
}

fn named(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

//! Any personal values, quoted in any message: no word of them is left, by the slow and obvious
//! reference. `cargo fuzz run redaction` runs it.
#![no_main]

#[path = "../../crates/stand-ins/src/leaks.rs"]
mod leaks;

use arbitrary::Arbitrary;
use dodo_customerio::telemetry::redaction::{Redactor, SENTENCES};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    values: Vec<&'a str>,
    secret: &'a str,
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Part<'a> {
    Text(&'a str),
    Value(u8),
    Json(u8),
    Url(u8),
    Upper(u8),
}

fuzz_target!(|input: Input<'_>| {
    let parts = input.parts.iter().map(|part| part.text(&input.values));
    let message: String = parts.collect();
    let payload =
        json!({"data": {"customer": {"name": input.values.first()}, "metadata": input.values}});
    let redacted = Redactor::new(&payload, [input.secret.to_owned()]).redact(&message);
    assert!(redacted.chars().count() <= 300);
    assert_eq!(leaks::leaks(&input.values, &redacted, is_ours), Vec::<String>::new(), "{redacted}");
});

impl Part<'_> {
    fn text(&self, values: &[&str]) -> String {
        let value = |index: &u8| *values.get(usize::from(*index)).unwrap_or(&"");
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Value(index) => value(index).to_owned(),
            Self::Json(index) => json!(value(index)).to_string(),
            Self::Url(index) => value(index).bytes().map(|byte| format!("%{byte:02x}")).collect(),
            Self::Upper(index) => value(index).to_uppercase(),
        }
    }
}

/// Words that stay in our sentences, in limits, and as names of fields.
fn is_ours(word: &str) -> bool {
    let sentences = SENTENCES.iter().flat_map(|it| it.split(|it: char| !it.is_alphanumeric()));
    let fields =
        ["redacted", "data", "customer", "name", "metadata", "attributes", "batch", "payload"];
    let more =
        ["identifiers", "action", "email", "phone", "timestamp", "type", "primary", "secondary"];
    let units = ["bytes", "characters", "errors", "items", "cio", "relationships", "MiB"];
    let mut ours = sentences.chain(fields).chain(more).chain(units);
    ours.any(|ours| ours.eq_ignore_ascii_case(word)) || word.bytes().all(|it| it.is_ascii_digit())
}

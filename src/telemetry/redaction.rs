//! Customer.io's reasons and a handler's errors go into Dodo's delivery log and into ours. They may
//! quote what they were given, so personal data and secrets are redacted first.

use serde_json::Value;
use std::cmp::Reverse;

const REDACTED: &str = "[redacted]";

/// As much of a message as a person reads, in characters.
const MAX_MESSAGE: usize = 300;

/// Words with fewer characters name nobody, and redacting them would spoil every sentence.
const SHORTEST_WORD: usize = 2;

/// Fields whose strings are personal, nested ones included: of Dodo's payloads and of requests to
/// Customer.io.
const PERSONAL: [&str; 14] = [
    "billing",
    "card_holder_name",
    "customer",
    "customer_business_name",
    "email",
    "identifiers",
    "key",
    "license_key",
    "metadata",
    "name",
    "phone",
    "phone_number",
    "street",
    "tax_id",
];

/// Strings to redact from anything that leaves the process.
#[derive(Debug, Default)]
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    /// Redacts the personal strings of a payload or a request, and `secrets`.
    pub(crate) fn new(json: &Value, secrets: impl IntoIterator<Item = String>) -> Self {
        let mut words = Vec::new();
        personal_strings(json, &mut words);
        words.extend(words.iter().map(|word| as_json(word)).collect::<Vec<_>>());
        words.extend(secrets);
        words.retain(|word| word.trim().chars().count() >= SHORTEST_WORD);
        words.sort_by_key(|word| Reverse(word.len()));
        words.dedup();
        Self(words)
    }

    /// Redacts a message, also of anything that looks like an e-mail address, and cuts it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let redact = |text: String, word: &String| text.replace(word.as_str(), REDACTED);
        let text = self.0.iter().fold(text.to_owned(), redact);
        let no_addresses =
            text.split(' ').map(|word| if word.contains('@') { REDACTED } else { word });
        no_addresses.collect::<Vec<_>>().join(" ").chars().take(MAX_MESSAGE).collect()
    }
}

/// The `name` of an item is its event's, which is not personal; those below `attributes` are.
fn personal_strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| personal_strings(value, into)),
        Value::Object(map) => {
            let is_item = map.contains_key("action");
            for (name, value) in map {
                if PERSONAL.contains(&name.as_str()) && !(is_item && name == "name") {
                    strings(value, into);
                } else {
                    personal_strings(value, into);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Object(map) => map.values().for_each(|value| strings(value, into)),
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A string as it is written in JSON, which a response may quote: escaped, without quotation marks.
fn as_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn redacted(message: &str) -> String {
        redacted_for("Ada Lovelace", message)
    }

    fn redacted_for(name: &str, message: &str) -> String {
        let item = json!({
            "identifiers": {"email": "ada@example.com"},
            "action": "event",
            "name": "Payment Completed",
            "attributes": {"name": name, "status": "active", "metadata": {"city": "London", "blank": " ", "short": "a"}},
        });
        let secrets = ["site-1", "key-1"].map(str::to_owned);
        Redactor::new(&json!({ "batch": [item] }), secrets).redact(message)
    }

    #[test]
    fn personal_data_and_secrets_are_blotted_out() {
        for (message, expected) in [
            ("ada@example.com is taken", "[redacted] is taken"),
            ("Ada Lovelace is too long", "[redacted] is too long"),
            ("unknown city London", "unknown city [redacted]"),
            ("key-1 of site-1", "[redacted] of [redacted]"),
            ("<bob@example.com>, it seems", "[redacted] it seems"),
            ("a blank is no word", "a blank is no word"),
        ] {
            assert_eq!(redacted(message), expected);
        }
    }

    #[test]
    fn a_plain_reason_stays_as_it_is() {
        let message = "attributes.status: active is not a number in Payment Completed";
        assert_eq!(redacted(message), message);
    }

    #[test]
    fn a_flood_is_cut() {
        assert_eq!(redacted(&"ü".repeat(1000)), "ü".repeat(300));
    }

    #[test]
    fn of_dodos_payload_the_customer_is_personal() {
        let payload = json!({"data": {
            "customer": {"customer_id": "cus_1", "name": "Ada"},
            "billing": {"city": "London"},
            "status": "active",
        }});
        let words = Redactor::new(&payload, []);
        assert_eq!(words.redact("Ada of London is active"), "[redacted] of [redacted] is active");
    }

    proptest! {
        /// However a name looks and wherever it is quoted, as it is or as JSON.
        #[test]
        fn no_name_is_repeated(
            name in "[^\\[a-z\\]\\s][^\\[a-z\\]]{0,20}[^\\[a-z\\]\\s]", before in "\\PC{0,9}", after in "\\PC{0,9}",
        ) {
            for quoted in [name.clone(), Value::from(name.as_str()).to_string()] {
                let redacted = redacted_for(&name, &format!("{before}{quoted}{after}"));
                let repeated = redacted.contains(&name) || redacted.contains(&as_json(&name));
                let by_chance = [&before, &after, "[redacted] "].iter().any(|it| it.contains(&name));
                prop_assert!(!repeated || by_chance, "{}", redacted);
            }
        }
    }
}

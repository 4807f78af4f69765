//! Customer.io's reasons and a handler's errors go back to Dodo's delivery log and into ours. They may
//! quote what passed through, so whatever is personal or secret is blotted out first.

use serde_json::Value;
use std::cmp::Reverse;

const BLOT: &str = "[redacted]";

/// As much of a text as a person reads, in characters.
const MAX_TEXT: usize = 300;

/// Words with fewer characters name nobody, and blotting them out would spoil every sentence.
const SHORTEST_WORD: usize = 2;

/// Fields whose texts are personal, with all that is in them: of Dodo's payloads and of requests to
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

/// What must not be repeated.
#[derive(Debug, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// The personal texts of a payload or a request, and `secrets`.
    pub fn of(json: &Value, secrets: impl IntoIterator<Item = String>) -> Self {
        let mut words = Vec::new();
        personal_texts(json, &mut words);
        words.extend(words.iter().map(|word| as_json(word)).collect::<Vec<_>>());
        words.extend(secrets);
        words.retain(|word| word.trim().chars().count() >= SHORTEST_WORD);
        words.sort_by_key(|word| Reverse(word.len()));
        words.dedup();
        Self(words)
    }

    /// A text without them, without anything that looks like an e-mail address, and not too long.
    pub fn blot_out(&self, text: &str) -> String {
        let blot = |text: String, word: &String| text.replace(word.as_str(), BLOT);
        let text = self.0.iter().fold(text.to_owned(), blot);
        let no_addresses = text.split(' ').map(|word| if word.contains('@') { BLOT } else { word });
        no_addresses.collect::<Vec<_>>().join(" ").chars().take(MAX_TEXT).collect()
    }
}

/// An item's `name` is its event's, which campaigns know; only those below `attributes` are people's.
fn personal_texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| personal_texts(value, into)),
        Value::Object(map) => {
            let is_item = map.contains_key("action");
            for (name, value) in map {
                if PERSONAL.contains(&name.as_str()) && !(is_item && name == "name") {
                    texts(value, into);
                } else {
                    personal_texts(value, into);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Object(map) => map.values().for_each(|value| texts(value, into)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// As a text stands in JSON, which an answer may quote: with its escapes, without its quotation marks.
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
        Words::of(&json!({ "batch": [item] }), secrets).blot_out(message)
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
        let words = Words::of(&payload, []);
        assert_eq!(words.blot_out("Ada of London is active"), "[redacted] of [redacted] is active");
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

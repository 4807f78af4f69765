//! Customer.io's reasons go back to Dodo's delivery log and into ours. They may quote what we sent, so
//! whatever is personal or secret is blotted out first.

use super::answer::Refusal;
use super::item::{Batch, Item};
use serde_json::Value;

const BLOT: &str = "[redacted]";

/// As much as a person reads, in characters.
const MAX_TEXT: usize = 300;
/// Reasons of one answer.
const MAX_REFUSALS: usize = 20;

/// Shortens a list of reasons and removes what must not be repeated: everything in `secrets` and the
/// personal values of the batch.
pub fn redact(
    refusals: Vec<Refusal>,
    batch: &Batch,
    secrets: impl IntoIterator<Item = String>,
) -> Vec<Refusal> {
    let mut words = personal_values(batch);
    words.extend(words.iter().map(|word| as_json(word)).collect::<Vec<_>>());
    words.extend(secrets);
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let blot = |refusal: Refusal| Refusal {
        field: blot_out(&refusal.field, &words),
        message: blot_out(&refusal.message, &words),
        ..refusal
    };
    refusals.into_iter().take(MAX_REFUSALS).map(blot).collect()
}

/// Who the person is, what they are called, their keys, and whatever the merchant keeps in metadata.
fn personal_values(batch: &Batch) -> Vec<String> {
    let of_item = |item: &Item| {
        let mut values = vec![item.identifiers.value().to_owned()];
        for name in ["email", "name", "license_key", "metadata"] {
            item.attributes.get(name).into_iter().for_each(|value| texts(value, &mut values));
        }
        values
    };
    batch.items.iter().flat_map(of_item).collect()
}

/// As a text stands in JSON, which an answer may quote: with its escapes, without its quotation marks.
fn as_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Object(map) => map.values().for_each(|value| texts(value, into)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn blot_out(text: &str, words: &[String]) -> String {
    let text = words.iter().fold(text.to_owned(), |text, word| text.replace(word.as_str(), BLOT));
    let no_addresses = text.split(' ').map(|word| if word.contains('@') { BLOT } else { word });
    no_addresses.collect::<Vec<_>>().join(" ").chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{Action, Attributes, Identifier, Weight};
    use proptest::prelude::*;
    use serde_json::json;

    fn redacted(message: &str) -> String {
        redacted_for("Ada Lovelace", message)
    }

    fn redacted_for(name: &str, message: &str) -> String {
        let mut attributes = Attributes::default();
        attributes.add("name", name, Weight::Optional);
        attributes.add("status", "active", Weight::Optional);
        attributes.add("metadata", json!({"city": "London"}), Weight::Metadata);
        let identifiers = Identifier::Email("ada@example.com".into());
        let item = Item { identifiers, action: Action::Identify, timestamp: None, attributes };
        let batch = Batch { items: vec![item] };
        let refusal =
            Refusal { batch_index: Some(0), field: message.into(), message: message.into() };
        let secrets = ["site-1", "key-1"].map(str::to_owned);
        let redacted = redact(vec![refusal], &batch, secrets).remove(0);
        assert_eq!(redacted.field, redacted.message);
        redacted.message
    }

    #[test]
    fn personal_data_and_secrets_are_blotted_out() {
        for (message, expected) in [
            ("ada@example.com is taken", "[redacted] is taken"),
            ("Ada Lovelace is too long", "[redacted] is too long"),
            ("unknown city London", "unknown city [redacted]"),
            ("key-1 of site-1", "[redacted] of [redacted]"),
            ("<bob@example.com>, it seems", "[redacted] it seems"),
        ] {
            assert_eq!(redacted(message), expected);
        }
    }

    #[test]
    fn a_plain_reason_stays_as_it_is() {
        let message = "attributes.status: active is not a number";
        assert_eq!(redacted(message), message);
    }

    proptest! {
        /// However a name looks and wherever it is quoted, as it is or as JSON.
        #[test]
        fn no_name_is_repeated(name in "[^\\[a-z\\]]{1,20}", before in "\\PC{0,9}", after in "\\PC{0,9}") {
            for quoted in [name.clone(), Value::from(name.as_str()).to_string()] {
                let redacted = redacted_for(&name, &format!("{before}{quoted}{after}"));
                let repeated = redacted.contains(&name) || redacted.contains(&as_json(&name));
                let by_chance = before.contains(&name) || after.contains(&name) || "[redacted] ".contains(&name);
                prop_assert!(!repeated || by_chance, "{}", redacted);
            }
        }
    }

    #[test]
    fn a_flood_is_cut() {
        assert_eq!(redacted(&"ü".repeat(1000)), "ü".repeat(300));
    }
}

//! Makes an item fit Customer.io's limits.

use super::attributes::Attribute;
use super::item::Item;
use super::limits::{MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ITEM, cut};
use serde_json::Value;
use std::cmp::Reverse;

/// Makes an item fit: strings are cut, except that a link that is too long is left out, attributes with
/// impossible names are dropped, and an item that is too large loses first `metadata`, then its lists,
/// then its longest optional values, and only then anything else.
pub(crate) fn fit(item: &mut Item) {
    let attributes = item.attributes.list_mut();
    attributes.retain_mut(|attribute| {
        attribute.name.len() <= MAX_ATTRIBUTE_NAME && fit_value(&mut attribute.value)
    });

    let excess = serialised_size(item).saturating_sub(MAX_ITEM);
    if excess > 0 {
        drop_at_least(excess, item.attributes.list_mut());
    }
}

/// Drops the most dispensable attributes until `excess` bytes are gone; the order of the rest stays.
fn drop_at_least(excess: usize, attributes: &mut Vec<Attribute>) {
    let sizes: Vec<usize> = attributes.iter().map(entry_size).collect();
    let mut candidates: Vec<usize> = (0..sizes.len()).collect();
    candidates.sort_by_key(|index| (attributes[*index].weight, Reverse(sizes[*index])));

    let mut dropped = vec![false; sizes.len()];
    let mut saved = 0;
    for index in candidates {
        if saved >= excess {
            break;
        }
        dropped[index] = true;
        saved += sizes[index];
    }
    let mut dropped = dropped.into_iter();
    attributes.retain(|_| dropped.next() == Some(false));
}

/// Cuts the strings of a value. `false` if nothing of it is worth sending: a link that was cut leads
/// nowhere.
fn fit_value(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.len() > MAX_ATTRIBUTE_VALUE => {
            let is_link = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
            cut(text, MAX_ATTRIBUTE_VALUE);
            !is_link
        }
        Value::Array(values) => {
            values.retain_mut(fit_value);
            true
        }
        Value::Object(map) => {
            map.retain(|name, value| name.len() <= MAX_ATTRIBUTE_NAME && fit_value(value));
            true
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// What an attribute adds to an item that has others: `"name":value,`.
fn entry_size(attribute: &Attribute) -> usize {
    serialised_size(&attribute.name) + serialised_size(&attribute.value) + 2
}

fn serialised_size(value: &impl serde::Serialize) -> usize {
    /// Counts instead of keeping.
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).expect("strings, numbers and flags serialise");
    counter.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customerio::{Action, Attributes, Identifier, Weight};
    use serde_json::json;

    fn item(attributes: Vec<(&'static str, Value, Weight)>) -> Item {
        let mut all = Attributes::default();
        for (name, value, weight) in attributes {
            all.add(name, value, weight);
        }
        Item::person(Identifier::Id("cus_1".into()), Action::Identify, None, all)
    }

    fn names(item: &mut Item) -> Vec<&str> {
        item.attributes.list_mut().iter().map(|attribute| attribute.name.as_ref()).collect()
    }

    #[test]
    fn long_strings_are_cut_and_impossible_names_dropped() {
        let long = "x".repeat(1001);
        let mut item = item(vec![
            ("note", json!(long), Weight::Optional),
            ("metadata", json!({"k": long, "k".repeat(151): 1}), Weight::Metadata),
        ]);
        fit(&mut item);
        let cut = "x".repeat(1000);
        assert_eq!(item.attributes.get("note"), Some(&json!(cut)));
        assert_eq!(item.attributes.get("metadata"), Some(&json!({ "k": cut })));
    }

    #[test]
    fn an_item_that_fits_is_left_alone() {
        let before = item(vec![("note", json!("x".repeat(1000)), Weight::Optional)]);
        let mut after = before.clone();
        fit(&mut after);
        assert_eq!(before, after);
    }

    #[test]
    fn metadata_goes_first_and_only_if_it_must() {
        let metadata = |texts: usize| json!(vec!["x".repeat(1000); texts]);
        let with = |texts| {
            let mut item = item(vec![
                ("metadata", metadata(texts), Weight::Metadata),
                ("status", json!("active"), Weight::Optional),
            ]);
            fit(&mut item);
            item
        };
        assert_eq!(names(&mut with(31)), ["metadata", "status"]);
        assert_eq!(names(&mut with(32)), ["status"]);
    }

    #[test]
    fn nothing_is_dropped_beyond_what_is_too_much() {
        // The longer note is just as large as the excess, with its name, its colon and its comma.
        let with = |last: usize| {
            let mut all = vec![
                ("note", json!("x".repeat(50)), Weight::Optional),
                ("short", json!("x".repeat(10)), Weight::Optional),
                ("last", json!("x".repeat(last)), Weight::Essential),
            ];
            let filler = json!(vec!["x".repeat(900); 35]);
            all.push(("filler", filler, Weight::Essential));
            item(all)
        };
        let entry = serialised_size(&"note") + 52 + 2;
        let last = MAX_ITEM + entry - serialised_size(&with(0));
        let mut exact = with(last);
        assert_eq!(serialised_size(&exact), MAX_ITEM + entry);
        fit(&mut exact);
        assert_eq!(names(&mut exact), ["short", "last", "filler"]);
        let mut more = with(last + 1);
        fit(&mut more);
        assert_eq!(names(&mut more), ["last", "filler"]);
    }

    #[test]
    fn lists_go_after_metadata_and_before_anything_else() {
        let many = json!(vec!["x".repeat(1000); 31]);
        let mut item = item(vec![
            ("products", many.clone(), Weight::List),
            ("metadata", many, Weight::Metadata),
            ("status", json!("active"), Weight::Optional),
        ]);
        fit(&mut item);
        assert_eq!(names(&mut item), ["products", "status"]);
    }

    #[test]
    fn a_link_is_never_cut() {
        let link = format!("https://pay.example.com/{}", "x".repeat(977));
        assert_eq!(link.len(), 1_001);
        let mut item = item(vec![
            ("payment_link", json!(link), Weight::Optional),
            ("oauth_url", json!(link.replace("https", "HTTPS")), Weight::Optional),
            ("invoice_url", json!(link[..1_000]), Weight::Optional),
            ("metadata", json!({"link": link, "plan": "pro"}), Weight::Metadata),
        ]);
        fit(&mut item);
        assert_eq!(names(&mut item), ["invoice_url", "metadata"]);
        assert_eq!(item.attributes.get("invoice_url").unwrap().as_str().unwrap().len(), 1_000);
        assert_eq!(item.attributes.get("metadata"), Some(&json!({"plan": "pro"})));
    }

    #[test]
    fn then_the_longest_optional_values_go() {
        let names_of = ["a", "b", "c", "d", "e", "f", "g", "h"];
        // A control character takes six bytes of JSON.
        let mut attributes: Vec<_> = names_of
            .iter()
            .map(|name| (*name, json!("\u{1}".repeat(900)), Weight::Essential))
            .collect();
        attributes[1] = ("b", json!("\u{1}".repeat(999)), Weight::Optional);
        attributes[6] = ("g", json!("\u{1}".repeat(1000)), Weight::Optional);
        attributes[7] = ("h", json!("short"), Weight::Optional);
        let mut item = item(attributes);
        fit(&mut item);
        assert_eq!(names(&mut item), ["a", "c", "d", "e", "f", "h"]);
        assert!(serialised_size(&item) <= MAX_ITEM);
    }
}

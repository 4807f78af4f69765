//! An event without the people in it: what may be personal, by the function's own rules, becomes made-up data.

use dodo_customerio::telemetry::redaction::is_personal;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Shorter strings stand in others by chance.
const SHORTEST_NAME: usize = 4;

/// Names of fields, and what stands there instead; a `#` is a number of its own for each value.
const MADE_UP: [(&str, &str); 12] = [
    ("email", "person#@example.com"),
    ("name", "Sam Sample"),
    ("customer_name", "Sam Sample"),
    ("first_name", "Sam"),
    ("last_name", "Sample"),
    ("card_holder_name", "SAM SAMPLE"),
    ("phone_number", "+10000000000"),
    ("street", "1 Sample Street"),
    ("city", "Sampletown"),
    ("state", "Sample State"),
    ("zipcode", "00000"),
    ("card_last_four", "4242"),
];

/// Fields that the merchant writes, and that a transform may rely on.
const MERCHANTS: [&str; 6] = [
    "product_name",
    "description",
    "code",
    "card_exp_month",
    "card_exp_year",
    "subscription_product_name",
];

/// The event, and the paths of what was replaced.
pub fn anonymous(event: &Value) -> (Value, Vec<String>) {
    let (mut copy, mut replacing) = (event.clone(), Replacing::default());
    replacing.walk(&mut copy, "", "", false);
    replacing.is_second_pass = true;
    replacing.walk(&mut copy, "", "", false);
    replacing.paths.sort();
    replacing.paths.dedup();
    (copy, replacing.paths)
}

#[derive(Default)]
struct Replacing {
    /// What became of each value.
    known: BTreeMap<String, String>,
    paths: Vec<String>,
    /// Whether values are looked for that were replaced elsewhere.
    is_second_pass: bool,
}

impl Replacing {
    /// `is_free` says that the merchant names the fields here, as in `metadata`.
    fn walk(&mut self, value: &mut Value, path: &str, name: &str, is_free: bool) {
        match value {
            Value::Object(fields) => {
                self.rename(fields, path);
                let is_product = fields.contains_key("product_id") && !fields.contains_key("email");
                let is_free = is_free || name == "metadata";
                for (name, value) in fields {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let is_free = is_free || (is_product && name == "name");
                    self.walk(value, &path, name, is_free);
                }
            }
            Value::Array(values) => {
                for (index, value) in values.iter_mut().enumerate() {
                    self.walk(value, &format!("{path}[{index}]"), name, is_free);
                }
            }
            Value::String(text) => {
                let replaced = if self.is_second_pass {
                    self.mentions(text)
                } else {
                    self.made_up(text, name, is_free)
                };
                if let Some(replaced) = replaced.filter(|it| it != text) {
                    *text = replaced;
                    self.paths.push(path.to_owned());
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What stands in place of a field's value; `None` if that is harmless.
    fn made_up(&mut self, text: &str, name: &str, is_free: bool) -> Option<String> {
        let (is_address, is_link) = (has_address(text), text.starts_with("http"));
        // What follows the question mark often lets somebody in.
        let is_secret = is_link && (text.contains('?') || is_address);
        let is_kept = is_free || MERCHANTS.contains(&name) || !is_personal(name, &text.into());
        if text.trim().is_empty() || (is_kept && !is_address && !is_secret) {
            return None;
        }
        if let Some(known) = self.known.get(&text.to_lowercase()) {
            return Some(known.clone());
        }
        let known =
            MADE_UP.into_iter().find(|(known, _)| *known == name).map(|(_, made_up)| made_up);
        let made_up = match known {
            Some(made_up) => made_up.to_owned(),
            None if is_link => "https://example.com/sample".to_owned(),
            None if is_address => "person#@example.com".to_owned(),
            None => format!("sample {}", name.replace('_', " ")),
        };
        let addresses = self.known.values().filter(|it| it.contains('@')).count();
        let made_up = made_up.replace('#', &(addresses + 1).to_string());
        self.known.insert(text.to_lowercase(), made_up.clone());
        if known.is_some() && name.ends_with("name") {
            self.parts_of_name(text);
        }
        Some(made_up)
    }

    /// "Hopper, Grace" names the same person as "Grace Hopper".
    fn parts_of_name(&mut self, text: &str) {
        for (position, part) in text.split_whitespace().enumerate() {
            let made_up = if position == 0 { "Sam" } else { "Sample" };
            self.known.entry(part.to_lowercase()).or_insert_with(|| made_up.to_owned());
        }
    }

    /// Names of fields that are addresses, as a merchant's metadata may have them.
    fn rename(&mut self, fields: &mut Map<String, Value>, path: &str) {
        let addresses: Vec<String> = fields.keys().filter(|it| has_address(it)).cloned().collect();
        if self.is_second_pass {
            return;
        }
        for name in addresses {
            let made_up = self.made_up(&name, "email", false).unwrap_or_default();
            if made_up == name {
                continue;
            }
            if let Some(value) = fields.remove(&name) {
                self.paths.push(format!("{path}.{made_up}"));
                fields.insert(made_up, value);
            }
        }
    }

    /// A string with the values in it that were replaced elsewhere.
    fn mentions(&self, text: &str) -> Option<String> {
        let made_up = self.known.values().any(|made_up| made_up == text);
        let long = self.known.iter().filter(|(value, _)| value.len() >= SHORTEST_NAME && !made_up);
        let mut long: Vec<_> = long.collect();
        // A whole name before its parts.
        long.sort_by_key(|(value, _)| Reverse(value.len()));
        let mut replaced = text.to_owned();
        for (value, made_up) in long {
            while let Some(start) = replaced.to_lowercase().find(value.as_str()) {
                let end = start + value.len();
                let fits = replaced.is_char_boundary(start) && replaced.is_char_boundary(end);
                // It may be part of what stands there instead.
                if !fits || made_up.to_lowercase().contains(value.as_str()) {
                    break;
                }
                replaced.replace_range(start..end, made_up);
            }
        }
        (replaced != text).then_some(replaced)
    }
}

/// Also in the form that it has in a link.
fn has_address(text: &str) -> bool {
    text.contains(['@', '＠']) || text.to_lowercase().contains("%40")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_are_replaced_and_what_a_transform_relies_on_stays() {
        let event = json!({
            "type": "payment.failed", "timestamp": "2026-11-20T09:15:02.123456Z",
            "data": {
                "payment_id": "pay_1", "status": "failed", "total_amount": 2900, "currency": "EUR",
                "customer": {"customer_id": "cus_1", "name": "Grace Hopper", "email": "Grace@Navy.mil", "phone_number": "+4930123"},
                "billing": {"street": "Unter den Linden 1", "city": "Berlin", "country": "DE", "zipcode": "10117", "state": null},
                "error_message": "Card of Grace Hopper declined", "invoice_url": "https://dodo.example/secret-link",
                "metadata": {"plan": "pro", "contact": "boss@navy.mil", "note": "for grace hopper", "sorted": "Hopper, Grace", "wide": "lin＠navy.mil", "link": "https://shop.example/in?token=s3cr3t",
                    "back": "https://shop.example/grace%40navy.mil", "other@navy.mil": true, "docs": "https://shop.example/docs"},
                "product_cart": [{"product_id": "pdt_1", "name": "Sextant", "quantity": 1}],
                "license_key": "ABC-DEF",
            },
        });
        let (copy, paths) = anonymous(&event);
        let text = copy.to_string();
        for personal in [
            "Grace",
            "grace",
            "Hopper",
            "navy",
            "Navy",
            "4930123",
            "Linden",
            "Berlin",
            "10117",
            "secret-link",
            "ABC-DEF",
            "s3cr3t",
        ] {
            assert!(!text.contains(personal), "{personal} in {copy:#}");
        }
        let data = &copy["data"];
        for (path, kept) in [
            ("/payment_id", json!("pay_1")),
            ("/customer/customer_id", json!("cus_1")),
            ("/billing/country", json!("DE")),
            ("/billing/state", Value::Null),
            ("/metadata/plan", json!("pro")),
            ("/product_cart/0/name", json!("Sextant")),
            ("/total_amount", json!(2900)),
            ("/metadata/note", json!("for Sam Sample")),
            ("/metadata/docs", json!("https://shop.example/docs")),
            ("/customer/email", json!("person1@example.com")),
            ("/metadata/contact", json!("person3@example.com")),
        ] {
            assert_eq!(data.pointer(path), Some(&kept), "{path}");
        }
        assert_eq!(copy["timestamp"], event["timestamp"]);
        for path in [
            "data.customer.email",
            "data.metadata.contact",
            "data.metadata.note",
            "data.license_key",
        ] {
            assert!(paths.iter().any(|it| it == path), "{path} in {paths:?}");
        }
        let (again, paths) = anonymous(&copy);
        assert_eq!((again, paths), (copy, vec![]));
    }
}

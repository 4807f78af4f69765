//! What Dodo's API said lately. The function remembers it for a while, so an event may rest on what was looked up
//! for another one.

use dodo_customerio::dodo::Enrichment;
use serde_json::Value;
use stand_ins::journal::{Call, Invocation, Service};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Beyond so many, everything is forgotten.
const REMEMBERED: usize = 2_000;

/// Objects by their paths, such as `/customers/cus_1`.
#[derive(Debug, Default)]
pub struct Remembered(BTreeMap<String, Value>);

/// Objects that an event, or what it names, names.
pub type Found = Vec<(String, Value)>;

impl Remembered {
    /// Takes what was looked up while the function handled an event.
    pub fn learn(&mut self, invocation: &Invocation) {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        let asked = invocation.calls.iter().filter(|call| call.service == Service::DodoApi);
        let objects = asked.filter(|call| call.status == Some(200) && id(&call.path).is_some());
        self.0.extend(objects.map(|call| (call.path.clone(), call.response.clone())));
    }

    /// What is known of the objects that a body names, and of those that they name.
    pub fn about(&self, body: &str) -> Found {
        let named = |text: &str| -> Found {
            let known =
                self.0.iter().filter(|(path, _)| id(path).is_some_and(|id| text.contains(id)));
            known.map(|(path, object)| (path.clone(), object.clone())).collect()
        };
        let first = named(body);
        let text: String = first.iter().map(|(_, object)| object.to_string()).collect();
        let mut found = first;
        found.extend(named(&text));
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found.dedup_by(|one, other| one.0 == other.0);
        found
    }
}

/// Of the path of a single object.
fn id(path: &str) -> Option<&str> {
    let mut parts = path.trim_start_matches('/').split('/');
    let id = parts.nth(1).filter(|id| !id.is_empty() && !id.contains('?'));
    id.filter(|_| parts.next().is_none())
}

/// Whether a lookup listed something: sums and subscriptions.
pub fn is_list(call: &Call) -> bool {
    call.service == Service::DodoApi && id(&call.path).is_none()
}

/// The same for the transform, but for sums and subscriptions.
pub fn enrichment(found: &Found, began: u64) -> Enrichment {
    let of_list = |list: &str| {
        let prefix = format!("/{list}/");
        found.iter().filter(move |(path, _)| path.starts_with(&prefix))
    };
    let first = |list: &str| {
        let object = of_list(list).next()?.1.as_object().cloned();
        object.map(Arc::new)
    };
    let name = |(path, product): &(String, Value)| {
        Some((id(path)?.to_owned(), product["name"].as_str()?.to_owned()))
    };
    Enrichment {
        began,
        payment: first("payments"),
        subscription: first("subscriptions"),
        customer: first("customers"),
        product_names: of_list("products").filter_map(name).collect(),
        ..Enrichment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_event_names_and_what_that_names_is_found() {
        let mut remembered = Remembered::default();
        for (path, object) in [
            ("/payments/pay_1", json!({"customer": {"customer_id": "cus_1"}})),
            ("/customers/cus_1", json!({"email": "ada@example.com"})),
            ("/customers/cus_2", json!({})),
            ("/products/pdt_1", json!({"name": "Sextant"})),
        ] {
            remembered.0.insert(path.to_owned(), object);
        }
        let found = remembered.about(r#"{"payment_id":"pay_1","product_id":"pdt_1"}"#);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/customers/cus_1", "/payments/pay_1", "/products/pdt_1"]);
        let enrichment = enrichment(&found, 7);
        assert_eq!(enrichment.customer.unwrap()["email"], "ada@example.com");
        assert_eq!(enrichment.product_names["pdt_1"], "Sextant");
        assert!(enrichment.payment.is_some() && enrichment.subscription.is_none());
        for (path, expected) in [
            ("/payments", None),
            ("/payments?customer_id=cus_1", None),
            ("/payments/pay_1", Some("pay_1")),
        ] {
            assert_eq!(id(path), expected);
        }
    }
}

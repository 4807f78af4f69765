//! Whether Customer.io knows the same by way of the queue as without one.

use crate::function::Function;
use crate::services::{DodoKey, Services};
use serde_json::{Value, json};
use stand_ins::customerio::{Activity, CustomerIo, People, Profile, describe};
use stand_ins::dodo::Webhook;
use stand_ins::runtime_api::FUNCTION_TIMEOUT;
use std::collections::BTreeMap;
use std::path::Path;

/// Delivers webhooks by a function without a queue.
///
/// # Errors
/// If it does not start or does not accept one.
pub(super) async fn deliver_directly(
    webhooks: &[Webhook],
    services: &Services,
    customerio: &CustomerIo,
    log: &Path,
) -> Result<(), String> {
    let mut environment = services.environment(DodoKey::Without);
    environment.push(("CUSTOMERIO_TRACK_URL", customerio.url()));
    let program = Function::program()?;
    let function = Function::start(&program, &environment, log, FUNCTION_TIMEOUT).await?;
    for webhook in webhooks {
        let response = function.runtime.invoke(webhook.function_url_event()).await;
        let response = response.unwrap_or_default();
        if response["statusCode"] != 200 {
            return Err(format!(
                "The function without a queue did not accept a webhook: {response}"
            ));
        }
    }
    Ok(())
}

/// What one of them knows and the other does not, or not in the same way.
pub(super) fn differences(one: &People, other: &People) -> Vec<String> {
    let (one, other) = (known(one), known(other));
    let names: Vec<_> =
        one.keys().chain(other.keys().filter(|it| !one.contains_key(*it))).collect();
    let differ = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    let both = |name| format!("{name}: {} and {}", shown(one.get(name)), shown(other.get(name)));
    differ.map(both).collect()
}

/// What is known of each person: attributes and events, in whatever order they arrived.
fn known(people: &People) -> BTreeMap<String, Value> {
    let name = |person: &Profile| {
        let name = person.id.as_deref().or(person.email());
        name.unwrap_or(&person.cio_id).to_owned()
    };
    let known = |person: &Profile| {
        let event = |it: &Activity| json!([it.name, it.timestamp, it.attributes]).to_string();
        let mut events: Vec<_> = person.activity.iter().map(event).collect();
        events.sort();
        json!({"attributes": person.attributes, "events": events})
    };
    people.profiles().iter().map(|person| (name(person), known(person))).collect()
}

fn shown(person: Option<&Value>) -> String {
    person.map_or_else(|| "nobody".to_owned(), describe::plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(attribute: &str) -> Value {
        json!({"identifiers": {"id": "cus_1"}, "action": "identify", "attributes": {"plan": attribute}})
    }

    fn event(id: &str, name: &str) -> Value {
        json!({"identifiers": {"id": id}, "action": "event", "name": name, "timestamp": 1})
    }

    fn people(items: &[Value]) -> People {
        let mut people = People::default();
        for item in items {
            people.apply(item);
        }
        people
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference_but_all_else_does() {
        let all = [person("basic"), event("cus_1", "A"), event("cus_1", "B"), event("cus_2", "A")];
        let turned: Vec<_> = all.iter().rev().cloned().collect();
        let differences = |other: &[Value]| super::differences(&people(&all), &people(other));
        assert_eq!(differences(&turned), Vec::<String>::new());
        for missing in 0..all.len() {
            let other = [&all[..missing], &all[missing + 1..]].concat();
            assert_eq!(differences(&other).len(), 1, "without {}", all[missing]);
        }
        assert_eq!(differences(&[&all[..], &[event("cus_2", "A")]].concat()).len(), 1);
        let [difference] = differences(&[&all[1..], &[person("pro")]].concat()).try_into().unwrap();
        assert!(difference.starts_with("cus_1: ") && difference.contains("basic"), "{difference}");
    }
}

//! The exact Customer.io request for every sample event, and properties of all of them.
//!
//! To review a change of the mapping, read the diff of `tests/snapshots`. To accept it:
//! `INSTA_UPDATE=always cargo test --test samples`.

use dodo_customerio::customerio::Batch;
use dodo_customerio::transform::built_in::{
    EVENT_TYPES, ExcludedFields, Options, PersonIdentifier, UnknownFields, transform,
};
use dodo_customerio::transform::{Ignored, Unsent};
use serde_json::{Value, json};
use stand_ins::customerio::{People, rules};
use stand_ins::dodo::{Sample, Webhook, random_secret, sample, samples, strays};
use std::collections::BTreeSet;
use std::env;

/// 1 December 2026, later than all samples, in Unix seconds.
const NOW: u64 = 1_796_083_200;
const WEBHOOK_ID: &str = "msg_2abcSample";

fn transformed(sample: &Sample, options: &Options) -> Result<Batch, Unsent> {
    let secret = random_secret();
    let webhook = Webhook::sign(&secret, WEBHOOK_ID, 1, sample.body());
    webhook.event(&secret, |event| transform(event, None, NOW, options)).unwrap()
}

fn in_mode(identifier: PersonIdentifier) -> Options {
    Options { identifier, ..Options::default() }
}

fn all_modes() -> [Options; 3] {
    [
        in_mode(PersonIdentifier::CustomerId),
        in_mode(PersonIdentifier::Email),
        in_mode(PersonIdentifier::Metadata("user_id".to_owned())),
    ]
}

#[test]
fn every_type_has_a_sample_of_its_name() {
    let samples = samples();
    let types: BTreeSet<&str> = samples.iter().map(Sample::event_type).collect();
    for event_type in EVENT_TYPES {
        assert!(types.contains(event_type), "{event_type}");
        assert_eq!(sample(event_type).unwrap().event_type(), event_type);
    }
    assert_eq!(EVENT_TYPES.len(), 56);
}

/// Somebody's own file in `events/` must fail this test only, and be told where to go.
#[test]
fn every_file_in_events_is_a_sample_of_the_project() {
    let strays = if accepts_snapshots() { Vec::new() } else { strays() };
    let advice = |name: &String| {
        format!(
            "events/{name}.json has no snapshot. If it is an event of your own, move it to events/own/, which \
             git and the tests leave alone; EVENT={name} finds it there too. If it is a new sample of the \
             project, accept its snapshot: INSTA_UPDATE=always cargo test --test samples"
        )
    };
    let advice: Vec<_> = strays.iter().map(advice).collect();
    assert!(advice.is_empty(), "\n{}", advice.join("\n"));
}

/// Whether snapshots of new samples are to be made.
fn accepts_snapshots() -> bool {
    env::var("INSTA_UPDATE").is_ok_and(|how| how == "always")
}

#[test]
fn the_request_of_every_sample() {
    let new = if accepts_snapshots() { strays() } else { Vec::new() };
    let new = new.into_iter().map(|name| sample(&name).unwrap());
    for sample in samples().into_iter().chain(new) {
        let request = match transformed(&sample, &Options::default()) {
            Ok(batch) => serde_json::to_string_pretty(&batch).unwrap(),
            Err(Unsent::Ignored(why)) => format!("ignored, {}: {why}", why.code()),
            Err(unsent) => panic!("{}: {unsent:?}", sample.name),
        };
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(sample.name, request);
        });
    }
}

#[test]
fn every_request_keeps_customer_ios_rules_in_every_mode() {
    for sample in samples() {
        for options in all_modes() {
            let Ok(batch) = transformed(&sample, &options) else { continue };
            for item in batch.items {
                let item = serde_json::to_value(item).unwrap();
                assert_eq!(rules::errors(&item), Vec::<Value>::new(), "{}: {item}", sample.name);
            }
        }
    }
}

#[test]
fn only_the_merchants_own_money_is_ignored() {
    for sample in samples() {
        let result = transformed(&sample, &Options::default());
        let is_payout = sample.event_type().starts_with("payout.");
        assert_eq!(
            result.err(),
            is_payout.then_some(Unsent::Ignored(Ignored::NoCustomer)),
            "{}",
            sample.name
        );
    }
}

#[test]
fn in_email_mode_a_customer_id_alone_is_nobody() {
    for sample in samples() {
        let data = &sample.event["data"];
        let expected = match (data["customer"]["email"].is_string(), sample.event_type()) {
            (true, _) => None,
            (false, payout) if payout.starts_with("payout.") => Some(Ignored::NoCustomer),
            (false, _) => Some(Ignored::NoEmail),
        };
        let result = transformed(&sample, &in_mode(PersonIdentifier::Email));
        assert_eq!(result.err(), expected.map(Unsent::Ignored), "{}", sample.name);
    }
}

#[test]
fn what_must_not_leave_does_not() {
    for sample in samples() {
        for options in all_modes() {
            let Ok(batch) = transformed(&sample, &options) else { continue };
            let request = serde_json::to_string(&batch).unwrap();
            let data = &sample.event["data"];
            for field in ["card_holder_name", "error_message", "tax_id"] {
                let value = data[field].as_str().unwrap_or("\u{0}");
                assert!(!request.contains(value), "{}: {field}", sample.name);
            }
            assert!(!request.contains("Sample Street"), "{}: the address", sample.name);
        }
    }
}

#[test]
fn what_is_excluded_does_not_leave() {
    let options = Options {
        excluded_fields: ExcludedFields::parse("customer,billing,metadata,cancellation_comment")
            .unwrap(),
        unknown_fields: UnknownFields::Drop,
        ..Options::default()
    };
    let mut with_name = 0;
    for sample in samples() {
        let Ok(batch) = transformed(&sample, &options) else { continue };
        let data = &sample.event["data"];
        for item in serde_json::to_value(&batch).unwrap()["batch"].as_array().unwrap() {
            for field in ["name", "email", "customer_id"] {
                let value = data["customer"][field].as_str().unwrap_or("\u{0}");
                with_name += usize::from(value != "\u{0}");
                let attributes = item["attributes"].to_string();
                assert!(!attributes.contains(value), "{}: {field} in {item}", sample.name);
            }
            assert_eq!(item["attributes"].get("metadata"), None);
            assert_eq!(rules::errors(item), Vec::<Value>::new(), "{}", sample.name);
        }
    }
    assert!(with_name > 50, "{with_name}");
}

#[test]
fn a_key_named_recipient_redirects_no_mail() {
    for name in ["payment.succeeded.metadata_recipient", "loyalty.points_earned"] {
        let batch = transformed(&sample(name).unwrap(), &Options::default()).unwrap();
        let request = serde_json::to_value(&batch).unwrap();
        for item in request["batch"].as_array().unwrap() {
            for reserved in ["recipient", "from_address", "reply_to"] {
                assert_eq!(item["attributes"].get(reserved), None, "{name}");
            }
        }
    }
}

/// What the three published snippets are for comes out of one webhook: a payment event, a
/// subscription's lifecycle, a customer's attributes.
#[test]
fn one_webhook_serves_all_three_purposes_of_the_published_snippets() {
    let mut people = People::default();
    for name in ["payment.succeeded", "subscription.active"] {
        let batch = transformed(&sample(name).unwrap(), &Options::default()).unwrap();
        batch.items.iter().for_each(|item| people.apply(&serde_json::to_value(item).unwrap()));
    }
    let ada = people.find("ada@example.com").unwrap();
    assert_eq!(ada.attributes["name"], "Ada Beispiel");
    assert_eq!(ada.attributes["last_payment_amount"], "29.00");
    assert_eq!(ada.attributes["subscription_status"], "active");

    let [payment, subscription] = ada.activity.as_slice() else { panic!("{:?}", ada.activity) };
    assert_eq!(payment.name, "Payment Completed");
    assert_eq!(payment.attributes["payment_amount"], "29.00");
    assert_eq!(payment.attributes["payment_method"], "card");
    assert_eq!(subscription.name, "Subscription Started");
    assert_eq!(subscription.attributes["amount"], "19.00");
    assert_eq!(subscription.attributes["frequency"], "Month");
    assert_eq!(subscription.attributes["next_billing"], json!(1_797_758_098));
}

/// Somebody who builds a campaign finds every event and attribute on the page.
#[test]
fn the_page_of_events_names_every_event_and_attribute() {
    let page = include_str!("../docs/events.md");
    for sample in EVENT_TYPES.map(|name| sample(name).unwrap()) {
        let row = format!("\n| `{}` | ", sample.name);
        assert_eq!(page.matches(&row).count(), 1, "{row}");
        let Ok(batch) = transformed(&sample, &Options::default()) else { continue };
        for item in serde_json::to_value(batch).unwrap()["batch"].as_array().unwrap() {
            for name in item["attributes"].as_object().unwrap().keys() {
                let name = name.trim_end_matches("_minor");
                assert!(page.contains(&format!("`{name}`")), "{}: {name}", sample.name);
            }
        }
    }
    let rows = page.split("\n## ").find(|section| section.starts_with("Events\n")).unwrap();
    assert_eq!(rows.matches("\n| `").count(), EVENT_TYPES.len());
}

//! What must hold for all inputs.

use dodo_customerio::customerio::Batch;
use dodo_customerio::telemetry::redaction::{Redactor, SENTENCES};
use dodo_customerio::transform::built_in::{Options, PersonIdentifier, transform};
use dodo_customerio::webhook::{SigningKey, Unverified};
use hyper::HeaderMap;
use hyper::header::HeaderValue;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use stand_ins::customerio::rules;
use stand_ins::dodo::{Webhook, random_secret, samples};
use stand_ins::leaks::leaks;
use std::time::Duration;

const NOW: u64 = 1_796_083_200;

/// Field names that the transform treats specially.
const NAMES: &str = "id email name customer customer_id metadata status currency amount total_amount \
    tax recipient created_at next_billing_date cancelled_at previous_billing_date trial_period_days \
    recurring_pre_tax_amount payment_id license_key user_id some_amount settled_at key";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "\\PC{0,12}",
        2 => any::<String>(),
        // Long, and longer when encoded as JSON.
        1 => (select(vec!["x", "ü", "\u{1}", "\""]), 0..1200_usize).prop_map(|(it, n)| it.repeat(n)),
        2 => select(vec!["", " ", "JPY", "kwd", "USD", "ada@example.com", "2026-10-31T12:00:00Z", "400"])
            .prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let known: Vec<_> = NAMES.split_whitespace().map(str::to_owned).collect();
    prop_oneof![3 => select(known), 1 => "[a-z_]{1,8}(_at|_amount)?", 1 => text()]
}

/// Any JSON.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 12, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(name(), inner, 0..12).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A sample with some of its fields replaced, or anything else with a type.
fn event() -> impl Strategy<Value = Value> {
    let changes = btree_map(name(), json(), 0..8);
    let sample = (select(samples()), changes).prop_map(|(sample, changes)| {
        let mut event = sample.event;
        for (name, value) in changes {
            event["data"][name] = value;
        }
        event
    });
    let anything = ("\\PC{1,150}", json(), btree_map(name(), json(), 0..8), 0..400_usize).prop_map(
        |(kind, at, data, many)| {
            let many = (0..many).map(|n| (format!("field_{n}"), json!(n)));
            let data: Map<_, _> = data.into_iter().chain(many).collect();
            json!({"type": kind, "timestamp": at, "data": data})
        },
    );
    prop_oneof![3 => sample, 1 => anything]
}

fn options() -> impl Strategy<Value = Options> {
    let modes = vec![
        PersonIdentifier::CustomerId,
        PersonIdentifier::Email,
        PersonIdentifier::Metadata("user_id".to_owned()),
    ];
    let object_types = vec![None, Some("1".to_owned())];
    (select(modes), select(object_types)).prop_map(|(identifier, subscription_object_type)| {
        Options { identifier, subscription_object_type, ..Options::default() }
    })
}

/// The batch of an event, sent as a genuine webhook; `None` if nothing is sent.
fn batch(event: &Value, options: &Options) -> Option<Batch> {
    let secret = random_secret();
    let webhook = Webhook::sign(&secret, "msg_1", 1, event.to_string());
    webhook.event(&secret, |event| transform(event, None, NOW, options)).ok()?.ok()
}

/// All pairs of `x` and `x_minor`.
fn amounts(attributes: &Value) -> Vec<(String, i64)> {
    let attributes = attributes.as_object().unwrap();
    let pairs = attributes.iter().filter_map(|(name, minor)| {
        let decimal = attributes.get(name.strip_suffix("_minor")?)?.as_str()?;
        Some((decimal.to_owned(), minor.as_i64()?))
    });
    pairs.filter(|(decimal, _)| !decimal.is_empty()).collect()
}

/// What somebody typed: names, comments, anything.
fn typed() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[A-Za-z]{3,8}",
        2 => "[äöüßÉñçİΣǰ田中]{1,3}[A-Za-z]{0,4}",
        1 => "[A-Za-z0-9]{1,2}",
        1 => "[0-9]{3,6}",
        1 => "\\PC{1,6}",
    ];
    vec((word, "[ .,+%_\"\\\\/\n-]{1,2}"), 1..6)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, after)| [word, after]).collect())
}

/// A sample with these values in fields that are personal in different ways.
fn personal_event(values: &[String; 6]) -> impl Strategy<Value = Value> + use<> {
    let [name, comment, street, response, note, unknown] = values.clone();
    select(samples()).prop_map(move |sample| {
        let mut event = sample.event;
        event["data"]["customer"]["name"] = json!(name);
        event["data"]["cancellation_comment"] = json!(comment);
        event["data"]["billing"]["street"] = json!(street);
        event["data"]["custom_field_responses"] = json!([{"key": "k", "value": response}]);
        event["data"]["metadata"] = json!({"note": note});
        event["data"]["unknown_yet"] = json!({"type": unknown});
        event
    })
}

/// How a message may quote a value.
fn quoted(value: &str, how: u8) -> String {
    let percent = |char: char| {
        let bytes = char.to_string().into_bytes();
        bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
    };
    let unicode = |char: char| {
        char.encode_utf16(&mut [0; 2])
            .iter()
            .map(|code| format!("\\u{code:04x}"))
            .collect::<Vec<_>>()
            .concat()
    };
    match how % 8 {
        0 => value.to_owned(),
        1 => value.to_uppercase(),
        2 => value.to_lowercase(),
        3 => value.chars().map(percent).collect(),
        4 => value.chars().map(unicode).collect(),
        5 => json!(value).to_string(),
        6 => value.split_inclusive(' ').rev().collect(),
        _ => value
            .chars()
            .map(|it| if it.is_alphanumeric() { it.into() } else { percent(it) })
            .collect(),
    }
}

/// Words that stay in our sentences; the unit tests look at them.
fn is_ours(word: &str) -> bool {
    let ours =
        SENTENCES.iter().flat_map(|sentence| sentence.split(|it: char| !it.is_alphanumeric()));
    word == "redacted" || ours.into_iter().any(|our| our.eq_ignore_ascii_case(word))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever quotes them, and however: in a handler's error, and in Customer.io's reasons.
    #[test]
    fn no_personal_word_leaves(
        (values, event) in prop::array::uniform6(typed())
            .prop_flat_map(|values| (Just(values.clone()), personal_event(&values))),
        quotes in vec((0..6_usize, any::<u8>(), "\\PC{0,5}"), 1..8), options in options(),
    ) {
        let parts = quotes.iter().map(|(value, how, text)| quoted(&values[*value], *how) + text);
        let message: String = parts.collect();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let redacted = Redactor::new(&event, []).redact(&message);
        prop_assert_eq!(leaks(&values, &redacted, is_ours), Vec::<String>::new(), "{}", redacted);
        prop_assert!(redacted.chars().count() <= 300);
        let Some(batch) = batch(&event, &options) else { return Ok(()) };
        let sent = serde_json::to_value(&batch).unwrap();
        let values: Vec<_> =
            values.into_iter().filter(|value| sent.to_string().contains(&json!(value).to_string())).collect();
        let redacted = Redactor::new(&sent, []).redact(&message);
        prop_assert_eq!(leaks(&values, &redacted, is_ours), Vec::<String>::new(), "{}", redacted);
    }

    /// Also to a customer whose name has the same words.
    #[test]
    fn our_sentences_stay_whole(
        sentence in select(SENTENCES.to_vec()), before in "[.:]?", values in vec("[A-Za-z]{3,9}", 0..5),
    ) {
        let own = sentence.split(|it: char| !it.is_alphanumeric()).map(str::to_owned);
        let values: Vec<_> = values.into_iter().chain(own).collect();
        let message = format!("{before} {sentence} 1000 bytes");
        prop_assert_eq!(Redactor::new(&json!({"metadata": values}), []).redact(&message), message);
    }

    #[test]
    fn every_request_keeps_customer_ios_rules(event in event(), options in options()) {
        if let Some(batch) = batch(&event, &options) {
            prop_assert!(serde_json::to_vec(&batch).unwrap().len() <= 500_000);
            for item in &batch.items {
                let item = serde_json::to_value(item).unwrap();
                prop_assert_eq!(rules::errors(&item), Vec::<Value>::new(), "{}", item);
            }
        }
    }

    #[test]
    fn the_same_webhook_gives_the_same_bytes(event in event(), options in options()) {
        let bytes = || batch(&event, &options).map(|batch| serde_json::to_vec(&batch).unwrap());
        prop_assert_eq!(bytes(), bytes());
    }

    #[test]
    fn money_loses_no_minor_unit(event in event()) {
        let Some(batch) = batch(&event, &Options::default()) else { return Ok(()) };
        for item in &batch.items {
            for (decimal, minor) in amounts(&serde_json::to_value(&item.attributes).unwrap()) {
                let digits: String = decimal.chars().filter(|character| *character != '.').collect();
                prop_assert_eq!(digits.parse::<i64>().unwrap(), minor, "{}", decimal);
            }
        }
    }

    #[test]
    fn what_redirects_mail_never_leaves(event in event(), options in options()) {
        let Some(batch) = batch(&event, &options) else { return Ok(()) };
        for item in &batch.items {
            for name in ["recipient", "from_address", "reply_to", "card_holder_name", "tax_id"] {
                prop_assert!(item.attributes.get(name).is_none());
            }
        }
    }

    /// No headers and body pass without a valid signature, and none cause a panic.
    #[test]
    fn nothing_unsigned_is_verified(
        id in "\\PC{0,20}", time in "[0-9+. -]{0,22}", signature in "(v1a?,[A-Za-z0-9+/=]{0,50} ?){0,4}",
        raw in vec(any::<u8>(), 0..40), body in vec(any::<u8>(), 0..100), now in any::<i64>(),
    ) {
        let key = [SigningKey::new(&random_secret()).unwrap()];
        for signature in [signature.as_bytes(), &raw] {
            let mut headers = HeaderMap::new();
            for (name, value) in [
                ("webhook-id", id.as_bytes()),
                ("webhook-timestamp", time.as_bytes()),
                ("webhook-signature", signature),
            ] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.insert(name, value);
                }
            }
            if let Ok(webhook) = Unverified::new(&headers, &body) {
                prop_assert!(webhook.verify(&key, now, Duration::MAX).is_err());
            }
        }
    }

    /// Any signed body is verified, and parsing it never panics.
    #[test]
    fn whatever_is_signed_is_read(body in "\\PC{0,200}", time in 0_i64..i64::MAX / 2) {
        let secret = random_secret();
        let webhook = Webhook::sign(&secret, "msg_1", time, body);
        let _ = webhook.event(&secret, |event| event.timestamp_ms);
    }
}

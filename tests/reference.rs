//! Signatures and samples checked by third-party code: the reference library in Python, and Dodo's SDK.

use dodo_customerio::webhook::{SignatureError, SigningKey, Unverified};
use http::HeaderMap;
use serde_json::{Value, json};
use stand_ins::dodo::{Webhook, random_secret, sample, samples, unix_now};
use stand_ins::project::{project_file, python};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

fn ask(arguments: &[&str], input: &str) -> String {
    let mut process = Command::new(python().unwrap())
        .arg(project_file("tests/reference.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn verify(webhook: &Webhook, secret: &str) -> Result<(), SignatureError> {
    let pairs = webhook.headers().into_iter();
    let headers: HeaderMap =
        pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let key = SigningKey::new(secret).unwrap();
    let unverified = Unverified::new(&headers, webhook.body.as_bytes()).unwrap();
    unverified.verify(&[key], unix_now(), Duration::from_mins(5)).map(drop)
}

#[test]
fn what_the_reference_library_signs_is_verified() {
    for name in ["payment.succeeded", "payment.succeeded.umlaut_address"] {
        let (secret, timestamp, body) = (random_secret(), unix_now(), sample(name).unwrap().body());
        let signature = ask(&["sign", &secret, "msg_1", &timestamp.to_string()], &body);
        let timestamp = timestamp.to_string();
        let webhook = Webhook { id: "msg_1".into(), timestamp, signature, body };
        assert_eq!(verify(&webhook, &secret), Ok(()));
        assert_eq!(verify(&webhook, &random_secret()), Err(SignatureError::NoMatch));
    }
}

/// The other direction, so that the local sender signs as Dodo does.
#[test]
fn what_the_local_sender_signs_is_verified_by_dodos_sdk() {
    let secret = random_secret();
    let body = sample("subscription.renewed").unwrap().body();
    let webhook = Webhook::sign(&secret, "msg_1", unix_now(), body);
    let headers: serde_json::Map<String, Value> =
        webhook.headers().iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let question = json!({"headers": headers, "body": webhook.body});
    assert_eq!(ask(&["verify", &secret], &question.to_string()), "subscription.renewed");
}

/// Some samples are invalid on purpose, each in its own way; invoices are newer than the SDK.
#[test]
fn dodos_models_accept_the_samples_and_know_no_other_types() {
    let found: Value = serde_json::from_str(&ask(&["models"], "")).unwrap();
    for event_type in found["types"].as_array().unwrap() {
        let name = event_type.as_str().unwrap();
        assert_eq!(found["wrong"].get(name), None, "{name}");
        assert!(samples().iter().any(|sample| sample.name == name), "{name} has no sample");
    }
    assert_eq!(found["types"].as_array().unwrap().len(), 48);

    let wrong = found["wrong"].as_object().unwrap();
    let wrong: Vec<_> = wrong.iter().map(|(name, fields)| (name.as_str(), &fields[0])).collect();
    assert_eq!(
        wrong,
        [
            ("dispute.opened.no_customer_object", &json!("data.amount")),
            ("invoice.finalized", &json!("type")),
            ("invoice.marked_uncollectable", &json!("type")),
            ("invoice.paid", &json!("type")),
            ("invoice.past_due", &json!("type")),
            ("invoice.payment_failed", &json!("type")),
            ("invoice.reopened", &json!("type")),
            ("invoice.sent", &json!("type")),
            ("invoice.voided", &json!("type")),
            ("loyalty.points_earned", &json!("type")),
            ("payment.succeeded.missing_fields", &json!("data.billing")),
            ("payment.succeeded.numbers_as_strings", &json!("data.card_last_four")),
            ("payment.succeeded.unknown_currency", &json!("data.currency")),
        ]
    );
}

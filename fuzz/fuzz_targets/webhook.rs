//! Any headers and any body: nothing unsigned is verified, nothing panics, and what a signed body
//! becomes keeps Customer.io's rules. `make fuzz` runs it.
#![no_main]

#[path = "../../crates/stand-ins/src/customerio/rules.rs"]
mod rules;
#[path = "../../crates/stand-ins/src/customerio/schema.rs"]
mod schema;

use arbitrary::Arbitrary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dodo_customerio::event::Event;
use dodo_customerio::transform::built_in::{Options, PersonIdentifier, transform};
use dodo_customerio::webhook::{SigningKey, Unverified};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use ring::hmac;
use std::time::Duration;

const SECRET: [u8; 24] = [7; 24];
const NOW: u64 = 1_796_083_200;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    headers: [&'a [u8]; 3],
    now: i64,
    mode: u8,
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let keys = [SigningKey::new(&STANDARD.encode(SECRET)).unwrap()];
    if let Some(headers) = headers(input.headers)
        && let Ok(webhook) = Unverified::new(&headers, input.body)
    {
        assert!(webhook.verify(&keys, input.now, Duration::MAX).is_err());
    }

    let signature = sign(input.body);
    let headers = headers([b"msg_1", b"1", signature.as_bytes()]).unwrap();
    let webhook = Unverified::new(&headers, input.body).unwrap();
    let verified = webhook.verify(&keys, 1, Duration::ZERO).unwrap();
    let Ok(event) = Event::from_webhook(&verified) else { return };
    let options = options(input.mode);
    let batch = transform(&event, None, NOW, &options);
    assert_eq!(batch, transform(&event, None, NOW, &options));
    for item in batch.into_iter().flat_map(|batch| batch.items) {
        let item = serde_json::to_value(item).unwrap();
        assert_eq!(rules::errors(&item), Vec::<serde_json::Value>::new());
    }
});

fn headers(values: [&[u8]; 3]) -> Option<HeaderMap> {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let pairs = names.into_iter().zip(values);
    pairs
        .map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_bytes(value).ok()?)))
        .collect()
}

fn sign(body: &[u8]) -> String {
    let signed = [b"msg_1.1.", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), &signed);
    format!("v1,{}", STANDARD.encode(tag))
}

fn options(mode: u8) -> Options {
    let identifier = match mode % 3 {
        0 => PersonIdentifier::CustomerId,
        1 => PersonIdentifier::Email,
        _ => PersonIdentifier::Metadata("user_id".to_owned()),
    };
    Options { identifier, ..Options::default() }
}

//! The stages of one webhook within the process, for payloads of any size.

use dodo_customerio::customerio::OutgoingRequests;
use dodo_customerio::event::Event;
use dodo_customerio::telemetry::redaction::Redactor;
use dodo_customerio::transform::Transform;
use dodo_customerio::transform::built_in::{Options, transform};
use dodo_customerio::transform::javascript::engine::{Engine, Input, Limits, Source};
use dodo_customerio::webhook::{SigningKey, Unverified, Verified};
use http::HeaderMap;
use serde_json::{Value, json};
use stand_ins::dodo::{Webhook, random_secret, sample};
use stand_ins::project::project_file;
use std::fs;
use std::hint::black_box;
use std::time::Duration;

/// Of the payload, in bytes: the sample as it is, and what it is filled up to.
pub const SIZES: [usize; 4] = [0, 10_000, 100_000, 1_000_000];

/// Unix seconds.
const SENT: i64 = 1_796_083_200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Verify,
    Parse,
    Transform,
    Serialise,
    BuiltIn,
    MakeEngine,
    ShortScript,
    LongScript,
    Redact,
    RedactCyrillic,
}

impl Stage {
    pub const ALL: [(Self, &str); 10] = [
        (Self::Verify, "verify"),
        (Self::Parse, "parse"),
        (Self::Transform, "transform"),
        (Self::Serialise, "serialise"),
        (Self::BuiltIn, "parse, transform and serialise"),
        (Self::MakeEngine, "make an engine ahead, for a long JavaScript file (long.js)"),
        (Self::ShortScript, "the same and run a short one (short.js)"),
        (Self::LongScript, "the same and run the long one"),
        (Self::Redact, "redact a handler's error that quotes its payload"),
        (Self::RedactCyrillic, "the same with Cyrillic words"),
    ];

    /// Prepares a payload of `size` bytes up to this stage, and passes `work` the stage itself, to
    /// run as often as it likes.
    ///
    /// # Panics
    /// If the stage fails.
    pub fn with<T>(self, size: usize, work: impl FnOnce(&mut dyn FnMut()) -> T) -> T {
        let filling = if self == Self::RedactCyrillic { CYRILLIC } else { DIGITS };
        let (secret, body) = (random_secret(), payload(size, filling));
        let payload = body.clone();
        let webhook = Webhook::sign(&secret, "msg_1", SENT, body);
        let options = Options::default();
        webhook.verified(&secret, |verified| {
            let event = Event::from_webhook(verified).expect("an event");
            let parsed = |transform: Transform| {
                move || {
                    let event = Event::from_webhook(black_box(verified)).expect("an event");
                    let outgoing = transform.apply(&event, None, NOW).expect("requests");
                    black_box(outgoing.into_requests());
                }
            };
            match self {
                Self::Verify => {
                    let (headers, keys) = (headers(&webhook), [key(&secret)]);
                    work(&mut || verify(black_box(&headers), webhook.body.as_bytes(), &keys))
                }
                Self::Parse => {
                    work(&mut || drop(black_box(Event::from_webhook(black_box(verified)))))
                }
                Self::Transform => work(&mut || {
                    drop(black_box(transform(black_box(&event), None, NOW, &options)));
                }),
                Self::Serialise => {
                    let batch = transform(&event, None, NOW, &options).expect("a batch");
                    let outgoing = || OutgoingRequests::from(black_box(&batch));
                    work(&mut || drop(black_box(outgoing().into_requests())))
                }
                Self::BuiltIn => work(&mut parsed(Transform::BuiltIn(options))),
                Self::MakeEngine => {
                    let source = script("long");
                    work(&mut || drop(black_box(engine(black_box(&source)))))
                }
                Self::ShortScript => {
                    let source = script("short");
                    work(&mut || run(engine(&source), black_box(&event)))
                }
                Self::LongScript => {
                    let source = script("long");
                    work(&mut || run(engine(&source), black_box(&event)))
                }
                Self::Redact | Self::RedactCyrillic => work(&mut || {
                    let json = serde_json::from_str(black_box(&payload)).expect("JSON");
                    drop(black_box(Redactor::new(&json, []).redact(&payload)));
                }),
            }
        })
    }
}

const NOW: u64 = SENT.cast_unsigned();

fn verify(headers: &HeaderMap, body: &[u8], keys: &[SigningKey]) {
    let webhook = Unverified::new(headers, body).expect("webhook headers");
    let verified: Verified<'_> = webhook.verify(keys, SENT, Duration::ZERO).expect("a signature");
    black_box(verified);
}

fn headers(webhook: &Webhook) -> HeaderMap {
    let pair = |(name, value): (&str, &str)| {
        (name.parse().expect("a name"), value.parse().expect("a value"))
    };
    webhook.headers().into_iter().map(|(name, value)| pair((name, value))).collect()
}

fn key(secret: &str) -> SigningKey {
    SigningKey::new(secret).expect("a webhook secret")
}

/// Valgrind takes fifty times as long.
const PATIENT: Limits =
    Limits { time: Duration::from_mins(10), memory: 256 * 1024 * 1024, stack: 256 * 1024 };

fn script(name: &str) -> Source {
    let name = format!("{name}.js");
    let path = project_file(format!("benches/scripts/{name}"));
    Source { text: fs::read_to_string(path).expect("a file"), name }
}

fn engine(source: &Source) -> Engine<'_> {
    Engine::new(source, PATIENT, false).expect("it compiles")
}

fn run(mut engine: Engine<'_>, event: &Event<'_>) {
    let url = "https://track.customer.io/api/v2/entity".into();
    let event_type = event.event_type.as_str().into();
    let input = Input { event_type, url, payload: event.raw.into(), customer: None, request: None };
    black_box(engine.run(&input).result.expect("a request"));
}

const DIGITS: &str = "0123456789012345678901234 ";

/// Letters whose case takes a table to find.
const CYRILLIC: &str = "Ада Лавлейс Москва Новый ";

/// A failed payment (which each of the scripts handles), filled up in equal parts with metadata, with
/// unknown fields and with products.
fn payload(size: usize, filling: &str) -> String {
    let mut event = sample("payment.failed").expect("a sample").event;
    let mut missing = size.saturating_sub(event.to_string().len());
    let data = &mut event["data"];
    data["product_cart"] = json!([]);
    for index in 0.. {
        let (name, value) = (format!("field_{index}"), Value::from(format!("{filling}{index}")));
        let product = json!({"product_id": name, "quantity": index % 9 + 1});
        let added = 2 * (name.len() + value.to_string().len() + 4) + product.to_string().len() + 1;
        if missing < added {
            break;
        }
        missing -= added;
        data["metadata"][&name] = value.clone();
        data[&name] = value;
        data["product_cart"].as_array_mut().expect("a list").push(product);
    }
    event.to_string()
}

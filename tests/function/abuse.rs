//! Hostile requests: handled in bounded time and memory, without calling AWS or Customer.io unless the
//! signature is valid.

use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use stand_ins::dodo;
use stand_ins::fault::Fault;

const ID: &str = "msg_1";

/// Signs any bytes; the reference library signs only strings.
fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    let signed = [ID.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
    format!("v1,{}", STANDARD.encode(tag))
}

async fn post_signed(world: &World, body: &[u8]) -> (u64, String) {
    let timestamp = dodo::unix_now().to_string();
    let signature = signature(&world.secret.credentials.webhook_secret, &timestamp, body);
    let headers =
        [("webhook-id", ID), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
    let response = world.post(&headers, body).await;
    (response.status, response.body["outcome"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_flood_of_signatures_and_headers_is_just_refused() {
    let world = World::start().await;
    let timestamp = dodo::unix_now().to_string();
    let signatures = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw= ".repeat(20_000);
    let names: Vec<String> = (0..5_000).map(|n| format!("x-header-{n}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    headers.extend([
        ("webhook-id", ID),
        ("webhook-timestamp", &timestamp),
        ("webhook-signature", &signatures),
    ]);
    let response = world.post(&headers, &[b' '; 1000]).await;
    assert_eq!(
        (response.outcome(), response.reason()),
        ((401, "unauthorized"), "signature_mismatch")
    );
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn six_megabytes_are_not_even_looked_at() {
    let world = World::start().await;
    assert_eq!(world.post(&[], &vec![b'x'; 6 * 1024 * 1024]).await.outcome(), (413, "too_large"));
}

#[tokio::test]
async fn bodies_that_are_no_events_are_malformed() {
    let world = World::start().await;
    let deep = [vec![b'['; 500_000], vec![b']'; 500_000]].concat();
    let in_data = [br#"{"type":"a.b","data":{"x":"#, deep.as_slice(), b"}}"].concat();
    for body in [&deep, &in_data, &b"{\"type\":\"\xff\",\"data\":{}}".to_vec(), &vec![0; 1000]] {
        assert_eq!(post_signed(&world, body).await, (400, "malformed".into()));
    }
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn of_duplicate_keys_the_last_counts() {
    let world = World::start().await;
    let body = br#"{"type":"a.b","type":"c.d","data":{"customer_id":"x","customer_id":"cus_1"}}"#;
    assert_eq!(post_signed(&world, body).await, (200, "delivered".into()));
    let state = world.customerio.state();
    assert_eq!(state.people.find("cus_1").unwrap().activity[0].name, "C D");
}

#[tokio::test]
async fn a_webhook_of_a_thousand_fields_is_delivered() {
    let world = World::start().await;
    let fields = (0..20_000).map(|n| (format!("field_{n}"), json!("x".repeat(30))));
    let mut data: serde_json::Map<String, Value> = fields.collect();
    data.insert("customer_id".into(), "cus_1".into());
    let body = json!({"type": "a.b", "data": data}).to_string();
    assert!(body.len() < 1024 * 1024);
    assert_eq!(post_signed(&world, body.as_bytes()).await, (200, "delivered".into()));
}

/// Customer.io may echo everything it was sent: `World::invoke` checks that no personal data gets out.
#[tokio::test]
async fn a_response_that_echoes_the_request_gives_nothing_away() {
    let world = World::start().await;
    let mut secret = [0; 3].map(|_| String::new());
    secret[0].clone_from(&world.secret.credentials.site_id);
    secret[1].clone_from(&world.secret.credentials.api_key);
    secret[2] = STANDARD.encode(format!("{}:{}", secret[0], secret[1]));
    for name in ["payment.succeeded", "license_key.created", "payment.succeeded.umlaut_address"] {
        let webhook = world.webhook(name);
        world.deliver(&webhook).await;
        let sent = world.customerio.state().arrivals.last().unwrap().body.clone();
        let texts =
            [secret.join(" "), sent.to_string(), sent["batch"][0]["attributes"].to_string()];
        let errors = texts.map(|text| json!({"reason": "invalid", "field": text, "message": text}));
        let echo = json!({ "errors": errors }).to_string();
        world.customerio.fail([Fault::Response(400, vec![], echo)]);
        assert_eq!(world.deliver(&webhook).await.outcome(), (422, "rejected"));
    }
}

//! The stand-ins are as unkind as the real services; otherwise the other tests would prove nothing.

mod dodo_api;
mod dodo_lists;
mod journal;
mod objects;
mod people;
mod poller;
mod rate_limit;
mod sqs;
mod track_api;

use serde_json::{Value, json};
use stand_ins::customerio::CustomerIo;

/// The local Customer.io, called over HTTP.
struct Client(CustomerIo);

impl Client {
    async fn start() -> Self {
        Self(CustomerIo::start(0, "site", "key").await.unwrap())
    }

    async fn post(&self, path: &str, key: &str, body: String) -> (u16, Value) {
        let request = dodo_customerio::http::client()
            .post(format!("{}{path}", self.0.url()))
            .basic_auth("site", Some(key))
            .body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn batch(&self, items: Value) -> (u16, Value) {
        self.post("/api/v2/batch", "key", json!({ "batch": items }).to_string()).await
    }
}

fn person(item: Value) -> Value {
    let mut whole = json!({
        "type": "person",
        "identifiers": {"id": "cus_1"},
        "action": "identify",
        "attributes": {},
    });
    for (name, value) in item.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

/// A subscription as an object.
fn object(item: Value) -> Value {
    let mut whole = person(json!({
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "sub_1"},
    }));
    for (name, value) in item.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

fn event(item: Value) -> Value {
    let mut whole = person(json!({"action": "event", "name": "Payment Completed"}));
    for (name, value) in item.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

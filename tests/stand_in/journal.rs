//! Which requests are recorded for which event, and what they change.

use hyper::Method;
use serde_json::{Value, json};
use stand_ins::customerio::CustomerIo;
use stand_ins::fault::Fault;
use stand_ins::gate::Gate;
use stand_ins::journal::{Invocation, Journal, Service};
use stand_ins::runtime_api::RuntimeApi;
use std::sync::Arc;
use std::time::Duration;

/// A Runtime API that is recorded, a client that plays the function, and what arrives.
struct Played {
    runtime: Arc<RuntimeApi>,
    client: reqwest::Client,
    base: String,
}

impl Played {
    async fn start(journal: &Journal) -> Self {
        let runtime = RuntimeApi::start().await.unwrap();
        runtime.record(journal);
        let base = format!("http://{}/2018-06-01/runtime/invocation", runtime.environment()[0].1);
        Self { runtime: Arc::new(runtime), client: dodo_customerio::http::client(), base }
    }

    /// Hands an event to the function, which has then begun with it. Returns the id of the invocation.
    async fn begin(&self, event: Value) -> String {
        let runtime = self.runtime.clone();
        tokio::spawn(async move { runtime.invoke(event).await });
        let response = self.client.get(format!("{}/next", self.base)).send().await.unwrap();
        response.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned()
    }

    async fn end(&self, id: &str) {
        let url = format!("{}/{id}/response", self.base);
        self.client.post(url).body("{\"statusCode\":200}").send().await.unwrap();
    }
}

fn webhook(id: &str) -> Value {
    json!({"headers": {"webhook-id": id}, "body": "{}"})
}

fn paths(invocation: &Invocation) -> Vec<&str> {
    invocation.calls.iter().map(|call| call.path.as_str()).collect()
}

#[tokio::test]
async fn what_arrives_meanwhile_belongs_to_the_event() {
    let (journal, mut finished) = Journal::recording();
    let behind = CustomerIo::start(0, "site", "key").await.unwrap();
    let gate = Gate::start(&behind.url(), Service::SecretsManager, &journal).await.unwrap();
    let (one, other) = (Played::start(&journal).await, Played::start(&journal).await);
    let ask = |path: &str, body: &str| {
        one.client
            .request(Method::POST, format!("{}{path}", gate.url()))
            .body(body.to_owned())
            .send()
    };
    ask("/before", "").await.unwrap();
    let first = one.begin(webhook("msg_one")).await;
    assert_eq!(journal.in_progress().len(), 1);
    ask("/alone", "").await.unwrap();
    // Another process begins beside it: what names a webhook is that webhook's.
    let second = other.begin(webhook("msg_two")).await;
    ask("/named", "of msg_one").await.unwrap();
    ask("/newest", "").await.unwrap();
    one.end(&first).await;
    // Nearly all requests beside a batch of the queue are the batch's.
    let batch = one.begin(json!({"Records": []})).await;
    ask("/batch", "of msg_two").await.unwrap();
    other.end(&second).await;
    one.end(&batch).await;
    ask("/after", "").await.unwrap();

    let expected = [&["/alone", "/named"][..], &["/newest"], &["/batch"]];
    for expected in expected {
        let invocation = finished.recv().await.unwrap();
        assert_eq!(paths(&invocation), expected);
        assert_eq!(invocation.response, Some(json!({"statusCode": 200})));
        assert!(invocation.calls.iter().all(|call| call.status == Some(401)));
    }
    assert!(journal.in_progress().is_empty() && finished.try_recv().is_err());
}

#[tokio::test]
async fn how_a_request_failed_is_recorded_and_who_stopped_waiting() {
    let (journal, mut finished) = Journal::recording();
    let customerio = CustomerIo::start_recorded(0, ("site", "key"), &journal).await.unwrap();
    let function = Played::start(&journal).await;
    let id = function.begin(webhook("msg_1")).await;
    customerio.fail([
        Fault::status(503),
        Fault::BreakBefore,
        Fault::Cut,
        Fault::Slow(Duration::from_secs(20)),
    ]);
    for _ in 0..4 {
        let url = format!("{}/api/v2/batch", customerio.url());
        let request = function.client.post(url).basic_auth("site", Some("key"));
        let request = request.timeout(Duration::from_millis(300)).body("{\"batch\":[]}");
        drop(request.send().await);
    }
    function.end(&id).await;
    let calls = finished.recv().await.unwrap().calls;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.status, call.is_broken, call.fault.as_deref().unwrap_or_default()))
        .collect();
    let expected = [
        (Some(503), false, "503"),
        (None, true, "broken connection"),
        (None, true, "response cut off"),
        (None, false, "slow"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(calls[0].body, json!({"batch": []}));
}

#[tokio::test]
async fn what_a_request_changes_is_recorded_before_and_after() {
    let (journal, mut finished) = Journal::recording();
    let customerio = CustomerIo::start_recorded(0, ("site", "key"), &journal).await.unwrap();
    let function = Played::start(&journal).await;
    let mut changes = Vec::new();
    let person = |id: &str, timestamp: u64, attributes: Value| {
        json!({
            "type": "person", "action": "identify", "identifiers": {"id": id}, "timestamp": timestamp,
            "attributes": attributes,
        })
    };
    let merge = json!({
        "type": "person", "action": "merge", "primary": {"id": "cus_1"}, "secondary": {"id": "cus_2"},
    });
    for items in [
        json!([
            person("cus_1", 20, json!({"plan": "pro"})),
            person("cus_2", 20, json!({"city": "Bern"}))
        ]),
        json!([person("cus_1", 10, json!({"plan": "free", "first": 1}))]),
        json!([merge]),
    ] {
        let id = function.begin(webhook("msg_1")).await;
        let url = format!("{}/api/v2/batch", customerio.url());
        let request = function.client.post(url).basic_auth("site", Some("key"));
        let response = request.body(json!({ "batch": items }).to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        function.end(&id).await;
        changes.push(finished.recv().await.unwrap().calls.remove(0).changes);
    }
    let [made, late, merged] = &changes[..] else { panic!("{changes:?}") };
    let of = |changes: &Value, id: &str| -> Value {
        let people = changes["people"].as_array().unwrap();
        people.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("{id}: {changes}")).clone()
    };
    assert_eq!(of(made, "cus_1")["created"], true);
    let line = json!([{"name": "plan", "before": null, "after": "pro"}]);
    assert_eq!(of(made, "cus_1")["attributes"], line);
    assert_eq!(of(late, "cus_1")["kept"], json!([{"name": "plan", "sent": "free", "kept": "pro"}]));
    let line = json!([{"name": "first", "before": null, "after": 1}]);
    assert_eq!(of(late, "cus_1")["attributes"], line);
    assert_eq!(of(merged, "cus_2")["merged_into"], json!({"id": "cus_1"}));
    let line = json!([{"name": "city", "before": null, "after": "Bern"}]);
    assert_eq!(of(merged, "cus_1")["attributes"], line);
}

//! The local Customer.io rejects what the real one rejects; otherwise the other tests would prove nothing.

use serde_json::{Value, json};
use stand_ins::customerio::{CustomerIo, rules};
use stand_ins::fault::Fault;

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

fn event(item: Value) -> Value {
    let mut whole = person(json!({"action": "event", "name": "Payment Completed"}));
    for (name, value) in item.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

fn fields(item: &Value) -> Vec<String> {
    let errors = rules::errors(item);
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn sound_items_pass() {
    for item in [
        person(json!({})),
        person(json!({"identifiers": {"email": "ada@example.com"}, "timestamp": 1})),
        event(json!({"id": "01M68Z6FQVNT81W6PRGAHN5331", "attributes": {"a": "x".repeat(1000)}})),
    ] {
        assert_eq!(rules::errors(&item), Vec::<Value>::new(), "{item}");
    }
}

#[test]
fn each_rule_is_kept() {
    let long = |bytes| "x".repeat(bytes);
    let many: Value = (0..301).map(|n| (format!("a{n}"), json!(n))).collect();
    for (item, field) in [
        (person(json!({"identifiers": {}})), "identifiers"),
        (person(json!({"identifiers": {"id": "1", "email": "ada@example.com"}})), "identifiers"),
        (person(json!({"identifiers": {"id": long(151)}})), "identifiers"),
        (person(json!({"identifiers": {"id": ""}})), "identifiers"),
        (event(json!({"name": ""})), "name"),
        (event(json!({"name": long(101)})), "name"),
        (event(json!({"id": "msg_1"})), "id"),
        (event(json!({"attributes": {"plan": long(1001)}})), "attributes.plan"),
        (event(json!({"attributes": {"metadata": {"k": long(1001)}}})), "attributes.metadata"),
        (person(json!({"attributes": {long(151): 1}})), "attributes"),
        (person(json!({"attributes": many})), "attributes"),
        (event(json!({"attributes": {"list": vec![long(1000); 32]}})), "item"),
        // What only the published schema knows.
        (person(json!({"action": "payment_completed"})), ""),
        (person(json!({"timestamp": "2026-11-20T00:00:00Z"})), ""),
        (person(json!({"type": "persona"})), ""),
    ] {
        assert_eq!(fields(&item), [field], "{item}");
    }
}

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

#[tokio::test]
async fn each_status_is_as_published() {
    let client = Client::start().await;
    assert_eq!(client.batch(json!([person(json!({}))])).await, (200, json!({})));

    let refused = json!({"meta": {"error": "Unauthorized request"}});
    assert_eq!(client.post("/api/v2/batch", "wrong", "{}".into()).await, (401, refused));

    let (status, body) = client.batch(json!([person(json!({})), event(json!({"name": ""}))])).await;
    assert_eq!(status, 207);
    assert_eq!(
        (&body["errors"][0]["batch_index"], &body["errors"][0]["field"]),
        (&json!(1), &json!("name"))
    );

    let (status, body) = client.post("/api/v2/batch", "key", "{}".into()).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("batch")));
    let (status, _) =
        client.post("/api/v2/entity", "key", event(json!({"name": ""})).to_string()).await;
    assert_eq!(status, 400);
    let (status, _) = client.post("/api/v2/batch", "key", "x".repeat(500_001)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_repeated_event_counts_once_and_late_attributes_overwrite_nothing() {
    let client = Client::start().await;
    let paid = event(json!({"id": "01M68Z6FQVNT81W6PRGAHN5331"}));
    let new = person(json!({"timestamp": 20, "attributes": {"plan": "pro", "gone": "x"}}));
    let late = person(json!({"timestamp": 10, "attributes": {"plan": "free", "first": 1}}));
    let cleared = person(json!({"timestamp": 30, "attributes": {"gone": ""}}));
    client.batch(json!([paid, new, paid, late, cleared])).await;

    let state = client.0.state();
    let person = state.people.find("cus_1").unwrap();
    assert_eq!((person.activity.len(), state.people.repeated), (1, 1));
    assert_eq!(json!(person.attributes), json!({"first": 1, "plan": "pro"}));
}

#[tokio::test]
async fn identifiers_collide_as_they_do_at_customer_io() {
    let client = Client::start().await;
    let ada = json!({"email": "ada@example.com"});
    client
        .batch(json!([
            person(
                json!({"identifiers": {"email": "ada@example.com"}, "attributes": {"plan": "pro"}})
            ),
            // Claims the profile without an id…
            person(json!({"identifiers": {"id": "cus_1"}, "attributes": ada})),
            // …but not one that has another id.
            person(json!({"identifiers": {"id": "cus_2"}, "attributes": ada})),
        ]))
        .await;

    let state = client.0.state();
    assert_eq!(state.people.find("ada@example.com").unwrap().id.as_deref(), Some("cus_1"));
    let second = state.people.find("cus_2").unwrap();
    assert_eq!(second.email(), None);
    assert_eq!(second.activity[0].name, "Attribute Update Failure");
}

#[tokio::test]
async fn it_fails_when_told_to() {
    let client = Client::start().await;
    client.0.fail([Fault::status(503), Fault::BreakBefore]);
    assert_eq!(client.batch(json!([person(json!({}))])).await.0, 503);
    let broken = dodo_customerio::http::client().post(client.0.url()).body("{}").send().await;
    assert!(broken.is_err());

    let told = format!("{}/local/fail/429/2", client.0.url());
    dodo_customerio::http::client().get(told).send().await.unwrap();
    for expected in [429, 429, 200] {
        assert_eq!(client.batch(json!([person(json!({}))])).await.0, expected);
    }
    assert_eq!(client.batch(json!([])).await.0, 200);
}

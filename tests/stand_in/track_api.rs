//! The local Customer.io rejects what the real one rejects.

use crate::{Client, event, object, person};
use serde_json::{Value, json};
use stand_ins::customerio::rules;
use stand_ins::fault::Fault;

fn related(identifiers: Value) -> Value {
    object(json!({"cio_relationships": [{"identifiers": identifiers}]}))
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
        person(json!({"identifiers": {"phone": "+4930123456"}})),
        json!({"type": "person", "action": "merge", "primary": {"id": "1"}, "secondary": {"email": "a@example.com"}}),
        person(json!({"action": "add_relationships", "cio_relationships": [
            {"identifiers": {"object_type_id": "1", "object_id": "sub_1"}},
        ]})),
        object(
            json!({"cio_relationships": [{"identifiers": {"id": "cus_1"}, "relationship_attributes": {"a": 1}}]}),
        ),
        object(json!({"action": "delete"})),
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
        (person(json!({"attributes": {long(151): 1}})), &*format!("attributes.{}…", long(40))),
        (person(json!({"attributes": many})), "attributes"),
        (event(json!({"attributes": {"list": vec![long(1000); 32]}})), "item"),
        (object(json!({"identifiers": {"object_id": "sub_1"}})), "identifiers"),
        (
            object(json!({"identifiers": {"object_type_id": "1", "object_id": long(151)}})),
            "identifiers",
        ),
        (object(json!({"attributes": {"plan": long(1001)}})), "attributes.plan"),
        (
            related(json!({"id": "cus_1", "email": "ada@example.com"})),
            "cio_relationships.identifiers",
        ),
        (related(json!({"phone": "+4930123456"})), "cio_relationships.identifiers.phone"),
        (event(json!({"timestamp": 1_790_000_000_000_u64})), "timestamp"),
        (
            object(json!({"identifiers": {"object_type_id": 1, "object_id": "a"}})),
            "identifiers.object_type_id",
        ),
        // What only the published schema knows.
        (object(json!({"action": "event"})), "action"),
        (person(json!({"action": "add_relationships"})), "cio_relationships"),
        (person(json!({"action": "payment_completed"})), "action"),
        (person(json!({"timestamp": "2026-11-20T00:00:00Z"})), "timestamp"),
        (person(json!({"type": "persona"})), "type"),
    ] {
        assert_eq!(fields(&item), [field], "{item}");
    }
}

#[test]
fn what_breaks_the_schema_says_what_it_is_and_what_it_must_be() {
    const PERSON_ACTIONS: &str = "one of add_device, add_relationships, delete, delete_device, \
        delete_relationships, event, identify, merge, page, screen, suppress, unsuppress";
    let actions = format!("is the string \"paid\"; it must be {PERSON_ACTIONS}");
    for (item, field, message) in [
        (
            event(json!({"timestamp": "2026-11-20T00:00:00Z"})),
            "timestamp",
            "is the string \"2026-11-20T00:00:00Z\"; it must be an integer",
        ),
        (
            event(json!({"timestamp": 1_790_000_000_000_u64})),
            "timestamp",
            "is the number 1790000000000; it must be in seconds, not in milliseconds",
        ),
        (
            event(json!({"identifiers": {"id": 7}})),
            "identifiers.id",
            "is the number 7; it must be a string",
        ),
        (
            event(json!({"identifiers": {"idd": 5}})),
            "identifiers.idd",
            "is not known here; exactly one of id, email, phone, cio_id must identify the person",
        ),
        (event(json!({"name": 7})), "name", "is the number 7; it must be a string"),
        (
            event(json!({"id": "order-1"})),
            "id",
            "is the string \"order-1\"; an event's id must be a ULID",
        ),
        (event(json!({"timestamp": 1.5})), "timestamp", "is the number 1.5; it must be an integer"),
        (event(json!({"attributes": [1]})), "attributes", "is a list; it must be an object"),
        (event(json!({"attributes": null})), "attributes", "is null; it must be an object"),
        (person(json!({"action": "paid"})), "action", &actions),
        (
            person(json!({"type": "persona"})),
            "type",
            "is the string \"persona\"; it must be one of delivery, object, person",
        ),
        (
            person(json!({"action": "add_device", "device": {"token": "1", "platform": "web"}})),
            "device.platform",
            "is the string \"web\"; it must be one of ios, android",
        ),
        (
            person(json!({"action": "add_device", "device": {"token": "1"}})),
            "device.platform",
            "is missing",
        ),
        (json!({"identifiers": {"id": "1"}}), "type", "is missing"),
        (json!("paid"), "", "is the string \"paid\"; it must be an object"),
    ] {
        let errors = rules::errors(&item);
        let wanted = json!({"reason": "invalid", "field": field, "message": message});
        assert_eq!(errors, [wanted], "{item}");
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

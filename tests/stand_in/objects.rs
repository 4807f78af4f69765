//! Objects and their people at the local Customer.io.

use crate::{Client, object, person};
use serde_json::{Value, json};

/// The `cio_id` of the person with this id.
fn cio_id(client: &Client, id: &str) -> String {
    client.0.state().people.find(id).unwrap().cio_id.clone()
}

fn people_of(client: &Client, object_id: &str) -> Value {
    let state = client.0.state();
    json!(state.people.objects.find("1", object_id).map(|object| object.people.clone()))
}

fn to_people(action: &str, ids: &[&str]) -> Value {
    let related = ids.iter().map(|id| json!({"identifiers": {"id": id}}));
    object(json!({"action": action, "cio_relationships": related.collect::<Vec<_>>()}))
}

fn to_objects(action: &str, id: &str, objects: &[&str]) -> Value {
    let related = objects
        .iter()
        .map(|id| json!({"identifiers": {"object_type_id": "1", "object_id": id}}))
        .collect::<Vec<_>>();
    person(json!({"action": action, "identifiers": {"id": id}, "cio_relationships": related}))
}

#[tokio::test]
async fn an_object_keeps_what_arrived_last_and_creates_the_people_it_names() {
    let client = Client::start().await;
    let related = json!([{
        "identifiers": {"id": "cus_1"}, "relationship_attributes": {"role": "payer", "gone": null},
    }]);
    let first =
        object(json!({"attributes": {"plan": "pro", "ends": 7}, "cio_relationships": related}));
    // Objects have no time: what arrives late overwrites.
    let second = object(json!({"timestamp": 1, "attributes": {"plan": "free", "ends": ""}}));
    assert_eq!(client.batch(json!([first, second])).await.0, 200);

    let cio_id = cio_id(&client, "cus_1");
    assert_eq!(people_of(&client, "sub_1"), json!({cio_id: {"role": "payer"}}));
    let state = client.0.state();
    let attributes = &state.people.objects.find("1", "sub_1").unwrap().attributes;
    assert_eq!(json!(attributes), json!({"plan": "free"}));
    assert_eq!(state.people.profiles().len(), 1);
    assert_eq!(state.people.objects.iter().count(), 1);
}

#[tokio::test]
async fn relationships_come_and_go_from_both_sides() {
    let client = Client::start().await;
    client.batch(json!([to_people("add_relationships", &["cus_1", "cus_2"])])).await;
    client.batch(json!([to_people("delete_relationships", &["cus_1", "nobody"])])).await;
    let second = cio_id(&client, "cus_2");
    assert_eq!(people_of(&client, "sub_1"), json!({&second: {}}));

    client.batch(json!([to_objects("identify", "cus_1", &["sub_1", "sub_2"])])).await;
    client.batch(json!([to_objects("delete_relationships", "cus_1", &["sub_1"])])).await;
    assert_eq!(people_of(&client, "sub_1"), json!({&second: {}}));
    assert_eq!(people_of(&client, "sub_2"), json!({cio_id(&client, "cus_1"): {}}));

    client.batch(json!([object(json!({"action": "delete"}))])).await;
    assert_eq!(people_of(&client, "sub_1"), Value::Null);
}

#[tokio::test]
async fn a_merge_takes_relationships_along_and_a_deletion_ends_them() {
    let client = Client::start().await;
    client
        .batch(json!([
            to_people("identify", &["old"]),
            person(json!({"identifiers": {"id": "new"}}))
        ]))
        .await;
    let merge = json!({
        "type": "person", "action": "merge", "primary": {"id": "new"}, "secondary": {"id": "old"},
    });
    client.batch(json!([merge])).await;
    assert_eq!(people_of(&client, "sub_1"), json!({cio_id(&client, "new"): {}}));
    client.batch(json!([person(json!({"identifiers": {"id": "new"}, "action": "delete"}))])).await;
    assert_eq!(people_of(&client, "sub_1"), json!({}));
}

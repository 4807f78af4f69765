//! What the local Customer.io makes of the items that it accepts.

use crate::{Client, event, person};
use serde_json::{Value, json};
use stand_ins::clock::Clock;
use stand_ins::customerio::{LateIdentify, UPDATE_FAILURE};
use std::time::{Duration, SystemTime};

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

fn identify(id: &str, timestamp: u64, attributes: Value) -> Value {
    person(json!({"identifiers": {"id": id}, "timestamp": timestamp, "attributes": attributes}))
}

#[tokio::test]
async fn nothing_of_an_identify_is_applied_whose_address_belongs_to_another_id() {
    let client = Client::start().await;
    let response = client
        .batch(json!([
            identify("cus_1", 1, json!({"email": "ada@example.com"})),
            identify("cus_2", 2, json!({"email": "Ada@Example.com", "plan": "pro"})),
        ]))
        .await;
    assert_eq!(response, (200, json!({})), "the caller learns nothing of it");

    let state = client.0.state();
    let second = state.people.find("cus_2").unwrap();
    assert_eq!(json!(second.attributes), json!({}));
    assert_eq!(second.activity[0].name, UPDATE_FAILURE);
}

#[tokio::test]
async fn an_address_that_is_fixed_stays() {
    for (are_fixed, expected) in [(false, "new@example.com"), (true, "ada@example.com")] {
        let client = Client::start().await;
        client.0.state().people.addresses_are_fixed = are_fixed;
        let first = identify("cus_1", 1, json!({"email": "ada@example.com"}));
        let second = identify("cus_1", 2, json!({"email": "new@example.com"}));
        client.batch(json!([first, second])).await;
        assert_eq!(client.0.state().people.find("cus_1").unwrap().email(), Some(expected));
    }
}

#[tokio::test]
async fn case_does_not_tell_addresses_apart() {
    let client = Client::start().await;
    let by_email = |email: &str| event(json!({"identifiers": {"email": email}}));
    client.batch(json!([by_email("ada@example.com"), by_email("ADA@example.com")])).await;
    let state = client.0.state();
    assert_eq!(state.people.profiles().len(), 1);
    assert_eq!(state.people.find("Ada@Example.COM").unwrap().activity.len(), 2);
}

#[tokio::test]
async fn a_late_identify_is_dropped_whole_if_customer_io_is_harsh() {
    let late = json!([
        identify("cus_1", 20, json!({"plan": "pro"})),
        identify("cus_1", 10, json!({"plan": "free", "name": "Ada"})),
        identify("cus_1", 20, json!({"city": "Berlin"})),
    ]);
    for (order, expected) in [
        (LateIdentify::ByAttribute, json!({"plan": "pro", "name": "Ada", "city": "Berlin"})),
        (LateIdentify::Dropped, json!({"plan": "pro", "city": "Berlin"})),
    ] {
        let client = Client::start().await;
        client.0.state().people.late_identify = order;
        client.batch(late.clone()).await;
        let state = client.0.state();
        assert_eq!(json!(state.people.find("cus_1").unwrap().attributes), expected, "{order:?}");
    }
}

#[tokio::test]
async fn an_identify_without_a_time_takes_that_of_its_arrival() {
    let client = Client::start().await;
    let at_100 = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    client.0.state().people.clock = Clock::new(move || at_100);
    let arrival = person(json!({"attributes": {"plan": "free", "name": "Ada"}}));
    let older = identify("cus_1", 99, json!({"name": "Old"}));
    let newer = identify("cus_1", 101, json!({"plan": "pro"}));
    client.batch(json!([arrival, older, newer])).await;
    let state = client.0.state();
    let expected = json!({"plan": "pro", "name": "Ada"});
    assert_eq!(json!(state.people.find("cus_1").unwrap().attributes), expected);
}

#[tokio::test]
async fn people_can_be_known_by_phone_or_by_customer_ios_own_id() {
    let client = Client::start().await;
    let by_phone = json!({"identifiers": {"phone": "+4930123456"}, "attributes": {"plan": "pro"}});
    client.batch(json!([person(by_phone)])).await;
    let cio_id = client.0.state().people.profiles()[0].cio_id.clone();
    let by_cio_id =
        |id: &str| person(json!({"identifiers": {"cio_id": id}, "attributes": {"a": 1}}));
    client.batch(json!([by_cio_id(&cio_id), by_cio_id("unknown")])).await;
    let state = client.0.state();
    let [person] = state.people.profiles() else { panic!("{:?}", state.people) };
    assert_eq!(json!(person.attributes), json!({"phone": "+4930123456", "plan": "pro", "a": 1}));
}

fn action(action: &str, identifiers: Value) -> Value {
    json!({"type": "person", "action": action, "identifiers": identifiers})
}

#[tokio::test]
async fn a_deleted_person_comes_back_with_the_next_item_and_a_suppressed_one_does_not() {
    let ada = || identify("cus_1", 1, json!({"email": "ada@example.com"}));
    let paid = |name: &str, value: &str| event(json!({"identifiers": {name: value}}));
    for (how, expected) in [("delete", 1), ("suppress", 0)] {
        let client = Client::start().await;
        client.batch(json!([ada(), action(how, json!({"id": "cus_1"}))])).await;
        assert!(client.0.state().people.profiles().is_empty());
        let (status, _) = client.batch(json!([ada(), paid("email", "Ada@example.com")])).await;
        assert_eq!(status, 200);
        assert_eq!(client.0.state().people.profiles().len(), expected, "{how}");

        client
            .batch(json!([action("unsuppress", json!({"id": "cus_1"})), paid("id", "cus_1")]))
            .await;
        assert_eq!(client.0.state().people.profiles().len(), 1);
    }
}

#[tokio::test]
async fn a_merge_keeps_what_the_primary_person_has() {
    let client = Client::start().await;
    let merge = |primary: &str, secondary: &str| {
        json!({
            "type": "person", "action": "merge",
            "primary": {"id": primary}, "secondary": {"id": secondary},
        })
    };
    let paid = event(json!({"identifiers": {"id": "cus_1"}}));
    let old = identify("cus_1", 2, json!({"plan": "free", "city": "Berlin"}));
    let new = identify("user_1", 1, json!({"plan": "pro"}));
    client.batch(json!([paid, old, new, merge("nobody", "cus_1"), merge("user_1", "cus_1")])).await;

    let state = client.0.state();
    let [person] = state.people.profiles() else { panic!("{:?}", state.people) };
    assert_eq!((person.id.as_deref(), person.activity.len()), (Some("user_1"), 1));
    assert_eq!(json!(person.attributes), json!({"plan": "pro", "city": "Berlin"}));
}

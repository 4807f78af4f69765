//! Settings: their effects, and how mistakes in them are reported.

use crate::world::{Process, World};
use serde_json::{Value, json};
use stand_ins::dodo::sample;

#[tokio::test]
async fn mistakes_end_the_start_all_of_them_named() {
    let environment = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
        ("CUSTOMERIO_REGION", "asia"),
        ("CUSTOMERIO_TRACK_URL", "http://track.customer.io"),
        ("PERSON_IDENTIFIER", "phone"),
        ("DODO_ENVIRONMENT", "sandbox"),
        ("DODO_API_URL", "http://live.dodopayments.com"),
    ];
    let process = Process::start(environment.map(|(name, value)| (name, value.to_owned())));
    let (status, lines) = process.end().await;
    assert_eq!(status.code(), Some(1));
    let variables: Vec<_> = lines.iter().map(|line| line["variable"].as_str().unwrap()).collect();
    let wrong = [
        "SECRET_ID",
        "CUSTOMERIO_REGION",
        "CUSTOMERIO_TRACK_URL",
        "PERSON_IDENTIFIER",
        "DODO_ENVIRONMENT",
        "DODO_API_URL",
    ];
    assert_eq!(variables, wrong);
    assert!(lines.iter().all(|line| line["level"] == "ERROR"));
    assert_eq!(
        lines[1]["message"],
        "Configuration: CUSTOMERIO_REGION must be us or eu, not \"asia\"."
    );
}

#[tokio::test]
async fn outside_lambda_it_says_what_to_do_instead() {
    let environment = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("SECRET_ID", "dodo"),
    ];
    let process = Process::start(environment.map(|(name, value)| (name, value.to_owned())));
    let (status, lines) = process.end().await;
    assert_eq!(status.code(), Some(1));
    assert!(lines[0]["message"].as_str().unwrap().contains("make demo"));
}

/// The batch that Customer.io gets for a sample with a setting.
async fn batch_with(name: &'static str, value: &str, sample: &str) -> Vec<Value> {
    let world = World::with(&[(name, value)]).await;
    assert_eq!(world.deliver(&world.webhook(sample)).await.outcome(), (200, "delivered"));
    let state = world.customerio.state();
    state.arrivals[0].body["batch"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_person_identifier_is_the_merchants_choice() {
    let items = batch_with("PERSON_IDENTIFIER", "email", "subscription.updated").await;
    assert_eq!(items[0]["identifiers"]["email"], "ada@example.com");
    assert_eq!(items[0]["attributes"].get("email"), None);

    let items = batch_with("PERSON_IDENTIFIER", "metadata.user_id", "subscription.updated").await;
    assert_eq!(items[0]["identifiers"]["id"], "user_42");
    let attributes = &items[0]["attributes"];
    assert_eq!(attributes["dodo_customer_id"], "cus_JkqPgd7vk85T7Atbe39n");
    assert_eq!(
        (attributes.get("email"), attributes.get("name")),
        (None, None),
        "the merchant's own"
    );
}

#[tokio::test]
async fn events_are_chosen_and_state_is_kept() {
    let world = World::with(&[("EVENTS", "refund.*,subscription.active")]).await;
    for (name, outcome, items) in [
        ("payment.succeeded", "delivered", 1),
        ("subscription.active", "delivered", 2),
        ("refund.failed", "delivered", 2),
        ("dispute.won", "ignored", 0),
    ] {
        let before = world.arrivals();
        let response = world.deliver(&world.webhook(name)).await;
        assert_eq!(response.outcome(), (200, outcome), "{name}");
        let state = world.customerio.state();
        let new = state.arrivals[before..].iter().flat_map(|arrival| arrival.items().to_vec());
        assert_eq!(new.count(), items, "{name}");
    }
}

#[tokio::test]
async fn fields_are_left_out() {
    let world = World::with(&[
        ("UNKNOWN_FIELDS", "drop"),
        ("EXCLUDE_FIELDS", "customer.name,total_amount,metadata.user_id"),
    ])
    .await;
    let mut event = sample("payment.succeeded").unwrap().event;
    event["data"]["ip_address"] = "192.0.2.7".into();
    event["data"]["metadata"] = json!({"user_id": "u_1", "plan": "pro"});
    assert_eq!(world.deliver(&world.signed(event.to_string())).await.outcome(), (200, "delivered"));
    let body = &world.customerio.state().arrivals[0].body;
    for absent in ["192.0.2.7", "Ada Beispiel", "payment_amount", "last_payment_amount", "u_1"] {
        assert!(!body.to_string().contains(absent), "{absent} in {body}");
    }
    assert_eq!(body["batch"][1]["attributes"]["metadata"], json!({"plan": "pro"}));
    assert_eq!(body["batch"][0]["attributes"]["email"], "ada@example.com");
}

#[tokio::test]
async fn what_may_be_a_typo_is_said_at_start_and_the_function_serves() {
    let world = World::with(&[("EVENT_NAMES", "payment.fialed=")]).await;
    assert_eq!(world.deliver(&world.webhook("payment.failed")).await.outcome(), (200, "delivered"));
    let warning = "Configuration: EVENT_NAMES may have a typo: \"payment.fialed\" fits no event type \
                   known today; the nearest is payment.failed.";
    assert!(world.log().contains(&warning.replace('"', "\\\"")), "{}", world.log());
}

#[tokio::test]
async fn events_are_renamed() {
    let items =
        batch_with("EVENT_NAMES", "payment.succeeded=Order Completed", "payment.succeeded").await;
    assert_eq!(items[1]["name"], "Order Completed");
}

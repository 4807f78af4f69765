//! Settings: their effects, and how mistakes in them are reported.

use crate::world::{Process, World};
use serde_json::Value;

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
async fn events_are_renamed() {
    let items =
        batch_with("EVENT_NAMES", "payment.succeeded=Order Completed", "payment.succeeded").await;
    assert_eq!(items[1]["name"], "Order Completed");
}

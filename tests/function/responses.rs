//! Responses that do not depend on Customer.io.

use crate::world::World;
use stand_ins::dodo::{self, Webhook};

#[tokio::test]
async fn a_webhook_is_delivered() {
    let world = World::start().await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
    assert_eq!(response.headers["content-type"], "application/json");

    let state = world.customerio.state();
    let ada = state.people.find("ada@example.com").unwrap();
    assert_eq!(ada.attributes["last_payment_amount"], "29.00");
    assert_eq!(ada.activity[0].name, "Payment Completed");
}

#[tokio::test]
async fn nothing_to_send_is_ignored_with_a_reason() {
    let world =
        World::with(&[("PERSON_IDENTIFIER", "email"), ("EVENT_NAMES", "refund.failed=")]).await;
    for (sample, reason) in [
        ("payout.success", "no_customer"),
        ("license_key.created", "no_email"),
        ("refund.failed", "event_off"),
    ] {
        let response = world.deliver(&world.webhook(sample)).await;
        assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), reason));
        assert!(response.message().ends_with('.'));
    }
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn whatever_is_tampered_with_is_refused() {
    let world = World::start().await;
    let genuine = world.webhook("payment.succeeded");
    let later = (dodo::unix_now() + 1).to_string();
    let stranger =
        Webhook::sign(&dodo::random_secret(), &genuine.id, dodo::unix_now(), genuine.body.clone());
    for tampered in [
        Webhook { body: genuine.body.replace("2900", "1"), ..genuine.clone() },
        Webhook { id: "msg_other".into(), ..genuine.clone() },
        Webhook { timestamp: later, ..genuine.clone() },
        Webhook { signature: genuine.signature.to_lowercase(), ..genuine.clone() },
        Webhook { signature: "v1,".into(), ..genuine.clone() },
        stranger,
    ] {
        let response = world.deliver(&tampered).await;
        assert_eq!(response.outcome(), (401, "unauthorized"));
        assert_eq!(response.reason(), "signature_mismatch");
    }
    assert_eq!(world.arrivals(), 0);
    assert_eq!(world.deliver(&genuine).await.outcome(), (200, "delivered"));
}

#[tokio::test]
async fn a_replay_outside_the_tolerance_is_refused() {
    let world = World::with(&[("WEBHOOK_TOLERANCE_SECONDS", "60")]).await;
    let body = world.webhook("payment.succeeded").body;
    for (age, expected) in [(50, 200), (-50, 200), (70, 401), (-70, 401)] {
        let sent = dodo::unix_now() - age;
        let webhook =
            Webhook::sign(&world.secret.credentials.webhook_secret, "msg_1", sent, body.clone());
        let response = world.deliver(&webhook).await;
        assert_eq!(response.status, expected, "{age} s old: {response:?}");
    }
}

#[tokio::test]
async fn headers_that_are_no_webhooks_are_refused() {
    let world = World::start().await;
    let (id, time, signature) =
        (("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,aa"));
    for (headers, reason) in [
        (vec![], "headers_missing"),
        (vec![id, time], "headers_missing"),
        (vec![("webhook-id", "a.b"), time, signature], "headers_malformed"),
        (vec![id, ("webhook-timestamp", "now"), signature], "headers_malformed"),
    ] {
        let response = world.post(&headers, b"{}").await;
        assert_eq!((response.outcome(), response.reason()), ((401, "unauthorized"), reason));
    }
}

#[tokio::test]
async fn svix_names_and_base64_bodies_mean_the_same() {
    let world = World::start().await;
    let webhook = world.webhook("payment.succeeded");
    let svix = [
        ("Svix-Id", webhook.id.as_str()),
        ("Svix-Timestamp", &webhook.timestamp),
        ("Svix-Signature", &webhook.signature),
    ];
    let mut event = dodo::function_url_event("POST", &svix, webhook.body.as_bytes());
    let encoded =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, webhook.body.as_bytes());
    event["body"] = encoded.into();
    event["isBase64Encoded"] = true.into();
    assert_eq!(world.invoke(event).await.outcome(), (200, "delivered"));
}

#[tokio::test]
async fn a_genuine_webhook_that_is_no_event_is_not_sent_again() {
    let world = World::start().await;
    for body in ["", "no json", "[]", r#"{"type":"payment.succeeded"}"#, r#"{"data":{}}"#] {
        let response = world.deliver(&world.signed(body)).await;
        assert_eq!((response.outcome(), response.reason()), ((400, "malformed"), "no_dodo_event"));
        assert_eq!(response.headers["webhook-delivery"], "abort-message");
    }
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn only_post_is_supported() {
    let world = World::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let response = world.invoke(dodo::function_url_event(method, &[], b"")).await;
        assert_eq!(response.outcome(), (405, "unsupported"));
        assert_eq!(response.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn a_body_over_1_mib_is_too_large() {
    let world = World::start().await;
    let body = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    let response = world.deliver(&world.signed(body(1024 * 1024 + 1))).await;
    assert_eq!(response.outcome(), (413, "too_large"));
    let response = world.deliver(&world.signed(body(1024 * 1024))).await;
    assert_eq!(response.outcome(), (400, "malformed"));
}

/// `FrontDoor=HttpApi`: the same requests get the same responses, bodies in base64 included.
#[tokio::test]
async fn behind_an_http_api_every_response_is_the_same() {
    let world = World::start().await;
    let webhook = world.webhook("payment.succeeded");
    let base64 = dodo::function_url_event("POST", &webhook.headers(), b"\xff");
    let forged = Webhook { signature: "v1,AAAA".into(), ..webhook.clone() };
    for (event, outcome) in [
        (webhook.function_url_event(), (200, "delivered")),
        (world.webhook("payout.created").function_url_event(), (200, "ignored")),
        (world.signed("[]").function_url_event(), (400, "malformed")),
        (forged.function_url_event(), (401, "unauthorized")),
        (dodo::function_url_event("POST", &[], b"{}"), (401, "unauthorized")),
        (base64, (401, "unauthorized")),
        (dodo::function_url_event("GET", &[], b""), (405, "unsupported")),
    ] {
        let by_url = world.invoke(event.clone()).await;
        let by_api = world.invoke(dodo::http_api_event(event)).await;
        assert_eq!(by_api.outcome(), outcome);
        assert_eq!(by_api, by_url);
    }
}

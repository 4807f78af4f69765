//! The secret: where it is read, how long it is cached, and the messages when it is missing.

use crate::world::World;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::json;
use stand_ins::dodo::{self, Webhook};
use stand_ins::one_secret::OneSecret;
use stand_ins::serve::{self, Service, ServiceResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Without a secret the function waits 2 s between calls.
const BEFORE_ASKING_AGAIN: Duration = Duration::from_millis(2100);

#[tokio::test]
async fn a_missing_secret_loses_nothing() {
    let world = World::without_secret().await;
    let webhook = world.webhook("payment.succeeded");
    let response = world.deliver(&webhook).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "secret_refused"));
    assert!(response.message().contains("ResourceNotFoundException"));
    assert!(response.message().contains("SECRET_ID"));
    assert_eq!(response.headers["retry-after"], "30");
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_names_its_fields() {
    let secret = json!({"dodo_webhook_secret": "REPLACE_ME", "customerio_site_id": ""});
    let world = World::with_secret(&secret).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "secret_invalid"));
    for problem in [
        "dodo_webhook_secret is still a placeholder",
        "customerio_site_id is blank",
        "customerio_api_key is missing",
    ] {
        assert!(response.message().contains(problem), "{}", response.message());
    }
    // Corrected in Secrets Manager; no deployment needed.
    world.secret.put(&world.secret.credentials.secret()).await;
    tokio::time::sleep(BEFORE_ASKING_AGAIN).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
}

#[tokio::test]
async fn an_unreachable_secrets_manager_loses_nothing() {
    let nobody = [("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")];
    let world = World::with(&nobody).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "secret_unreachable"));
}

/// A Secrets Manager that is down, and counts requests.
#[derive(Clone, Default)]
struct Down(Arc<AtomicUsize>);

impl Service for Down {
    async fn respond(&self, _: Request<Bytes>) -> ServiceResult {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(serve::json(500, &json!({})))
    }
}

#[tokio::test]
async fn nobody_is_asked_before_the_headers_look_like_a_webhooks() {
    let down = Down::default();
    let server = serve::serve(0, down.clone()).await.unwrap();
    let url = format!("http://{}", server.address);
    let world = World::with(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url)]).await;

    assert_eq!(world.post(&[], b"{}").await.status, 401);
    let at_start = down.0.load(Ordering::Relaxed);
    assert!(at_start > 0, "the init phase asks");
    for body in [b"{}".to_vec(), vec![b' '; 2_000_000]] {
        world.post(&[("webhook-id", "msg_1")], &body).await;
    }
    assert_eq!(down.0.load(Ordering::Relaxed), at_start);

    tokio::time::sleep(BEFORE_ASKING_AGAIN).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.reason(), "secret_unreachable");
    assert!(down.0.load(Ordering::Relaxed) > at_start);
}

#[tokio::test]
async fn both_secrets_serve_while_rotating() {
    let world = World::start().await;
    let new = dodo::random_secret();
    let mut secret = world.secret.credentials.secret();
    secret["dodo_webhook_secret"] = json!([world.secret.credentials.webhook_secret, new]);
    let world = World::with_secret(&secret).await;
    for key in [&new, secret["dodo_webhook_secret"][0].as_str().unwrap()] {
        let body = r#"{"type":"payout.success","data":{}}"#.to_owned();
        let webhook = Webhook::sign(key, "msg_1", dodo::unix_now(), body);
        assert_eq!(world.deliver(&webhook).await.outcome(), (200, "ignored"));
    }
}

#[tokio::test]
async fn a_changed_secret_is_read_after_its_time_to_live() {
    let world = World::with(&[("SECRET_TTL_SECONDS", "1")]).await;
    let new = dodo::random_secret();
    let mut secret = world.secret.credentials.secret();
    secret["dodo_webhook_secret"] = new.as_str().into();
    let old = world.webhook("payment.succeeded");
    assert_eq!(world.deliver(&old).await.outcome(), (200, "delivered"));
    world.secret.put(&secret).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(world.deliver(&old).await.outcome(), (401, "unauthorized"));
    let webhook = Webhook::sign(&new, "msg_1", dodo::unix_now(), old.body);
    assert_eq!(world.deliver(&webhook).await.outcome(), (200, "delivered"));
}

/// A function whose secret is served for a second from a stand-in that can refuse.
async fn with_one_secret() -> (World, OneSecret) {
    let secrets_manager = OneSecret::start(|| false).await;
    let url = secrets_manager.url();
    let settings = [("AWS_ENDPOINT_URL_SECRETS_MANAGER", &*url), ("SECRET_TTL_SECONDS", "1")];
    let world = World::with(&settings).await;
    secrets_manager.put(world.secret.credentials.secret());
    // The init phase may have asked before there was a secret.
    tokio::time::sleep(BEFORE_ASKING_AGAIN).await;
    assert_eq!(world.deliver(&world.webhook("payment.succeeded")).await.outcome().0, 200);
    (world, secrets_manager)
}

const AFTER_TIME_TO_LIVE: Duration = Duration::from_millis(1100);

#[tokio::test]
async fn a_refresh_that_fails_keeps_the_last_good_secret() {
    let (world, secrets_manager) = with_one_secret().await;
    for error in [
        "ExpiredTokenException",
        "TooManyRequestsException",
        "RequestTimeTooSkewed",
        "InvalidSignatureException",
        "DecryptionFailure",
    ] {
        let before = secrets_manager.requests();
        secrets_manager.refuse(Some(error));
        tokio::time::sleep(AFTER_TIME_TO_LIVE).await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{error}");
        assert!(secrets_manager.requests() > before, "{error}: it was asked");
        assert!(world.log().contains(error), "the log says why");
    }
}

#[tokio::test]
async fn lost_access_and_deletion_end_the_last_good_secret() {
    let (world, secrets_manager) = with_one_secret().await;
    for (error, remedy) in [
        ("AccessDeniedException", "secretsmanager:GetSecretValue"),
        ("ResourceNotFoundException", "SECRET_ID"),
    ] {
        secrets_manager.refuse(Some(error));
        tokio::time::sleep(AFTER_TIME_TO_LIVE).await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "secret_refused"));
        assert!(response.message().contains(error) && response.message().contains(remedy));
        secrets_manager.refuse(None);
        tokio::time::sleep(BEFORE_ASKING_AGAIN).await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"), "after {error}");
    }
}

#[tokio::test]
async fn without_any_secret_the_message_says_what_to_do() {
    let secrets_manager = OneSecret::start(|| false).await;
    let url = secrets_manager.url();
    for (error, reason, remedy) in [
        ("ExpiredTokenException", "secret_unreachable", "passes by itself"),
        ("TooManyRequestsException", "secret_unreachable", "passes by itself"),
        ("RequestTimeTooSkewed", "secret_unreachable", "passes by itself"),
        ("InvalidSignatureException", "secret_refused", "AWS_SECRET_ACCESS_KEY"),
        ("DecryptionFailure", "secret_refused", "KMS key"),
        ("InvalidRequestException", "secret_refused", "scheduled for deletion"),
    ] {
        secrets_manager.refuse(Some(error));
        let world = World::with(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url)]).await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!((response.outcome(), response.reason()), ((503, "retry"), reason), "{error}");
        let message = response.message();
        assert!(message.contains(error) && message.contains(remedy), "{message}");
        assert!(response.headers["retry-after"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_optional_key_is_logged_once_and_stops_no_webhook() {
    let (world, secrets_manager) = with_one_secret().await;
    let mut secret = world.secret.credentials.secret();
    let warnings = |what: &str| world.log().matches(&format!("dodo_api_key {what}")).count();
    for (value, what) in [
        (json!("REPLACE_ME"), "is still a placeholder"),
        (json!(7), "is not a string"),
        (json!(" "), "is blank"),
    ] {
        secret["dodo_api_key"] = value;
        secrets_manager.put(secret.clone());
        for _ in 0..2 {
            tokio::time::sleep(AFTER_TIME_TO_LIVE).await;
            for _ in 0..2 {
                let response = world.deliver(&world.webhook("payment.succeeded")).await;
                assert_eq!(response.outcome(), (200, "delivered"), "{what}");
            }
        }
        assert_eq!(warnings(what), 1, "{}", world.log());
    }
}

#[tokio::test]
async fn a_key_that_contains_words_of_placeholders_is_used() {
    let (world, secrets_manager) = with_one_secret().await;
    let mut secret = world.secret.credentials.secret();
    for key in ["kXxXa9.TodoPq3your-example_REPLACE_ME2", "aXxXb1Todo2.your3"] {
        secret["dodo_api_key"] = json!(key);
        secrets_manager.put(secret.clone());
        tokio::time::sleep(AFTER_TIME_TO_LIVE).await;
        let response = world.deliver(&world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"));
        assert!(!world.log().contains("secret_field_ignored"), "{}", world.log());
    }
}

//! Rotated secrets need no deployment and few calls.

use crate::clock::{MINUTE, SECOND, START};
use crate::world::World;
use dodo_customerio::handler::Function;
use lambda_runtime::Context;
use serde_json::{Value, json};
use stand_ins::dodo;

const KEY: &str = "0123456789abcdef0123";
const NEW_KEY: &str = "3210fedcba9876543210";

struct Merchant {
    world: World,
    function: Function,
    secret: String,
    new_secret: String,
}

impl Merchant {
    async fn start(is_down: impl Fn(u64) -> bool + Send + Sync + 'static) -> Self {
        let world = World::start(is_down).await;
        let (secret, new_secret) = (dodo::random_secret(), dodo::random_secret());
        world.put(json!(secret), KEY);
        world.accept(KEY);
        let function = world.new_environment().await;
        Self { world, function, secret, new_secret }
    }

    /// The response to a webhook signed with `secret`, this long after the start.
    async fn response(&self, after: u64, secret: &str) -> (u16, String) {
        self.world.clock.set(START + after);
        let body = r#"{"type":"a.b","data":{"customer_id":"cus_1"}}"#;
        let request = self.world.request(&dodo::random_message_id(), body, &[secret]);
        let response = self.function.handle(&request, &Context::default()).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        (response.status_code, body["outcome"].as_str().unwrap().to_owned())
    }

    fn fetches(&self) -> usize {
        self.world.secrets_manager.requests()
    }
}

fn delivered() -> (u16, String) {
    (200, "delivered".to_owned())
}

fn unauthorized() -> (u16, String) {
    (401, "unauthorized".to_owned())
}

#[tokio::test]
async fn a_rotated_webhook_secret_is_fetched_at_the_first_mismatch() {
    let merchant = Merchant::start(|_| false).await;
    let (old, new) = (&merchant.secret, &merchant.new_secret);
    merchant.world.put(json!(new), KEY);
    assert_eq!(
        merchant.response(29 * SECOND, new).await,
        unauthorized(),
        "too soon after the start"
    );
    assert_eq!(merchant.fetches(), 1);
    assert_eq!(merchant.response(31 * SECOND, new).await, delivered());
    assert_eq!(merchant.fetches(), 2);
    assert_eq!(merchant.response(32 * SECOND, old).await, unauthorized());
}

#[tokio::test]
async fn a_rotated_key_of_customer_io_is_fetched_at_the_first_401() {
    let merchant = Merchant::start(|_| false).await;
    merchant.world.put(json!(merchant.secret), NEW_KEY);
    merchant.world.accept(NEW_KEY);
    let retry = (503, "retry".to_owned());
    assert_eq!(merchant.response(29 * SECOND, &merchant.secret).await, retry, "too soon");
    assert_eq!((merchant.fetches(), merchant.world.customerio.state().requests), (1, 1));
    assert_eq!(merchant.response(31 * SECOND, &merchant.secret).await, delivered());
    assert_eq!((merchant.fetches(), merchant.world.customerio.state().requests), (2, 3));
}

#[tokio::test]
async fn a_key_that_stays_wrong_costs_no_more_than_its_refresh() {
    let merchant = Merchant::start(|_| false).await;
    merchant.world.accept(NEW_KEY);
    assert_eq!(merchant.response(MINUTE, &merchant.secret).await.0, 503);
    assert_eq!((merchant.fetches(), merchant.world.customerio.state().requests), (2, 2));
}

#[tokio::test]
async fn strangers_cannot_run_up_calls() {
    let merchant = Merchant::start(|_| false).await;
    let stranger = dodo::random_secret();
    for second in 0..120 {
        assert_eq!(merchant.response(second * SECOND, &stranger).await, unauthorized());
    }
    assert_eq!(merchant.fetches(), 4, "at the start and every 30 s");
    assert_eq!(merchant.world.customerio.state().requests, 0);
}

#[tokio::test]
async fn while_secrets_manager_is_down_the_old_secret_serves() {
    let merchant = Merchant::start(|now| now > START).await;
    for minute in [1, 6, 60, 600] {
        assert_eq!(merchant.response(minute * MINUTE, &merchant.secret).await, delivered());
    }
    assert!(merchant.fetches() > 3, "it was asked");
}

#[tokio::test]
async fn a_secret_that_turns_invalid_leaves_the_last_good_one_in_service() {
    let merchant = Merchant::start(|_| false).await;
    merchant.world.put(json!("REPLACE_ME"), "");
    assert_eq!(merchant.response(10 * MINUTE, &merchant.secret).await, delivered());
    assert_eq!(merchant.fetches(), 2);
    merchant.world.put(json!(merchant.new_secret), KEY);
    assert_eq!(
        merchant.response(11 * MINUTE, &merchant.new_secret).await,
        delivered(),
        "corrected"
    );
}

/// Errors of AWS that say nothing about the secret itself: some pass by themselves, some somebody
/// must correct.
const KEEPING: [&str; 17] = [
    "ExpiredTokenException",
    "TooManyRequestsException",
    "RequestTimeTooSkewed",
    "InvalidSignatureException",
    "DecryptionFailure",
    "ThrottlingException",
    "LimitExceededException",
    "RequestExpired",
    "InternalServiceError",
    "InvalidRequestException",
    "InvalidParameterException",
    "UnrecognizedClientException",
    "IncompleteSignature",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "ValidationException",
    "SomethingNewException",
];

#[tokio::test]
async fn whatever_aws_responds_the_last_good_secret_stays_in_service() {
    let merchant = Merchant::start(|_| false).await;
    for (round, error) in (1..).zip(KEEPING) {
        merchant.world.secrets_manager.refuse(Some(error));
        let fetches = merchant.fetches();
        let response = merchant.response(round * 10 * MINUTE, &merchant.secret).await;
        assert_eq!(response, delivered(), "{error}");
        assert!(merchant.fetches() > fetches, "{error}: it was asked");
    }
}

#[tokio::test]
async fn without_access_or_a_secret_the_last_one_is_dropped() {
    for error in ["AccessDeniedException", "ResourceNotFoundException"] {
        let merchant = Merchant::start(|_| false).await;
        merchant.world.secrets_manager.refuse(Some(error));
        assert_eq!(merchant.response(4 * MINUTE, &merchant.secret).await, delivered(), "not yet");
        let retry = (503, "retry".to_owned());
        assert_eq!(merchant.response(5 * MINUTE, &merchant.secret).await, retry, "{error}");
        // It does not come back by another error.
        merchant.world.secrets_manager.refuse(Some("ExpiredTokenException"));
        assert_eq!(merchant.response(6 * MINUTE, &merchant.secret).await, retry, "{error}");
        merchant.world.secrets_manager.refuse(None);
        assert_eq!(merchant.response(7 * MINUTE, &merchant.secret).await, delivered(), "{error}");
    }
}

//! Queue mode, end to end: both functions as real processes, with a queue and Lambda's poller between them.

mod batches;
pub mod world;

use crate::world::{Process, World, moto_environment};
use serde_json::{Value, json};
use stand_ins::fault::Fault;
use stand_ins::poller::{self, Polled, Poller, Settings as PollerSettings};
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::sqs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use world::{DEAD_LETTERS, QUEUE, QueueWorld};

/// What fits into a message, in bytes.
const LARGEST_BODY: usize = 1024 * 1024 - 4096;

/// An event whose body has so many bytes.
fn body_of(bytes: usize) -> String {
    let event = |note: &str| {
        let data = json!({"customer": {"customer_id": "cus_1"}, "note": note});
        json!({"type": "payment.succeeded", "data": data}).to_string()
    };
    let rest = bytes - event("").len();
    event(&"x".repeat(rest))
}

#[tokio::test]
async fn a_webhook_waits_in_the_queue_until_customer_io_has_it() {
    let world = QueueWorld::start().await;
    let webhook = world.queue("payment.succeeded").await;
    let [message] = world.messages(QUEUE).try_into().unwrap();
    assert_eq!(message.body, webhook.body, "the exact body");
    assert_eq!(message.attributes["webhook-id"]["StringValue"], json!(webhook.id));
    assert_eq!(world.world.customerio.state().requests, 0);
    let line = &world.world.log_lines(1).await[0];
    assert_eq!((&line["outcome"], &line["Queued"]), (&json!("queued"), &json!(1)));
    assert_eq!(line.get("Attempts"), None);
    assert!(line["QueueTime"].as_f64().is_some_and(|time| time > 0.0), "{line}");

    assert_eq!(world.poll().await, Polled { received: 1, kept: vec![] });
    assert_eq!((world.events(), world.messages(QUEUE).len()), (1, 0));
    assert_eq!(world.calls("ChangeMessageVisibilityBatch"), 0);
}

/// Whether it is delivered directly or by way of the queue, Customer.io counts it once.
#[tokio::test]
async fn an_event_has_the_same_id_in_both_modes() {
    let world = QueueWorld::start().await;
    let webhook = world.queue("subscription.active").await;
    world.poll().await;
    world.sqs.fail("SendMessage", vec![sqs::error(500, "InternalError"); 3]);
    assert_eq!(world.world.deliver(&webhook).await.outcome(), (200, "delivered"));
    let state = world.world.customerio.state();
    assert_eq!((state.people.events().count(), state.people.repeated), (1, 1));
    assert_eq!(state.arrivals[0].body, state.arrivals[1].body);
}

#[tokio::test]
async fn strangers_and_nonsense_never_reach_the_queue() {
    let world = QueueWorld::start().await;
    assert_eq!(world.world.post(&[], b"{}").await.outcome(), (401, "unauthorized"));
    let response = world.world.deliver(&world.world.signed("[]")).await;
    assert_eq!((response.outcome(), response.reason()), ((400, "malformed"), "no_dodo_event"));
    assert_eq!(world.calls("SendMessage"), 0);
}

#[tokio::test]
async fn what_no_message_can_hold_is_delivered_at_once() {
    let world = QueueWorld::start().await;
    world.queue_webhook(&world.world.signed(body_of(LARGEST_BODY))).await;
    let odd = r#"{"type":"a.b","data":{"customer_id":"cus_1","note":"\u{ffff}"}}"#;
    let odd = odd.replace("\\u{ffff}", "\u{ffff}");
    for body in [body_of(LARGEST_BODY + 1), odd] {
        let response = world.world.deliver(&world.world.signed(body)).await;
        assert_eq!(response.outcome(), (200, "delivered"));
    }
    // The queue is not at fault.
    world.queue("payment.succeeded").await;
    assert_eq!((world.messages(QUEUE).len(), world.events()), (2, 2));
}

#[tokio::test]
async fn a_queue_that_fails_is_left_alone_for_a_while_and_webhooks_go_out_directly() {
    let world = QueueWorld::start().await;
    world.sqs.fail("SendMessage", vec![sqs::error(503, "ServiceUnavailable"); 3]);
    for _ in 0..3 {
        let response = world.world.deliver(&world.world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"));
    }
    assert_eq!(world.calls("SendMessage"), 3, "one webhook's attempts");
    assert_eq!((world.messages(QUEUE).len(), world.events()), (0, 3));
    assert_eq!(world.world.log().matches("queue_unreachable").count(), 1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.queue("payment.succeeded").await;
}

/// Otherwise it would hold several copies of one webhook.
#[tokio::test]
async fn a_queue_that_responds_within_two_seconds_is_asked_once() {
    let world = QueueWorld::start().await;
    world.sqs.fail("SendMessage", vec![Fault::Slow(Duration::from_millis(1_200))]);
    world.queue("payment.succeeded").await;
    assert_eq!((world.messages(QUEUE).len(), world.events()), (1, 0));
    assert_eq!(world.calls("SendMessage"), 1);
}

#[tokio::test]
async fn without_a_messages_id_a_webhook_does_not_count_as_queued() {
    let world = QueueWorld::start().await;
    world.sqs.fail("SendMessage", vec![Fault::Response(200, Vec::new(), "{}".to_owned())]);
    let response = world.world.deliver(&world.world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
}

#[tokio::test]
async fn a_slow_queue_costs_two_seconds_once() {
    let world = QueueWorld::start().await;
    world.sqs.fail("SendMessage", vec![Fault::Slow(Duration::from_secs(20)); 3]);
    let start = Instant::now();
    for _ in 0..2 {
        let response = world.world.deliver(&world.world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"));
    }
    let took = start.elapsed();
    assert!(took > Duration::from_millis(1_500) && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn only_if_customer_io_fails_too_dodo_must_try_again() {
    let world = QueueWorld::start().await;
    world.sqs.fail("SendMessage", vec![sqs::error(503, "ServiceUnavailable"); 3]);
    world.world.customerio.fail(vec![Fault::status(503); 3]);
    let response = world.world.deliver(&world.world.webhook("payment.succeeded")).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "customerio_unavailable"));
}

#[tokio::test]
async fn a_missing_permission_and_a_missing_queue_are_named_in_the_log() {
    for (code, sentence) in [
        ("AccessDeniedException", "may call sqs:SendMessage on it"),
        ("QueueDoesNotExist", "The queue in QUEUE_URL does not exist."),
    ] {
        let world = QueueWorld::start().await;
        world.sqs.fail("SendMessage", [sqs::error(400, code)]);
        let response = world.world.deliver(&world.world.webhook("payment.succeeded")).await;
        assert_eq!(response.outcome(), (200, "delivered"));
        let log = world.world.log();
        assert!(log.contains(sentence) && log.contains("QUEUE_URL"), "{log}");
        assert!(log.contains("Webhooks are delivered at once meanwhile."), "{log}");
    }
}

#[tokio::test]
async fn the_init_phase_warms_what_the_first_webhook_needs() {
    let world = QueueWorld::start().await;
    // SQS has no such request; it opens the connection.
    world.queue("payment.succeeded").await;
    assert_eq!(world.world.customerio.state().requests, 0);
    assert_eq!(world.sqs.state().warm_ups, 1);
    let direct = World::start().await;
    assert_eq!(direct.deliver(&direct.webhook("payment.succeeded")).await.status, 200);
}

#[tokio::test]
async fn mistakes_in_queues_end_the_start_all_of_them_named() {
    for (handler, wrong) in
        [("bootstrap", &["QUEUE_URL"][..]), ("queue", &["QUEUE_URL", "DEAD_LETTER_QUEUE_URL"])]
    {
        let process = Process::alone(&[("_HANDLER", handler), ("QUEUE_URL", "webhooks")]);
        let (status, lines) = process.end().await;
        assert_eq!(status.code(), Some(1));
        let variables: Vec<_> = lines.iter().map(|line| line["variable"].clone()).collect();
        assert_eq!(variables, wrong);
        let message = lines[0]["message"].as_str().unwrap();
        assert!(message.contains("QUEUE_URL must be the URL of a queue of SQS"), "{message}");
    }
}

/// Against moto, which others have written.
#[tokio::test]
async fn the_way_through_motos_sqs_is_the_same() {
    let environment: Vec<(&'static str, String)> = moto_environment().collect();
    let endpoint = environment.iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL").unwrap();
    let endpoint = endpoint.1.clone();
    let client = sqs::client(&endpoint);
    let mut urls = Vec::new();
    for name in ["through-moto", "refused-by-moto"] {
        let created = client.create_queue().queue_name(name).send().await.unwrap();
        urls.push(created.queue_url.unwrap());
    }
    let queue = [("QUEUE_URL", urls[0].as_str()), ("AWS_ENDPOINT_URL_SQS", &endpoint)];
    let world = World::with(&queue).await;
    let runtime = Arc::new(RuntimeApi::with_timeout(Duration::from_mins(1)).await.unwrap());
    let mut of_queue_function = environment.clone();
    of_queue_function.extend(runtime.environment());
    of_queue_function.extend([
        ("_HANDLER", "queue".to_owned()),
        ("SECRET_ID", world.secret.name.clone()),
        ("CUSTOMERIO_TRACK_URL", world.customerio.url()),
        ("QUEUE_URL", urls[0].clone()),
        ("DEAD_LETTER_QUEUE_URL", urls[1].clone()),
    ]);
    let _function = Process::start(of_queue_function);
    let settings =
        PollerSettings { window: Duration::from_millis(200), ..PollerSettings::default() };
    let poller = Poller::new(&endpoint, urls[0].clone(), runtime, settings);

    for name in ["payment.succeeded", "refund.succeeded", "payout.created"] {
        let response = world.deliver(&world.webhook(name)).await;
        assert_eq!(response.outcome(), (200, "queued"), "{name}");
    }
    let without_id = client.send_message().queue_url(&urls[0]).message_body("{}");
    without_id.send().await.unwrap();
    assert_eq!(poller.poll().await, Polled { received: 4, kept: vec![] });
    assert_eq!(world.customerio.state().people.events().count(), 2);
    assert_eq!(poller::depth(&endpoint, &urls[0]).await, Ok([0, 0]));
    let dead = client.receive_message().queue_url(&urls[1]).message_attribute_names("All");
    let [dead] = dead.send().await.unwrap().messages.unwrap().try_into().unwrap();
    let reason = dead.message_attributes.unwrap()["reason"].string_value.clone().unwrap();
    assert!(reason.starts_with("no_dodo_event: The message has no"), "{reason}");

    // What fails is out of sight for a while, and then comes again.
    assert_eq!(world.deliver(&world.webhook("payment.failed")).await.outcome(), (200, "queued"));
    world.customerio.fail(vec![Fault::status(503); 3]);
    assert_eq!(poller.poll().await.kept.len(), 1);
    assert_eq!(poller::depth(&endpoint, &urls[0]).await, Ok([0, 1]));
}

/// A field of the only message among the dead letters.
fn reason_of(world: &QueueWorld) -> String {
    let [message] = world.messages(DEAD_LETTERS).try_into().unwrap();
    let reason: &Value = &message.attributes["reason"]["StringValue"];
    reason.as_str().unwrap().to_owned()
}

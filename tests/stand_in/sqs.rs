//! The local SQS keeps the rules of a standard queue, by the real SDK's calls.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use stand_ins::clock::Clock;
use stand_ins::sqs::{self, Disorder, Settings, Sqs};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

struct World {
    sqs: Sqs,
    client: Client,
    url: String,
    seconds: Arc<AtomicU64>,
}

/// A message that was received: body, receives, and receipt handle.
type Received = (String, String, String);

impl World {
    async fn with(settings: Settings) -> Self {
        let seconds = Arc::new(AtomicU64::new(1_793_450_000));
        let time = seconds.clone();
        let now =
            move || SystemTime::UNIX_EPOCH + Duration::from_secs(time.load(Ordering::Relaxed));
        let sqs = Sqs::start(Clock::new(now)).await.unwrap();
        let url = sqs.create("webhooks", settings);
        Self { client: sqs::client(&sqs.url()), sqs, url, seconds }
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Since 1970.
    fn now(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    async fn send(&self, body: &str) -> Result<(), String> {
        let call = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = call.send().await.map(drop);
        sent.map_err(|error| error.code().unwrap_or_default().to_owned())
    }

    async fn receive(&self) -> Vec<Received> {
        let call = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let messages = call.send().await.unwrap().messages.unwrap_or_default();
        let text = |text: Option<String>| text.unwrap_or_default();
        let each = messages.into_iter().map(|it| {
            let count = it.attributes.unwrap_or_default();
            let count = count.iter().find(|(name, _)| name.as_str() == "ApproximateReceiveCount");
            let count = count.map(|(_, count)| count.clone());
            (text(it.body), text(count), text(it.receipt_handle))
        });
        each.collect()
    }

    async fn shorten(&self, handle: &str, seconds: i32) -> usize {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
            .id("0")
            .receipt_handle(handle)
            .visibility_timeout(seconds);
        let call = self.client.change_message_visibility_batch().queue_url(&self.url);
        call.entries(entry.build().unwrap()).send().await.unwrap().successful.len()
    }
}

#[tokio::test]
async fn what_is_received_is_out_of_sight_until_its_time_is_over() {
    let world = World::with(Settings::default()).await;
    world.send("a").await.unwrap();
    for (pass, expected) in [(0, Some("1")), (1_799, None), (1, Some("2"))] {
        world.pass(pass);
        let received = world.receive().await;
        assert_eq!(received.first().map(|(_, count, _)| count.as_str()), expected, "{pass}");
    }
}

#[tokio::test]
async fn visibility_changes_only_for_the_last_receiver() {
    let world = World::with(Settings::default()).await;
    world.send("a").await.unwrap();
    let (_, _, first) = world.receive().await.remove(0);
    assert_eq!(world.shorten(&first, 30).await, 1);
    world.pass(29);
    assert_eq!(world.receive().await, []);
    world.pass(1);
    let (_, _, second) = world.receive().await.remove(0);
    assert_eq!(world.shorten(&first, 0).await, 0);
    world.pass(1_800);
    assert_eq!(world.shorten(&second, 30).await, 0, "not in flight any more");
}

#[tokio::test]
async fn messages_are_given_up_by_age_and_by_count() {
    let redrive = Some((2, "refused".to_owned()));
    let world = World::with(Settings { redrive, ..Settings::default() }).await;
    world.sqs.create("refused", Settings::default());
    world.send("a").await.unwrap();
    let sent = world.sqs.state().queues["webhooks"].messages().next().unwrap().sent;
    for _ in 0..2 {
        assert_eq!(world.receive().await.len(), 1);
        world.pass(1_800);
    }
    assert_eq!(world.receive().await, []);
    let moved = world.sqs.state().queues["refused"].messages().next().unwrap().clone();
    assert_eq!(moved.sent, sent, "its age is kept");

    world.send("b").await.unwrap();
    world.pass(14 * 24 * 3_600);
    assert_eq!(world.receive().await, []);
    assert_eq!(world.sqs.state().queues["webhooks"].expired, 1);
}

#[tokio::test]
async fn what_sqs_refuses_is_refused_and_what_is_accepted_is_kept_exactly() {
    let world = World::with(Settings::default()).await;
    let refused = async |body: &str| world.send(body).await.unwrap_err();
    assert_eq!(refused("a\u{ffff}").await, "InvalidMessageContents");
    assert_eq!(refused(&"x".repeat(1024 * 1024 + 1)).await, "InvalidParameterValue");
    let largest = "ü".repeat(512 * 1024);
    world.send(&largest).await.unwrap();
    world.send("\t\"\\\r\n😀").await.unwrap();
    let bodies: Vec<_> = world.receive().await.into_iter().map(|(body, _, _)| body).collect();
    assert_eq!(bodies, [largest.as_str(), "\t\"\\\r\n😀"]);
    world.sqs.fail("SendMessage", [sqs::error(403, "AccessDeniedException")]);
    assert_eq!(refused("a").await, "AccessDeniedException");
    let elsewhere = World { url: world.url.replace("webhooks", "other"), ..world };
    assert_eq!(elsewhere.send("a").await, Err("QueueDoesNotExist".to_owned()));
}

#[tokio::test]
async fn too_many_messages_in_flight_are_refused() {
    let world = World::with(Settings { in_flight: 2, ..Settings::default() }).await;
    for _ in 0..3 {
        world.send("a").await.unwrap();
    }
    let received = world.receive().await;
    assert_eq!(received.len(), 2);
    let call = world.client.receive_message().queue_url(&world.url).send().await;
    assert_eq!(call.unwrap_err().code(), Some("OverLimit"));
    let entry = DeleteMessageBatchRequestEntry::builder().id("0").receipt_handle(&received[0].2);
    let call = world.client.delete_message_batch().queue_url(&world.url);
    call.entries(entry.build().unwrap()).send().await.unwrap();
    assert_eq!(world.receive().await.len(), 1);
}

/// Fewer than were asked for, in no order, and some twice.
#[tokio::test]
async fn a_disorderly_queue_promises_little_and_loses_nothing() {
    let disorder = Some(Disorder::with_seed(1));
    let world = World::with(Settings { disorder, ..Settings::default() }).await;
    for number in 0..200 {
        world.sqs.put("webhooks", &number.to_string(), &[]);
    }
    let (mut numbers, mut calls) = (Vec::new(), 0);
    for _ in 0..2 {
        while world.sqs.state().queues["webhooks"].visible(world.now()) > 0 {
            let bodies = world.receive().await.into_iter().map(|(body, _, _)| body);
            numbers.extend(bodies.map(|body| body.parse::<u32>().unwrap()));
            calls += 1;
        }
        world.pass(1);
    }
    let different: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(different.len(), 200);
    assert!(numbers.len() > 200 && calls > 30 && !numbers[..100].is_sorted(), "{numbers:?}");
}

/// As if each had been received and had failed; without the calls.
#[tokio::test]
async fn what_a_function_would_fail_can_be_passed_over() {
    let world = World::with(Settings::default()).await;
    world.send("a").await.unwrap();
    let pass_over = |receives| {
        let mut state = world.sqs.state();
        state.queues.get_mut("webhooks").unwrap().fail_all(world.now(), receives)
    };
    assert_eq!((pass_over(1), pass_over(0), pass_over(0)), (0, 1, 0));
    world.pass(1_800);
    assert_eq!(world.receive().await[0].1, "2");
    world.pass(14 * 24 * 3_600);
    assert_eq!((pass_over(1), world.sqs.state().queues["webhooks"].expired), (0, 1));
}

/// By the price list a call counts once for every 64 kB that it carries.
#[tokio::test]
async fn large_messages_cost_more_requests() {
    let world = World::with(Settings::default()).await;
    world.send("a").await.unwrap();
    assert_eq!(world.sqs.state().billed, 1);
    world.send(&"x".repeat(100_000)).await.unwrap();
    assert_eq!(world.sqs.state().billed, 3);
    assert_eq!(world.receive().await.len(), 2);
    assert_eq!(world.sqs.state().billed, 5);
}

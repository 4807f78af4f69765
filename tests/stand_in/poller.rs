//! The local poller keeps Lambda's contract.

use dodo_customerio::http;
use serde_json::{Value, json};
use stand_ins::clock::Clock;
use stand_ins::poller::{Polled, Poller, Settings};
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::sqs::{self, Sqs};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

struct World {
    sqs: Sqs,
    url: String,
    poller: Poller,
    /// The events that the function got.
    events: Arc<Mutex<Vec<Value>>>,
    function: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.function.abort();
    }
}

impl World {
    /// With a function that responds so to an event, or never.
    async fn with(
        settings: Settings,
        respond: impl Fn(&Value) -> Option<Value> + Send + 'static,
    ) -> Self {
        let sqs = Sqs::start(Clock::default()).await.unwrap();
        let url = sqs.create("webhooks", sqs::Settings::default());
        let runtime = Arc::new(RuntimeApi::with_timeout(Duration::from_secs(1)).await.unwrap());
        let poller = Poller::new(&sqs.url(), url.clone(), runtime.clone(), settings);
        let events = Arc::new(Mutex::new(Vec::new()));
        let function = tokio::spawn(function(runtime, respond, events.clone()));
        Self { sqs, url, poller, events, function }
    }

    async fn send(&self, count: usize) {
        let client = sqs::client(&self.sqs.url());
        for number in 0..count {
            let call = client.send_message().queue_url(&self.url).message_body(number.to_string());
            let call = call.message_attributes("webhook-id", sqs::string("msg_1"));
            call.send().await.unwrap();
        }
    }

    /// How many messages are still in the queue.
    fn left(&self) -> usize {
        self.sqs.state().queues["webhooks"].len()
    }
}

/// A function: asks for events and responds.
async fn function(
    runtime: Arc<RuntimeApi>,
    respond: impl Fn(&Value) -> Option<Value>,
    events: Arc<Mutex<Vec<Value>>>,
) {
    let [(_, address), ..] = runtime.environment();
    let (client, base) =
        (http::client(), format!("http://{address}/2018-06-01/runtime/invocation"));
    loop {
        let Ok(response) = client.get(format!("{base}/next")).send().await else { return };
        let id = response.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned();
        let event: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        let response = respond(&event);
        events.lock().unwrap().push(event);
        if let Some(response) = response {
            let request = client.post(format!("{base}/{id}/response")).body(response.to_string());
            request.send().await.unwrap();
        }
    }
}

fn quick() -> Settings {
    let window = Duration::from_millis(50);
    Settings { batch_size: 100, window, ..Settings::default() }
}

#[tokio::test]
async fn only_what_did_not_fail_is_deleted() {
    let first = |event: &Value| {
        let id = event["Records"][0]["messageId"].clone();
        Some(json!({"batchItemFailures": [{"itemIdentifier": id}]}))
    };
    let world = World::with(quick(), first).await;
    world.send(3).await;
    let polled = world.poller.poll().await;
    assert_eq!((polled.received, polled.kept, world.left()), (3, vec!["message-1".to_owned()], 1));
    assert_eq!(world.poller.poll().await, Polled::default(), "it is out of sight");
    let record = world.events.lock().unwrap()[0]["Records"][0].clone();
    assert_eq!(record["messageAttributes"]["webhook-id"]["stringValue"], "msg_1");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert!(record["attributes"]["SentTimestamp"].is_string(), "{record}");
}

#[tokio::test]
async fn a_response_means_what_lambda_says_it_means() {
    for (response, kept) in [
        (Some(json!({"batchItemFailures": []})), 0),
        (Some(json!({"batchItemFailures": null})), 0),
        (Some(json!({})), 0),
        (Some(json!(null)), 0),
        (Some(json!({"batchItemFailures": [{"itemIdentifier": ""}]})), 2),
        (Some(json!({"batchItemFailures": [{"itemIdentifier": null}]})), 2),
        (Some(json!({"batchItemFailures": [{"id": "message-1"}]})), 2),
        (Some(json!({"batchItemFailures": [{"itemIdentifier": "another"}]})), 2),
        (Some(json!({"error": {"errorType": "panic"}})), 2),
        (Some(json!("done")), 2),
        (None, 2),
    ] {
        let world = World::with(quick(), {
            let response = response.clone();
            move |_| response.clone()
        });
        let world = world.await;
        world.send(2).await;
        let polled = world.poller.poll().await;
        assert_eq!((polled.kept.len(), world.left()), (kept, kept), "{response:?}");
    }
}

#[tokio::test]
async fn a_batch_is_as_many_as_come_within_the_window() {
    let all = |_: &Value| Some(json!({}));
    let settings = Settings { batch_size: 25, ..quick() };
    let world = World::with(settings, all).await;
    world.send(40).await;
    assert_eq!(world.poller.poll().await.received, 25);
    assert_eq!(world.poller.poll().await.received, 15);

    let window = Duration::from_millis(1500);
    let world = World::with(Settings { window, ..quick() }, all).await;
    let start = Instant::now();
    let (polled, ()) = tokio::join!(world.poller.poll(), async {
        for _ in 0..3 {
            world.send(1).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(polled.received, 3);
    assert!(start.elapsed() >= window);
}

#[tokio::test]
async fn with_a_wait_the_window_begins_with_the_first_message() {
    let (wait, window) = (Duration::from_secs(2), Duration::from_secs(1));
    let world = World::with(Settings { wait, window, ..quick() }, |_| Some(json!({}))).await;
    let (polled, ()) = tokio::join!(world.poller.poll(), async {
        for pause in [600, 100] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            world.send(1).await;
        }
    });
    assert_eq!(polled.received, 2);
    let start = Instant::now();
    assert_eq!(world.poller.poll().await, Polled::default());
    assert!(start.elapsed() >= wait, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_invocation_has_six_megabytes_at_most() {
    let world = World::with(quick(), |_| Some(json!({}))).await;
    let client = sqs::client(&world.sqs.url());
    for _ in 0..8 {
        let call = client.send_message().queue_url(&world.url).message_body("\"".repeat(500_000));
        call.send().await.unwrap();
    }
    assert_eq!(world.poller.poll().await.received, 8);
    let sizes: Vec<usize> =
        world.events.lock().unwrap().iter().map(|event| event.to_string().len()).collect();
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 6 * 1024 * 1024), "{sizes:?}");
}

#[tokio::test]
async fn what_is_handed_over_twice_comes_twice() {
    let world = World::with(quick(), |_| Some(json!({}))).await;
    world.send(2).await;
    let messages = world.poller.collect().await;
    assert_eq!(world.poller.handle(messages.clone()).await.kept, Vec::<String>::new());
    assert_eq!(world.poller.handle(messages).await.kept, Vec::<String>::new());
    assert_eq!(world.events.lock().unwrap().len(), 2);
}

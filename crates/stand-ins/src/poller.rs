//! Lambda's poller of an SQS queue (an event source mapping with `ReportBatchItemFailures`), over the real
//! AWS SDK, so that it works with moto and with [`Sqs`](super::sqs::Sqs).
//!
//! It keeps Lambda's contract: it collects up to a batch of messages or 6 MB, for at most its window;
//! deletes what the function did not name as failed; deletes nothing if the function fails, is killed, or
//! gives a response that names nothing that it was given. What is not deleted comes again when the queue
//! says so. And a message may come twice, although it was deleted.

use super::runtime_api::RuntimeApi;
use super::sqs;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an invocation may hold, in bytes.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Messages of one call.
const AT_ONCE: usize = 10;

/// How long an empty queue is left alone.
const PAUSE: Duration = Duration::from_millis(20);

/// How an event source takes messages.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// `BatchSize`, at most 10,000.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`, here to the millisecond.
    pub window: Duration,
    /// Calls to receive messages at the same time.
    pub receivers: usize,
    /// How long a call waits for the first message, in whole seconds; the window begins when it comes. With
    /// zero the window begins at once.
    pub wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let window = Duration::from_secs(1);
        Self { batch_size: 1_000, window, receivers: 5, wait: Duration::ZERO }
    }
}

/// A function as the poller sees it: a process behind a Runtime API, or one within this process.
pub trait Invoke {
    /// What it responds to an event; `None` if it does not in time, `{"error": …}` if it fails.
    fn invoke(&self, event: Value) -> impl Future<Output = Option<Value>> + Send;
}

impl Invoke for Arc<RuntimeApi> {
    async fn invoke(&self, event: Value) -> Option<Value> {
        RuntimeApi::invoke(self, event).await
    }
}

/// A poller between a queue and a function.
#[derive(Debug, Clone)]
pub struct Poller<F = Arc<RuntimeApi>> {
    client: Client,
    queue_url: String,
    function: F,
    /// How it takes messages.
    pub settings: Settings,
}

/// What became of some messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polled {
    /// How many messages the function was given.
    pub received: usize,
    /// The ids of those that were not deleted.
    pub kept: Vec<String>,
}

impl<F: Invoke> Poller<F> {
    /// `endpoint` is that of SQS. Nothing is received yet.
    pub fn new(endpoint: &str, queue_url: String, function: F, settings: Settings) -> Self {
        let client = sqs::client(endpoint);
        Self { client, queue_url, function, settings }
    }

    /// Polls until it is dropped.
    pub async fn run(&self) {
        loop {
            self.poll().await;
        }
    }

    /// Collects messages and lets the function handle them; without any it does not invoke it.
    pub async fn poll(&self) -> Polled {
        let messages = self.collect().await;
        self.handle(messages).await
    }

    /// As many messages as come within the window, and are a batch.
    pub async fn collect(&self) -> Vec<Message> {
        let mut all = Vec::new();
        let mut wait = self.settings.wait;
        let mut start = Instant::now();
        loop {
            let missing = self.settings.batch_size - all.len();
            // One that waits: others would wait on when it has a message.
            let most = if wait.is_zero() { self.settings.receivers } else { 1 };
            let calls = (missing / AT_ONCE).clamp(1, most);
            let received = (0..calls).map(|_| self.receive(missing.min(AT_ONCE), wait));
            let received = join_all(received).await;
            let before = all.len();
            all.extend(received.into_iter().flatten());
            if !std::mem::take(&mut wait).is_zero() {
                start = Instant::now();
                if all.is_empty() {
                    tokio::time::sleep(PAUSE).await;
                    return all;
                }
            }
            let is_full = all.len() >= self.settings.batch_size || size(&all) >= MAX_PAYLOAD;
            if is_full || start.elapsed() >= self.settings.window {
                return all;
            }
            if all.len() == before {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Lets the function handle messages, and deletes those that it has done with. To make messages come
    /// twice, hand them over twice.
    pub async fn handle(&self, messages: Vec<Message>) -> Polled {
        let mut polled = Polled::default();
        for batch in batches(messages) {
            let ids: Vec<_> = batch.iter().map(|it| id(it).to_owned()).collect();
            let response = self.function.invoke(event(&batch)).await;
            let kept = kept(response.as_ref(), &ids);
            self.delete(batch.iter().filter(|message| !kept.iter().any(|it| it == id(message))))
                .await;
            polled.received += ids.len();
            polled.kept.extend(kept);
        }
        polled
    }

    /// Nothing, if the queue cannot be reached: Lambda tries again as well.
    async fn receive(&self, most: usize, wait: Duration) -> Vec<Message> {
        let call = self.client.receive_message().queue_url(&self.queue_url);
        let call = call.max_number_of_messages(i32::try_from(most).unwrap_or(10));
        let call = call.wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(20));
        let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = call.message_attribute_names("All").send().await;
        received.map(|it| it.messages.unwrap_or_default()).unwrap_or_default()
    }

    /// What cannot be deleted comes again.
    async fn delete(&self, messages: impl Iterator<Item = &Message>) {
        let entry = |(index, message): (usize, &Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
                .expect("an id and a receipt handle")
        };
        let entries: Vec<_> = messages.enumerate().map(entry).collect();
        let calls = entries.chunks(AT_ONCE).map(|some| {
            let call = self.client.delete_message_batch().queue_url(&self.queue_url);
            call.set_entries(Some(some.to_vec())).send()
        });
        drop(join_all(calls).await);
    }
}

/// How many messages a queue holds: visible ones, and those in flight.
///
/// # Errors
/// The error in the response.
pub async fn depth(endpoint: &str, queue_url: &str) -> Result<[usize; 2], String> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let call = sqs::client(endpoint).get_queue_attributes().queue_url(queue_url);
    let response = call.set_attribute_names(Some(names.to_vec())).send().await;
    let response = response.map_err(|error| format!("{error:?}"))?;
    let found = response.attributes.unwrap_or_default();
    let count = |name| found.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
    Ok([count(&names[0]), count(&names[1])])
}

fn id(message: &Message) -> &str {
    message.message_id().unwrap_or_default()
}

fn size(messages: &[Message]) -> usize {
    messages.iter().filter_map(Message::body).map(str::len).sum()
}

/// Divides messages into as many invocations as their size needs.
fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let (mut batches, mut size): (Vec<Vec<Message>>, usize) = (Vec::new(), 0);
    for message in messages {
        let alone = event(std::slice::from_ref(&message)).to_string().len();
        size += alone;
        if let Some(batch) = batches.last_mut().filter(|_| size <= MAX_PAYLOAD) {
            batch.push(message);
        } else {
            size = alone;
            batches.push(vec![message]);
        }
    }
    batches
}

/// The event that Lambda makes of messages.
fn event(messages: &[Message]) -> Value {
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

fn record(message: &Message) -> Value {
    let system = message.attributes().into_iter().flatten();
    let system: Map<_, _> = system.map(|(name, it)| (name.to_string(), json!(it))).collect();
    let own = message.message_attributes().into_iter().flatten();
    let own: Map<_, _> = own
        .map(|(name, it)| {
            let value = json!({
                "dataType": it.data_type(),
                "stringValue": it.string_value(),
                "stringListValues": [],
                "binaryListValues": [],
            });
            (name.clone(), value)
        })
        .collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": system,
        "messageAttributes": own,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:webhooks",
        "awsRegion": "us-east-1",
    })
}

/// Which of these messages stay in the queue after a response; `None` is a function that gave none. By
/// Lambda's documentation, a response that is null, empty, or without failures is a success, and one that
/// names something else is a failure of all.
fn kept(response: Option<&Value>, ids: &[String]) -> Vec<String> {
    let all = || ids.to_vec();
    let Some(response) = response.filter(|response| response.get("error").is_none()) else {
        return all();
    };
    let failures = match response {
        Value::Null => return Vec::new(),
        Value::Object(response) if response.is_empty() => return Vec::new(),
        Value::Object(response) => response.get("batchItemFailures"),
        _ => return all(),
    };
    let failures = match failures {
        Some(Value::Null) => return Vec::new(),
        Some(Value::Array(failures)) => failures,
        _ => return all(),
    };
    let named = failures.iter().map(|failure| failure["itemIdentifier"].as_str());
    let known = named.map(|name| ids.iter().find(|id| Some(id.as_str()) == name).cloned());
    known.collect::<Option<Vec<_>>>().unwrap_or_else(all)
}

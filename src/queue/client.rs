use super::error::{QueueError, classify};
use super::limits;
use crate::aws::{AwsHttp, AwsSettings};
use crate::http;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config};
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use futures_util::{StreamExt, stream};
use reqwest::Url;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// All attempts at one call (the SDK makes up to three). One attempt may take all of it: a message that SQS
/// takes slowly would otherwise be put into the queue again and again.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);

/// Before the SDK's second attempt, at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A queue that has failed is not asked again within this time.
const PAUSE: Duration = Duration::from_secs(10);

/// Messages of one call to change their visibility; SQS takes no more.
const ENTRIES: usize = 10;

/// Such calls at the same time.
const CALLS_AT_ONCE: usize = 8;

/// Where a queue is, and which environment variable says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueUrl {
    /// The environment variable.
    pub(crate) variable: &'static str,
    /// Its value.
    pub(crate) url: Url,
}

/// A message for a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    /// The webhook's.
    pub(crate) body: &'a str,
    /// Names and values.
    pub(crate) attributes: &'a [(&'static str, &'a str)],
}

/// One queue.
#[derive(Debug)]
pub(crate) struct Queue {
    client: Client,
    http: reqwest::Client,
    url: QueueUrl,
    endpoint: Option<String>,
    /// By the wall clock: a frozen environment's monotonic clock may stand still.
    paused_until: Mutex<Option<SystemTime>>,
}

impl Queue {
    /// A client of the queue at a URL. No call is made yet.
    pub(crate) fn new(aws: &AwsSettings, http: reqwest::Client, url: QueueUrl) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws.region())
            .credentials_provider(aws.credentials())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_initial_backoff(FIRST_PAUSE))
            .http_client(AwsHttp(http.clone()));
        config.set_endpoint_url(aws.sqs_url.clone());
        let client = Client::from_conf(config.build());
        let endpoint = aws.sqs_url.clone();
        Self { client, http, url, endpoint, paused_until: Mutex::default() }
    }

    /// Opens the connection before the first webhook needs it. It may fail.
    pub(crate) async fn warm_up(&self) {
        let url = self.endpoint.as_deref().unwrap_or(self.url.url.as_str());
        http::warm_up(&self.http, url).await;
    }

    /// Puts a message into the queue, within two seconds. After a failure it is not tried again for ten
    /// seconds from `now` on.
    ///
    /// # Errors
    /// Why it is not in the queue, as far as anybody knows.
    pub(crate) async fn send(
        &self,
        message: Message<'_>,
        now: SystemTime,
    ) -> Result<(), QueueError> {
        if !limits::fits(message.body, message.attributes) {
            return Err(QueueError::Unfit);
        }
        if self.paused_until().is_some_and(|until| now < until) {
            return Err(QueueError::Paused);
        }
        let mut call =
            self.client.send_message().queue_url(self.url.url.as_str()).message_body(message.body);
        for (name, value) in message.attributes {
            call = call.message_attributes(*name, string(value));
        }
        let variable = self.url.variable;
        let sent = call.send().await.map_err(|error| classify(&error, variable, "sqs:SendMessage"));
        // Something between us and SQS may respond with 200 as well.
        let id = sent.and_then(|sent| sent.message_id.ok_or(QueueError::Unreachable(variable)));
        id.map(drop).map_err(|error| self.failed(error, now))
    }

    /// Makes messages come again sooner than the queue itself would make them: each has its receipt handle
    /// and its pause. Whatever fails, they come again all the same.
    ///
    /// # Errors
    /// The first reason why some keep the queue's own pause.
    pub(crate) async fn shorten(
        &self,
        pauses: &[(&str, Duration)],
        deadline: Instant,
    ) -> Result<(), QueueError> {
        let calls: Vec<_> = pauses.chunks(ENTRIES).map(|some| self.shorten_some(some)).collect();
        let calls = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect::<Vec<_>>();
        let unreachable = || vec![Err(QueueError::Unreachable(self.url.variable))];
        let results = timeout_at(deadline, calls).await.unwrap_or_else(|_| unreachable());
        results.into_iter().collect()
    }

    async fn shorten_some(&self, pauses: &[(&str, Duration)]) -> Result<(), QueueError> {
        let entry = |(index, (handle, pause)): (usize, &(&str, Duration))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle)
                .visibility_timeout(i32::try_from(pause.as_secs()).unwrap_or(i32::MAX))
                .build()
                .expect("an id and a receipt handle")
        };
        let call = self.client.change_message_visibility_batch();
        let call = call.queue_url(self.url.url.as_str());
        let call = call.set_entries(Some(pauses.iter().enumerate().map(entry).collect()));
        let action = "sqs:ChangeMessageVisibility";
        call.send().await.map(drop).map_err(|error| classify(&error, self.url.variable, action))
    }

    /// Leaves the queue alone for a while, unless it is the message that is at fault.
    fn failed(&self, error: QueueError, now: SystemTime) -> QueueError {
        if error != QueueError::Unfit {
            *self.paused_until() = Some(now + PAUSE);
        }
        error
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn paused_until(&self) -> MutexGuard<'_, Option<SystemTime>> {
        self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message attribute.
fn string(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().expect("it has a type")
}

//! SQS, as far as the function and Lambda's poller use it: quick, in real or simulated time, and it can fail.
//! (moto never fails, knows no other time, and is slow.)
//!
//! It keeps the rules of a standard queue: visibility timeouts, receive counts, retention, redrive policies,
//! limits of messages. With [`Disorder`] it is as bad as a standard queue may be: no order, some messages
//! twice, fewer than were asked for. [`Queue`] is one queue, apart from HTTP.

mod protocol;
mod queue;

pub use queue::{Disorder, Message, Queue, Settings};

use super::clock::Clock;
use super::fault::{Fault, Faults};
use super::serve::{self, Server, Service, ServiceResult};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::MessageAttributeValue;
use dodo_customerio::aws::AwsHttp;
use dodo_customerio::http;
use hyper::body::{Body, Bytes};
use hyper::{Method, Request};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The account that all queues belong to.
const ACCOUNT: &str = "123456789012";

/// What a request may hold, before it counts as two, in bytes.
const BILLED: u64 = 64 * 1024;

/// How often a receiver that waits looks whether there is a message.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running stand-in; it ends when dropped.
pub struct Sqs {
    server: Server,
    state: Memory,
}

#[derive(Clone)]
struct Memory(Arc<Mutex<State>>);

/// What it knows.
#[derive(Default)]
pub struct State {
    /// By name.
    pub queues: BTreeMap<String, Queue>,
    /// How the next requests fail, whatever they ask for.
    pub faults: Faults,
    /// How the next calls of an action fail.
    pub faults_of: BTreeMap<String, VecDeque<Fault>>,
    /// How often each action was called, whatever came of it.
    pub calls: BTreeMap<String, usize>,
    /// What those cost, in requests of 64 kB.
    pub billed: usize,
    /// How often a connection was opened ahead of time.
    pub warm_ups: usize,
    clock: Clock,
    messages: u64,
}

impl Sqs {
    /// Starts on a free port, by this clock.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let state = Memory(Arc::new(Mutex::new(State { clock, ..State::default() })));
        Ok(Self { server: serve::serve(0, state.clone()).await?, state })
    }

    /// For `AWS_ENDPOINT_URL_SQS`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Creates a queue and returns its URL.
    pub fn create(&self, name: &str, settings: Settings) -> String {
        self.state().queues.insert(name.to_owned(), Queue::new(settings));
        format!("{}/{ACCOUNT}/{name}", self.url())
    }

    /// Puts a message into a queue, without a call.
    ///
    /// # Panics
    /// If SQS would refuse it.
    pub fn put(&self, name: &str, body: &str, attributes: &[(&str, &str)]) {
        let value = |value: &str| json!({"DataType": "String", "StringValue": value});
        let each = attributes.iter().map(|(name, it)| ((*name).to_owned(), value(it)));
        let attributes: Map<_, _> = each.collect();
        let mut request = json!({"QueueUrl": name, "MessageBody": body});
        request["MessageAttributes"] = attributes.into();
        let response = self.state().process("SendMessage", &request);
        assert_eq!(response.status().as_u16(), 200, "{request}");
    }

    /// What it knows, locked until the guard is dropped.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Makes the next calls of an action fail, one fault each.
    pub fn fail(&self, action: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults_of.entry(action.to_owned()).or_default().extend(faults);
    }
}

/// A client of the real SDK, for this stand-in or for moto.
pub fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "stand-in"))
        .http_client(AwsHttp(http::client()))
        // What fails nevertheless is repeated by whoever uses it.
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// A message attribute that is a string.
///
/// # Panics
/// Never: it has a type.
pub fn string(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().expect("a type")
}

/// An error as SQS gives it.
pub fn error(status: u16, code: &str) -> Fault {
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "Refused."});
    Fault::Response(status, Vec::new(), body.to_string())
}

impl State {
    fn next_fault(&mut self, action: &str) -> Option<Fault> {
        let of_action = self.faults_of.get_mut(action).and_then(VecDeque::pop_front);
        of_action.or_else(|| self.faults.pop())
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for messages, if the request says so.
    async fn wait_for_messages(&self, action: &str, request: &Value) {
        if action != "ReceiveMessage" {
            return;
        }
        let seconds = request["WaitTimeSeconds"].as_u64().unwrap_or_default();
        let looks = seconds * 1000 / u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(1);
        for _ in 0..looks {
            if self.lock().has_visible(request) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Service for Memory {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if request.method() == Method::HEAD {
            self.lock().warm_ups += 1;
            return Ok(serve::json(200, &json!({})));
        }
        let action = protocol::action(&request);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        *self.lock().calls.entry(action.clone()).or_default() += 1;
        let fault = self.lock().next_fault(&action);
        self.wait_for_messages(&action, &body).await;
        let process = || {
            let response = self.lock().process(&action, &body);
            let size = response.body().size_hint().lower().max(request.body().len() as u64);
            self.lock().billed += usize::try_from(size.div_ceil(BILLED)).unwrap_or(1);
            response
        };
        match fault {
            None => Ok(process()),
            Some(fault) => fault.apply(process).await,
        }
    }
}

//! The part of the Lambda Runtime API that a function needs: it hands out events and accepts responses.

use super::journal::Journal;
use super::serve::{self, ResponseBody, Server, Service, ServiceResult};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// As CloudFormation names a function: the stack, the resource and twelve letters and digits.
const FUNCTION_NAME: &str = "dodo-customerio-Function-A1b2C3d4E5f6";

/// Lambda's timeout for the webhook function, as in the template.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(15);

/// How many there have been; a journal tells them apart.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running Runtime API; it ends when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
    events: mpsc::UnboundedSender<Invocation>,
    first_next: watch::Receiver<Option<Instant>>,
    count: AtomicU64,
    timeout: Duration,
    record: Arc<Record>,
}

/// Where to record invocations, and under which number.
#[derive(Debug)]
struct Record {
    number: usize,
    journal: OnceLock<Journal>,
}

/// A response, and how long the function took.
#[derive(Debug)]
pub struct Invoked {
    /// What the function returned.
    pub response: Value,
    /// From handing out the event to the response.
    pub took: Duration,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    event: Value,
    sender: oneshot::Sender<Invoked>,
}

/// When the function got the event, and where to send the response.
type Waiting = (Instant, oneshot::Sender<Invoked>);

#[derive(Debug, Clone)]
struct Shared {
    events: Arc<Mutex<mpsc::UnboundedReceiver<Invocation>>>,
    waiting: Arc<Mutex<HashMap<String, Waiting>>>,
    first_next: watch::Sender<Option<Instant>>,
    timeout: Duration,
    record: Arc<Record>,
}

impl RuntimeApi {
    /// Starts on a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start() -> io::Result<Self> {
        Self::with_timeout(FUNCTION_TIMEOUT).await
    }

    /// The same for functions with another timeout.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn with_timeout(timeout: Duration) -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (first, first_next) = watch::channel(None);
        let events = Arc::new(Mutex::new(receiver));
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let record = Arc::new(Record { number, journal: OnceLock::new() });
        let waiting = Arc::default();
        let shared = Shared { events, waiting, first_next: first, timeout, record: record.clone() };
        let server = serve::serve(0, shared).await?;
        Ok(Self { server, events: sender, first_next, count: AtomicU64::new(0), timeout, record })
    }

    /// Records invocations there from now on; the first journal stays.
    pub fn record(&self, journal: &Journal) {
        self.record.journal.get_or_init(|| journal.clone());
    }

    /// What Lambda puts into a function's environment.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.server.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ]
    }

    /// Invokes the function with an event and returns its response, or its error as `{"error": …}`;
    /// `None` if there is no response within Lambda's timeout.
    pub async fn invoke(&self, event: Value) -> Option<Value> {
        self.invoke_timed(event).await.map(|invoked| invoked.response)
    }

    /// When the function asked for its first event, which ends its init phase. Waits for it.
    ///
    /// # Panics
    /// Never: the server lives as long as this.
    pub async fn first_next(&self) -> Instant {
        let mut first = self.first_next.clone();
        first.wait_for(Option::is_some).await.expect("a server").expect("a time")
    }

    /// Like [`invoke`](Self::invoke), with the time that it took.
    pub async fn invoke_timed(&self, event: Value) -> Option<Invoked> {
        let (sender, receiver) = oneshot::channel();
        let id = format!("request-{}", self.count.fetch_add(1, Ordering::Relaxed));
        self.events.send(Invocation { id: id.clone(), event, sender }).ok()?;
        let invoked = tokio::time::timeout(self.timeout, receiver).await.ok().and_then(Result::ok);
        if invoked.is_none() {
            self.record.ended(&id, None);
        }
        invoked
    }
}

impl Service for Shared {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            [.., "invocation", "next"] => self.next().await,
            [.., "invocation", id, "response"] => {
                Ok(self.resolve(id, request.body(), |body| body).await)
            }
            [.., "invocation", id, "error"] => {
                Ok(self.resolve(id, request.body(), |body| json!({"error": body})).await)
            }
            [.., "init", "error"] => {
                eprintln!(
                    "The function failed to start: {}",
                    String::from_utf8_lossy(request.body())
                );
                Ok(serve::json(202, &json!({"status": "OK"})))
            }
            _ => Ok(serve::json(404, &json!({}))),
        }
    }
}

impl Shared {
    async fn next(&self) -> ServiceResult {
        self.first_next.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(Instant::now);
            is_first
        });
        let Some(Invocation { id, event, sender }) = self.events.lock().await.recv().await else {
            return Err(serve::Broken);
        };
        self.record.began(&id, &event);
        let mut response = serve::json(200, &event);
        let deadline = SystemTime::now() + self.timeout;
        let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert("lambda-runtime-aws-request-id", id.parse().expect("a header"));
        headers.insert(
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string().parse().expect("a header"),
        );
        headers.insert(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:local".parse().expect("a header"),
        );
        self.waiting.lock().await.insert(id, (Instant::now(), sender));
        Ok(response)
    }

    async fn resolve(
        &self,
        id: &str,
        body: &[u8],
        wrap: impl FnOnce(Value) -> Value,
    ) -> hyper::Response<ResponseBody> {
        if let Some((since, sender)) = self.waiting.lock().await.remove(id) {
            let took = since.elapsed();
            let response = wrap(serde_json::from_slice(body).unwrap_or(Value::Null));
            self.record.ended(id, Some(&response));
            // The caller may have given up.
            drop(sender.send(Invoked { response, took }));
        }
        serve::json(202, &json!({"status": "OK"}))
    }
}

impl Record {
    fn began(&self, id: &str, event: &Value) {
        if let Some(journal) = self.journal.get() {
            journal.began(self.number, id, event);
        }
    }

    fn ended(&self, id: &str, response: Option<&Value>) {
        if let Some(journal) = self.journal.get() {
            journal.ended(self.number, id, response);
        }
    }
}

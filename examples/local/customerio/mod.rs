//! A local Customer.io: the Track API's authentication, shape and limits by the published rules, and
//! what it remembers of people. It can be told to fail.

pub mod describe;
mod people;
pub mod rules;
mod schema;

#[allow(unused_imports, reason = "some tests name it")]
pub use people::{People, Profile};

use super::serve::{self, Answer, AnswerBody, Broken, Server, Service};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The largest batch, in bytes.
const MAX_BATCH: usize = 500_000;

/// One way to fail; each is used up by one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answers this status, with these headers and body, without taking anything.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Breaks the connection before the request is taken.
    BreakBefore,
    /// Takes the request, then breaks the connection.
    BreakAfter,
    /// Takes the request, then breaks the connection in the middle of the answer.
    Cut,
    /// Takes the request, then answers late.
    Slow(Duration),
}

impl Fault {
    /// A plain status with an empty object.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), "{}".to_owned())
    }
}

/// The running stand-in; it ends when dropped.
pub struct CustomerIo {
    server: Server,
    state: Memory,
}

/// What a request was, and what became of it.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub status: u16,
    pub path: String,
    pub body: Value,
}

impl Arrival {
    /// Its items; one for the entity path.
    pub fn items(&self) -> &[Value] {
        self.body["batch"].as_array().map_or(std::slice::from_ref(&self.body), Vec::as_slice)
    }
}

/// Decides about the next request when no fault is waiting.
pub type Plan = Box<dyn FnMut() -> Option<Fault> + Send>;

#[derive(Default)]
pub struct State {
    pub people: People,
    /// What it judged, oldest first.
    pub arrivals: Vec<Arrival>,
    /// What the next requests shall suffer.
    pub faults: VecDeque<Fault>,
    /// What all others shall.
    pub plan: Option<Plan>,
    /// Every request but the warm-up, also those that failed.
    pub requests: usize,
    authorization: String,
}

/// What it knows, for those who look at it while it runs.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<State>>);

impl CustomerIo {
    /// Starts on a port of 127.0.0.1 (0 takes a free one) for one pair of credentials.
    pub async fn start(port: u16, site_id: &str, api_key: &str) -> io::Result<Self> {
        let mut state = State::default();
        state.accept(site_id, api_key);
        let state = Memory(Arc::new(Mutex::new(state)));
        let server = serve::serve(port, state.clone()).await?;
        Ok(Self { server, state })
    }

    /// For `CUSTOMERIO_TRACK_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The same, apart from the server.
    pub fn memory(&self) -> Memory {
        self.state.clone()
    }

    /// What it knows and has seen.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Calls `show` for every request that arrives from now on.
    pub async fn follow(&self, mut show: impl FnMut(&Arrival)) {
        let mut seen = self.state().arrivals.len();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let new = self.state().arrivals[seen..].to_vec();
            new.iter().for_each(&mut show);
            seen += new.len();
        }
    }

    /// The next requests fail like this, one fault each.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }
}

impl Memory {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Service for Memory {
    async fn answer(&self, request: Request<Bytes>) -> Answer {
        if request.method() == Method::HEAD {
            return Ok(serve::json(200, &json!({})));
        }
        if let Some(order) = request.uri().path().strip_prefix("/local/fail/") {
            return Ok(self.lock().be_told(order));
        }
        let fault = self.lock().next_fault();
        match fault {
            None => Ok(self.lock().take(&request)),
            Some(Fault::Answer(status, headers, body)) => {
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(serve::body(body)).expect("a valid answer"))
            }
            Some(Fault::BreakBefore) => Err(Broken),
            Some(Fault::BreakAfter) => {
                self.lock().take(&request);
                Err(Broken)
            }
            Some(Fault::Cut) => {
                self.lock().take(&request);
                Ok(Response::new(serve::cut_body()))
            }
            Some(Fault::Slow(delay)) => {
                let answer = self.lock().take(&request);
                tokio::time::sleep(delay).await;
                Ok(answer)
            }
        }
    }
}

impl State {
    /// From now on only this pair is accepted.
    pub fn accept(&mut self, site_id: &str, api_key: &str) {
        let pair = STANDARD.encode(format!("{site_id}:{api_key}"));
        self.authorization = format!("Basic {pair}");
    }

    /// `503/2`: fail the next two requests with this status. For people, who have no other way.
    fn be_told(&mut self, order: &str) -> Response<AnswerBody> {
        let (status, times) = order.split_once('/').unwrap_or((order, "1"));
        let (Ok(status @ 200..=599), Ok(times @ 1..=1000)) = (status.parse(), times.parse()) else {
            return serve::json(400, &json!({"usage": "/local/fail/STATUS/TIMES"}));
        };
        self.faults.extend(vec![Fault::status(status); times]);
        serve::json(200, &json!({"failing": {"status": status, "times": times}}))
    }

    fn next_fault(&mut self) -> Option<Fault> {
        self.requests += 1;
        let planned = |plan: &mut Option<Plan>| plan.as_mut().and_then(|plan| plan());
        self.faults.pop_front().or_else(|| planned(&mut self.plan))
    }

    fn take(&mut self, request: &Request<Bytes>) -> Response<AnswerBody> {
        let (status, answer) = self.judge(request);
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        self.arrivals.push(Arrival { status, path: request.uri().path().to_owned(), body });
        serve::json(status, &answer)
    }

    fn judge(&mut self, request: &Request<Bytes>) -> (u16, Value) {
        let header = request.headers().get("authorization");
        if header.is_none_or(|header| header.as_bytes() != self.authorization.as_bytes()) {
            return (401, json!({"meta": {"error": "Unauthorized request"}}));
        }
        match (request.method().as_str(), request.uri().path()) {
            ("POST", "/api/v2/batch") => self.batch(request.body()),
            ("POST", "/api/v2/entity") => self.entity(request.body()),
            ("GET", "/api/v1/accounts/region") => {
                let url =
                    format!("http://{}", request.uri().authority().map_or("", |a| a.as_str()));
                (200, json!({"url": url, "region": "us", "environment_id": 1}))
            }
            (method, path) => self.older(method, path, request.body()),
        }
    }

    fn batch(&mut self, body: &[u8]) -> (u16, Value) {
        if body.len() > MAX_BATCH {
            return (413, json!({"meta": {"error": "request too large"}}));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let Some(items) = body["batch"].as_array() else {
            let error =
                json!({"reason": "required", "field": "batch", "message": "batch is required"});
            return (400, json!({"errors": [error]}));
        };
        let mut all_errors = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let mut errors = rules::errors(item);
            if errors.is_empty() {
                self.people.take(item);
            }
            for error in &mut errors {
                error["batch_index"] = index.into();
            }
            all_errors.extend(errors);
        }
        if all_errors.is_empty() { (200, json!({})) } else { (207, json!({"errors": all_errors})) }
    }

    /// The paths of the older API that handlers are known to use.
    fn older(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let item = match (method, parts.as_slice()) {
            ("PUT" | "POST", ["api", "v1", "customers", id]) => {
                json!({"identifiers": {"id": id}, "action": "identify", "attributes": body})
            }
            ("POST", ["api", "v1", "customers", id, "events"]) => json!({
                "identifiers": {"id": id},
                "action": "event",
                "name": body["name"],
                "attributes": body["data"],
            }),
            _ => return (404, json!({"meta": {"error": "not found"}})),
        };
        self.people.take(&item);
        (200, json!({}))
    }

    fn entity(&mut self, body: &[u8]) -> (u16, Value) {
        let Ok(item) = serde_json::from_slice(body) else {
            return (400, json!({"meta": {"error": "the body is not JSON"}}));
        };
        let errors = rules::errors(&item);
        if errors.is_empty() {
            self.people.take(&item);
            return (200, json!({}));
        }
        (400, json!({"errors": errors}))
    }
}

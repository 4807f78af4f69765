//! A local Customer.io: the Track API's authentication, schema and limits as published, and the people
//! it knows. It fails on demand.

pub mod describe;
mod people;
pub mod rules;
mod schema;

use people::Watched;
pub use people::{Activity, LateIdentify, Object, Objects, People, Profile, UPDATE_FAILURE};

use super::fault::{Fault, Faults};
use super::journal::{Journal, Service as Called};
use super::serve::{self, ResponseBody, Server, Service, ServiceResult};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The largest batch, in bytes.
pub const MAX_BATCH: usize = 500_000;

/// The running stand-in; it ends when dropped.
pub struct CustomerIo {
    server: Server,
    state: Memory,
}

/// A request and the status of its response.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The status of the response.
    pub status: u16,
    /// The path of the request.
    pub path: String,
    /// The request's body; null unless it is JSON.
    pub body: Value,
}

impl Arrival {
    /// Its items; one for the entity path.
    pub fn items(&self) -> &[Value] {
        self.body["batch"].as_array().map_or(std::slice::from_ref(&self.body), Vec::as_slice)
    }
}

/// What it knows, and the requests so far.
#[derive(Default)]
pub struct State {
    /// Everybody it knows.
    pub people: People,
    /// Every request that it read, oldest first.
    pub arrivals: Vec<Arrival>,
    /// How the next requests fail.
    pub faults: Faults,
    /// How many requests it got, failed ones included, the warm-up excluded.
    pub requests: usize,
    /// Texts that make every request fail that has them in its body, and how.
    pub poison: Vec<(String, Fault)>,
    authorizations: Vec<String>,
    journal: Journal,
    /// Whether the last item of the batch that is being processed is refused.
    refuses_last_item: bool,
}

/// Its shared state, which others may read while it runs.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<State>>);

impl CustomerIo {
    /// Starts on a port of 127.0.0.1 (0 takes a free one) for one pair of credentials.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(port: u16, site_id: &str, api_key: &str) -> io::Result<Self> {
        Self::start_recorded(port, (site_id, api_key), &Journal::default()).await
    }

    /// The same; requests, and what each changes, are recorded in a journal.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start_recorded(
        port: u16,
        (site_id, api_key): (&str, &str),
        journal: &Journal,
    ) -> io::Result<Self> {
        let mut state = State { journal: journal.clone(), ..State::default() };
        state.accept(site_id, api_key);
        let state = Memory(Arc::new(Mutex::new(state)));
        let server = serve::serve(port, state.clone()).await?;
        Ok(Self { server, state })
    }

    /// For `CUSTOMERIO_TRACK_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The state without the server.
    pub fn memory(&self) -> Memory {
        self.state.clone()
    }

    /// What it knows, and the requests so far.
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

    /// Makes the next requests fail, one fault each.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.queue.extend(faults);
    }
}

impl Memory {
    /// Locks it until the guard is dropped.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Service for Memory {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if request.method() == Method::HEAD {
            return Ok(serve::json(200, &json!({})));
        }
        if let Some(order) = request.uri().path().strip_prefix("/local/fail/") {
            return Ok(self.lock().command(order));
        }
        let call = self.lock().journal.call(Called::CustomerIo, &request);
        let fault = self.lock().next_fault(request.body());
        let refuses_last_item = matches!(fault, Some(Fault::LastItem));
        let process = || {
            let mut state = self.lock();
            state.refuses_last_item = refuses_last_item;
            let (response, changes) = state.watch(&request);
            call.changed(changes);
            response
        };
        let result = match fault {
            None => Ok(process()),
            Some(fault) => {
                call.fails(&fault.in_short());
                fault.apply(process).await
            }
        };
        call.responds(result).await
    }
}

impl State {
    /// From now on only this pair is accepted.
    pub fn accept(&mut self, site_id: &str, api_key: &str) {
        self.authorizations.clear();
        self.accept_too(site_id, api_key);
    }

    /// From now on this pair is accepted too.
    pub fn accept_too(&mut self, site_id: &str, api_key: &str) {
        let pair = STANDARD.encode(format!("{site_id}:{api_key}"));
        self.authorizations.push(format!("Basic {pair}"));
    }

    /// `503/2` makes the next two requests fail with this status. For people, who use curl.
    fn command(&mut self, order: &str) -> Response<ResponseBody> {
        let (status, times) = order.split_once('/').unwrap_or((order, "1"));
        let (Ok(status @ 200..=599), Ok(times @ 1..=1000)) = (status.parse(), times.parse()) else {
            return serve::json(400, &json!({"usage": "/local/fail/STATUS/TIMES"}));
        };
        self.faults.queue.extend(vec![Fault::status(status); times]);
        serve::json(200, &json!({"failing": {"status": status, "times": times}}))
    }

    fn next_fault(&mut self, body: &[u8]) -> Option<Fault> {
        self.requests += 1;
        let is_poisoned =
            |(text, _): &&(String, Fault)| String::from_utf8_lossy(body).contains(text.as_str());
        let poison = self.poison.iter().find(is_poisoned).map(|(_, fault)| fault.clone());
        // Poison is never processed, whatever else happens.
        let fault = self.faults.pop();
        poison.or(fault)
    }

    /// Processes a request; what it changed is null unless there is a journal.
    fn watch(&mut self, request: &Request<Bytes>) -> (Response<ResponseBody>, Value) {
        if !self.journal.is_on() {
            return (self.process(request), Value::Null);
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let watched = Watched::of(&self.people, request.uri().path(), &body);
        let response = self.process(request);
        (response, watched.changes(&self.people))
    }

    fn process(&mut self, request: &Request<Bytes>) -> Response<ResponseBody> {
        let (status, response) = self.handle(request);
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        self.arrivals.push(Arrival { status, path: request.uri().path().to_owned(), body });
        serve::json(status, &response)
    }

    fn handle(&mut self, request: &Request<Bytes>) -> (u16, Value) {
        let header = request.headers().get("authorization");
        let is_accepted = |header: &HeaderValue| {
            self.authorizations.iter().any(|it| it.as_bytes() == header.as_bytes())
        };
        if !header.is_some_and(is_accepted) {
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
            let is_refused = self.refuses_last_item && index + 1 == items.len();
            let mut errors = if is_refused { rules::refused() } else { rules::errors(item) };
            if errors.is_empty() {
                self.people.apply(item);
            }
            for error in &mut errors {
                error["batch_index"] = index.into();
            }
            all_errors.extend(errors);
        }
        if all_errors.is_empty() { (200, json!({})) } else { (207, json!({"errors": all_errors})) }
    }

    /// Applies what a request of an earlier run brought that was accepted; `refused` are the indices of its
    /// items that were not.
    pub fn restore(&mut self, method: &str, path: &str, body: &Value, refused: &[u64]) {
        let items = match path {
            "/api/v2/batch" => body["batch"].as_array().map(Vec::as_slice).unwrap_or_default(),
            "/api/v2/entity" => std::slice::from_ref(body),
            _ => return drop(self.older(method, path, body.to_string().as_bytes())),
        };
        let accepted = (0..).zip(items).filter(|(index, _)| !refused.contains(index));
        accepted.for_each(|(_, item)| self.people.apply(item));
    }

    /// The paths of the v1 API that JavaScript handlers are known to use.
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
        self.people.apply(&item);
        (200, json!({}))
    }

    fn entity(&mut self, body: &[u8]) -> (u16, Value) {
        let Ok(item) = serde_json::from_slice(body) else {
            return (400, json!({"meta": {"error": "the body is not JSON"}}));
        };
        let errors = rules::errors(&item);
        if errors.is_empty() {
            self.people.apply(&item);
            return (200, json!({}));
        }
        (400, json!({"errors": errors}))
    }
}

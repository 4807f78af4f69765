//! A Customer.io that counts what it gets and keeps none of it: half a million people are too many for
//! the stand-in.

use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use stand_ins::customerio::MAX_BATCH;
use stand_ins::dodo_api::Totals;
use stand_ins::serve::{self, Server, Service, ServiceResult};
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The running receiver; it ends when dropped.
pub struct Receiver {
    server: Server,
    received: Shared,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Received>>);

/// What has arrived.
#[derive(Debug, Default, Clone)]
pub struct Received {
    requests: usize,
    bytes: usize,
    /// Those who got attributes.
    people: usize,
    events: usize,
    /// Who they are: numbers of the made-up business.
    numbers: HashSet<u32>,
    /// What they have paid by their attributes.
    payments: u64,
    minor: i64,
    complaint: Option<String>,
}

impl Receiver {
    pub async fn start() -> io::Result<Self> {
        let received = Shared::default();
        let server = serve::serve(0, received.clone()).await?;
        Ok(Self { server, received })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub fn received(&self) -> Received {
        self.received.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service for Shared {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if request.uri().path() == "/api/v2/batch" {
            let batch = serde_json::from_slice(request.body()).unwrap_or_default();
            let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            received.add(&batch, request.body().len());
        }
        Ok(serve::json(200, &json!({"region": "us"})))
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, bytes, people, events, .. } = self;
        write!(f, "{requests} | {} | {people} | {events}", bytes / 1_000_000)
    }
}

impl Received {
    fn add(&mut self, batch: &Value, bytes: usize) {
        self.requests += 1;
        self.bytes += bytes;
        if bytes > MAX_BATCH {
            self.complaint = Some(format!("a request has {bytes} bytes"));
        }
        for item in batch["batch"].as_array().into_iter().flatten() {
            match item["action"].as_str() {
                Some("identify") => self.add_person(item),
                Some("event") => self.events += 1,
                _ => self.complaint = Some(format!("an item that is not known: {item}")),
            }
        }
    }

    fn add_person(&mut self, item: &Value) {
        let id = item["identifiers"]["id"].as_str().unwrap_or_default();
        let number = id.trim_start_matches("cus_").parse();
        if !number.is_ok_and(|number| self.numbers.insert(number)) {
            self.complaint = Some(format!("a person again, or not one of ours: {item}"));
        }
        let attributes = &item["attributes"];
        let minor = |currency| attributes[format!("total_spent_{currency}_minor")].as_i64();
        self.people += 1;
        self.payments += attributes["payments_count"].as_u64().unwrap_or_default();
        self.minor += ["usd", "eur"].into_iter().filter_map(minor).sum::<i64>();
    }

    /// Whether everybody came, once, with all that they have paid.
    pub fn check(&self, expected: &Totals) -> Result<(), String> {
        let known = Totals { people: self.people, payments: self.payments, minor: self.minor };
        match &self.complaint {
            Some(complaint) => Err(complaint.clone()),
            None if known != *expected => Err(format!("expected {expected:?}, got {known:?}")),
            None => Ok(()),
        }
    }
}

//! Which requests a function makes while it handles an event. A process handles one event at a time, so what
//! arrives at a stand-in meanwhile belongs to that event.

mod call;

pub use call::{Call, Calling, Service};

use super::dodo::unix_milliseconds;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Records invocations and the requests during them. Clones share everything; the default records nothing.
#[derive(Debug, Clone, Default)]
pub struct Journal(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    open: Mutex<Vec<Open>>,
    finished: mpsc::UnboundedSender<Invocation>,
    /// How many have begun.
    begun: watch::Sender<u64>,
}

/// One event's way through the function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What the function was given: a function URL's event, or messages of a queue.
    pub event: Value,
    /// `None` if there was no response in time.
    pub response: Option<Value>,
    /// When it was given the event, in Unix milliseconds.
    pub at: u64,
    /// From then to the response.
    pub took: Duration,
    /// In the order in which they arrived.
    pub calls: Vec<Call>,
}

#[derive(Debug)]
struct Open {
    /// Which process, and which of its invocations.
    key: (usize, String),
    since: Instant,
    invocation: Invocation,
}

impl Journal {
    /// One that records, and what it has recorded.
    pub fn recording() -> (Self, mpsc::UnboundedReceiver<Invocation>) {
        let (finished, receiver) = mpsc::unbounded_channel();
        let inner = Inner { open: Mutex::default(), finished, begun: watch::Sender::new(0) };
        (Self(Some(Arc::new(inner))), receiver)
    }

    /// A process gets an event. What it had before that is over: it takes one at a time.
    pub(crate) fn began(&self, process: usize, id: &str, event: &Value) {
        let Some(inner) = &self.0 else { return };
        let invocation = Invocation {
            event: event.clone(),
            response: None,
            at: unix_milliseconds(),
            took: Duration::ZERO,
            calls: Vec::new(),
        };
        let mut open = inner.open();
        open.retain(|other| other.key.0 != process);
        open.push(Open { key: (process, id.to_owned()), since: Instant::now(), invocation });
        drop(open);
        inner.begun.send_modify(|count| *count += 1);
    }

    /// It has responded, or has not in time.
    pub(crate) fn ended(&self, process: usize, id: &str, response: Option<&Value>) {
        let Some(inner) = &self.0 else { return };
        let mut open = inner.open();
        let is_it = |other: &Open| other.key.0 == process && other.key.1 == id;
        let Some(position) = open.iter().position(is_it) else { return };
        let Open { since, mut invocation, .. } = open.remove(position);
        invocation.response = response.cloned();
        invocation.took = since.elapsed();
        let now = unix_milliseconds();
        invocation.calls.iter_mut().for_each(|call| call.is_over_at(now));
        // Nobody may be listening any more.
        drop(inner.finished.send(invocation));
    }

    /// How many invocations have begun, to read and to wait for; `None` if nothing is recorded.
    pub fn begun(&self) -> Option<watch::Receiver<u64>> {
        self.0.as_ref().map(|inner| inner.begun.subscribe())
    }

    /// Events that a function has been given and has not responded to, each with its time in Unix
    /// milliseconds.
    pub fn in_progress(&self) -> Vec<(u64, Value)> {
        let open = self.0.iter().flat_map(|inner| {
            let open = inner.open();
            open.iter()
                .map(|it| (it.invocation.at, it.invocation.event.clone()))
                .collect::<Vec<_>>()
        });
        open.collect()
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The invocation to which a request with this body belongs. Beside the queue function, which makes nearly
/// all requests, the webhook function may be at work; and beside a new process the one before, which
/// finishes what it had begun.
fn owner(open: &[Open], body: &[u8]) -> Option<usize> {
    let body = String::from_utf8_lossy(body);
    let names = |it: &&Open| it.webhook_id().is_some_and(|id| body.contains(id));
    let position = |it: &Open| open.iter().position(|other| other.key == it.key);
    let queue = open.iter().find(|it| it.invocation.event["Records"].is_array());
    queue.or_else(|| open.iter().find(names)).or(open.last()).and_then(position)
}

impl Open {
    fn webhook_id(&self) -> Option<&str> {
        self.invocation.event["headers"]["webhook-id"].as_str()
    }
}

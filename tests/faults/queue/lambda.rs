//! The queue function as Lambda runs it: with a deadline, and killed now and then.

use crate::clock::{Clock, SECOND};
use crate::world::{POLICY, World};
use dodo_customerio::handler::{QueueFunction, SqsEvent};
use dodo_customerio::http::RetryPolicy;
use lambda_runtime::Context;
use serde_json::Value;
use stand_ins::poller::Invoke;
use std::cell::RefCell;
use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

/// The function's timeout, as in the template.
const TIMEOUT: u64 = 60 * SECOND;

/// So little that a response which is late is too late.
const HURRIED: u64 = 1_150;

/// Requests are larger than in direct mode, and here a debug build checks each item.
const BATCHES: RetryPolicy = RetryPolicy { attempt: Duration::from_millis(600), ..POLICY };

tokio::task_local! {
    /// What an invocation says of itself.
    static LINES: RefCell<String>;
}

/// Ends an invocation after some requests, whoever makes them.
#[derive(Clone, Default)]
pub struct Killer(Arc<Mutex<Option<Armed>>>);

/// After how many more requests, and what says so.
type Armed = (usize, oneshot::Sender<()>);

impl Killer {
    /// Takes note of a request that arrives at a service.
    pub fn request(&self) {
        let mut armed = self.0.lock().unwrap();
        let is_due = armed.as_mut().is_some_and(|(left, _)| {
            *left = left.saturating_sub(1);
            *left == 0
        });
        if is_due && let Some((_, kill)) = armed.take() {
            let _ = kill.send(());
        }
    }

    fn arm(&self, after: usize) -> oneshot::Receiver<()> {
        let (kill, killed) = oneshot::channel();
        *self.0.lock().unwrap() = Some((after, kill));
        killed
    }
}

/// How an invocation ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    InTime,
    /// Its deadline is near from the start.
    Hurried,
    /// In the middle of it the process is killed, after so many requests.
    Killed(usize),
}

/// What became of an invocation.
#[derive(Debug, Default)]
pub struct Invoked {
    /// The webhook ids of the messages that it had done with.
    pub done: Vec<String>,
    /// How many late events it counted.
    pub late_events: u64,
    /// It did not end by itself.
    pub was_killed: bool,
}

/// One environment of the function.
#[derive(Clone)]
pub struct Lambda(Arc<Inner>);

struct Inner {
    function: QueueFunction,
    clock: Clock,
    killer: Killer,
    ending: Mutex<Ending>,
    invoked: Mutex<Invoked>,
}

impl Lambda {
    /// A cold start.
    pub async fn start(world: &World, killer: &Killer) -> Self {
        let note = |line: &str| LINES.with(|lines| lines.borrow_mut().push_str(line));
        let function = world.new_queue_environment(BATCHES, note).await;
        Self(Arc::new(Inner {
            function,
            clock: world.clock.clone(),
            killer: killer.clone(),
            ending: Mutex::default(),
            invoked: Mutex::default(),
        }))
    }

    /// How the next invocation ends.
    pub fn end(&self, ending: Ending) {
        *self.0.ending.lock().unwrap() = ending;
    }

    /// What became of the invocations since this was last asked.
    pub fn invoked(&self) -> Invoked {
        std::mem::take(&mut self.0.invoked.lock().unwrap())
    }

    /// The response and the log, unless it is killed before.
    async fn run(&self, event: Value, ending: Ending) -> Option<(Value, String)> {
        let time = if ending == Ending::Hurried { HURRIED } else { TIMEOUT };
        let mut context = Context::default();
        context.deadline = self.0.clock.now() + time;
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        let handled = LINES.scope(RefCell::default(), async {
            let response = self.0.function.handle(event, &context).await;
            (serde_json::to_value(response).unwrap(), LINES.with(RefCell::take))
        });
        let killed = async {
            let Ending::Killed(after) = ending else { return pending().await };
            if self.0.killer.arm(after).await.is_err() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = killed => None,
            handled = tokio::time::timeout(Duration::from_millis(time), handled) => handled.ok(),
        }
    }
}

impl Invoke for Lambda {
    async fn invoke(&self, event: Value) -> Option<Value> {
        let ids = ids(&event);
        let ending = std::mem::take(&mut *self.0.ending.lock().unwrap());
        let handled = self.run(event, ending).await;
        let mut invoked = self.0.invoked.lock().unwrap();
        let Some((response, lines)) = handled else {
            invoked.was_killed = true;
            return None;
        };
        let failures = response["batchItemFailures"].as_array().into_iter().flatten();
        let failed: HashSet<_> =
            failures.filter_map(|failure| failure["itemIdentifier"].as_str()).collect();
        let done = ids.into_iter().filter(|(message, _)| !failed.contains(message.as_str()));
        invoked.done.extend(done.map(|(_, webhook)| webhook));
        invoked.late_events += late_events(&lines);
        drop(invoked);
        Some(response)
    }
}

/// Of each message of an event: what SQS calls it, and its `webhook-id`.
fn ids(event: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = event["Records"].as_array().into_iter().flatten().map(|record| {
        let webhook_id = &record["messageAttributes"]["webhook-id"]["stringValue"];
        (text(&record["messageId"]), text(webhook_id))
    });
    each.collect()
}

fn late_events(lines: &str) -> u64 {
    let batches = lines.lines().filter(|line| line.contains("\"LateEvents\""));
    let read = |line| serde_json::from_str::<Value>(line).unwrap()["LateEvents"].as_u64();
    batches.filter_map(read).sum()
}

//! The results of a run.

use crate::clock::{MINUTE, SECOND};
use crate::messages::{Message, newest_payment};
use serde_json::Value;
use stand_ins::customerio::People;
use std::collections::HashMap;
use std::fmt;

/// The counts of one run.
#[derive(Debug, Default, Clone)]
pub struct Report {
    pub seed: u64,
    pub webhooks: usize,
    /// Counted exactly once by Customer.io.
    pub once: usize,
    /// Never counted.
    pub lost: usize,
    /// Counted more than once.
    pub duplicated: usize,
    /// Accepted more than a minute after they happened.
    pub late: usize,
    /// When the last webhook was delivered, in Unix milliseconds.
    pub last: u64,
    /// From a webhook's happening to its delivery, in milliseconds, the shortest first.
    pub took: Vec<u64>,
    /// People whose profile does not show their newest payment.
    pub stale_people: usize,
    /// Invocations of the function, duplicates included.
    pub invocations: usize,
    /// Requests to Customer.io.
    pub requests: usize,
    /// Requests to Secrets Manager.
    pub secret_requests: usize,
    /// Cold starts.
    pub environments: usize,
    // In queue mode:
    /// Invocations that were killed, and those that had hardly any time.
    pub killed: usize,
    pub hurried: usize,
    /// Messages that were given to the function, each as often as it was.
    pub receives: usize,
    /// Calls of SQS.
    pub aws_calls: usize,
    /// The same in requests of 64 kB.
    pub billed: usize,
    /// Events that the function counted as too late to start campaigns, and those that are.
    pub late_events: u64,
    pub too_late: u64,
    /// Messages that never left the queue.
    pub left: usize,
    /// Copies of messages that were refused for good.
    pub dead_letters: usize,
    /// Poisonous messages that are not where they should be.
    pub misplaced: Vec<String>,
}

impl Report {
    pub const HEADER: &str = "| seed | webhooks | exactly once | lost | duplicated | late | latest | \
                              invocations | Customer.io requests | Secrets Manager requests | cold starts |\n\
                              |---|---|---|---|---|---|---|---|---|---|---|";

    /// Compares what was sent with what Customer.io knows.
    pub fn compare(&mut self, messages: &[Message], people: &People) {
        let mut counted: HashMap<&str, usize> = HashMap::new();
        for event in people.events() {
            let id = event.attributes.get("dodo_webhook_id").and_then(Value::as_str);
            *counted.entry(id.unwrap_or_default()).or_default() += 1;
        }
        for message in messages {
            match counted.get(message.id.as_str()) {
                None => self.lost += 1,
                Some(1) => self.once += 1,
                Some(_) => self.duplicated += 1,
            }
            let took = message.delivered.map_or(u64::MAX, |it| it - message.happened);
            self.late += usize::from(took > MINUTE);
            self.took.push(took);
            self.last = self.last.max(message.delivered.unwrap_or_default());
        }
        self.took.sort_unstable();
        let is_stale = |profile: &&stand_ins::customerio::Profile| {
            let id = profile.id.as_deref().unwrap_or_default();
            let newest = newest_payment(messages, id).map(Value::from);
            // Whom no webhook is about had nothing but poison.
            newest.is_some() && profile.attributes.get("last_payment_date") != newest.as_ref()
        };
        self.stale_people = people.profiles().iter().filter(is_stale).count();
    }

    /// The longest time that so many of a thousand webhooks took, in milliseconds.
    pub fn quantile(&self, of_thousand: usize) -> u64 {
        let last = self.took.len().saturating_sub(1);
        self.took.get(last * of_thousand / 1_000).copied().unwrap_or(u64::MAX)
    }
}

/// A time in the unit that suits it; the longest stands for never.
pub fn duration(milliseconds: u64) -> String {
    let (seconds, minutes) = (milliseconds / SECOND, milliseconds / MINUTE);
    match (milliseconds, minutes) {
        (u64::MAX, _) => "never".to_owned(),
        (_, 0) => format!("{seconds} s"),
        (_, 1..60) => format!("{minutes} min {:02} s", seconds % 60),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, webhooks, once, lost, duplicated, late, invocations, requests, .. } = self;
        let Self { secret_requests, environments, .. } = self;
        let latest = duration(self.quantile(1_000));
        write!(
            f,
            "| {seed} | {webhooks} | {once} | {lost} | {duplicated} | {late} | {latest} | {invocations} | \
             {requests} | {secret_requests} | {environments} |"
        )
    }
}

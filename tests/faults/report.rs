//! The results of a run.

use crate::clock::{MINUTE, SECOND};
use crate::sender::{Message, newest_payment};
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
    /// The longest time from a webhook's happening to its acceptance, in milliseconds.
    pub latest: u64,
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
            let took = message.accepted.map_or(u64::MAX, |accepted| accepted - message.happened);
            self.late += usize::from(took > MINUTE);
            self.latest = self.latest.max(took);
        }
        let is_stale = |profile: &&stand_ins::customerio::Profile| {
            let id = profile.id.as_deref().unwrap_or_default();
            let newest = newest_payment(messages, id).map(Value::from);
            profile.attributes.get("last_payment_date") != newest.as_ref()
        };
        self.stale_people = people.profiles().iter().filter(is_stale).count();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, webhooks, once, lost, duplicated, late, invocations, requests, .. } = self;
        let Self { secret_requests, environments, .. } = self;
        let minutes = self.latest / SECOND / 60;
        let latest = format!("{} h {:02} min", minutes / 60, minutes % 60);
        write!(
            f,
            "| {seed} | {webhooks} | {once} | {lost} | {duplicated} | {late} | {latest} | {invocations} | \
             {requests} | {secret_requests} | {environments} |"
        )
    }
}

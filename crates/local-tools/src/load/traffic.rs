//! Webhooks with numbers, so that each can be found again.

use serde_json::json;
use stand_ins::dodo::{self, Sample, Webhook, samples};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What the ids of all webhooks begin with.
const PREFIX: &str = "msg_load_";

/// Signs webhooks: the samples in turn, all that send an event, as if they happened now.
pub struct Traffic {
    secret: String,
    bodies: Vec<String>,
}

impl Traffic {
    pub fn new(secret: &str) -> Self {
        let is_sent = |sample: &Sample| !sample.event_type().starts_with("payout.");
        let samples = samples().into_iter().filter(is_sent);
        let bodies = samples.map(|sample| sample.of_now().body()).collect();
        Self { secret: secret.to_owned(), bodies }
    }

    /// The webhook with this number, sent now.
    pub fn webhook(&self, number: usize) -> Webhook {
        let body = self.bodies[number % self.bodies.len()].clone();
        Webhook::sign(&self.secret, &id(number), dodo::unix_now(), body)
    }

    /// The mean size of a body, in bytes.
    pub fn mean_size(&self) -> usize {
        self.bodies.iter().map(String::len).sum::<usize>() / self.bodies.len()
    }
}

/// The `webhook-id` of the webhook with this number.
pub fn id(number: usize) -> String {
    format!("{PREFIX}{number}")
}

/// The number of the webhook with this `webhook-id`.
pub fn number(id: &str) -> Option<usize> {
    id.strip_prefix(PREFIX)?.parse().ok()
}

/// A payment whose body has so many bytes, filled with metadata.
pub fn body_of(bytes: usize) -> String {
    let mut sample = dodo::sample("payment.succeeded").expect("a sample").of_now();
    let mut missing = bytes.saturating_sub(sample.body().len());
    for number in 0.. {
        // A key, a value, and the signs around them.
        let Some(length) = missing.checked_sub(16).map(|left| left.min(500)) else { break };
        let before = sample.body().len();
        sample.event["data"]["metadata"][format!("note_{number:02}")] = json!("x".repeat(length));
        missing = missing.saturating_sub(sample.body().len() - before);
    }
    sample.body()
}

/// When to send what, so that it is this many a second however long each takes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    start: Instant,
    rate: Option<u32>,
}

impl Pace {
    /// Starts now.
    pub fn start(rate: Option<u32>) -> Self {
        Self { start: Instant::now(), rate }
    }

    /// Waits until the next is due, of which so many were before.
    pub async fn wait_for(&self, number: usize) {
        if let Some(rate) = self.rate {
            let before = u32::try_from(number).unwrap_or(u32::MAX);
            let due = Duration::from_secs_f64(f64::from(before) / f64::from(rate));
            sleep_until(self.start + due).await;
        }
    }

    /// How many a second it was.
    pub fn achieved(&self, count: usize) -> f64 {
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / self.start.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_found_again_by_its_id() {
        assert_eq!(number(&id(12_345)), Some(12_345));
        assert_eq!(number("msg_2abc"), None);
    }

    #[test]
    fn a_body_has_the_size_that_was_asked_for() {
        let size = body_of(2_000).len();
        assert!((1_984..=2_016).contains(&size), "{size}");
    }

    #[tokio::test]
    async fn the_pace_is_kept() {
        let pace = Pace::start(Some(1_000));
        Pace::start(None).wait_for(1_000_000).await;
        pace.wait_for(30).await;
        assert!(pace.start.elapsed() >= Duration::from_millis(30));
        assert!(pace.achieved(30) <= 1_000.0);
    }
}

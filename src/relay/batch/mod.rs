//! Many events of a queue at once. Each is enriched and transformed by itself, so that one that fails
//! harms no other; the items of all of them share requests; and each response is read event by event.
//!
//! [`verdict`] says what a response means for each event, [`health`] when Customer.io is to be left alone
//! for the rest of the batch; both are pure of any request. `sending` makes the requests.

mod health;
mod sending;
mod verdict;

use super::{Lookups, Moment, Outcome, Record, Relay, Retry, unix_seconds};
use crate::customerio::OutgoingRequests;
use crate::dodo::{Enrichment, Memo};
use crate::event::Event;
use crate::secrets::Secret;
use futures_util::{FutureExt, StreamExt, stream};
use health::Health;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant as StdInstant};
use tokio::time::Instant;

/// How many events are enriched at the same time. Dodo's API allows some 100 calls a minute, so more would
/// only reach that sooner.
const LOOKUPS_AT_ONCE: usize = 4;

/// The requests that may be made of parts of others, in one batch: enough to find a dozen events among
/// hundreds that Customer.io refuses without saying which.
const MAX_PARTS: u32 = 200;

/// A webhook from the queue. It was verified before it came there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued<'a> {
    /// Its `webhook-id`.
    pub(crate) id: &'a str,
    /// The body exactly as it was signed.
    pub(crate) body: &'a str,
}

/// What became of a webhook.
#[derive(Debug)]
pub(crate) struct Processed {
    pub(crate) outcome: Outcome,
    /// When the event happened, in Unix seconds.
    pub(crate) happened: Option<u64>,
    /// Without requests and times: those are the batch's.
    pub(crate) record: Record,
}

impl Processed {
    /// A webhook that nothing was done for.
    pub(crate) fn at_once(id: &str, outcome: &Outcome) -> Self {
        let mut record = Record::default();
        record.verified(id);
        Self { outcome: outcome.clone(), happened: None, record }
    }
}

/// What a batch cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    /// Requests to Customer.io.
    pub(crate) attempts: u32,
    /// As long as Customer.io was waited for.
    pub(crate) customerio: Duration,
    /// As long as Dodo's API was waited for.
    pub(crate) lookups: Duration,
}

/// What the events of one invocation share.
pub(crate) struct Batch<'a> {
    relay: &'a Relay,
    secret: Arc<Secret>,
    moment: Moment,
    memo: Memo,
    /// Until then Dodo's API is asked: a quarter of the time.
    lookups_until: Instant,
    /// How long transforms may take together, in microseconds: half of the time.
    transforms_may_take: u64,
    transforms_took: AtomicU64,
    health: Health,
    attempts: AtomicU32,
    /// Further requests that may be made of parts of a request.
    parts_left: AtomicU32,
    /// In microseconds.
    customerio: AtomicU64,
    lookups: AtomicU64,
}

/// An event on its way, before its requests have left.
struct Prepared {
    made: Result<OutgoingRequests, Outcome>,
    enrichment: Option<Enrichment>,
    happened: Option<u64>,
    timestamp_ms: Option<u64>,
    record: Record,
}

impl<'a> Batch<'a> {
    /// A batch that must be done with at the moment's deadline.
    pub(crate) fn new(relay: &'a Relay, secret: Arc<Secret>, moment: Moment) -> Self {
        let time = moment.time_left();
        Self {
            relay,
            secret,
            moment,
            memo: Memo::default(),
            lookups_until: moment.arrival + time / 4,
            transforms_may_take: microseconds(time / 2),
            transforms_took: AtomicU64::new(0),
            health: Health::default(),
            attempts: AtomicU32::new(0),
            parts_left: AtomicU32::new(MAX_PARTS),
            customerio: AtomicU64::new(0),
            lookups: AtomicU64::new(0),
        }
    }

    /// Enriches, transforms and delivers webhooks: what became of each, in their order.
    pub(crate) async fn process(&self, webhooks: &[Queued<'_>]) -> Vec<Processed> {
        let prepared = self.prepare_all(webhooks).await;
        let before = StdInstant::now();
        let settled = self.send_all(webhooks, &prepared).await;
        self.customerio.fetch_add(microseconds(before.elapsed()), Ordering::Relaxed);
        let mut all: Vec<_> = prepared.into_iter().map(Prepared::into_processed).collect();
        for (index, outcome) in settled {
            all[index].outcome = outcome;
        }
        all
    }

    /// What the batch has cost so far.
    pub(crate) fn cost(&self) -> Cost {
        let time = |it: &AtomicU64| Duration::from_micros(it.load(Ordering::Relaxed));
        Cost {
            attempts: self.attempts.load(Ordering::Relaxed),
            customerio: time(&self.customerio),
            lookups: time(&self.lookups),
        }
    }

    async fn prepare_all(&self, webhooks: &[Queued<'_>]) -> Vec<Prepared> {
        let asks = self.secret.dodo_api_key.is_some();
        let before = (StdInstant::now(), self.transforms_took.load(Ordering::Relaxed));
        let each: Vec<_> = webhooks.iter().map(|webhook| self.prepare(webhook)).collect();
        let at_once = if asks { LOOKUPS_AT_ONCE } else { 1 };
        let prepared = stream::iter(each).buffered(at_once).collect().await;
        if asks {
            let transforms = self.transforms_took.load(Ordering::Relaxed) - before.1;
            let took = microseconds(before.0.elapsed()).saturating_sub(transforms);
            self.lookups.fetch_add(took, Ordering::Relaxed);
        }
        prepared
    }

    /// What an event sends. A panic costs this event alone.
    async fn prepare(&self, webhook: &Queued<'_>) -> Prepared {
        let mut prepared = Prepared::new(webhook);
        let made = unless_it_panics(self.make(webhook, &mut prepared)).await;
        prepared.made = made.unwrap_or_else(|| Err(Retry::Fault.into()));
        prepared
    }

    async fn make(
        &self,
        webhook: &Queued<'_>,
        prepared: &mut Prepared,
    ) -> Result<OutgoingRequests, Outcome> {
        let event = Event::from_trusted(webhook.id, webhook.body)?;
        prepared.record.parsed(&event);
        (prepared.happened, prepared.timestamp_ms) = (event.seconds(), event.timestamp_ms);
        self.health.check()?;
        let lookups = self.lookups();
        prepared.enrichment =
            self.relay.enrich(&event, &self.secret, lookups, &mut prepared.record).await;
        self.transform(&event, prepared.enrichment.as_ref())
    }

    /// What lookups share is true of the batch's beginning.
    fn lookups(&self) -> Lookups<'_> {
        let of_event = Instant::now() + self.relay.policy.lookups;
        Lookups {
            began: unix_seconds(self.moment.now),
            deadline: of_event.min(self.lookups_until),
            memo: Some(&self.memo),
        }
    }

    /// A transform cannot be interrupted, but after those that took too long no other begins.
    fn transform(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
    ) -> Result<OutgoingRequests, Outcome> {
        if self.transforms_took.load(Ordering::Relaxed) >= self.transforms_may_take {
            return Err(Retry::OutOfTime.into());
        }
        let before = StdInstant::now();
        let now = unix_seconds(self.moment.now);
        let outgoing = self.relay.transform.apply(event, enrichment, now);
        self.transforms_took.fetch_add(microseconds(before.elapsed()), Ordering::Relaxed);
        Ok(outgoing?)
    }
}

impl Prepared {
    /// Nothing is known of it yet.
    fn new(webhook: &Queued<'_>) -> Self {
        let mut record = Record::default();
        record.verified(webhook.id);
        let made = Err(Retry::OutOfTime.into());
        Self { made, enrichment: None, happened: None, timestamp_ms: None, record }
    }

    /// With the outcome of an event that sends nothing, or could not be sent.
    fn into_processed(self) -> Processed {
        let outcome = self.made.err().unwrap_or(Outcome::Retry(Retry::OutOfTime));
        Processed { outcome, happened: self.happened, record: self.record }
    }
}

/// What a future comes to; `None` if it panics.
async fn unless_it_panics<T>(future: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_happens() {
        assert_eq!(unless_it_panics(async { 1 }).await, Some(1));
        assert_eq!(unless_it_panics::<()>(async { panic!("at once") }).await, None);
        let later = async {
            tokio::task::yield_now().await;
            panic!("later")
        };
        assert_eq!(unless_it_panics::<()>(later).await, None);
    }
}

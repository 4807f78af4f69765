use super::verdict::{After, after, all};
use super::{Batch, Prepared, Queued};
use crate::customerio::{Attempts, OutgoingRequests, Request, pack};
use crate::http::MAX_ATTEMPTS;
use crate::relay::{Outcome, Record, Retry, known};
use futures_util::{StreamExt, stream};
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// Requests on their way at the same time.
const IN_FLIGHT: usize = 4;

/// An event and what became of it.
type Settled = (usize, Outcome);

/// The events of a batch, as far as sending needs them.
#[derive(Clone, Copy)]
struct Events<'a> {
    webhooks: &'a [Queued<'a>],
    prepared: &'a [Prepared],
}

impl Batch<'_> {
    /// Sends what the events made, by the time at which they happened: together what may share a request,
    /// and then the rest, one event after the other.
    pub(super) async fn send_all(
        &self,
        webhooks: &[Queued<'_>],
        prepared: &[Prepared],
    ) -> Vec<Settled> {
        let events = Events { webhooks, prepared };
        let (shared, alone) = events.by_time();
        let mut requests = events.pack(&shared).into_iter();
        let mut settled = Vec::new();
        // The first by itself: it shows whether Customer.io works at all.
        if let Some(first) = requests.next() {
            settled = self.settle(first, events).await;
        }
        let others: Vec<_> = requests.map(|request| self.settle(request, events)).collect();
        let others: Vec<_> = stream::iter(others).buffer_unordered(IN_FLIGHT).collect().await;
        let alone: Vec<_> = alone.into_iter().map(|event| self.send_alone(event, events)).collect();
        let alone: Vec<_> = stream::iter(alone).buffer_unordered(IN_FLIGHT).collect().await;
        settled.extend(others.into_iter().flatten().chain(alone));
        settled
    }

    /// Sends a request, and what is refused of it in parts, until it is known what became of each event.
    async fn settle(&self, request: Request, events: Events<'_>) -> Vec<Settled> {
        let mut settled = Vec::new();
        // In the order of their sizes, so that failures and successes alternate where one event is bad.
        let mut waiting = VecDeque::from([(request, 0)]);
        while let Some((request, made)) = waiting.pop_front() {
            let After { settled: known, again } = self.attempt(&request, made, events).await;
            settled.extend(known);
            // A part of what has just failed is tried once.
            let parts = again.iter().flat_map(|part| events.pack(part));
            waiting.extend(parts.map(|part| (part, MAX_ATTEMPTS - 1)));
        }
        settled
    }

    async fn attempt(&self, request: &Request, made: u32, events: Events<'_>) -> After {
        if let Err(outcome) = self.may_send() {
            return all(&request.events(), &outcome);
        }
        let known = |indexes: &[usize]| events.known(indexes);
        let mut record = Record::default();
        let attempts = Attempts { deadline: self.moment.deadline, made };
        let deliver =
            self.relay.deliver(request, &known, &self.secret, self.moment, attempts, &mut record);
        let verdict = deliver.await;
        self.attempts.fetch_add(record.attempts, Ordering::Relaxed);
        self.health.note(&verdict);
        let may_divide = self.health.check().is_ok() && self.takes_part();
        after(request, verdict, may_divide)
    }

    /// Sends what an event made that cannot share a request.
    async fn send_alone(&self, event: usize, events: Events<'_>) -> Settled {
        if let Err(outcome) = self.may_send() {
            return (event, outcome);
        }
        let known = |_: &[usize]| events.known(&[event]);
        let mut record = Record::default();
        let requests = events.prepared[event].outgoing().cloned().unwrap_or_default();
        let requests = requests.into_requests();
        let outcome =
            self.relay.send(&requests, &known, &self.secret, self.moment, &mut record).await;
        self.attempts.fetch_add(record.attempts, Ordering::Relaxed);
        if let Outcome::Retry(Retry::CustomerIo(later)) = &outcome {
            self.health.note_alone(later);
        }
        (event, outcome)
    }

    /// Whether there is time for a request, and Customer.io works.
    fn may_send(&self) -> Result<(), Outcome> {
        if self.moment.time_left() < self.relay.policy.shortest_attempt {
            return Err(self.health.out_of_time());
        }
        self.health.check()
    }

    /// Counts the parts of requests.
    fn takes_part(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.parts_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

impl Events<'_> {
    /// Those that send something, by the time at which they happened: those that may share a request, and
    /// those that may not.
    fn by_time(self) -> (Vec<usize>, Vec<usize>) {
        let mut events: Vec<usize> = (0..self.prepared.len()).collect();
        events.retain(|event| self.prepared[*event].outgoing().is_some());
        events.sort_by_key(|event| self.prepared[*event].timestamp_ms);
        let may_share = |event: &usize| {
            self.prepared[*event].outgoing().is_some_and(OutgoingRequests::may_share)
        };
        events.into_iter().partition(may_share)
    }

    fn pack(self, events: &[usize]) -> Vec<Request> {
        let items =
            |event: &usize| Some((*event, self.prepared[*event].outgoing()?.items.as_slice()));
        pack(events.iter().filter_map(items), &HeaderMap::new())
    }

    /// What is known of events beyond what requests say.
    fn known(self, events: &[usize]) -> Value {
        let of_event = |event: &usize| {
            known(self.webhooks[*event].body, self.prepared[*event].enrichment.as_ref())
        };
        events.iter().map(of_event).collect()
    }
}

impl Prepared {
    fn outgoing(&self) -> Option<&OutgoingRequests> {
        self.made.as_ref().ok()
    }
}

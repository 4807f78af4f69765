use crate::customerio::limits::cut;
use crate::dodo::{Lookup, LookupError};
use crate::event::Event;
use std::time::Duration;

/// As much of an event type as is logged, in bytes. Dodo's have up to 35.
const MAX_EVENT_TYPE: usize = 50;

/// What is known and measured of one event on its way. Nothing is recorded before the signature has
/// been verified, and never personal data.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) webhook_id: Option<String>,
    pub(crate) event_type: Option<String>,
    /// Requests to Customer.io.
    pub(crate) attempts: u32,
    /// Waiting for Customer.io, pauses included.
    pub(crate) customerio: Duration,
    /// Waiting for Dodo's API.
    pub(crate) lookups: Duration,
    /// Waiting for the queue.
    pub(crate) queue: Duration,
    /// What could not be looked up, and why.
    pub(crate) lookup_failures: Vec<(Lookup, LookupError)>,
}

impl Record {
    /// It comes from Dodo.
    pub(crate) fn verified(&mut self, webhook_id: &str) {
        self.webhook_id = Some(webhook_id.to_owned());
    }

    /// It is an event.
    pub(crate) fn parsed(&mut self, event: &Event<'_>) {
        let mut event_type = event.event_type.clone();
        cut(&mut event_type, MAX_EVENT_TYPE);
        self.event_type = Some(event_type);
    }

    /// Dodo's API was asked; what failed, and how long all of it took.
    pub(crate) fn enriched(&mut self, failures: &[(Lookup, LookupError)], took: Duration) {
        for (lookup, error) in failures {
            let (webhook_id, lookup) = (self.webhook_id.as_deref(), lookup.name());
            tracing::debug!(webhook_id, lookup, reason = error.code(), "{error}");
        }
        self.lookup_failures = failures.to_vec();
        self.lookups = took;
    }

    /// One more request was delivered or given up; in how many attempts, and how long it took.
    pub(crate) fn delivered(&mut self, attempts: u32, took: Duration) {
        self.attempts += attempts;
        self.customerio += took;
    }
}

//! What the log says of a webhook: one line with ids, outcome and durations, and one of metrics; no
//! personal data and no secret.

use crate::dodo::LookupError;
use crate::telemetry::metrics::{self, Measured, milliseconds};
use crate::relay::outcome::Outcome;
use crate::customerio::limits::cut;
use crate::event::Envelope;
use crate::webhook::Verified;
use lambda_http::{Request, RequestExt};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tracing::Level;

/// As much of an event type as is logged, in bytes. Dodo's are below 50.
const MAX_EVENT_TYPE: usize = 100;

/// Whether this process has served nothing yet.
static COLD: AtomicBool = AtomicBool::new(true);

/// Gathers what is known of a webhook on its way. Nothing of it before the signature holds.
#[derive(Debug)]
pub struct Record {
    arrival: Instant,
    cold_start: bool,
    function: String,
    request_id: Option<String>,
    webhook_id: Option<String>,
    event_type: Option<String>,
    attempts: u32,
    customerio: Duration,
    transform: Duration,
    lookups: Duration,
    lookup_failure: Option<LookupError>,
}

impl Record {
    /// Begins with the arrival of a request.
    pub fn start(request: &Request) -> Self {
        let context = request.lambda_context_ref();
        Self {
            arrival: Instant::now(),
            cold_start: COLD.swap(false, Ordering::Relaxed),
            function: context.map(|it| it.env_config.function_name.clone()).unwrap_or_default(),
            request_id: context.map(|context| context.request_id.clone()),
            webhook_id: None,
            event_type: None,
            attempts: 0,
            customerio: Duration::ZERO,
            transform: Duration::ZERO,
            lookups: Duration::ZERO,
            lookup_failure: None,
        }
    }

    /// It is Dodo's.
    pub fn verified(&mut self, webhook: &Verified<'_>) {
        self.webhook_id = Some(webhook.id().to_owned());
    }

    /// It is an event.
    pub fn understood(&mut self, envelope: &Envelope) {
        let mut event_type = envelope.event_type.clone();
        cut(&mut event_type, MAX_EVENT_TYPE);
        self.event_type = Some(event_type);
    }

    /// Dodo's API was asked; that took so long, and failed for this reason, if it did.
    pub fn looked_up(&mut self, failure: Option<LookupError>, took: Duration) {
        if let Some(error) = failure {
            let webhook_id = self.webhook_id.as_deref();
            tracing::warn!(webhook_id, reason = error.code(), "{error}");
        }
        (self.lookup_failure, self.lookups) = (failure, took);
    }

    /// The transform took this long.
    pub fn transformed(&mut self, took: Duration) {
        self.transform = took;
    }

    /// Customer.io was asked, this many times more, and that took so long.
    pub fn delivered(&mut self, attempts: u32, took: Duration) {
        self.attempts += attempts;
        self.customerio += took;
    }

    /// The line for the log, if its level is wanted, and the one of metrics, each with its end.
    ///
    /// # Panics
    /// Never: texts and numbers serialise.
    pub fn lines(&self, outcome: &Outcome) -> String {
        let duration = self.arrival.elapsed();
        let (reason, message) = outcome.reason().unzip();
        let measured = Measured {
            function: &self.function,
            outcome: outcome.name(),
            reason,
            event_type: self.event_type.as_deref(),
            attempts: self.attempts,
            customerio: self.customerio,
            lookups: self.lookups,
            transform: self.transform,
            duration,
            cold_start: self.cold_start,
        };
        let metrics = metrics::line(&measured, SystemTime::now());
        let (level, is_wanted) = level(outcome);
        if !is_wanted {
            return metrics + "\n";
        }
        let line = Line {
            level: level.as_str(),
            message: message.as_deref().unwrap_or("Customer.io accepted everything."),
            request_id: self.request_id.as_deref(),
            webhook_id: self.webhook_id.as_deref(),
            event_type: self.event_type.as_deref(),
            outcome: outcome.name(),
            status: outcome.status().as_u16(),
            reason,
            attempts: self.attempts,
            duration_ms: milliseconds(duration),
            customerio_ms: milliseconds(self.customerio),
            transform_ms: milliseconds(self.transform),
            lookups_ms: milliseconds(self.lookups),
            lookup_failure: self.lookup_failure.map(LookupError::code),
            cold_start: self.cold_start,
        };
        let line = serde_json::to_string(&line).expect("texts and numbers serialise");
        format!("{line}\n{metrics}\n")
    }
}

/// A line of the log as the log's own formatter would write it, which takes 15 microseconds longer.
#[derive(Serialize)]
struct Line<'a> {
    level: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    outcome: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    attempts: u32,
    duration_ms: f64,
    customerio_ms: f64,
    transform_ms: f64,
    lookups_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_failure: Option<&'a str>,
    cold_start: bool,
}

/// How serious an outcome is, and whether the log wants to hear of it.
fn level(outcome: &Outcome) -> (Level, bool) {
    match outcome {
        Outcome::Delivered | Outcome::Ignored(_) => (Level::INFO, tracing::enabled!(Level::INFO)),
        Outcome::Unauthorized(_) | Outcome::Unsupported | Outcome::TooLarge => {
            (Level::WARN, tracing::enabled!(Level::WARN))
        }
        Outcome::Malformed(_)
        | Outcome::Rejected(_)
        | Outcome::TransformFailed(_)
        | Outcome::Retry(_) => (Level::ERROR, tracing::enabled!(Level::ERROR)),
    }
}

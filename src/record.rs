//! What the log says of a webhook: one line with ids, outcome and durations, and one of metrics; no
//! personal data and no secret.

use crate::dodo::LookupError;
use crate::metrics::{self, Measured, milliseconds};
use crate::outcome::Outcome;
use crate::track::limits::cut;
use crate::webhook::{Envelope, Verified};
use lambda_http::{Request, RequestExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

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

    /// Writes the line in the log, and gives the one of metrics.
    pub fn write(&self, outcome: &Outcome) -> String {
        let duration = self.arrival.elapsed();
        let (reason, message) = outcome.reason().unzip();
        self.log(outcome, reason, message, duration);
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
        metrics::line(&measured, SystemTime::now())
    }

    fn log(
        &self,
        outcome: &Outcome,
        reason: Option<&str>,
        message: Option<String>,
        duration: Duration,
    ) {
        let message = message.unwrap_or_else(|| "Customer.io accepted everything.".to_owned());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id,
                    webhook_id = self.webhook_id,
                    event_type = self.event_type,
                    outcome = outcome.name(),
                    status = outcome.status().as_u16(),
                    reason,
                    attempts = self.attempts,
                    duration_ms = milliseconds(duration),
                    customerio_ms = milliseconds(self.customerio),
                    transform_ms = milliseconds(self.transform),
                    lookups_ms = milliseconds(self.lookups),
                    lookup_failure = self.lookup_failure.map(LookupError::code),
                    cold_start = self.cold_start,
                    "{message}"
                )
            };
        }
        match outcome {
            Outcome::Delivered | Outcome::Ignored(_) => line!(info),
            Outcome::Unauthorized(_) | Outcome::Unsupported | Outcome::TooLarge => line!(warn),
            Outcome::Malformed(_)
            | Outcome::Rejected(_)
            | Outcome::TransformFailed(_)
            | Outcome::Retry(_) => line!(error),
        }
    }
}

//! What the log says of a webhook: one line with ids, outcome and duration, no personal data and no
//! secret.

use crate::outcome::Outcome;
use crate::track::limits::cut;
use crate::webhook::{Envelope, Verified};
use lambda_http::{Request, RequestExt};
use std::time::{Duration, Instant};

/// As much of an event type as is logged, in bytes. Dodo's are below 50.
const MAX_EVENT_TYPE: usize = 100;

/// Gathers what is known of a webhook on its way. Nothing of it before the signature holds.
#[derive(Debug)]
pub struct Record {
    arrival: Instant,
    request_id: Option<String>,
    webhook_id: Option<String>,
    event_type: Option<String>,
    attempts: Option<u32>,
}

impl Record {
    /// Begins with the arrival of a request.
    pub fn start(request: &Request) -> Self {
        Self {
            arrival: Instant::now(),
            request_id: request.lambda_context_ref().map(|context| context.request_id.clone()),
            webhook_id: None,
            event_type: None,
            attempts: None,
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

    /// Customer.io was asked, this many times more.
    pub fn delivered(&mut self, attempts: u32) {
        self.attempts = Some(self.attempts.unwrap_or_default() + attempts);
    }

    /// Writes the line.
    pub fn write(self, outcome: &Outcome) {
        let Self { arrival, request_id, webhook_id, event_type, attempts } = self;
        let (reason, message) = outcome.reason().unzip();
        let message = message.unwrap_or_else(|| "Customer.io accepted everything.".to_owned());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id,
                    webhook_id,
                    event_type,
                    outcome = outcome.name(),
                    status = outcome.status().as_u16(),
                    reason,
                    attempts,
                    duration_ms = milliseconds(arrival.elapsed()),
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

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

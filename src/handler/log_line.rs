//! What the log says of an invocation: one line with ids, outcome and metrics, in the form that Lambda's
//! log filters and CloudWatch read. It holds no personal data and no secret.

use super::line::{self, Line, Tell, write_present};
use super::response::{Reply, Unauthorized};
use crate::relay::{Outcome, Record};
use crate::telemetry::metrics::{Metrics, Value};
use crate::webhook::SignatureError;
use lambda_runtime::Context;
use serde::ser::SerializeMap;
use std::time::{Duration, Instant, SystemTime};
use tracing::Level;

/// What is known of an invocation when it starts.
#[derive(Debug)]
pub(super) struct Invocation {
    arrival: Instant,
    cold_start: bool,
    function: String,
    request_id: String,
}

impl Invocation {
    /// Starts with the arrival of a request.
    pub(super) fn start(context: &Context) -> Self {
        Self {
            arrival: Instant::now(),
            cold_start: line::is_cold_start(),
            function: context.env_config.function_name.clone(),
            request_id: context.request_id.clone(),
        }
    }

    /// The line with its line end; empty if the level is not enabled and there is nothing to count.
    pub(super) fn line(&self, record: &Record, reply: &Reply) -> String {
        let level = level(record, reply);
        let now = SystemTime::now();
        let metrics = Metrics::new(&self.function, now, self.metrics(record, reply));
        let request_id = (level == Level::ERROR).then_some(self.request_id.as_str());
        let told = line::is_enabled(level).then(|| Told::new(record, reply, request_id));
        Line::new(now, level, told, metrics).text()
    }

    /// Every metric with its value, zero or not. Those that are not Dodo's webhooks are not counted:
    /// anybody could run up the bill for metrics.
    fn metrics(&self, record: &Record, reply: &Reply) -> Vec<(&'static str, Value)> {
        let mismatch =
            matches!(reply, Reply::Unauthorized(Unauthorized::Signature(SignatureError::NoMatch)));
        let Some(outcome) = outcome_metric(reply) else {
            return vec![("SignatureMismatches", mismatch.into())];
        };
        let reason = reply.reason().map(|(code, _)| code);
        let waited = record.customerio + record.lookups + record.queue;
        let (failures, mut reasons) = (&record.lookup_failures, record.lookup_failures.iter());
        let succeeded = if failures.is_empty() { record.lookups } else { Duration::ZERO };
        vec![
            (outcome, true.into()),
            ("CredentialsRefused", (reason == Some("credentials_refused")).into()),
            ("TransformFailures", (reason == Some("transform_failed")).into()),
            ("LookupFailures", reasons.any(|(_, error)| !error.concerns_one_person()).into()),
            ("ColdStarts", self.cold_start.into()),
            ("Attempts", Value::Count(record.attempts)),
            ("CustomerIoTime", Value::Time(record.customerio)),
            ("LookupTime", Value::Time(succeeded)),
            (
                "QueueTime",
                Value::Time(if *reply == Reply::Queued { record.queue } else { Duration::ZERO }),
            ),
            ("OwnTime", Value::Time(self.arrival.elapsed().saturating_sub(waited))),
        ]
    }
}

/// The metric that counts an outcome; `None` for what is not a webhook of Dodo's.
fn outcome_metric(reply: &Reply) -> Option<&'static str> {
    match reply {
        Reply::Outcome(outcome) => Some(line::metric(outcome)),
        Reply::Queued => Some("Queued"),
        Reply::Unauthorized(_) | Reply::Unsupported | Reply::TooLarge => None,
    }
}

/// What the line tells people.
struct Told<'a> {
    outcome: &'static str,
    reason: Option<(&'static str, String)>,
    event_type: Option<&'a str>,
    webhook_id: Option<&'a str>,
    request_id: Option<&'a str>,
    lookup_failure: Option<String>,
}

impl<'a> Told<'a> {
    fn new(record: &'a Record, reply: &Reply, request_id: Option<&'a str>) -> Self {
        Self {
            outcome: reply.name(),
            reason: reply.reason(),
            event_type: record.event_type.as_deref(),
            webhook_id: record.webhook_id.as_deref(),
            request_id,
            lookup_failure: line::lookup_failure(&record.lookup_failures),
        }
    }
}

impl Tell for Told<'_> {
    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        let reason = self.reason.as_ref();
        write_present(
            line,
            [
                ("outcome", Some(self.outcome)),
                ("reason", reason.map(|(code, _)| *code)),
                ("message", reason.map(|(_, message)| message.as_str())),
                ("event_type", self.event_type),
                ("webhook_id", self.webhook_id),
                ("request_id", self.request_id),
                ("lookup_failure", self.lookup_failure.as_deref()),
            ],
        )
    }
}

/// How serious an invocation is.
fn level(record: &Record, reply: &Reply) -> Level {
    match reply {
        Reply::Outcome(Outcome::Delivered | Outcome::Ignored(_))
            if !record.lookup_failures.is_empty() =>
        {
            Level::WARN
        }
        Reply::Outcome(outcome) => line::level(outcome),
        Reply::Queued => Level::INFO,
        Reply::Unauthorized(_) | Reply::Unsupported | Reply::TooLarge => Level::WARN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dodo::{Lookup, LookupError};

    /// For a webhook that was delivered, in bytes with the line end.
    const LONGEST_LINE: usize = 700;

    /// Everything that can stand in the line of a delivered webhook, at its longest.
    #[test]
    fn a_delivered_webhooks_line_is_short_at_its_longest() {
        let invocation = Invocation {
            arrival: Instant::now().checked_sub(Duration::from_millis(9_800)).unwrap(),
            cold_start: true,
            // The longest name that Lambda allows.
            function: "f".repeat(64),
            request_id: "8f507cfc-xmpl-4697-b07a-ac58fc914c95".into(),
        };
        let record = Record {
            webhook_id: Some("m".repeat(31)),
            // The longest of Dodo's.
            event_type: Some("subscription.update_payment_method".into()),
            attempts: 3,
            customerio: Duration::from_micros(6_799_999),
            lookups: Duration::from_micros(2_999_999),
            queue: Duration::ZERO,
            lookup_failures: vec![
                (Lookup::Subscriptions, LookupError::RateLimited(Duration::ZERO)),
                (Lookup::Lifetime, LookupError::RateLimited(Duration::ZERO)),
                (Lookup::Products, LookupError::RateLimited(Duration::ZERO)),
            ],
        };
        let reply = Reply::Outcome(Outcome::Delivered);
        let told = Some(Told::new(&record, &reply, None));
        let now = SystemTime::now();
        let metrics = Metrics::new(&invocation.function, now, invocation.metrics(&record, &reply));
        let line = Line::new(now, Level::INFO, told, metrics).text();
        assert!(line.len() <= LONGEST_LINE, "{} bytes: {line}", line.len());
    }
}

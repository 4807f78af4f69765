//! What the log says of an invocation: one line with ids, outcome and metrics, in the form that Lambda's
//! log filters and CloudWatch read. It holds no personal data and no secret.

use super::response::{Reply, Unauthorized};
use crate::customerio::limits::cut;
use crate::dodo::{Lookup, LookupError};
use crate::relay::{Outcome, Record};
use crate::telemetry::log;
use crate::telemetry::metrics::{Metrics, Value};
use crate::webhook::SignatureError;
use lambda_http::{Request, RequestExt};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tracing::Level;

/// As much as the line says of failed lookups, in bytes: one reason with three lookups. At DEBUG each
/// has a line of its own.
const MAX_LOOKUP_FAILURE: usize = 52;

/// Whether this process has served nothing yet.
static COLD: AtomicBool = AtomicBool::new(true);

/// What is known of an invocation when it starts.
#[derive(Debug)]
pub(super) struct Invocation {
    arrival: Instant,
    cold_start: bool,
    function: String,
    request_id: Option<String>,
}

impl Invocation {
    /// Starts with the arrival of a request.
    pub(super) fn start(request: &Request) -> Self {
        let context = request.lambda_context_ref();
        Self {
            arrival: Instant::now(),
            cold_start: COLD.swap(false, Ordering::Relaxed),
            function: context.map(|it| it.env_config.function_name.clone()).unwrap_or_default(),
            request_id: context.map(|context| context.request_id.clone()),
        }
    }

    /// The line with its line end; empty if the level is not enabled and there is nothing to count.
    pub(super) fn line(&self, record: &Record, reply: &Reply) -> String {
        let (level, is_enabled) = level(record, reply);
        let now = SystemTime::now();
        let metrics = Metrics::new(&self.function, now, self.metrics(record, reply));
        if !is_enabled && metrics.is_empty() {
            return String::new();
        }
        let request_id = self.request_id.as_deref().filter(|_| level == Level::ERROR);
        let told = is_enabled.then(|| Told::new(record, reply, request_id));
        let line = Line { timestamp: log::timestamp(now), level, told, metrics };
        let line = serde_json::to_string(&line).expect("strings and numbers serialise");
        line + "\n"
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
        let waited = record.customerio + record.lookups;
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
            ("OwnTime", Value::Time(self.arrival.elapsed().saturating_sub(waited))),
        ]
    }
}

/// The metric that counts an outcome; `None` for what is not a webhook of Dodo's.
fn outcome_metric(reply: &Reply) -> Option<&'static str> {
    match reply {
        Reply::Outcome(Outcome::Delivered) => Some("Delivered"),
        Reply::Outcome(Outcome::Ignored(_)) => Some("Ignored"),
        Reply::Outcome(Outcome::NoPerson(_) | Outcome::Rejected(_)) => Some("Rejected"),
        Reply::Outcome(Outcome::Retry(_)) => Some("Undelivered"),
        Reply::Malformed(_) => Some("Malformed"),
        Reply::Unauthorized(_) | Reply::Unsupported | Reply::TooLarge => None,
    }
}

/// The whole line. Lambda's filters want the first two fields: without them a line counts as INFO.
struct Line<'a> {
    timestamp: String,
    level: Level,
    told: Option<Told<'a>>,
    metrics: Metrics<'a>,
}

/// What the line tells people; left out below `LOG_LEVEL`.
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
            lookup_failure: lookup_failure(&record.lookup_failures),
        }
    }

    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        let reason = self.reason.as_ref();
        line.serialize_entry("outcome", self.outcome)?;
        for (name, value) in [
            ("reason", reason.map(|(code, _)| *code)),
            ("message", reason.map(|(_, message)| message.as_str())),
            ("event_type", self.event_type),
            ("webhook_id", self.webhook_id),
            ("request_id", self.request_id),
            ("lookup_failure", self.lookup_failure.as_deref()),
        ] {
            if let Some(value) = value {
                line.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }
}

/// What failed by reason, such as `dodo_timeout: customer, lifetime; dodo_not_found: payment`.
fn lookup_failure(failures: &[(Lookup, LookupError)]) -> Option<String> {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for (lookup, error) in failures {
        match by_reason.iter_mut().find(|(reason, _)| *reason == error.code()) {
            Some((_, lookups)) => lookups.push(lookup.name()),
            None => by_reason.push((error.code(), vec![lookup.name()])),
        }
    }
    let each =
        by_reason.iter().map(|(reason, lookups)| format!("{reason}: {}", lookups.join(", ")));
    let mut text = each.collect::<Vec<_>>().join("; ");
    cut(&mut text, MAX_LOOKUP_FAILURE);
    (!failures.is_empty()).then_some(text)
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &self.timestamp)?;
        line.serialize_entry("level", self.level.as_str())?;
        if let Some(told) = &self.told {
            told.write(&mut line)?;
        }
        self.metrics.write(&mut line)?;
        line.end()
    }
}

/// How serious an invocation is, and whether the log is enabled for that level.
fn level(record: &Record, reply: &Reply) -> (Level, bool) {
    match reply {
        Reply::Outcome(Outcome::Delivered | Outcome::Ignored(_))
            if record.lookup_failures.is_empty() =>
        {
            (Level::INFO, tracing::enabled!(Level::INFO))
        }
        Reply::Outcome(Outcome::Delivered | Outcome::Ignored(_))
        | Reply::Unauthorized(_)
        | Reply::Unsupported
        | Reply::TooLarge => (Level::WARN, tracing::enabled!(Level::WARN)),
        Reply::Malformed(_)
        | Reply::Outcome(Outcome::NoPerson(_) | Outcome::Rejected(_) | Outcome::Retry(_)) => {
            (Level::ERROR, tracing::enabled!(Level::ERROR))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            request_id: Some("8f507cfc-xmpl-4697-b07a-ac58fc914c95".into()),
        };
        let record = Record {
            webhook_id: Some("m".repeat(31)),
            // The longest of Dodo's.
            event_type: Some("subscription.update_payment_method".into()),
            attempts: 3,
            customerio: Duration::from_micros(6_799_999),
            lookups: Duration::from_micros(2_999_999),
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
        let line = Line { timestamp: log::timestamp(now), level: Level::INFO, told, metrics };
        let line = serde_json::to_string(&line).unwrap() + "\n";
        assert!(line.len() <= LONGEST_LINE, "{} bytes: {line}", line.len());
    }
}

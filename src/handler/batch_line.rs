//! What the log says of a batch: one line with counts and metrics, and one for each event that was not
//! delivered. None holds personal data or a secret.

use super::line::{self, Line, Tell, write_present};
use super::sqs_event::SqsMessage;
use crate::dodo::{Lookup, LookupError};
use crate::relay::batch::{Cost, Processed};
use crate::relay::{Outcome, Retry, unix_seconds};
use crate::telemetry::metrics::{Metrics, Value};
use lambda_runtime::Context;
use serde::ser::SerializeMap;
use std::time::{Instant, SystemTime};
use tracing::Level;

/// An event that is delivered later than this after it happened starts no campaign, in seconds.
const STARTS_CAMPAIGNS_FOR: u64 = 72 * 3_600;

/// What is known of an invocation when it starts.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    arrival: Instant,
    now: SystemTime,
    cold_start: bool,
    context: &'a Context,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Report<'a> {
    pub(super) messages: &'a [SqsMessage],
    /// As many, in the same order.
    pub(super) processed: &'a [Processed],
    pub(super) cost: Cost,
    /// How many were copied to the dead letters.
    pub(super) dead_letters: usize,
}

impl<'a> Invocation<'a> {
    /// Starts with the arrival of a batch, at a time of day.
    pub(super) fn start(context: &'a Context, now: SystemTime) -> Self {
        Self { arrival: Instant::now(), now, cold_start: line::is_cold_start(), context }
    }

    /// All lines with their line ends, the batch's last.
    pub(super) fn lines(&self, report: &Report<'_>) -> String {
        let each = report.messages.iter().zip(report.processed);
        let lines = each.map(|(message, processed)| self.event_line(message, processed));
        let mut lines: String = lines.collect();
        lines += &self.batch_line(report);
        lines
    }

    /// Empty for what was delivered.
    fn event_line(&self, message: &SqsMessage, processed: &Processed) -> String {
        let level = line::level(&processed.outcome);
        if processed.outcome == Outcome::Delivered || !line::is_enabled(level) {
            return String::new();
        }
        let metrics = Metrics::new("", self.now, []);
        Line::new(self.now, level, Some(Undelivered { message, processed }), metrics).text()
    }

    fn batch_line(&self, report: &Report<'_>) -> String {
        let level = level(report.processed);
        let function = &self.context.env_config.function_name;
        let metrics = Metrics::new(function, self.now, self.metrics(report));
        let request_id = Some(self.context.request_id.as_str());
        let told = line::is_enabled(level).then(|| Told {
            webhooks: report.messages.len(),
            reason: report.processed.iter().find_map(|it| common_reason(&it.outcome)),
            lookup_failure: line::lookup_failure(failures(report.processed)),
            request_id: request_id.filter(|_| level == Level::ERROR),
        });
        Line::new(self.now, level, told, metrics).text()
    }

    /// Every metric with its value, zero or not.
    fn metrics(&self, report: &Report<'_>) -> Vec<(&'static str, Value)> {
        const OUTCOMES: [&str; 5] =
            ["Delivered", "Ignored", "Rejected", "Malformed", "Undelivered"];
        let Cost { attempts, customerio, lookups } = report.cost;
        let processed = report.processed;
        let of = |metric| count(processed, |it| line::metric(&it.outcome) == metric);
        let has_reason =
            |it: &Processed, reason| it.outcome.reason().is_some_and(|(code, _)| code == reason);
        let oldest = report.messages.iter().map(|message| message.age(self.now)).max();
        let oldest = oldest.unwrap_or_default().as_secs();
        let own = self.arrival.elapsed().saturating_sub(customerio + lookups);
        let mut metrics: Vec<_> = OUTCOMES.map(|outcome| (outcome, of(outcome))).into();
        metrics.extend([
            ("DeadLetters", Value::Count(saturated(report.dead_letters))),
            ("LateEvents", count(processed, |it| self.is_late(it))),
            ("OldestSeconds", Value::Count(saturated(oldest))),
            ("CredentialsRefused", count(processed, |it| has_reason(it, "credentials_refused"))),
            ("TransformFailures", count(processed, |it| has_reason(it, "transform_failed"))),
            ("LookupFailures", count(processed, has_lookup_failure)),
            ("ColdStarts", self.cold_start.into()),
            ("Attempts", Value::Count(attempts)),
            ("CustomerIoTime", Value::Time(customerio)),
            ("LookupTime", Value::Time(lookups)),
            ("OwnTime", Value::Time(own)),
        ]);
        metrics
    }

    fn is_late(&self, processed: &Processed) -> bool {
        let age = processed.happened.map(|then| unix_seconds(self.now).saturating_sub(then));
        processed.outcome == Outcome::Delivered && age.is_some_and(|age| age > STARTS_CAMPAIGNS_FOR)
    }
}

fn count(processed: &[Processed], counts: impl Fn(&Processed) -> bool) -> Value {
    Value::Count(saturated(processed.iter().filter(|it| counts(it)).count()))
}

fn saturated(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

fn failures(processed: &[Processed]) -> impl Iterator<Item = &(Lookup, LookupError)> {
    processed.iter().flat_map(|it| &it.record.lookup_failures)
}

fn has_lookup_failure(processed: &Processed) -> bool {
    processed.record.lookup_failures.iter().any(|(_, error)| !error.concerns_one_person())
}

/// The reason why many events come again at once. Their own lines give it without its sentence.
fn common_reason(outcome: &Outcome) -> Option<(&'static str, String)> {
    match outcome {
        Outcome::Retry(Retry::Secret(_) | Retry::CustomerIo(_) | Retry::OutOfTime) => {
            outcome.reason()
        }
        _ => None,
    }
}

/// How serious a batch is: as serious as its worst event.
fn level(processed: &[Processed]) -> Level {
    let worst = processed.iter().map(|it| line::level(&it.outcome)).min();
    let is_doubtful = failures(processed).next().is_some();
    // Of levels, the more serious is the smaller.
    worst.into_iter().chain(is_doubtful.then_some(Level::WARN)).min().unwrap_or(Level::INFO)
}

/// What the line of a batch tells people.
struct Told<'a> {
    webhooks: usize,
    reason: Option<(&'static str, String)>,
    lookup_failure: Option<String>,
    request_id: Option<&'a str>,
}

impl Tell for Told<'_> {
    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        let reason = self.reason.as_ref();
        line.serialize_entry("webhooks", &self.webhooks)?;
        write_present(
            line,
            [
                ("reason", reason.map(|(code, _)| *code)),
                ("message", reason.map(|(_, message)| message.as_str())),
                ("request_id", self.request_id),
                ("lookup_failure", self.lookup_failure.as_deref()),
            ],
        )
    }
}

/// What the line of an event tells people that was not delivered.
struct Undelivered<'a> {
    message: &'a SqsMessage,
    processed: &'a Processed,
}

impl Tell for Undelivered<'_> {
    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        let Processed { outcome, record, .. } = self.processed;
        let (code, message) = outcome.reason().unzip();
        let is_common = common_reason(outcome).is_some();
        write_present(
            line,
            [
                ("outcome", Some(outcome.name())),
                ("reason", code),
                ("message", message.as_deref().filter(|_| !is_common)),
                ("event_type", record.event_type.as_deref()),
                ("webhook_id", record.webhook_id.as_deref()),
            ],
        )?;
        line.serialize_entry("receives", &self.message.receives())
    }
}

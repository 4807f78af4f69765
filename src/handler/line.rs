//! What every line of the log has in common: level, time and metrics around what it tells.

use crate::customerio::limits::cut;
use crate::dodo::{Lookup, LookupError};
use crate::relay::Outcome;
use crate::telemetry::log;
use crate::telemetry::metrics::Metrics;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
use tracing::Level;

/// As much as a line says of failed lookups, in bytes: one reason with three lookups. At DEBUG each has a
/// line of its own.
const MAX_LOOKUP_FAILURE: usize = 52;

/// Whether this process has served nothing yet.
static COLD: AtomicBool = AtomicBool::new(true);

/// Whether this is the first invocation of the process. The first call says yes, all others no.
pub(super) fn is_cold_start() -> bool {
    COLD.swap(false, Ordering::Relaxed)
}

/// What a line tells people.
pub(super) trait Tell {
    /// Adds it to the line.
    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error>;
}

/// A whole line. Lambda's filters want the first two fields: without them a line counts as INFO.
pub(super) struct Line<'a, T> {
    timestamp: String,
    level: Level,
    /// Left out below `LOG_LEVEL`.
    told: Option<T>,
    metrics: Metrics<'a>,
}

impl<'a, T: Tell> Line<'a, T> {
    pub(super) fn new(
        now: SystemTime,
        level: Level,
        told: Option<T>,
        metrics: Metrics<'a>,
    ) -> Self {
        Self { timestamp: log::timestamp(now), level, told, metrics }
    }

    /// The line with its line end; empty if there is nothing to tell and nothing to count.
    pub(super) fn text(&self) -> String {
        if self.told.is_none() && self.metrics.is_empty() {
            return String::new();
        }
        let line = serde_json::to_string(self).expect("strings and numbers serialise");
        line + "\n"
    }
}

impl<T: Tell> Serialize for Line<'_, T> {
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

/// Adds the fields that have a value.
pub(super) fn write_present<M: SerializeMap, const N: usize>(
    line: &mut M,
    fields: [(&'static str, Option<&str>); N],
) -> Result<(), M::Error> {
    for (name, value) in fields {
        if let Some(value) = value {
            line.serialize_entry(name, value)?;
        }
    }
    Ok(())
}

/// The metric that counts an outcome.
pub(super) fn metric(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "Delivered",
        Outcome::Ignored(_) => "Ignored",
        Outcome::NoPerson(_) | Outcome::Rejected(_) => "Rejected",
        Outcome::Malformed(_) => "Malformed",
        Outcome::Retry(_) => "Undelivered",
    }
}

/// How serious an outcome is.
pub(super) fn level(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Delivered | Outcome::Ignored(_) => Level::INFO,
        Outcome::Malformed(_) | Outcome::NoPerson(_) | Outcome::Rejected(_) | Outcome::Retry(_) => {
            Level::ERROR
        }
    }
}

/// Whether the log is enabled for a level. The macro wants a constant.
pub(super) fn is_enabled(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(Level::ERROR),
        Level::WARN => tracing::enabled!(Level::WARN),
        _ => tracing::enabled!(Level::INFO),
    }
}

/// What failed by reason, such as `dodo_timeout: customer, lifetime; dodo_not_found: payment`.
pub(super) fn lookup_failure<'a>(
    failures: impl IntoIterator<Item = &'a (Lookup, LookupError)>,
) -> Option<String> {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for (lookup, error) in failures {
        match by_reason.iter_mut().find(|(reason, _)| *reason == error.code()) {
            Some((_, lookups)) if lookups.contains(&lookup.name()) => {}
            Some((_, lookups)) => lookups.push(lookup.name()),
            None => by_reason.push((error.code(), vec![lookup.name()])),
        }
    }
    let each =
        by_reason.iter().map(|(reason, lookups)| format!("{reason}: {}", lookups.join(", ")));
    let mut text = each.collect::<Vec<_>>().join("; ");
    cut(&mut text, MAX_LOOKUP_FAILURE);
    (!text.is_empty()).then_some(text)
}

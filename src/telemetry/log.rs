//! The log: JSON lines with `timestamp` and `level`, which Lambda's log filters and people read alike.

use lambda_http::tracing::subscriber::filter::{LevelFilter, Targets};
use lambda_http::tracing::subscriber::{fmt, prelude::*, registry};
use std::time::SystemTime;
use time::UtcDateTime;

/// The levels of `LOG_LEVEL`, from the most to the fewest lines.
pub(crate) const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

/// Writes the log to standard output from the level in `LOG_LEVEL` up; without it, from that in
/// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets; without either, from INFO.
///
/// Libraries are heard from warnings up only, whatever the level: below that some of them print
/// requests with all that is in them.
pub fn init() {
    let level = ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"].iter().find_map(|name| level(name));
    let level = level.unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = fmt::layer().json().flatten_event(true).with_target(false);
    registry().with(lines.with_filter(targets)).init();
}

/// What an environment variable says; a mistake in it counts as unset, and is reported with the others.
fn level(variable: &str) -> Option<LevelFilter> {
    std::env::var(variable).ok()?.trim().parse().ok()
}

/// A time as Lambda's log filters want it: RFC 3339, here in UTC and to the millisecond.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let time = UtcDateTime::from(time);
    let (hour, minute, second, millisecond) = time.time().as_hms_milli();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", time.date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_timestamp_is_rfc_3339_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_793_450_000_023);
        assert_eq!(timestamp(time), "2026-10-31T12:33:20.023Z");
    }
}

//! The log: JSON lines with `timestamp` and `level`, which Lambda's log filters and people read alike.

use std::time::SystemTime;
use time::UtcDateTime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{fmt, prelude::*, registry};

/// The levels of `LOG_LEVEL`, from the most to the fewest lines.
pub(crate) const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

/// Writes the log to standard output from the level in `LOG_LEVEL` up; without it, from that in
/// `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets; without either, from INFO.
///
/// A panic is logged by its place.
///
/// Libraries are heard from warnings up only, whatever the level: below that some of them print
/// requests with all that is in them. One line of AWS's SDK is not heard at all: it says that our HTTP
/// client cannot be told to close a connection after a 5xx, which it need not be.
pub fn init() {
    let level = ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"].iter().find_map(|name| level(name));
    let level = level.unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("aws_smithy_runtime::client::http::connection_poisoning", LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = fmt::layer().json().flatten_event(true).with_target(false);
    registry().with(lines.with_filter(targets)).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|it| place(it.file(), it.line()));
        tracing::error!(reason = "internal_fault", place, "{FAULT}");
    }));
}

/// A panic's own message may quote what it was about, so only its place is logged.
const FAULT: &str = "The function failed by a mistake of its own. Please report this line.";

/// File and line from the crate's name on: the rest is a path of the machine that built it.
fn place(file: &str, line: u32) -> String {
    let parts: Vec<&str> = file.split('/').collect();
    let source = parts.iter().rposition(|part| *part == "src").unwrap_or_default();
    format!("{}:{line}", parts[source.saturating_sub(1)..].join("/"))
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
    fn the_place_of_a_panic_names_no_machine() {
        let path = "/home/ada/.cargo/registry/src/index-1/serde_json-1.0.1/src/de.rs";
        assert_eq!(place(path, 7), "serde_json-1.0.1/src/de.rs:7");
        assert_eq!(place("src/relay/mod.rs", 7), "src/relay/mod.rs:7");
        assert_eq!(place("build.rs", 7), "build.rs:7");
    }

    #[test]
    fn a_timestamp_is_rfc_3339_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_793_450_000_023);
        assert_eq!(timestamp(time), "2026-10-31T12:33:20.023Z");
    }
}

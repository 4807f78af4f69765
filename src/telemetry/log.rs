//! The log: one JSON line an event, for log filters and people alike.

use lambda_http::tracing::subscriber::filter::{LevelFilter, Targets};
use lambda_http::tracing::subscriber::{fmt, prelude::*, registry};

/// Writes the log to standard output from the level in `AWS_LAMBDA_LOG_LEVEL` up (default: info).
///
/// Libraries are heard from warnings up only, whatever the level: below that some of them print
/// requests with all that is in them.
pub fn init() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok();
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = fmt::layer().json().flatten_event(true).with_target(false).without_time();
    registry().with(lines.with_filter(targets)).init();
}

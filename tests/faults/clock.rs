//! Simulated time of day.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// 1 November 2026, in Unix milliseconds: when every run begins.
pub const START: u64 = 1_793_491_200_000;

pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;

/// Unix milliseconds. Runs follow one another, so one clock serves them all.
static NOW: AtomicU64 = AtomicU64::new(START);

pub fn set(now: u64) {
    NOW.store(now, Ordering::Relaxed);
}

pub fn now() -> u64 {
    NOW.load(Ordering::Relaxed)
}

/// For the function.
pub fn time_of_day() -> SystemTime {
    at(now())
}

/// A time in Unix milliseconds.
pub fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

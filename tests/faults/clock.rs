//! Simulated time of day.

use dodo_customerio::handler;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// 1 November 2026, in Unix milliseconds: the start of every run.
pub const START: u64 = 1_793_491_200_000;

pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// A clock in Unix milliseconds that moves only when it is set.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn start() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The same clock, as the function takes it.
    pub fn of_function(&self) -> handler::Clock {
        let clock = self.clone();
        Arc::new(move || at(clock.now()))
    }
}

/// A time in Unix milliseconds.
pub fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

/// The same time as Dodo writes it.
pub fn rfc3339(milliseconds: u64) -> String {
    let moment = time::UtcDateTime::from(at(milliseconds));
    let (hour, minute, second, microsecond) = moment.time().as_hms_micro();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}Z", moment.date())
}

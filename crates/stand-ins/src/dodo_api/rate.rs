//! Dodo's rate limit for one API key.

use crate::clock::Clock;
use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

/// Requests that Dodo accepts within any one second.
const BURST: usize = 10;

/// Counts the accepted requests of the last minute.
#[derive(Debug, Default)]
pub struct RateLimit {
    per_minute: usize,
    clock: Clock,
    accepted: VecDeque<Duration>,
}

impl RateLimit {
    /// So many requests a minute, and ten a second, by this clock.
    pub fn new(per_minute: usize, clock: Clock) -> Self {
        Self { per_minute, clock, accepted: VecDeque::new() }
    }

    /// Counts a request and returns how many are left in this minute.
    ///
    /// # Errors
    /// The seconds to wait, if the request is one too many.
    pub(super) fn take(&mut self) -> Result<usize, u64> {
        let now = self.clock.since_1970();
        while self.accepted.front().is_some_and(|first| *first + MINUTE <= now) {
            self.accepted.pop_front();
        }
        let windows = [(self.per_minute, MINUTE), (BURST, SECOND)].into_iter();
        let free = windows.filter_map(|(most, window)| self.free_at(most, window)).max();
        let wait = free.unwrap_or_default().saturating_sub(now);
        if !wait.is_zero() {
            return Err(wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX));
        }
        self.accepted.push_back(now);
        Ok(self.per_minute.saturating_sub(self.accepted.len()))
    }

    /// When the `most`-th newest request leaves the window.
    fn free_at(&self, most: usize, window: Duration) -> Option<Duration> {
        let oldest = self.accepted.len().checked_sub(most)?;
        self.accepted.get(oldest).map(|at| *at + window)
    }
}

//! How fast requests may leave.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Lets requests leave one after the other, evenly spaced, and none during a pause.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    paused_until: Instant,
}

impl Pace {
    /// At most `count` in each `period`; 0: no limit.
    pub fn new(count: u32, period: Duration) -> Self {
        let interval = period.checked_div(count).unwrap_or_default();
        let now = Instant::now();
        Self { interval, state: Mutex::new(State { next: now, paused_until: now }) }
    }

    /// Waits until the next request may leave.
    pub async fn turn(&self) {
        let mut at = self.reserve();
        // A pause may begin while this one waits. A sleep that is over still takes a millisecond.
        while at > Instant::now() {
            sleep_until(at).await;
            at = self.state().paused_until;
        }
    }

    /// From now on nothing leaves for so long.
    pub fn pause(&self, pause: Duration) {
        let mut state = self.state();
        let until = Instant::now() + pause;
        state.paused_until = state.paused_until.max(until);
        state.next = state.next.max(until);
    }

    fn reserve(&self) -> Instant {
        let mut state = self.state();
        let at = state.next.max(Instant::now());
        state.next = at + self.interval;
        at
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seconds_for(pace: &Pace, turns: u32) -> u64 {
        let start = Instant::now();
        for _ in 0..turns {
            pace.turn().await;
        }
        start.elapsed().as_secs()
    }

    #[tokio::test]
    async fn requests_are_evenly_spaced_and_a_pause_holds_all_of_them() {
        tokio::time::pause();
        let pace = Pace::new(60, Duration::from_mins(1));
        assert_eq!(seconds_for(&pace, 11).await, 10);
        pace.pause(Duration::from_secs(30));
        assert_eq!(seconds_for(&pace, 2).await, 31);
        assert_eq!(seconds_for(&Pace::new(0, Duration::from_mins(1)), 1_000).await, 0);
    }
}

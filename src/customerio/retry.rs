//! When a failed delivery is tried again within one invocation. Pure: chance and clock are arguments.

use super::response::{Later, LaterReason};
use std::time::Duration;

/// Attempts of one invocation. After the last one Dodo takes over, for 27 hours.
pub const MAX_ATTEMPTS: u32 = 3;

/// How long things take. Values, so that a test may run faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// One attempt, from the connection to the last byte of the answer.
    pub attempt: Duration,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
    /// With less time left than this, no attempt is begun.
    pub shortest_attempt: Duration,
    /// All that Dodo's API is asked, at most; and never more than half of what is left.
    pub lookups: Duration,
}

impl Default for Pace {
    /// Two slow attempts and a short third fit into 10 s. The pauses are those of Customer.io's
    /// official client.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(4),
            pause: Duration::from_millis(200),
            shortest_attempt: Duration::from_millis(250),
            lookups: Duration::from_secs(3),
        }
    }
}

impl Pace {
    /// The pause after `attempts` failed ones: exponential, with `chance` (from 0 up to but not
    /// including 1) as its jitter.
    pub fn backoff(&self, attempts: u32, chance: f64) -> Duration {
        self.pause.mul_f64((1.0 + chance) * f64::from(1 << (attempts - 1)))
    }
}

/// How long to pause after `attempts` failed ones, the last of them with `later`; `None` to give up.
/// `chance` is random, from 0 up to but not including 1: the jitter that keeps many functions from
/// coming back all at once. `left` is the time until the webhook must be answered.
pub fn pause(
    later: &Later,
    attempts: u32,
    chance: f64,
    left: Duration,
    pace: &Pace,
) -> Option<Duration> {
    if attempts >= MAX_ATTEMPTS || !passes(later.reason) {
        return None;
    }
    let backoff = pace.backoff(attempts, chance);
    let pause = match later.reason {
        // A connection that had gone stale in the pool: a new one will do, at once.
        LaterReason::Broken if attempts == 1 => Duration::ZERO,
        _ => backoff.max(later.retry_after.unwrap_or_default()),
    };
    (pause + pace.shortest_attempt <= left).then_some(pause)
}

/// Whether the reason may be gone within seconds.
fn passes(reason: LaterReason) -> bool {
    match reason {
        LaterReason::Unreachable
        | LaterReason::Broken
        | LaterReason::TimedOut
        | LaterReason::Unavailable(_)
        | LaterReason::RateLimited
        | LaterReason::Unreadable => true,
        LaterReason::WrongRegion(_)
        | LaterReason::CredentialsRefused(_)
        | LaterReason::Unexpected(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn after(reason: LaterReason, attempts: u32, chance: f64) -> Option<Duration> {
        pause(&reason.into(), attempts, chance, LONG, &Pace::default())
    }

    #[test]
    fn the_pause_doubles_and_jitters() {
        let reason = LaterReason::Unavailable(503);
        assert_eq!(after(reason, 1, 0.0), Some(milliseconds(200)));
        assert_eq!(after(reason, 1, 0.5), Some(milliseconds(300)));
        assert_eq!(after(reason, 2, 0.0), Some(milliseconds(400)));
        assert_eq!(after(reason, 2, 0.5), Some(milliseconds(600)));
    }

    #[test]
    fn there_are_three_attempts() {
        assert_eq!(after(LaterReason::RateLimited, 3, 0.0), None);
    }

    #[test]
    fn what_somebody_must_change_is_not_tried_again() {
        for reason in [
            LaterReason::WrongRegion(301),
            LaterReason::CredentialsRefused(401),
            LaterReason::Unexpected(404),
        ] {
            assert_eq!(after(reason, 1, 0.0), None);
        }
    }

    #[test]
    fn a_stale_connection_costs_no_pause_once() {
        assert_eq!(after(LaterReason::Broken, 1, 0.9), Some(Duration::ZERO));
        assert_eq!(after(LaterReason::Broken, 2, 0.0), Some(milliseconds(400)));
        assert_eq!(after(LaterReason::Unreachable, 1, 0.0), Some(milliseconds(200)));
    }

    #[test]
    fn retry_after_is_honoured_if_it_fits() {
        let with = |retry_after: u64, left: u64| {
            let retry_after = Some(milliseconds(retry_after));
            let later = Later { reason: LaterReason::RateLimited, retry_after };
            pause(&later, 1, 0.0, milliseconds(left), &Pace::default())
        };
        assert_eq!(with(3000, 10_000), Some(milliseconds(3000)));
        assert_eq!(with(100, 10_000), Some(milliseconds(200)), "never sooner than the backoff");
        assert_eq!(with(3000, 3250), Some(milliseconds(3000)));
        assert_eq!(with(3000, 3249), None);
        assert_eq!(with(u64::MAX, 10_000), None);
    }
}

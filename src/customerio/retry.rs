//! When a failed delivery is repeated within one invocation. Pure: jitter and time left are arguments.

use super::response::{Later, LaterReason};
use crate::http::{MAX_ATTEMPTS, RetryPolicy};
use std::time::Duration;

/// How long to pause after `attempts` failed attempts, the last of them with `later`; `None` to give
/// up. `jitter` is random, from 0 up to but not including 1, and keeps many environments from coming
/// back all at once. `left` is the time until the event must be done with.
pub(super) fn pause(
    later: &Later,
    attempts: u32,
    jitter: f64,
    left: Duration,
    policy: &RetryPolicy,
) -> Option<Duration> {
    if attempts >= MAX_ATTEMPTS || !is_transient(later.reason) {
        return None;
    }
    let backoff = policy.backoff(attempts, jitter);
    let pause = match later.reason {
        // A connection that had gone stale in the pool: repeat at once on a new one.
        LaterReason::Broken if attempts == 1 => Duration::ZERO,
        _ => backoff.max(later.retry_after.unwrap_or_default()),
    };
    (pause + policy.shortest_attempt <= left).then_some(pause)
}

/// Whether the reason may be gone within seconds.
fn is_transient(reason: LaterReason) -> bool {
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

    fn after(reason: LaterReason, attempts: u32, jitter: f64) -> Option<Duration> {
        pause(&reason.into(), attempts, jitter, LONG, &RetryPolicy::default())
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
    fn what_somebody_must_change_is_not_repeated() {
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
            pause(&later, 1, 0.0, milliseconds(left), &RetryPolicy::default())
        };
        assert_eq!(with(3000, 10_000), Some(milliseconds(3000)));
        assert_eq!(with(100, 10_000), Some(milliseconds(200)), "never sooner than the backoff");
        assert_eq!(with(3000, 3250), Some(milliseconds(3000)));
        assert_eq!(with(3000, 3249), None);
        assert_eq!(with(u64::MAX, 10_000), None);
    }
}

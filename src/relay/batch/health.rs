use super::super::{Outcome, Retry};
use crate::customerio::{Later, LaterReason, Verdict};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// After so many failures in a row Customer.io counts as down. Fewer could be events that it cannot cope
/// with: each of them fails its own request and, at most, both halves of the one before.
const FAILURES_IN_A_ROW: u32 = 5;

/// Whether Customer.io works, as far as the batch has learnt. While it is down a batch costs a few
/// requests, not one an event.
#[derive(Debug, Default)]
pub(super) struct Health {
    down: OnceLock<Later>,
    /// If the newest request failed: how many have in a row, and why it did.
    failing: Mutex<Option<(u32, Later)>>,
}

impl Health {
    /// Whether it is worth trying.
    ///
    /// # Errors
    /// That the event must come again, and why.
    pub(super) fn check(&self) -> Result<(), Outcome> {
        self.down.get().map_or(Ok(()), |later| Err(Retry::CustomerIo(later.clone()).into()))
    }

    /// Takes note of a request's verdict.
    pub(super) fn note(&self, verdict: &Verdict) {
        let mut failing = self.failing();
        let Verdict::Later(later) = verdict else {
            *failing = None;
            return;
        };
        let failures = failing.as_ref().map_or(0, |(failures, _)| *failures) + 1;
        *failing = Some((failures, later.clone()));
        if !may_be_about_an_event(later.reason) || failures >= FAILURES_IN_A_ROW {
            // Another request may have found out before.
            let _ = self.down.set(later.clone());
        }
    }

    /// Why an event comes again for which no time is left: what Customer.io took it for, if it still fails.
    pub(super) fn out_of_time(&self) -> Outcome {
        let failing = self.failing().clone();
        failing.map_or(Retry::OutOfTime, |(_, later)| Retry::CustomerIo(later)).into()
    }

    fn failing(&self) -> MutexGuard<'_, Option<(u32, Later)>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of why the requests of a single event failed: a handler's own may fail for reasons of
    /// their own.
    pub(super) fn note_alone(&self, later: &Later) {
        if !may_be_about_an_event(later.reason) {
            let _ = self.down.set(later.clone());
        }
    }
}

/// Whether the content of a request may be why it fails: then other events may get through without it.
fn may_be_about_an_event(reason: LaterReason) -> bool {
    match reason {
        LaterReason::Unreachable
        | LaterReason::RateLimited
        | LaterReason::WrongRegion(_)
        | LaterReason::Unavailable(408 | 503)
        | LaterReason::CredentialsRefused(401) => false,
        LaterReason::Broken
        | LaterReason::TimedOut
        | LaterReason::Unavailable(_)
        | LaterReason::CredentialsRefused(_)
        | LaterReason::Unexpected(_)
        | LaterReason::Unreadable => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(reason: LaterReason) -> Verdict {
        Verdict::Later(reason.into())
    }

    #[test]
    fn what_no_event_can_cause_ends_the_batch_at_once() {
        for reason in [
            LaterReason::Unreachable,
            LaterReason::RateLimited,
            LaterReason::Unavailable(503),
            LaterReason::CredentialsRefused(401),
        ] {
            let health = Health::default();
            health.note(&later(reason));
            let expected = Outcome::Retry(Retry::CustomerIo(reason.into()));
            assert_eq!(health.check(), Err(expected));
        }
    }

    #[test]
    fn time_that_customerio_took_is_not_blamed_on_other_events() {
        let health = Health::default();
        assert_eq!(health.out_of_time(), Retry::OutOfTime.into());
        health.note(&later(LaterReason::TimedOut));
        assert_eq!(health.out_of_time(), Retry::CustomerIo(LaterReason::TimedOut.into()).into());
        health.note(&Verdict::Accepted);
        assert_eq!(health.out_of_time(), Retry::OutOfTime.into());
    }

    #[test]
    fn what_an_event_may_cause_ends_it_after_failures_in_a_row() {
        let health = Health::default();
        for _ in 0..3 {
            for _ in 1..FAILURES_IN_A_ROW {
                health.note(&later(LaterReason::Unavailable(500)));
                assert_eq!(health.check(), Ok(()));
            }
            health.note(&Verdict::Accepted);
        }
        for _ in 0..FAILURES_IN_A_ROW {
            health.note(&later(LaterReason::TimedOut));
        }
        assert!(health.check().is_err());
        health.note(&Verdict::Accepted);
        assert!(health.check().is_err(), "for the rest of the batch");
    }
}

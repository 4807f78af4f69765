//! How much time an event may take.

use std::time::{Duration, SystemTime};

/// Dodo gives up after 15 s; the response leaves within 10 s of arrival, with a little to spare.
const TIME_FOR_A_WEBHOOK: Duration = Duration::from_millis(9_800);

/// What a response needs before Lambda's own deadline.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);

/// A batch's, where Lambda's own deadline is not known: most functions have a minute.
const TIME_FOR_A_BATCH: Duration = Duration::from_secs(50);

/// What the queue function keeps for what comes after delivery: dead letters, and when the rest of the
/// batch comes again.
const TIME_TO_TIDY_UP: Duration = Duration::from_secs(5);

/// How long delivering a batch may take that arrived at `arrival`, and how long everything, given Lambda's
/// own deadline. With little time, a quarter of it is kept.
pub(crate) fn time_for_batch(arrival: SystemTime, lambdas: SystemTime) -> (Duration, Duration) {
    let left = lambdas.duration_since(arrival).ok();
    let whole = left.map_or(TIME_FOR_A_BATCH, |left| left.saturating_sub(TIME_TO_RESPOND));
    (whole.saturating_sub(TIME_TO_TIDY_UP.min(whole / 4)), whole)
}

/// How long a webhook that arrived at `arrival` may take, given Lambda's own deadline. A deadline that
/// had passed on arrival counts as none: `cargo lambda watch` gives such.
pub(crate) fn time_for(arrival: SystemTime, lambdas: SystemTime) -> Duration {
    let left = lambdas.duration_since(arrival).ok();
    left.map_or(TIME_FOR_A_WEBHOOK, |left| {
        left.saturating_sub(TIME_TO_RESPOND).min(TIME_FOR_A_WEBHOOK)
    })
}

#[cfg(test)]
mod tests {
    use super::{TIME_FOR_A_WEBHOOK, time_for, time_for_batch};
    use std::time::{Duration, SystemTime};

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        let arrival = SystemTime::UNIX_EPOCH;
        assert_eq!(time_for(arrival, arrival - seconds(1)), TIME_FOR_A_WEBHOOK);
        assert_eq!(time_for(arrival, arrival + seconds(15)), TIME_FOR_A_WEBHOOK);
        assert_eq!(time_for(arrival, arrival + seconds(6)), seconds(5));
        assert_eq!(time_for(arrival, arrival + Duration::from_millis(500)), Duration::ZERO);
    }

    #[test]
    fn a_batch_leaves_time_to_tidy_up() {
        let arrival = SystemTime::UNIX_EPOCH + seconds(9);
        let within = |time: u64| time_for_batch(arrival, arrival + seconds(time));
        assert_eq!(within(60), (seconds(54), seconds(59)));
        assert_eq!(within(9), (seconds(6), seconds(8)));
        assert_eq!(within(1), (Duration::ZERO, Duration::ZERO));
        let unknown = time_for_batch(arrival, arrival - seconds(1));
        assert_eq!(unknown, (seconds(45), seconds(50)));
        assert_eq!(time_for_batch(arrival, SystemTime::UNIX_EPOCH), unknown);
    }

    #[test]
    fn a_deadline_in_the_past_is_none() {
        let deadline = SystemTime::UNIX_EPOCH + seconds(600);
        assert_eq!(time_for(deadline + seconds(100), deadline), TIME_FOR_A_WEBHOOK);
    }
}

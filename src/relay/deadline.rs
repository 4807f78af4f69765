//! How much time an event may take.

use std::time::{Duration, SystemTime};

/// Dodo gives up after 15 s; the response leaves within 10 s of arrival, with a little to spare.
const TIME_FOR_A_WEBHOOK: Duration = Duration::from_millis(9_800);

/// What a response needs before Lambda's own deadline.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);

/// How long a webhook that arrived at `arrival` may take, given Lambda's own deadline. A deadline that
/// had passed on arrival counts as none: `cargo lambda watch` gives such.
pub(crate) fn time_for(arrival: SystemTime, lambdas: Option<SystemTime>) -> Duration {
    let left = lambdas.and_then(|lambdas| lambdas.duration_since(arrival).ok());
    left.map_or(TIME_FOR_A_WEBHOOK, |left| {
        left.saturating_sub(TIME_TO_RESPOND).min(TIME_FOR_A_WEBHOOK)
    })
}

#[cfg(test)]
mod tests {
    use super::{TIME_FOR_A_WEBHOOK, time_for};
    use std::time::{Duration, SystemTime};

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        let arrival = SystemTime::UNIX_EPOCH;
        assert_eq!(time_for(arrival, None), TIME_FOR_A_WEBHOOK);
        assert_eq!(time_for(arrival, Some(arrival + seconds(15))), TIME_FOR_A_WEBHOOK);
        assert_eq!(time_for(arrival, Some(arrival + seconds(6))), seconds(5));
        assert_eq!(time_for(arrival, Some(arrival + Duration::from_millis(500))), Duration::ZERO);
    }

    #[test]
    fn a_deadline_in_the_past_is_none() {
        let deadline = SystemTime::UNIX_EPOCH + seconds(600);
        assert_eq!(time_for(deadline + seconds(100), Some(deadline)), TIME_FOR_A_WEBHOOK);
    }
}

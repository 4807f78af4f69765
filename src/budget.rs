//! How much time a webhook may take.

use std::time::{Duration, SystemTime};

/// Dodo gives up after 15 s; a webhook is answered before this.
const TIME_FOR_A_WEBHOOK: Duration = Duration::from_secs(10);

/// What an answer needs before Lambda's own deadline.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);

/// When a webhook that arrived at `arrival` must be done with, given Lambda's own deadline. A deadline
/// that had passed on arrival is none: `cargo lambda watch` gives such.
pub fn deadline(arrival: SystemTime, lambdas: Option<SystemTime>) -> SystemTime {
    let ours = arrival + TIME_FOR_A_WEBHOOK;
    match lambdas.filter(|lambdas| *lambdas > arrival) {
        Some(lambdas) => ours.min(lambdas - TIME_TO_ANSWER),
        None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::deadline;
    use std::time::{Duration, SystemTime};

    const ARRIVAL: SystemTime = SystemTime::UNIX_EPOCH;

    fn after(seconds: u64) -> SystemTime {
        ARRIVAL + Duration::from_secs(seconds)
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        assert_eq!(deadline(ARRIVAL, None), after(10));
        assert_eq!(deadline(ARRIVAL, Some(after(15))), after(10));
        assert_eq!(deadline(ARRIVAL, Some(after(6))), after(5));
    }

    #[test]
    fn a_deadline_in_the_past_is_none() {
        assert_eq!(deadline(after(600), Some(after(500))), after(610));
    }
}

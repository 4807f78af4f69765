//! What the queue function does with messages: in which order, and what the outcome means for each. Pure.

use crate::queue::pause_before;
use crate::relay::Outcome;
use std::time::Duration;

/// What has been received more often comes after the others: it may be what takes their time.
const RECEIVES_IN_FIRST_WAVE: u32 = 3;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The queue may forget it.
    Done,
    /// The queue may forget it once there is a copy with this reason among the dead letters.
    DeadLetter(String),
    /// It stays in the queue, out of sight for this long or for as long as the queue says.
    Again(Option<Duration>),
}

/// Messages in the order in which they are processed, by their positions: one wave leaves before the
/// next is looked at, and within each what has been received most often is last.
pub(super) fn waves(receives: &[u32]) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..receives.len()).collect();
    order.sort_by_key(|index| receives[*index]);
    let second = order.partition_point(|index| receives[*index] <= RECEIVES_IN_FIRST_WAVE);
    let later = order.split_off(second);
    [order, later]
}

/// What an outcome means for a message that has been received so often.
pub(super) fn fate(outcome: &Outcome, receives: u32, jitter: f64) -> Fate {
    match outcome {
        Outcome::Delivered | Outcome::Ignored(_) => Fate::Done,
        Outcome::NoPerson(_) | Outcome::Rejected(_) | Outcome::Malformed(_) => {
            let (code, sentence) = outcome.reason().unwrap_or_default();
            Fate::DeadLetter(format!("{code}: {sentence}"))
        }
        Outcome::Retry(why) => Fate::Again(pause_before(receives, why.after(), jitter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EnvelopeError;
    use crate::relay::Retry;
    use crate::secrets::SecretError;
    use crate::transform::Ignored;

    #[test]
    fn what_has_often_been_received_comes_last() {
        assert_eq!(waves(&[4, 1, 3, 9, 1, 2]), [vec![1, 4, 5, 2], vec![0, 3]]);
        assert!(waves(&[]).iter().all(Vec::is_empty));
    }

    #[test]
    fn each_outcome_has_a_fate() {
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(fate(&Outcome::Delivered, 9, 0.0), Fate::Done);
        assert_eq!(fate(&Outcome::Ignored(Ignored::EventOff), 1, 0.0), Fate::Done);
        let reason = "no_dodo_event: The body is not JSON.".to_owned();
        assert_eq!(fate(&EnvelopeError::NotJson.into(), 1, 0.0), Fate::DeadLetter(reason));
        let retry = Outcome::from(Retry::Secret(SecretError::Unreachable));
        assert_eq!(fate(&retry, 1, 0.0), Fate::Again(seconds(30)));
        assert_eq!(fate(&retry, 5, 0.0), Fate::Again(None));
    }
}

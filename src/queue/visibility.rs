use std::time::Duration;

/// The queue's own visibility timeout, as the template sets it: the long pause, which costs no call.
const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(30);

/// The pauses after the first receives.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];

/// How long a message that has been received so often should stay out of sight; `None` to leave that to
/// the queue. It never comes again sooner than `retry_after`. `jitter` is random, from 0 up to but not
/// including 1: what failed together should not come again all at once.
pub(crate) fn pause_before(
    receives: u32,
    retry_after: Option<Duration>,
    jitter: f64,
) -> Option<Duration> {
    let pause = PAUSES.get(usize::try_from(receives.checked_sub(1)?).ok()?)?;
    // Whoever asks for more than the queue's own pause gets that.
    let asked = retry_after.unwrap_or_default().min(VISIBILITY_TIMEOUT);
    let pause = pause.max(&asked).mul_f64(1.0 + jitter / 4.0);
    (pause < VISIBILITY_TIMEOUT).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(receives: u32, retry_after: Option<u64>, jitter: f64) -> Option<u64> {
        let retry_after = retry_after.map(Duration::from_secs);
        pause_before(receives, retry_after, jitter).map(|pause| pause.as_secs())
    }

    #[test]
    fn the_first_four_pauses_are_short_and_the_rest_is_the_queues() {
        let pauses = [1, 2, 3, 4, 5, 6, 1_000].map(|receives| seconds(receives, None, 0.0));
        assert_eq!(pauses, [Some(30), Some(120), Some(300), Some(600), None, None, None]);
        assert_eq!(seconds(0, None, 0.0), None, "a count that cannot be read");
    }

    #[test]
    fn a_pause_is_never_shorter_than_asked_for_and_never_longer_than_the_queues() {
        assert_eq!(seconds(1, Some(70), 0.0), Some(70));
        assert_eq!(seconds(1, Some(5), 0.0), Some(30));
        assert_eq!(seconds(4, Some(1_799), 0.0), Some(1_799));
        assert_eq!(seconds(4, Some(1_800), 0.0), None);
        assert_eq!(seconds(1, Some(u64::MAX), 0.0), None);
        assert_eq!(seconds(5, Some(70), 0.0), None);
    }

    #[test]
    fn pauses_are_spread() {
        assert_eq!(seconds(1, None, 0.5), Some(33));
        assert_eq!(seconds(4, None, 0.999_999), Some(749));
    }
}

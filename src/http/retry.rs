//! How long requests take and how often they are repeated, within one invocation.

use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use std::time::{Duration, SystemTime};

/// Attempts at one request. After the last one the event comes again: from Dodo, which retries for 27
/// hours, or from the queue.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// Time limits and pauses. They are values because a batch has more time, and a test less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Time limit of one attempt, from the connection to the last byte of the response.
    pub attempt: Duration,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
    /// With less time left than this, no attempt is started.
    pub shortest_attempt: Duration,
    /// The shortest time without a lookup after Dodo's API has said that too many were made.
    pub rate_limit_pause: Duration,
    /// Time limit of all lookups in Dodo's API for one event; never more than half of the time left.
    pub lookups: Duration,
}

impl Default for RetryPolicy {
    /// Two slow attempts and a short third fit into 10 s. The pauses are those of Customer.io's
    /// official client.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(4),
            pause: Duration::from_millis(200),
            shortest_attempt: Duration::from_millis(250),
            rate_limit_pause: Duration::from_secs(10),
            lookups: Duration::from_secs(3),
        }
    }
}

impl RetryPolicy {
    /// For the requests of many webhooks at once, which are large and have a minute.
    pub fn of_batches() -> Self {
        Self { attempt: Duration::from_secs(10), ..Self::default() }
    }

    /// The pause after `attempts` failed attempts: exponential, with `jitter` from 0 up to but not
    /// including 1.
    pub(crate) fn backoff(&self, attempts: u32, jitter: f64) -> Duration {
        self.pause.mul_f64((1.0 + jitter) * f64::from(1 << (attempts - 1)))
    }
}

/// Whoever asks for a longer pause means "not today".
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// How long a response asks to be left alone, by its `Retry-After`: a day at most. RFC 9110, section 10.2.3.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(header, SystemTime::now())
}

/// Seconds, or a date, which is compared with `now`.
fn parse_retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    let is_number = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    let pause = if is_number {
        header.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(header).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let after = |header| parse_retry_after(header, now).map(|duration| duration.as_secs());
        assert_eq!(after(" 7 "), Some(7));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "already past");
        for long in ["86401", "99999999999999999999", "Sun, 06 Nov 9994 08:49:00 GMT"] {
            assert_eq!(after(long), Some(86_400), "{long}");
        }
        for invalid in ["soon", "", "-1", "1.5", "Sun, 06 Nov"] {
            assert_eq!(after(invalid), None, "{invalid}");
        }
    }
}

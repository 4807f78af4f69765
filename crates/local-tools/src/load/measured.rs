//! Figures of many durations.

use std::time::Duration;

/// Milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The percentile of some times, in milliseconds; 0 without any.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = times.len().saturating_sub(1) * percent / 100;
    times.get(index).copied().map_or(0.0, milliseconds)
}

/// A quotient; the second counts as one if it is zero.
pub fn ratio(one: usize, other: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(one) / number(other.max(1))
}

/// How many a second, if they took so long together.
pub fn a_second(count: usize, time: Duration) -> f64 {
    ratio(count, 1) / time.as_secs_f64().max(f64::EPSILON)
}

/// What each took of it, in milliseconds.
pub fn each(time: Duration, count: usize) -> f64 {
    milliseconds(time) / ratio(count.max(1), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut times: Vec<_> = (1..=101).rev().map(Duration::from_millis).collect();
        assert!((percentile(&mut times, 50) - 51.0).abs() < 1e-9);
        assert!((percentile(&mut times, 99) - 100.0).abs() < 1e-9);
        assert!(percentile(&mut [], 50).abs() < 1e-9);
    }

    #[test]
    fn shares_and_rates_are_of_what_there_was() {
        assert!((a_second(200, Duration::from_millis(500)) - 400.0).abs() < 1e-9);
        assert!((each(Duration::from_millis(500), 200) - 2.5).abs() < 1e-9);
        assert!((ratio(5, 0) - 5.0).abs() < 1e-9);
    }
}

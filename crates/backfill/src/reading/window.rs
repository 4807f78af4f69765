//! Windows of `created_at`: Dodo caps the number of pages of a list, not that of windows.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// From one moment to another, both in Unix milliseconds and both inclusive. Neighbours share a moment, since
/// nobody says with how many digits Dodo compares; what is in both is known by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window(pub u64, pub u64);

impl Window {
    /// Where to divide it: by what was found in it (Unix milliseconds), or in the middle. `None` if a millisecond
    /// is all there is.
    pub fn middle(self, found: &mut [u64]) -> Option<u64> {
        found.sort_unstable();
        let median = found.get(found.len() / 2).copied();
        let median = median.filter(|median| self.0 < *median && *median < self.1);
        // What was created all at once is not divided by its time.
        let is_spread = found.first() != found.last();
        let middle = self.0 + self.width() / 2;
        (self.width() > 1).then(|| median.filter(|_| is_spread).unwrap_or(middle))
    }

    /// Both parts.
    pub fn parts(self, middle: u64) -> [Self; 2] {
        [Self(self.0, middle), Self(middle, self.1)]
    }

    /// How long it is, in milliseconds.
    pub fn width(self) -> u64 {
        self.1.saturating_sub(self.0)
    }

    /// As filters of a list.
    pub fn filters(self) -> [(&'static str, String); 2] {
        [("created_at_gte", rfc3339(self.0)), ("created_at_lte", rfc3339(self.1))]
    }
}

fn rfc3339(milliseconds: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000);
    let text = moment.ok().and_then(|moment| moment.format(&Rfc3339).ok());
    text.expect("a moment between 1970 and 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_a_moment_and_end_at_a_millisecond() {
        assert_eq!(Window(0, 10).parts(5), [Window(0, 5), Window(5, 10)]);
        assert_eq!(Window(0, 3).middle(&mut []), Some(1));
        assert_eq!(Window(7, 8).middle(&mut [7, 8]), None);
    }

    #[test]
    fn what_was_found_says_where_to_divide() {
        assert_eq!(Window(0, 100).middle(&mut [98, 97, 99]), Some(98));
        assert_eq!(Window(0, 100).middle(&mut [99, 99, 99]), Some(50), "all at once");
        assert_eq!(Window(0, 100).middle(&mut [1, 100, 100]), Some(50), "at its end");
    }

    #[test]
    fn bounds_are_dates_with_milliseconds() {
        let [from, to] = Window(1_793_448_000_000, 1_793_448_000_123).filters();
        assert_eq!(from, ("created_at_gte", "2026-10-31T12:00:00Z".to_owned()));
        assert_eq!(to, ("created_at_lte", "2026-10-31T12:00:00.123Z".to_owned()));
    }
}

//! Windows of `created_at`: Dodo caps the number of pages of a list, not that of windows.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// From one moment to another, both in Unix milliseconds and both inclusive. Neighbours share a moment, since
/// nobody says with how many digits Dodo compares; what is in both is known by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window(pub u64, pub u64);

impl Window {
    /// Both halves; `None` if a millisecond is all there is.
    pub fn halves(self) -> Option<[Self; 2]> {
        let middle = self.0 + self.width() / 2;
        (self.width() > 1).then_some([Self(self.0, middle), Self(middle, self.1)])
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
    fn halves_share_a_moment_and_end_at_a_millisecond() {
        assert_eq!(Window(0, 10).halves(), Some([Window(0, 5), Window(5, 10)]));
        assert_eq!(Window(0, 3).halves(), Some([Window(0, 1), Window(1, 3)]));
        assert_eq!(Window(7, 8).halves(), None);
    }

    #[test]
    fn bounds_are_dates_with_milliseconds() {
        let [from, to] = Window(1_793_448_000_000, 1_793_448_000_123).filters();
        assert_eq!(from, ("created_at_gte", "2026-10-31T12:00:00Z".to_owned()));
        assert_eq!(to, ("created_at_lte", "2026-10-31T12:00:00.123Z".to_owned()));
    }
}

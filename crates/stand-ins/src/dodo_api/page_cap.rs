//! How deep a list can be paged.

/// The last page that a list shows, and what comes of a later one. Dodo documents neither number nor
/// outcome.
#[derive(Debug, Clone, Copy)]
pub struct PageCap {
    /// The number of the last page; the first one is 0.
    pub last: usize,
    /// What comes of later ones.
    pub beyond: Beyond,
}

/// What comes of a page after the last one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// A status of 422.
    Refused,
    /// A page without items, as after the end of the list.
    Empty,
    /// The last page again.
    Repeated,
}

/// Which page a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Page(usize),
    Nothing,
    Refused,
}

impl PageCap {
    pub(super) fn page(self, asked: usize) -> Shown {
        match self.beyond {
            _ if asked <= self.last => Shown::Page(asked),
            Beyond::Refused => Shown::Refused,
            Beyond::Empty => Shown::Nothing,
            Beyond::Repeated => Shown::Page(self.last),
        }
    }
}

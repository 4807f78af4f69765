//! How many pages of a window Dodo gives: it publishes no number.

use std::sync::atomic::{AtomicUsize, Ordering};

/// As many as a window gets if Dodo allows it.
const PAGES: usize = 40;

/// What is known of it so far.
#[derive(Debug)]
pub struct Cap {
    pages: AtomicUsize,
    /// Where a window seemed to end after a full page.
    suspected: AtomicUsize,
}

impl Default for Cap {
    fn default() -> Self {
        Self { pages: AtomicUsize::new(PAGES), suspected: AtomicUsize::new(0) }
    }
}

impl Cap {
    /// A window gets no more than so many.
    pub fn pages(&self) -> usize {
        self.pages.load(Ordering::Relaxed)
    }

    /// Dodo refuses the page after so many.
    pub fn lower(&self, pages: usize) {
        self.pages.fetch_min(pages.max(1), Ordering::Relaxed);
    }

    /// A window ended after so many full pages. Once that is chance; twice at the same number it is a cap.
    pub fn suspect(&self, pages: usize) {
        if self.suspected.swap(pages, Ordering::Relaxed) == pages {
            self.lower(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_that_shows_itself_twice_is_one() {
        let cap = Cap::default();
        cap.suspect(10);
        cap.suspect(3);
        assert_eq!(cap.pages(), PAGES);
        cap.suspect(3);
        assert_eq!(cap.pages(), 3);
        cap.lower(7);
        assert_eq!(cap.pages(), 3, "only ever lower");
    }
}

//! How much of the time that the lists cover has been read.

use super::LISTS;
use super::roots::Roots;
use super::window::Window;

/// Of a progress bar.
pub const STEPS: u64 = 10_000;

/// In milliseconds of all lists together.
pub struct Progress {
    total: u64,
    left: u64,
    objects: u64,
}

impl Progress {
    /// Of so many objects at the beginning, and these windows that are to be read.
    pub fn new(roots: &Roots, open: &[(usize, Window)], objects: u64) -> Self {
        let total: u64 = roots.windows().map(Window::width).sum();
        let left = open.iter().map(|(_, window)| window.width()).sum();
        Self { total: total * LISTS.len() as u64, left, objects }
    }

    /// A window was read.
    pub fn done(&mut self, window: Window, objects: u64) {
        self.left = self.left.saturating_sub(window.width());
        self.objects += objects;
    }

    /// How many of [`STEPS`] are done.
    pub fn steps(&self) -> u64 {
        let done = u128::from(self.total - self.left.min(self.total));
        let steps = done * u128::from(STEPS) / u128::from(self.total.max(1));
        u64::try_from(steps).unwrap_or(STEPS)
    }

    /// What that means.
    pub fn note(&self) -> String {
        format!("{} objects", self.objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_of_the_time_that_was_read() {
        let mut progress = Progress { total: 1_000, left: 400, objects: 5 };
        assert_eq!(progress.steps(), 6_000);
        progress.done(Window(0, 300), 7);
        assert_eq!((progress.steps(), progress.note()), (9_000, "12 objects".to_owned()));
    }
}

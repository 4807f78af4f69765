use stand_ins::cpu_share::Share;
use stand_ins::proc;
use std::process::id;

/// The share of a CPU of a small function, for the process that runs handlers.
pub struct SmallShare(Share);

impl SmallShare {
    /// # Errors
    /// Why there cannot be one, as the end of a sentence.
    pub fn new(memory: u32) -> Result<Self, String> {
        let share = Share::new(memory)
            .map_err(|error| format!("this system allows no cgroup quota here ({error})"))?;
        let share = Self(share);
        share.try_to_restrict().map(|()| share)
    }

    /// For one that has taken the place of another: it can only end before it can be restricted.
    pub fn restrict_handlers(&self) {
        drop(self.try_to_restrict());
    }

    fn try_to_restrict(&self) -> Result<(), String> {
        proc::children(id()).into_iter().try_for_each(|child| self.0.restrict(child))
    }
}

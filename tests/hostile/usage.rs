//! What the process that runs handlers, and those that were killed before it, have used up.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use stand_ins::proc;
use std::process::id;
use std::time::Duration;

/// CPU time of all children: the living, and the dead that were waited for.
pub fn cpu_of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let dead = [usage.user_time(), usage.system_time()].map(duration).iter().sum::<Duration>();
    dead + proc::children(id()).into_iter().map(proc::cpu).sum::<Duration>()
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros(time.num_microseconds().cast_unsigned())
}

/// The most that any child ever had resident, in kB.
pub fn peak_of_children() -> u64 {
    let dead = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss().cast_unsigned();
    let alive = proc::children(id()).into_iter().filter_map(|pid| proc::kilobytes(pid, "VmHWM"));
    alive.chain([dead]).max().unwrap()
}

/// What this process has resident, in kB.
pub fn resident() -> u64 {
    proc::kilobytes(id(), "VmRSS").unwrap()
}

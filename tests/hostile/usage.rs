//! What this process and the one that runs handlers have used up.

use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::time::Duration;

/// Of children that have ended and been waited for.
fn cpu_of_the_dead() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_secs(value.tv_sec().cast_unsigned())
            + Duration::from_micros(value.tv_usec().cast_unsigned())
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// The children that this thread has started and that live.
pub fn children() -> Vec<u32> {
    let list = fs::read_to_string("/proc/thread-self/children").unwrap();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// CPU time of all children, dead or alive.
pub fn cpu_of_children() -> Duration {
    let alive = children().into_iter().map(|pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0))
    });
    cpu_of_the_dead() + alive.sum::<Duration>()
}

/// The most that any child ever had resident, in kB: of the dead and of the living.
pub fn peak_of_children() -> u64 {
    let dead = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss().cast_unsigned();
    let alive = children().into_iter().map(|pid| of_status(&pid.to_string(), "VmHWM:"));
    alive.chain([dead]).max().unwrap()
}

/// What this process has resident, in kB.
pub fn resident() -> u64 {
    of_status("self", "VmRSS:")
}

fn of_status(pid: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

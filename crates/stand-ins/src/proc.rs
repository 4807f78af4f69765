//! What a process and those it started use, as Linux tells in `/proc`.

use std::fs;
use std::time::Duration;

/// The unit of times in `/proc/PID/stat`: Linux always shows hundredths.
const MILLISECONDS_A_TICK: u64 = 10;

/// A process and the processes that it has started and that live.
pub fn family(pid: u32) -> Vec<u32> {
    [pid].into_iter().chain(children(pid)).collect()
}

/// The processes that a process has started and that live.
pub fn children(pid: u32) -> Vec<u32> {
    let lists = tasks(pid).into_iter().map(|task| read(&format!("{task}/children")));
    lists.flat_map(|list| numbers(&list).collect::<Vec<_>>()).map(truncated).collect()
}

/// The CPU time of the threads that a process has now.
pub fn cpu(pid: u32) -> Duration {
    let times = tasks(pid).into_iter().map(|task| read(&format!("{task}/schedstat")));
    times.map(|text| Duration::from_nanos(numbers(&text).next().unwrap_or(0))).sum()
}

/// The CPU time of all threads that a process has had, to a hundredth of a second.
pub fn total_cpu(pid: u32) -> Duration {
    let stat = read(&format!("/proc/{pid}/stat"));
    // The name before the last parenthesis may hold spaces. User and system time are fields 14 and 15.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * MILLISECONDS_A_TICK)
}

/// A field of its status in kB, such as `VmRSS` (resident now) or `VmHWM` (the most so far).
pub fn kilobytes(pid: u32, field: &str) -> Option<u64> {
    let status = read(&format!("/proc/{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    numbers(line?).next()
}

/// What it has resident, in kB, that no other process has: without the program's own pages where several
/// run it.
pub fn private(pid: u32) -> u64 {
    let sizes = read(&format!("/proc/{pid}/smaps_rollup"));
    let private = sizes.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| numbers(line).next()).sum()
}

fn tasks(pid: u32) -> Vec<String> {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    let entries = folder.into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path().display().to_string()).collect()
}

/// Empty once the process has ended.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split_whitespace().filter_map(|word| word.parse().ok())
}

fn truncated(pid: u64) -> u32 {
    u32::try_from(pid).unwrap_or_default()
}

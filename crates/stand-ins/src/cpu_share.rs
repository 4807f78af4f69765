//! The CPU share of a small Lambda function, by a cgroup quota.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Memory sizes whose share of a CPU is measured, in MB.
pub const SHARES: [u32; 3] = [128, 256, 512];

/// AWS gives one whole vCPU at this size.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const WHOLE_CPU: u32 = 1_769;

/// How often the quota is handed out, in microseconds.
const PERIOD: u32 = 20_000;

const ROOT: &str = "/sys/fs/cgroup";

/// A control group with the quota of one memory size; removed when dropped.
#[derive(Debug)]
pub struct Share {
    group: PathBuf,
}

/// One for each of [`SHARES`]; none, with a message, where the system does not permit it.
pub fn available() -> Vec<Option<Share>> {
    match SHARES.map(Share::new).into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(shares) => shares.into_iter().map(Some).collect(),
        Err(error) => {
            eprintln!("    CPU shares are not measured: no cgroup quota can be set here ({error})");
            Vec::new()
        }
    }
}

impl Share {
    /// The share of a function with so much memory.
    ///
    /// # Errors
    /// If the system does not permit it.
    pub fn new(megabytes: u32) -> std::io::Result<Self> {
        let quota = u64::from(PERIOD) * u64::from(megabytes) / u64::from(WHOLE_CPU);
        let name = format!("dodo-share-{}-{megabytes}", std::process::id());
        let first_version = PathBuf::from(ROOT).join("cpu");
        let settings = if first_version.is_dir() {
            vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
        } else {
            vec![("cpu.max", format!("{quota} {PERIOD}"))]
        };
        let root = if first_version.is_dir() { first_version } else { PathBuf::from(ROOT) };
        let share = Self { group: root.join(name) };
        fs::create_dir(&share.group)?;
        for (name, value) in settings {
            fs::write(share.group.join(name), value)?;
        }
        Ok(share)
    }

    /// Limits a process to this share.
    ///
    /// # Errors
    /// Why it could not be put into the group.
    pub fn restrict(&self, process: u32) -> Result<(), String> {
        let path = self.group.join("cgroup.procs");
        fs::write(&path, process.to_string())
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // A process that was just killed takes a moment to leave.
        for _ in 0..50 {
            if fs::remove_dir(&self.group).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

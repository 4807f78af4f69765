//! What a program takes until it has ended.

use stand_ins::proc;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How often it is looked at. What it takes after the last look is not seen.
const INTERVAL: Duration = Duration::from_millis(50);

/// Time, CPU time and memory of a program.
#[derive(Debug, Default)]
pub struct Measured {
    time: Duration,
    cpu: Duration,
    /// kB.
    peak: u64,
}

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Measured {
    /// Runs a program to its end. `name` is for messages.
    pub async fn run(mut command: Command, name: &Path) -> Result<Self, String> {
        let describe = |error: std::io::Error| format!("{}: {error}", name.display());
        let start = Instant::now();
        let mut running = Running(command.spawn().map_err(describe)?);
        let (mut measured, pid) = (Self::default(), running.0.id());
        loop {
            let ended = running.0.try_wait().map_err(describe)?;
            measured.time = start.elapsed();
            if let Some(status) = ended {
                let failed = || format!("{} has ended with {status}", name.display());
                return status.success().then_some(measured).ok_or_else(failed);
            }
            measured.cpu = measured.cpu.max(proc::total_cpu(pid));
            measured.peak = measured.peak.max(proc::kilobytes(pid, "VmHWM").unwrap_or_default());
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, cpu) = (self.time.as_secs_f64(), self.cpu.as_secs_f64());
        write!(f, "{time:.1} | {cpu:.1} | {}", self.peak / 1_000)
    }
}

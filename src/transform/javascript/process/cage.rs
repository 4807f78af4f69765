//! The limits that the process sets itself.

use crate::transform::javascript::engine::Limits;
use nix::sys::resource::{Resource, setrlimit};
use std::io;
use std::time::Duration;

/// What a process needs beside the heap of its engine, in bytes: a webhook and what becomes of it, as
/// strings, several times.
const BESIDE_THE_HEAP: usize = 32 * 1024 * 1024;

/// What an engine that waits with its compiled file takes, in bytes.
const OF_A_WAITING_ENGINE: usize = 1024 * 1024;

/// A process within limits that it cannot lift again.
pub(super) struct Cage {
    allowance: Duration,
    timer: timer::CpuTimer,
}

impl Cage {
    /// Limits address space and forbids files, sockets and core dumps from now on.
    pub(super) fn enter(limits: Limits, files: usize) -> io::Result<Self> {
        let memory = limits.memory + BESIDE_THE_HEAP + files * OF_A_WAITING_ENGINE;
        if let Some(now) = address_space()? {
            limit(Resource::RLIMIT_AS, now + memory)?;
        }
        for none in [Resource::RLIMIT_NOFILE, Resource::RLIMIT_FSIZE, Resource::RLIMIT_CORE] {
            limit(none, 0)?;
        }
        // A tenth more than the limit: inside JavaScript a run ends itself, and can say in which line.
        Ok(Self { allowance: limits.time + limits.time / 10, timer: timer::CpuTimer::new()? })
    }

    /// Does something for which the process may use the CPU time of a run, or is killed.
    pub(super) fn within<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        self.timer.set(self.allowance)?;
        let result = work();
        self.timer.set(Duration::ZERO)?;
        Ok(result)
    }
}

fn limit(resource: Resource, amount: usize) -> io::Result<()> {
    let amount = amount.try_into().unwrap_or(u64::MAX);
    Ok(setrlimit(resource, amount, amount)?)
}

/// In bytes; the program itself and what it has mapped so far. `None` where the system does not say.
#[cfg(target_os = "linux")]
fn address_space() -> io::Result<Option<usize>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    Ok(kilobytes.map(|kilobytes| kilobytes * 1024))
}

#[cfg(not(target_os = "linux"))]
fn address_space() -> io::Result<Option<usize>> {
    Ok(None)
}

#[cfg(target_os = "linux")]
mod timer {
    use nix::sys::signal::{SigEvent, SigevNotify, Signal};
    use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
    use nix::time::ClockId;
    use std::io;
    use std::time::Duration;

    /// Kills the process, by the kernel, when it has used some CPU time.
    pub(super) struct CpuTimer(Timer);

    impl CpuTimer {
        pub(super) fn new() -> io::Result<Self> {
            let kill = SigevNotify::SigevSignal { signal: Signal::SIGXCPU, si_value: 0 };
            Ok(Self(Timer::new(ClockId::CLOCK_PROCESS_CPUTIME_ID, SigEvent::new(kill))?))
        }

        /// Zero disarms it.
        pub(super) fn set(&mut self, time: Duration) -> io::Result<()> {
            Ok(self.0.set(Expiration::OneShot(time.into()), TimerSetTimeFlags::empty())?)
        }
    }
}

/// Elsewhere, where nobody runs Lambda functions, the clock of the parent must do.
#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;
    use std::time::Duration;

    pub(super) struct CpuTimer;

    impl CpuTimer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn set(&mut self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }
}

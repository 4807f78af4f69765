//! One execution environment: a process of the function under a Runtime API of its own.

use serde_json::Value;
use stand_ins::cpu_share::Share;
use stand_ins::dodo;
use stand_ins::poller::Invoke;
use stand_ins::proc;
use stand_ins::runtime_api::RuntimeApi;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};

/// As in the template; the webhook function has 15 s, and its own limit is lower.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A running process; it ends when dropped.
pub struct Environment {
    process: Child,
    runtime: Arc<RuntimeApi>,
    times: Arc<Mutex<Vec<Duration>>>,
    log: PathBuf,
}

/// Invokes an environment and takes note of how long it took.
#[derive(Debug, Clone)]
pub struct Timed {
    runtime: Arc<RuntimeApi>,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Environment {
    /// Starts the program and waits until it is ready.
    ///
    /// # Errors
    /// A sentence, if it does not start.
    pub async fn start(
        program: &Path,
        settings: &[(&'static str, String)],
    ) -> Result<Self, String> {
        let log = std::env::temp_dir().join(format!("load-{}.log", dodo::random_hex()));
        let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let runtime = RuntimeApi::with_timeout(TIMEOUT).await.map_err(|error| error.to_string())?;
        let process = Command::new(program)
            .env_clear()
            .envs(settings.iter().cloned())
            .envs(runtime.environment())
            .stdout(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", program.display()))?;
        let ready = tokio::time::timeout(Duration::from_secs(10), runtime.first_next()).await;
        ready.map_err(|_| format!("{} never asks for an event.", program.display()))?;
        Ok(Self { process, runtime: runtime.into(), times: Arc::default(), log })
    }

    /// For a poller, or to invoke it.
    pub fn function(&self) -> Timed {
        Timed { runtime: self.runtime.clone(), times: self.times.clone() }
    }

    /// How long each invocation took, from handing out the event to the response.
    pub fn times(&self) -> Vec<Duration> {
        locked(&self.times).clone()
    }

    /// The CPU time so far, with that of the process that runs JavaScript. What processes had that have ended
    /// is not in it.
    pub fn cpu(&self) -> Duration {
        proc::family(self.pid()).into_iter().map(proc::cpu).sum()
    }

    /// The largest resident size so far, in kB, with what the process that runs JavaScript has for itself.
    pub fn peak(&self) -> u64 {
        let own = proc::kilobytes(self.pid(), "VmHWM").unwrap_or_default();
        own + proc::children(self.pid()).into_iter().map(proc::private).sum::<u64>()
    }

    /// Bytes of its log so far.
    pub fn log_size(&self) -> usize {
        let size = fs::metadata(&self.log).map_or(0, |file| file.len());
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Gives it a share of a CPU.
    ///
    /// # Errors
    /// Why that cannot be done here.
    pub fn restrict(&self, share: &Share) -> Result<(), String> {
        share.restrict(self.pid())
    }

    fn pid(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // It may have been removed already.
        drop(fs::remove_file(&self.log));
    }
}

impl Invoke for Timed {
    async fn invoke(&self, event: Value) -> Option<Value> {
        let invoked = self.runtime.invoke_timed(event).await?;
        locked(&self.times).push(invoked.took);
        Some(invoked.response)
    }
}

fn locked(times: &Mutex<Vec<Duration>>) -> MutexGuard<'_, Vec<Duration>> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

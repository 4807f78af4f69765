//! One execution environment: a process under a Lambda Runtime API.

use crate::candidate::Candidate;
use crate::world::World;
use serde_json::json;
use stand_ins::cpu_share::Share;
use stand_ins::proc;
use stand_ins::runtime_api::RuntimeApi;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Python at 128 MB takes seconds.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running environment; it ends when dropped.
pub struct Environment {
    /// Killed when dropped.
    _process: Child,
    id: u32,
    runtime: RuntimeApi,
}

impl Environment {
    /// Starts a candidate and returns the time until it asked for its first event. A shell waits in its
    /// place until the CPU share is set, so that neither fork nor quota counts.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(
        candidate: &Candidate,
        share: Option<&Share>,
    ) -> Result<(Self, Duration), String> {
        let runtime = RuntimeApi::start().await.map_err(text)?;
        let mut process = Command::new("/bin/sh")
            .args(["-c", "read -r go; exec \"$@\"", "sh"])
            .args(&candidate.command)
            .current_dir(&candidate.folder)
            .env_clear()
            .envs(candidate.environment.iter().cloned())
            .envs(runtime.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(text)?;
        let id = process.id().ok_or("it ended at once")?;
        if let Some(share) = share {
            share.restrict(id)?;
        }
        let mut go = process.stdin.take().ok_or("no input")?;
        let start = Instant::now();
        go.write_all(b"\n").await.map_err(text)?;
        let ready = tokio::time::timeout(START_TIMEOUT, runtime.first_next()).await;
        let ready = ready.map_err(|_| "it never asked for an event")?;
        Ok((Self { _process: process, id, runtime }, ready - start))
    }

    /// Lets it serve one webhook and returns the time without that at Customer.io.
    ///
    /// # Errors
    /// If the response is not a 200.
    pub async fn serve(&self, world: &World) -> Result<Duration, String> {
        let before = world.time_at_customerio();
        let invoked = self.runtime.invoke_timed(world.event()).await.ok_or("no response")?;
        if invoked.response["statusCode"] != json!(200) {
            return Err(format!("it responded {}", invoked.response));
        }
        let waited = world.time_at_customerio().saturating_sub(before);
        Ok(invoked.took.saturating_sub(waited))
    }

    /// The CPU time that it and the processes it started have used so far.
    pub fn cpu(&self) -> Duration {
        proc::family(self.id).into_iter().map(proc::cpu).sum()
    }

    /// The largest resident size so far, in bytes, with what the processes that it started have for
    /// themselves: the pages of a program that runs twice are there once.
    pub fn peak_memory(&self) -> u64 {
        let own = proc::kilobytes(self.id, "VmHWM").unwrap_or(0);
        let others = proc::children(self.id).into_iter().map(proc::private);
        (own + others.sum::<u64>()) * 1024
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}

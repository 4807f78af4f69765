//! One process of the function, under a local Lambda Runtime API.

use stand_ins::runtime_api::RuntimeApi;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long a start may take, with a busy machine around it.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of the log is shown when it does not start, in lines.
const SHOWN_LINES: usize = 10;

/// It ends when this is dropped.
pub struct Function {
    pub runtime: Arc<RuntimeApi>,
    process: Child,
    log: PathBuf,
    timeout: Duration,
}

impl Function {
    /// The function's program, which is built beside this one.
    ///
    /// # Errors
    /// If it is not there.
    pub fn program() -> Result<PathBuf, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let program = own.with_file_name("dodo-customerio");
        let missing = || format!("{} is missing; `make dev` builds it.", program.display());
        if program.exists() { Ok(program) } else { Err(missing()) }
    }

    /// Starts it with this environment and no other, and Lambda's timeout for it, and waits until it is ready
    /// for an event.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn start(
        program: &Path,
        environment: &[(&str, String)],
        log: &Path,
        timeout: Duration,
    ) -> Result<Self, String> {
        let runtime = RuntimeApi::with_timeout(timeout).await;
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (output, errors) =
            open(log).map_err(|error| format!("{} cannot be written ({error}).", log.display()))?;
        let mut process = Command::new(program)
            .env_clear()
            .envs(runtime.environment())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // A group of its own: Ctrl-C is for the tool, which ends it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start ({error}).", program.display()))?;
        let why = tokio::select! {
            _ = runtime.first_next() => {
                let (runtime, log) = (Arc::new(runtime), log.to_owned());
                return Ok(Self { runtime, process, log, timeout });
            }
            status = process.wait() => match status {
                Ok(status) => format!("The function ended ({status})."),
                Err(error) => format!("The function cannot be watched ({error})."),
            },
            () = sleep(START_TIMEOUT) => "The function is not ready after 30 s.".to_owned(),
        };
        Err(format!("{why} The end of {}:\n{}", log.display(), last_lines(log)))
    }

    /// Waits until it ends by itself. Returns its log.
    pub async fn ended(&mut self) -> PathBuf {
        drop(self.process.wait().await);
        self.log.clone()
    }

    /// Another has taken its place: lets it finish what it is working on, then ends it.
    pub async fn retire(self) {
        let start = Instant::now();
        while Arc::strong_count(&self.runtime) > 1 && start.elapsed() < self.timeout {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn open(log: &Path) -> io::Result<(fs::File, fs::File)> {
    fs::create_dir_all(log.parent().unwrap_or(Path::new("/")))?;
    let file = OpenOptions::new().create(true).append(true).open(log)?;
    Ok((file.try_clone()?, file))
}

fn last_lines(log: &Path) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

//! The function under `cargo lambda watch`, for `make demo`: somebody else's emulation of Lambda.

use stand_ins::project::project_file;
use stand_ins::settings::SETTINGS;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// How long the start may take; everything is built already.
const START_TIMEOUT: Duration = Duration::from_mins(3);

/// A running function; all its processes end when it is dropped.
pub struct Emulated {
    /// The emulated function URL.
    pub url: String,
    _watch: Watch,
}

impl Emulated {
    /// Starts it with an environment and waits until it responds.
    ///
    /// # Errors
    /// A sentence that says what did not start.
    pub async fn start(environment: Vec<(&str, String)>) -> Result<Self, String> {
        let port = free_port().await.map_err(|error| format!("There is no free port: {error}."))?;
        let url = format!("http://127.0.0.1:{port}/");
        let mut watch = Watch::start(port, environment)?;
        watch.wait_until_it_responds(&url).await?;
        Ok(Self { url, _watch: watch })
    }
}

async fn free_port() -> std::io::Result<u16> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr().map(|address| address.port())
}

/// `cargo lambda watch` and its children: one process group, which ends as a whole.
#[derive(Debug)]
struct Watch {
    process: Child,
    log: PathBuf,
}

impl Watch {
    fn start(port: u16, environment: Vec<(&str, String)>) -> Result<Self, String> {
        let log = project_file(format!("target/local/demo-{port}.log"));
        let open = || {
            fs::create_dir_all(log.parent()?).ok()?;
            let file = File::create(&log).ok()?;
            Some((file.try_clone().ok()?, file))
        };
        let (output, errors) =
            open().ok_or_else(|| format!("{} cannot be written", log.display()))?;
        let mut command = Command::new(project_file(".venv/bin/cargo-lambda"));
        command
            // The package, because with several programs in the workspace the URL would need a path.
            .args(["lambda", "watch", "--package", "dodo-customerio"])
            .args(["--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .current_dir(project_file(""))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        // They may be in the environment for another purpose.
        for name in SETTINGS.into_iter().chain(["TRANSFORM_FILE", "QUEUE_URL"]) {
            command.env_remove(name);
        }
        command.envs(environment);
        let process = command.spawn().map_err(|error| {
            format!(
                "cargo lambda does not start ({error}). Type: rm -rf .venv, then the same again"
            )
        })?;
        Ok(Self { process, log })
    }

    async fn wait_until_it_responds(&mut self, url: &str) -> Result<(), String> {
        let start = Instant::now();
        let client = dodo_customerio::http::client();
        while start.elapsed() < START_TIMEOUT {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("cargo lambda watch ended ({status}). {}", self.last_lines()));
            }
            let probe = client.post(url).timeout(Duration::from_mins(2)).body("{}");
            if probe.send().await.is_ok_and(|response| response.status() == 401) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(format!("The function does not respond. {}", self.last_lines()))
    }

    fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(15).collect();
        format!("Its last lines:\n{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The whole group, because cargo and the function are grandchildren.
        let group = format!("-{}", self.process.id());
        drop(Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status());
        drop(self.process.wait());
        drop(fs::remove_file(&self.log));
    }
}

//! The function under `cargo lambda watch`, and the services around it.

use serde_json::json;
use stand_ins::credentials::Credentials;
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo::samples;
use stand_ins::dodo_api::DodoApi;
use stand_ins::secrets_manager::{Moto, project_file};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const SECRET_NAME: &str = "dodo-customerio";

/// Settings that may be in the environment for another purpose; the demo runs without them.
const OWN_SETTINGS: [&str; 12] = [
    "DODO_ENVIRONMENT",
    "CUSTOMERIO_REGION",
    "PERSON_IDENTIFIER",
    "EVENTS",
    "EVENT_NAMES",
    "UNKNOWN_FIELDS",
    "EXCLUDE_FIELDS",
    "IDENTIFY_TIME",
    "SUBSCRIPTION_OBJECT_TYPE",
    "TRANSFORM_FILE",
    "SECRET_TTL_SECONDS",
    "WEBHOOK_TOLERANCE_SECONDS",
];

/// How long the first start may take; everything is built already.
const START_TIMEOUT: Duration = Duration::from_mins(3);

/// Where a running stack writes its address for `make send`.
const ADDRESS_FILE: &str = "target/local/dev.json";

/// Options of a stack.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Port of the function URL; 0 takes a free one.
    pub function_port: u16,
    /// Port of the local Customer.io; 0 takes a free one.
    pub customerio_port: u16,
    /// Whether code changes restart the function, and settings in the environment reach it.
    pub for_development: bool,
    /// A JavaScript transform; only for development.
    pub transform: Option<PathBuf>,
}

/// A running stack; all its processes end when it is dropped.
pub struct Stack {
    pub customerio: CustomerIo,
    pub dodo_api: DodoApi,
    /// The emulated function URL.
    pub url: String,
    pub webhook_secret: String,
    _function: Watch,
    _secrets_manager: Moto,
}

impl Stack {
    /// Starts everything and waits until the function responds. Reports each step through `progress`.
    ///
    /// # Errors
    /// A sentence that says what did not start.
    pub async fn start(choices: Choices, progress: impl Fn(&str)) -> Result<Self, String> {
        progress("Secrets Manager (moto)");
        let secrets_manager = Moto::start()?;
        let credentials = Credentials::random();
        secrets_manager.create(SECRET_NAME, &credentials.secret_with_dodo_api_key()).await?;

        progress("local Customer.io");
        let Credentials { webhook_secret, site_id, api_key, dodo_api_key } = credentials;
        let customerio = CustomerIo::start(choices.customerio_port, &site_id, &api_key)
            .await
            .map_err(|error| format!("The local Customer.io cannot start: {error}."))?;

        progress("local Dodo API, which knows the samples");
        let dodo_api = DodoApi::start(&dodo_api_key)
            .await
            .map_err(|error| format!("The local Dodo API cannot start: {error}."))?;
        for sample in samples() {
            dodo_api.state().happened(&sample.event);
        }

        progress("function under cargo lambda watch");
        let port = free_port(choices.function_port).await?;
        let mut environment = vec![
            ("SECRET_ID", SECRET_NAME.to_owned()),
            ("CUSTOMERIO_TRACK_URL", customerio.url()),
            ("DODO_API_URL", dodo_api.url()),
        ];
        environment.extend(secrets_manager.environment());
        let transform = choices.transform.map(std::path::absolute).transpose();
        let transform = transform.map_err(|error| format!("The transform's path: {error}."))?;
        environment.push(("TRANSFORM_FILE", transform.unwrap_or_default().display().to_string()));
        let mut function = Watch::start(port, environment, choices.for_development)?;
        let url = format!("http://127.0.0.1:{port}/");
        function.wait_until_it_responds(&url).await?;
        Ok(Self {
            customerio,
            dodo_api,
            url,
            webhook_secret,
            _function: function,
            _secrets_manager: secrets_manager,
        })
    }

    /// Announces this stack, at `url`, to `make send`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn announce(&self, url: &str) -> Result<(), String> {
        let text = json!({"url": url, "webhook_secret": self.webhook_secret}).to_string();
        fs::write(project_file(ADDRESS_FILE), text)
            .map_err(|error| format!("{ADDRESS_FILE}: {error}"))
    }
}

/// URL and webhook secret of the running `make dev`, if there is one.
pub fn announced() -> Option<(String, String)> {
    let text = fs::read_to_string(project_file(ADDRESS_FILE)).ok()?;
    let address: serde_json::Value = serde_json::from_str(&text).ok()?;
    let field = |name: &str| address[name].as_str().map(str::to_owned);
    Some((field("url")?, field("webhook_secret")?))
}

/// Removes the announcement, so that a later `make send` gets a clear message.
pub fn forget_announcement() {
    drop(fs::remove_file(project_file(ADDRESS_FILE)));
}

async fn free_port(wish: u16) -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", wish))
        .await
        .map_err(|error| format!("Port {wish} cannot be used ({error}); choose another: PORT=…"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// Where the function's output goes.
pub fn function_log() -> PathBuf {
    project_file("target/local/function.log")
}

/// `cargo lambda watch` and its children: one process group, which ends as a whole.
#[derive(Debug)]
struct Watch(Child);

impl Watch {
    fn start(
        port: u16,
        environment: Vec<(&str, String)>,
        for_development: bool,
    ) -> Result<Self, String> {
        let log = function_log();
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
            .args(["--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .args((!for_development).then_some("--ignore-changes"))
            .current_dir(project_file(""))
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let error = |error| {
            format!("cargo lambda could not be started ({error}); `make setup` installs it")
        };
        if !for_development {
            for name in OWN_SETTINGS {
                command.env_remove(name);
            }
        }
        command.spawn().map(Self).map_err(error)
    }

    async fn wait_until_it_responds(&mut self, url: &str) -> Result<(), String> {
        let start = Instant::now();
        let client = dodo_customerio::http::client();
        while start.elapsed() < START_TIMEOUT {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Err(format!("cargo lambda watch ended ({status}). {}", last_lines()));
            }
            let probe = client.post(url).timeout(Duration::from_mins(2)).body("{}");
            if probe.send().await.is_ok_and(|response| response.status() == 401) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(format!("The function does not respond. {}", last_lines()))
    }
}

fn last_lines() -> String {
    let log = fs::read_to_string(function_log()).unwrap_or_default();
    let lines: Vec<_> = log.lines().rev().take(15).collect();
    format!("Its last lines:\n{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The whole group, because cargo and the function are grandchildren.
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status());
        drop(self.0.wait());
    }
}

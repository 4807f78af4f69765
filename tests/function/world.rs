//! One function process and the services around it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stand_ins::credentials::Credentials;
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo::{self, Webhook, sample};
use stand_ins::dodo_api::DodoApi;
use stand_ins::function_url;
use stand_ins::proc;
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::secrets_manager::Moto;
use stand_ins::serve::Server;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// One for all tests; each test has its own secret in it.
static MOTO: LazyLock<Moto> =
    LazyLock::new(|| Moto::start().unwrap_or_else(|error| panic!("{error}")));

/// Points all AWS services to moto, for tools that call AWS.
pub fn moto_environment() -> impl Iterator<Item = (&'static str, String)> {
    let url = |(name, value)| match name {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER" => ("AWS_ENDPOINT_URL", value),
        _ => (name, value),
    };
    MOTO.environment().into_iter().map(url)
}

/// Personal data of the samples, which must never be in a response or in the log, in any case.
const PERSONAL: [&str; 5] = ["example.com", "beispiel", "grace sample", "k3y0-5amp", "müller"];

pub struct World {
    pub customerio: CustomerIo,
    pub dodo_api: DodoApi,
    pub secret: Secret,
    url: Server,
    runtime: Arc<RuntimeApi>,
    process: Process,
}

/// The merchant's secret in Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secret {
    pub name: String,
    pub credentials: Credentials,
}

/// The function's response.
#[derive(Debug, PartialEq)]
pub struct Response {
    pub status: u64,
    pub headers: Value,
    pub body: Value,
}

impl Response {
    pub fn outcome(&self) -> (u64, &str) {
        (self.status, self.body["outcome"].as_str().unwrap_or_default())
    }

    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Secret {
    fn new() -> Self {
        Self { name: format!("dodo-{}", dodo::random_hex()), credentials: Credentials::random() }
    }

    /// What is in Secrets Manager.
    pub async fn get(&self) -> Value {
        MOTO.get(&self.name).await.unwrap()
    }

    /// Replaces what is in Secrets Manager.
    pub async fn put(&self, secret: &Value) {
        MOTO.put(&self.name, secret).await.unwrap();
    }
}

impl World {
    /// With correct credentials and default settings.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With additional or different settings.
    pub async fn with(settings: &[(&'static str, &str)]) -> Self {
        let secret = Secret::new();
        MOTO.create(&secret.name, &secret.credentials.secret()).await.unwrap();
        Self::around(secret, settings).await
    }

    /// With a key for Dodo's API in the secret.
    pub async fn with_dodo_api(settings: &[(&'static str, &str)]) -> Self {
        let secret = Secret::new();
        MOTO.create(&secret.name, &secret.credentials.secret_with_dodo_api_key()).await.unwrap();
        Self::around(secret, settings).await
    }

    /// With credentials in the secret that Customer.io does not accept.
    pub async fn with_credentials(site_id: &str, api_key: &str) -> Self {
        let secret = Secret::new();
        let value = json!({
            "dodo_webhook_secret": secret.credentials.webhook_secret,
            "customerio_site_id": site_id,
            "customerio_api_key": api_key,
        });
        MOTO.create(&secret.name, &value).await.unwrap();
        Self::around(secret, &[]).await
    }

    /// With this in Secrets Manager instead.
    pub async fn with_secret(value: &Value) -> Self {
        let secret = Secret::new();
        MOTO.create(&secret.name, value).await.unwrap();
        Self::around(secret, &[]).await
    }

    /// With nothing in Secrets Manager.
    pub async fn without_secret() -> Self {
        Self::around(Secret::new(), &[]).await
    }

    async fn around(secret: Secret, settings: &[(&'static str, &str)]) -> Self {
        let Credentials { site_id, api_key, dodo_api_key, .. } = &secret.credentials;
        let dodo_api = DodoApi::start(dodo_api_key).await.unwrap();
        let customerio = CustomerIo::start(0, site_id, api_key).await.unwrap();
        let runtime = Arc::new(RuntimeApi::start().await.unwrap());
        let url = function_url::start(runtime.clone()).await.unwrap();
        let mut environment = vec![
            ("SECRET_ID", secret.name.clone()),
            ("CUSTOMERIO_TRACK_URL", customerio.url()),
            ("DODO_API_URL", dodo_api.url()),
            ("LOG_LEVEL", "TRACE".to_owned()),
        ];
        environment.extend(MOTO.environment());
        environment.extend(runtime.environment());
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self { customerio, dodo_api, secret, url, runtime, process: Process::start(environment) }
    }

    /// The function's URL.
    pub fn function_url(&self) -> String {
        format!("http://{}/", self.url.address)
    }

    /// A sample as Dodo would send it now, under a new id.
    pub fn webhook(&self, name: &str) -> Webhook {
        self.signed(sample(name).unwrap().body())
    }

    /// Any body, signed.
    pub fn signed(&self, body: impl Into<String>) -> Webhook {
        let id = dodo::random_message_id();
        Webhook::sign(&self.secret.credentials.webhook_secret, &id, dodo::unix_now(), body.into())
    }

    pub async fn deliver(&self, webhook: &Webhook) -> Response {
        self.invoke(webhook.function_url_event()).await
    }

    pub async fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.invoke(dodo::function_url_event("POST", headers, body)).await
    }

    /// Invokes the function with an event. In every test, asserts that the response is JSON and that
    /// response and log are free of personal data and secrets.
    pub async fn invoke(&self, event: Value) -> Response {
        let response =
            self.runtime.invoke(event).await.expect("a response within Lambda's timeout");
        let text = response["body"].as_str().unwrap_or_else(|| panic!("a response: {response}"));
        self.assert_discreet(text);
        self.assert_discreet(&self.log());
        Response {
            status: response["statusCode"].as_u64().unwrap(),
            headers: response["headers"].clone(),
            body: serde_json::from_str(text).unwrap(),
        }
    }

    /// Asserts that a text is free of personal data and secrets.
    pub fn assert_discreet(&self, text: &str) {
        let Credentials { webhook_secret, site_id, api_key, dodo_api_key } =
            &self.secret.credentials;
        let (pair, key) = (STANDARD.encode(format!("{site_id}:{api_key}")), &webhook_secret[6..]);
        let secrets = [key, site_id, api_key, pair.trim_end_matches('='), dodo_api_key];
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let text = text.to_lowercase();
        for word in PERSONAL {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    /// Everything that the function has logged, at the most verbose level.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits for `count` of the function's own lines about webhooks.
    pub async fn log_lines(&self, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let lines: Vec<Value> =
                self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let lines: Vec<Value> =
                lines.into_iter().filter(|line| line.get("outcome").is_some()).collect();
            if lines.len() >= count {
                return lines;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{count} lines in {}", self.log());
    }

    /// The processes that the function has started, by their ids.
    pub fn children(&self) -> Vec<u32> {
        self.process.children()
    }

    /// How many requests Customer.io got.
    pub fn arrivals(&self) -> usize {
        self.customerio.state().arrivals.len()
    }
}

/// A process of the function, killed when dropped.
pub struct Process {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
}

impl Process {
    pub fn start(environment: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self::spawn(environment.into_iter().collect())
    }

    /// One whose services are not there.
    pub fn alone(more: &[(&'static str, &str)]) -> Self {
        let environment = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
            ("SECRET_ID", "dodo"),
        ];
        let all = environment.iter().chain(more);
        Self::start(all.map(|(name, value)| (*name, (*value).to_owned())))
    }

    fn spawn(environment: Vec<(&'static str, String)>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dodo-customerio"))
            .env_clear()
            .envs(environment)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = output.clone();
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                written.lock().unwrap().push(line);
            }
        });
        Self { child, output, reading }
    }

    fn children(&self) -> Vec<u32> {
        proc::children(self.child.id().unwrap())
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }

    /// Waits for it to end: its exit status and its log.
    pub async fn end(mut self) -> (ExitStatus, Vec<Value>) {
        let status = self.child.wait().await.unwrap();
        self.reading.await.unwrap();
        let lines = self.output.lock().unwrap();
        (status, lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

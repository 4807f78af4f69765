//! AWS, simulated by moto on a free port: Secrets Manager, and what else moto knows.

use super::project::{project_file, python};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
use dodo_customerio::aws::AwsHttp;
use dodo_customerio::http;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A running moto. It ends with the process that started it, because it reads from a pipe until that closes.
#[derive(Debug)]
pub struct Moto {
    process: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Moto {
    /// Starts it and waits until it responds.
    ///
    /// # Errors
    /// If the virtual environment is missing or moto does not start.
    pub fn start() -> Result<Self, String> {
        let mut process = Command::new(python()?)
            .arg(project_file("crates/stand-ins/secrets_manager.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C is for whoever started it.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("moto does not start: {error}"))?;
        let output = process.stdout.take().ok_or("moto has no output")?;
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port).map_err(|error| error.to_string())?;
        let port: u16 = port.trim().parse().map_err(|_| "moto ended before it was ready")?;
        Ok(Self { process, url: format!("http://127.0.0.1:{port}") })
    }

    /// The environment variables that point a function to it.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.url.clone()),
        ]
    }

    /// Its endpoint, the same for all services.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates a secret.
    ///
    /// # Errors
    /// The error in the response.
    pub async fn create(&self, name: &str, secret: &Value) -> Result<(), String> {
        let call = client(&self.url).create_secret().name(name).secret_string(secret.to_string());
        call.send().await.map(drop).map_err(|error| format!("{error:?}"))
    }

    /// A secret's value.
    ///
    /// # Errors
    /// The error in the response.
    pub async fn get(&self, name: &str) -> Result<Value, String> {
        let call = client(&self.url).get_secret_value().secret_id(name);
        let response = call.send().await.map_err(|error| format!("{error:?}"))?;
        serde_json::from_str(response.secret_string().unwrap_or_default())
            .map_err(|it| it.to_string())
    }

    /// Replaces a secret's value.
    ///
    /// # Errors
    /// The error in the response.
    pub async fn put(&self, name: &str, secret: &Value) -> Result<(), String> {
        let call =
            client(&self.url).put_secret_value().secret_id(name).secret_string(secret.to_string());
        call.send().await.map(drop).map_err(|error| format!("{error:?}"))
    }
}

fn client(url: &str) -> Client {
    let credentials = Credentials::new("testing", "testing", None, None, "moto");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .http_client(AwsHttp(http::client()))
        .endpoint_url(url);
    Client::from_conf(config.build())
}

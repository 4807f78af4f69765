//! The services around the function in `make demo` and `make dev`: Secrets Manager, Customer.io, Dodo's API.

use crate::ports;
use serde_json::{Value, json};
use stand_ins::credentials::Credentials;
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo::samples;
use stand_ins::dodo_api::DodoApi;
use stand_ins::gate::Gate;
use stand_ins::journal::{Journal, Service};
use stand_ins::secrets_manager::Moto;

/// Names in Secrets Manager.
const SECRET: &str = "dodo-customerio";
const SECRET_WITH_KEY: &str = "dodo-customerio-with-key";

/// Whether the function gets a key for Dodo's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DodoKey {
    /// As most people begin.
    Without,
    /// `dodo_api_key` is in the secret.
    With,
}

/// All of them; they end when dropped.
pub struct Services {
    pub customerio: CustomerIo,
    pub dodo_api: DodoApi,
    /// A random one, for what is signed here.
    pub webhook_secret: String,
    /// Secrets Manager, which the function reaches through this.
    pub secrets_manager: Gate,
    /// What the function finds there.
    pub credentials: Credentials,
    aws: Moto,
}

impl Services {
    /// Starts them, Customer.io on a port of 127.0.0.1 (0 takes a free one). The function accepts
    /// `merchants_secret` too, if there is one. Reports each step through `progress`.
    ///
    /// # Errors
    /// A sentence that says what did not start.
    pub async fn start(
        customerio_port: u16,
        merchants_secret: Option<&str>,
        progress: impl Fn(&str),
    ) -> Result<Self, String> {
        Self::start_recorded(customerio_port, merchants_secret, &Journal::default(), progress).await
    }

    /// The same; what the function asks of them is recorded in a journal.
    ///
    /// # Errors
    /// The same.
    pub async fn start_recorded(
        customerio_port: u16,
        merchants_secret: Option<&str>,
        journal: &Journal,
        progress: impl Fn(&str),
    ) -> Result<Self, String> {
        progress("local Customer.io");
        let credentials = Credentials::random();
        let Credentials { webhook_secret, site_id, api_key, dodo_api_key } = &credentials;
        let pair = (site_id.as_str(), api_key.as_str());
        let customerio = CustomerIo::start_recorded(customerio_port, pair, journal).await;
        let customerio =
            customerio.map_err(|error| ports::taken("CUSTOMERIO_PORT", customerio_port, &error))?;

        progress("local Dodo API, which knows the samples");
        let dodo_api = DodoApi::start_recorded(dodo_api_key, journal)
            .await
            .map_err(|error| format!("The local Dodo API cannot start: {error}."))?;
        for sample in samples() {
            dodo_api.state().happened(&sample.event);
        }

        progress("Secrets Manager (moto)");
        let aws = Moto::start()?;
        let secrets_manager = Gate::start(aws.url(), Service::SecretsManager, journal).await;
        let secrets_manager = secrets_manager
            .map_err(|error| format!("Nothing can stand before Secrets Manager: {error}."))?;
        let secrets = [
            (SECRET, credentials.secret()),
            (SECRET_WITH_KEY, credentials.secret_with_dodo_api_key()),
        ];
        for (name, mut secret) in secrets {
            if let Some(merchants) = merchants_secret {
                secret["dodo_webhook_secret"] = json!([merchants, webhook_secret]);
            }
            aws.create(name, &secret).await?;
        }
        let webhook_secret = webhook_secret.clone();
        Ok(Self { customerio, dodo_api, webhook_secret, secrets_manager, credentials, aws })
    }

    /// Changes what is stored in Secrets Manager.
    ///
    /// # Errors
    /// Why it cannot be stored.
    pub async fn change_secret(&self, change: impl Fn(&mut Value)) -> Result<(), String> {
        for name in [SECRET, SECRET_WITH_KEY] {
            let mut secret = self.aws.get(name).await?;
            change(&mut secret);
            self.aws.put(name, &secret).await?;
        }
        Ok(())
    }

    /// The environment variables that lead a function here.
    pub fn environment(&self, key: DodoKey) -> Vec<(&'static str, String)> {
        let secret = match key {
            DodoKey::Without => SECRET,
            DodoKey::With => SECRET_WITH_KEY,
        };
        let ours = [
            ("SECRET_ID", secret.to_owned()),
            ("CUSTOMERIO_TRACK_URL", self.customerio.url()),
            ("DODO_API_URL", self.dodo_api.url()),
        ];
        let mut all: Vec<_> = ours.into_iter().chain(self.aws.environment()).collect();
        for (name, value) in &mut all {
            if *name == "AWS_ENDPOINT_URL_SECRETS_MANAGER" {
                *value = self.secrets_manager.url();
            }
        }
        all
    }

    /// The endpoint of all of AWS's services.
    pub fn aws_endpoint(&self) -> &str {
        self.aws.url()
    }

    /// A second Customer.io with the same credentials, which knows nobody yet.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn another_customerio(&self) -> Result<CustomerIo, String> {
        let Credentials { site_id, api_key, .. } = &self.credentials;
        let started = CustomerIo::start(0, site_id, api_key).await;
        started.map_err(|error| format!("The second local Customer.io cannot start: {error}."))
    }
}

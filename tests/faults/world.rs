//! The services around the function, in simulated time, and the function itself within this process.

use crate::clock::{Clock, SECOND};
use dodo_customerio::config::Settings;
use dodo_customerio::handler::{Dependencies, Function, HttpEvent, QueueFunction, Service};
use dodo_customerio::http::RetryPolicy;
use serde_json::{Value, json};
use stand_ins::customerio::CustomerIo;
use stand_ins::dodo::{self, Webhook};
use stand_ins::one_secret::OneSecret;
use std::time::Duration;

/// As in production, but fifty times shorter.
pub const POLICY: RetryPolicy = RetryPolicy {
    attempt: Duration::from_millis(80),
    pause: Duration::from_millis(4),
    shortest_attempt: Duration::from_millis(5),
    rate_limit_pause: Duration::from_millis(10),
    lookups: Duration::from_millis(60),
};

pub struct World {
    pub clock: Clock,
    pub customerio: CustomerIo,
    pub secrets_manager: OneSecret,
    site_id: String,
    dodo_api: Option<String>,
    settings: Vec<(&'static str, String)>,
    policy: RetryPolicy,
}

impl World {
    /// With a Secrets Manager that is down whenever `is_down` returns true for the time.
    pub async fn start(is_down: impl Fn(u64) -> bool + Send + Sync + 'static) -> Self {
        let (clock, site_id) = (Clock::start(), dodo::random_hex());
        let time = clock.clone();
        Self {
            customerio: CustomerIo::start(0, &site_id, "").await.unwrap(),
            secrets_manager: OneSecret::start(move || is_down(time.now())).await,
            clock,
            site_id,
            dodo_api: None,
            settings: Vec::new(),
            policy: POLICY,
        }
    }

    /// With more settings than the necessary ones.
    pub fn with_settings(self, settings: Vec<(&'static str, String)>) -> Self {
        Self { settings, ..self }
    }

    /// With one more.
    pub fn and_setting(mut self, name: &'static str, value: &str) -> Self {
        self.set(name, value.to_owned());
        self
    }

    /// One more setting for what starts from now on.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.settings.push((name, value));
    }

    /// With time limits that no attempt and no lookup exceeds unless it is broken on purpose.
    pub fn patient(self) -> Self {
        let (attempt, lookups) = (Duration::from_secs(4), Duration::from_secs(4));
        let pause = Duration::from_millis(1);
        Self { policy: RetryPolicy { attempt, lookups, pause, ..POLICY }, ..self }
    }

    /// With a key for Dodo's API, which is at this URL.
    pub fn with_dodo_api(self, url: String) -> Self {
        Self { dodo_api: Some(url), ..self }
    }

    /// A cold start.
    pub async fn new_environment(&self) -> Function {
        let Service::Webhooks(function) = self.service("bootstrap", self.policy, |_| ()) else {
            panic!("the webhook function")
        };
        function.warm_up().await;
        function
    }

    /// A cold start of the queue function.
    pub async fn new_queue_environment(
        &self,
        policy: RetryPolicy,
        output: fn(&str),
    ) -> QueueFunction {
        let Service::Queue(function) = self.service("queue", policy, output) else {
            panic!("the queue function")
        };
        function.warm_up().await;
        function
    }

    fn service(&self, handler: &str, policy: RetryPolicy, output: fn(&str)) -> Service {
        let settings = Settings::read(|name| {
            Some(match name {
                "_HANDLER" => handler.to_owned(),
                "SECRET_ID" => "dodo".to_owned(),
                "CUSTOMERIO_TRACK_URL" => self.customerio.url(),
                "AWS_ENDPOINT_URL_SECRETS_MANAGER" => self.secrets_manager.url(),
                "DODO_API_URL" => self.dodo_api.clone()?,
                "AWS_REGION" => "us-east-1".to_owned(),
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "testing".to_owned(),
                _ => return self.setting(name),
            })
        });
        let dependencies = Dependencies { clock: self.clock.of_function(), policy, output };
        Service::with(settings.unwrap(), dependencies)
    }

    /// A setting of the function, as its environment has it.
    pub fn setting(&self, name: &str) -> Option<String> {
        let set = self.settings.iter().find(|(known, _)| *known == name);
        set.map(|(_, value)| value.clone())
    }

    /// What goes with the key of Customer.io.
    pub fn site_id(&self) -> &str {
        &self.site_id
    }

    /// Customer.io accepts only this key from now on.
    pub fn accept(&self, api_key: &str) {
        self.customerio.state().accept(&self.site_id, api_key);
    }

    /// Stores credentials in Secrets Manager, as the merchant does.
    pub fn put(&self, webhook_secret: Value, api_key: &str) {
        self.secrets_manager.put(json!({
            "dodo_webhook_secret": webhook_secret,
            "customerio_site_id": self.site_id,
            "customerio_api_key": api_key,
            "dodo_api_key": self.dodo_api.as_ref().map(|_| "key"),
        }));
    }

    /// A body signed now with each of the secrets, as Dodo does after a rotation.
    pub fn request(&self, id: &str, body: &str, secrets: &[&str]) -> HttpEvent {
        let sent = (self.clock.now() / SECOND).cast_signed();
        let signed = secrets.iter().map(|secret| Webhook::sign(secret, id, sent, body.to_owned()));
        let signatures: Vec<_> = signed.map(|webhook| webhook.signature).collect();
        let webhook = Webhook {
            id: id.to_owned(),
            timestamp: sent.to_string(),
            signature: signatures.join(" "),
            body: body.to_owned(),
        };
        serde_json::from_value(webhook.function_url_event()).unwrap()
    }
}

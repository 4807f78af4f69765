//! Rotated credentials: stored in Secrets Manager in time, or not.

use crate::services::Services;
use serde_json::{Value, json};
use stand_ins::dodo::{random_hex, random_secret};

/// What was rotated, and whether it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Dodo signs with another secret, and it is stored.
    NewWebhookSecret,
    /// Dodo signs with another secret, which nobody has stored.
    ForgottenWebhookSecret,
    /// Customer.io accepts another pair only, and it is stored.
    NewApiKey,
    /// Customer.io accepts another pair only, which nobody has stored.
    ForgottenApiKey,
}

/// The credentials in use.
pub struct Rotations {
    active: Option<Rotation>,
    /// In Secrets Manager from the start, and what other terminals sign with.
    first_secret: String,
    /// What the page signs with.
    webhook_secret: String,
    /// All that were in Secrets Manager; the last one is.
    stored_pairs: Vec<(String, String)>,
}

/// A change of what is stored.
pub type Change = Box<dyn Fn(&mut Value) + Send + Sync>;

impl Rotation {
    pub const ALL: [Self; 4] = [
        Self::NewWebhookSecret,
        Self::ForgottenWebhookSecret,
        Self::NewApiKey,
        Self::ForgottenApiKey,
    ];

    pub fn id(self) -> String {
        format!("rotation.{}", self.short_name())
    }

    pub fn short_name(self) -> &'static str {
        match self {
            Self::NewWebhookSecret => "webhook_secret_stored",
            Self::ForgottenWebhookSecret => "webhook_secret_not_stored",
            Self::NewApiKey => "customerio_stored",
            Self::ForgottenApiKey => "customerio_not_stored",
        }
    }

    pub fn to_json(self) -> Value {
        let (name, shows, what) = match self {
            Self::NewWebhookSecret => (
                "Signing secret rotated and stored",
                None,
                "Dodo signs with a new secret, and Secrets Manager has it. The function knows the old one, reads the \
                 secret again (at most every 30 s; until then 401) and accepts the webhook.",
            ),
            Self::ForgottenWebhookSecret => (
                "Signing secret rotated, not stored",
                Some("signature_mismatch"),
                "The page signs with a secret that nobody has stored.",
            ),
            Self::NewApiKey => (
                "API key rotated and stored",
                None,
                "Customer.io accepts a new pair only, and Secrets Manager has it. The function reads the secret again \
                 (at most every 30 s; until then credentials_refused) and delivers.",
            ),
            Self::ForgottenApiKey => (
                "API key rotated, not stored",
                Some("credentials_refused"),
                "Customer.io accepts a new pair only, and nobody has stored it.",
            ),
        };
        json!({"id": self.id(), "service": "rotation", "name": name, "shows": shows, "what": what})
    }
}

impl Rotations {
    pub fn new(services: &Services) -> Self {
        let credentials = &services.credentials;
        Self {
            active: None,
            first_secret: credentials.webhook_secret.clone(),
            webhook_secret: credentials.webhook_secret.clone(),
            stored_pairs: vec![(credentials.site_id.clone(), credentials.api_key.clone())],
        }
    }

    pub fn active(&self) -> Option<Rotation> {
        self.active
    }

    pub fn webhook_secret(&self) -> &str {
        &self.webhook_secret
    }

    /// Rotates; returns what is to be stored.
    pub fn begin(&mut self, rotation: Rotation, services: &Services) -> Option<Change> {
        self.active = Some(rotation);
        match rotation {
            Rotation::NewWebhookSecret => {
                self.webhook_secret = random_secret();
                Some(accept_too(self.webhook_secret.clone()))
            }
            Rotation::ForgottenWebhookSecret => {
                self.webhook_secret = random_secret();
                None
            }
            Rotation::NewApiKey => {
                let (site_id, api_key) = (random_hex(), random_hex());
                self.stored_pairs.push((site_id.clone(), api_key.clone()));
                services.customerio.state().accept(&site_id, &api_key);
                Some(Box::new(move |secret| {
                    secret["customerio_site_id"] = site_id.as_str().into();
                    secret["customerio_api_key"] = api_key.as_str().into();
                }))
            }
            Rotation::ForgottenApiKey => {
                services.customerio.state().accept(&random_hex(), &random_hex());
                None
            }
        }
    }

    /// All agree again. What was stored in time stays; Customer.io accepts what was stored before too, since the
    /// function may not have read the secret again.
    pub fn end(&mut self, services: &Services) -> Option<Change> {
        for (site_id, api_key) in &self.stored_pairs {
            services.customerio.state().accept_too(site_id, api_key);
        }
        let rotated = std::mem::replace(&mut self.webhook_secret, self.first_secret.clone());
        let was_stored = self.active.take() == Some(Rotation::NewWebhookSecret);
        was_stored.then(|| no_longer_accept(rotated))
    }
}

fn accept_too(added: String) -> Change {
    Box::new(move |secret| {
        let mut all = secrets(secret);
        all.insert(0, added.as_str().into());
        secret["dodo_webhook_secret"] = all.into();
    })
}

fn no_longer_accept(removed: String) -> Change {
    Box::new(move |secret| {
        let mut all = secrets(secret);
        all.retain(|it| *it != removed.as_str());
        secret["dodo_webhook_secret"] = all.into();
    })
}

/// One or several.
fn secrets(secret: &Value) -> Vec<Value> {
    match &secret["dodo_webhook_secret"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    }
}

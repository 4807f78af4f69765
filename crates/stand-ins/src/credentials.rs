//! A merchant's credentials, random for each run.

use super::dodo;
use serde_json::{Value, json};

/// The credentials of one run.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Dodo signs with it.
    pub webhook_secret: String,
    /// Customer.io's Site ID.
    pub site_id: String,
    /// Customer.io's API key.
    pub api_key: String,
    /// For Dodo's API.
    pub dodo_api_key: String,
}

impl Credentials {
    /// Random ones.
    pub fn random() -> Self {
        Self {
            webhook_secret: dodo::random_secret(),
            site_id: dodo::random_hex(),
            api_key: dodo::random_hex(),
            dodo_api_key: dodo::random_hex(),
        }
    }

    /// As stored in Secrets Manager, without the optional key for Dodo's API.
    pub fn secret(&self) -> Value {
        json!({
            "dodo_webhook_secret": self.webhook_secret,
            "customerio_site_id": self.site_id,
            "customerio_api_key": self.api_key,
        })
    }

    /// The same with the key for Dodo's API.
    pub fn secret_with_dodo_api_key(&self) -> Value {
        let mut secret = self.secret();
        secret["dodo_api_key"] = self.dodo_api_key.as_str().into();
        secret
    }
}

//! The settings, read once at start from the environment. Every mistake is reported, all of them at once.

mod reader;
mod transform;

use crate::queue::QueueUrl;
use crate::relay::RelaySettings;
use crate::transform::Transform;
use reader::Reader;
use reqwest::Url;
use std::time::Duration;

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    /// Read from `SECRET_ID`, `SECRET_TTL_SECONDS`, `CUSTOMERIO_TRACK_URL` or `CUSTOMERIO_REGION`,
    /// `DODO_API_URL` or `DODO_ENVIRONMENT`, `TRANSFORM_FILE`, `PERSON_IDENTIFIER`, `EVENTS` and the
    /// others of the built-in transform, and the AWS SDK's own variables.
    pub(crate) relay: RelaySettings,
    /// Read from `WEBHOOK_TOLERANCE_SECONDS`: how far `webhook-timestamp` may be off, both ways.
    pub(crate) tolerance: Duration,
    /// Read from `_HANDLER`, `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL`.
    pub(crate) role: Role,
    /// What may be a typo.
    warnings: Vec<ConfigError>,
}

/// Which of the two functions this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes webhooks, and puts them into the queue if there is one.
    Webhooks {
        /// Read from `QUEUE_URL`.
        queue: Option<QueueUrl>,
    },
    /// Delivers what is in the queue.
    Queue {
        /// Read from `QUEUE_URL`.
        queue: QueueUrl,
        /// Read from `DEAD_LETTER_QUEUE_URL`: where events go that are refused for good.
        dead_letters: QueueUrl,
    },
}

/// One mistake in the environment: which variable, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong with it, as the rest of a sentence that begins with the name.
    pub problem: String,
}

impl Settings {
    /// Reads the settings through `variable`, which gives the value of an environment variable.
    ///
    /// # Errors
    /// Every mistake, in the order of the variables.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::new(variable);
        let secret_id = reader.required("SECRET_ID", "must name the secret in AWS Secrets Manager");
        let track_url = reader.track_url();
        let transform = reader.transform();
        let dodo_url = reader.dodo_url();
        let secret_ttl = reader.seconds("SECRET_TTL_SECONDS");
        let tolerance = reader.seconds("WEBHOOK_TOLERANCE_SECONDS");
        reader.log_level();
        let role = reader.role();
        let aws = reader.aws();
        let relay = RelaySettings { secret_id, secret_ttl, track_url, dodo_url, transform, aws };
        let read = reader.finish((relay, tolerance, role));
        read.map(|((relay, tolerance, role), warnings)| Self { relay, tolerance, role, warnings })
    }

    /// What may be a typo: the settings hold all the same.
    pub fn warnings(&self) -> &[ConfigError] {
        &self.warnings
    }

    /// The base URL of Customer.io's Track API.
    pub fn track_url(&self) -> &Url {
        &self.relay.track_url
    }

    /// The base URL of Dodo's API.
    pub fn dodo_url(&self) -> &Url {
        &self.relay.dodo_url
    }

    /// The transform alone, for tools that read no secret.
    pub fn into_transform(self) -> Transform {
        self.relay.transform
    }
}

#[cfg(test)]
mod tests;

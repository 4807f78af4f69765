//! What stands around the functions under load: quick stand-ins, none of them moto.

use super::receiver::{Counted, Receiver};
use stand_ins::clock::Clock;
use stand_ins::credentials::Credentials;
use stand_ins::one_secret::OneSecret;
use stand_ins::sqs::{Settings, Sqs};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The queues, by name.
pub const QUEUE: &str = "webhooks";
const DEAD_LETTERS: &str = "refused";

/// What a Customer.io takes that is far away, or busy.
const SLOW: Duration = Duration::from_millis(100);

/// All of them; they end when dropped.
pub struct Services {
    pub credentials: Credentials,
    pub sqs: Sqs,
    pub queue_url: String,
    pub counted: Counted,
    dead_letters_url: String,
    secrets: OneSecret,
    quick: Receiver,
    slow: Receiver,
    transform: Option<String>,
}

/// Which Customer.io a function gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Responds at once.
    Quick,
    /// Takes [`SLOW`].
    Slow,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quick => f.write_str("at once"),
            Self::Slow => write!(f, "{} ms", SLOW.as_millis()),
        }
    }
}

impl Services {
    /// Starts them, for functions with this transform.
    ///
    /// # Errors
    /// A sentence that says what did not start.
    pub async fn start(transform: Option<&Path>) -> Result<Self, String> {
        let credentials = Credentials::random();
        let secrets = OneSecret::start(|| false).await;
        secrets.put(credentials.secret());
        let sqs = Sqs::start(Clock::default()).await.map_err(|error| error.to_string())?;
        let queue_url = sqs.create(QUEUE, Settings::default());
        let dead_letters_url = sqs.create(DEAD_LETTERS, Settings::default());
        let counted = Counted::default();
        let quick = Receiver::start(&credentials, counted.clone(), Duration::ZERO).await?;
        let slow = Receiver::start(&credentials, counted.clone(), SLOW).await?;
        let transform = transform.map(|path| path.display().to_string());
        Ok(Self {
            credentials,
            sqs,
            queue_url,
            counted,
            dead_letters_url,
            secrets,
            quick,
            slow,
            transform,
        })
    }

    /// The settings of a function that delivers at once.
    pub fn direct(&self, customerio: Speed) -> Vec<(&'static str, String)> {
        let receiver = match customerio {
            Speed::Quick => &self.quick,
            Speed::Slow => &self.slow,
        };
        let mut settings = vec![
            ("SECRET_ID", "dodo".to_owned()),
            ("CUSTOMERIO_TRACK_URL", receiver.url()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.url()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs.url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ];
        settings.extend(self.transform.clone().map(|path| ("TRANSFORM_FILE", path)));
        settings
    }

    /// The settings of a function that puts webhooks into the queue.
    pub fn queueing(&self, customerio: Speed) -> Vec<(&'static str, String)> {
        [self.direct(customerio), vec![("QUEUE_URL", self.queue_url.clone())]].concat()
    }

    /// The settings of the function that empties the queue.
    pub fn draining(&self, customerio: Speed) -> Vec<(&'static str, String)> {
        let own = [
            ("_HANDLER", "queue".to_owned()),
            ("DEAD_LETTER_QUEUE_URL", self.dead_letters_url.clone()),
        ];
        [self.queueing(customerio), own.to_vec()].concat()
    }

    /// How many messages are in the queue, in flight or not, and how many were given up as dead letters.
    pub fn depths(&self) -> [usize; 2] {
        let state = self.sqs.state();
        [QUEUE, DEAD_LETTERS].map(|name| state.queues[name].len())
    }
}

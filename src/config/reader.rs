//! Reads variables one by one and collects what is wrong with them.

use super::{ConfigError, Role};
use crate::aws::AwsSettings;
use crate::queue::QueueUrl;
use crate::telemetry::log;
use reqwest::Url;
use std::net::IpAddr;
use std::time::Duration;

/// The Track API of each region.
const TRACK_URLS: [(&str, &str); 2] =
    [("us", "https://track.customer.io"), ("eu", "https://track-eu.customer.io")];

/// Dodo's API in each environment.
const DODO_URLS: [(&str, &str); 2] =
    [("live", "https://live.dodopayments.com"), ("test", "https://test.dodopayments.com")];

/// What `QUEUE_URL` and `DEAD_LETTER_QUEUE_URL` must be.
const A_QUEUE_URL: &str = "the URL of a queue of SQS, such as \
     https://sqs.eu-central-1.amazonaws.com/123456789012/webhooks";

const DEFAULT_SECONDS: u64 = 300;

const LOG_LEVEL: &str = "LOG_LEVEL";

/// Reads variables and collects errors; what it returns after a mistake is never used.
pub(super) struct Reader<V> {
    variable: V,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn new(variable: V) -> Self {
        Self { variable, errors: Vec::new(), warnings: Vec::new() }
    }

    /// What was read and what is doubtful about it, if nothing was wrong.
    pub(super) fn finish<T>(self, read: T) -> Result<(T, Vec<ConfigError>), Vec<ConfigError>> {
        if self.errors.is_empty() { Ok((read, self.warnings)) } else { Err(self.errors) }
    }

    /// A variable's value; a blank one counts as unset.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&mut self, name: &'static str, problem: &str) -> String {
        self.optional(name).unwrap_or_else(|| self.error(name, problem))
    }

    /// Notes an error; the value returned in its place is never used.
    pub(super) fn error<T: Default>(
        &mut self,
        variable: &'static str,
        problem: impl Into<String>,
    ) -> T {
        let problem = problem.into();
        self.errors.push(ConfigError { variable, problem });
        T::default()
    }

    /// Notes what may be a typo.
    pub(super) fn doubt(
        &mut self,
        variable: &'static str,
        doubts: impl IntoIterator<Item = String>,
    ) {
        let warning =
            |problem| ConfigError { variable, problem: format!("may have a typo: {problem}") };
        self.warnings.extend(doubts.into_iter().map(warning));
    }

    pub(super) fn seconds(&mut self, name: &'static str) -> Duration {
        let Some(text) = self.optional(name) else {
            return Duration::from_secs(DEFAULT_SECONDS);
        };
        match text.parse() {
            Ok(seconds) if (1..=86_400).contains(&seconds) => Duration::from_secs(seconds),
            _ => self.error(
                name,
                format!("must be a number of seconds from 1 to 86400, not \"{text}\""),
            ),
        }
    }

    pub(super) fn track_url(&mut self) -> Url {
        self.base_url("CUSTOMERIO_REGION", TRACK_URLS, "CUSTOMERIO_TRACK_URL")
    }

    pub(super) fn dodo_url(&mut self) -> Url {
        self.base_url("DODO_ENVIRONMENT", DODO_URLS, "DODO_API_URL")
    }

    /// What one of two words stands for, in any case; the first by default.
    pub(super) fn choice<T>(
        &mut self,
        variable: &'static str,
        [(first, default), (second, other)]: [(&str, T); 2],
    ) -> T {
        match self.optional(variable).map(|word| word.to_ascii_lowercase()) {
            None => default,
            Some(word) if word == first => default,
            Some(word) if word == second => other,
            Some(word) => {
                let problem = format!("must be {first} or {second}, not \"{word}\"");
                let () = self.error(variable, problem);
                default
            }
        }
    }

    /// The URL that `variable` names, or else that of one of two choices, the first by default.
    fn base_url(
        &mut self,
        choice: &'static str,
        urls: [(&str, &str); 2],
        variable: &'static str,
    ) -> Url {
        let default = self.choice(choice, urls).parse().expect("a constant");
        let Some(text) = self.optional(variable) else {
            return default;
        };
        usable_base(&text).unwrap_or_else(|problem| {
            let () = self.error(variable, problem);
            default
        })
    }

    /// Only checks it: the log reads it for itself, since it must work before there are settings.
    pub(super) fn log_level(&mut self) {
        let Some(text) = self.optional(LOG_LEVEL) else { return };
        if !log::LEVELS.contains(&text.to_ascii_uppercase().as_str()) {
            let levels = log::LEVELS.join(", ");
            let () = self.error(LOG_LEVEL, format!("must be one of {levels}, not \"{text}\""));
        }
    }

    pub(super) fn aws(&mut self) -> AwsSettings {
        const SET_BY_LAMBDA: &str = "must be set; AWS Lambda sets it";
        let region = self.optional("AWS_REGION").or_else(|| self.optional("AWS_DEFAULT_REGION"));
        AwsSettings {
            region: region.unwrap_or_else(|| self.error("AWS_REGION", SET_BY_LAMBDA)),
            access_key_id: self.required("AWS_ACCESS_KEY_ID", SET_BY_LAMBDA),
            secret_access_key: self.required("AWS_SECRET_ACCESS_KEY", SET_BY_LAMBDA),
            session_token: self.optional("AWS_SESSION_TOKEN"),
            secrets_manager_url: self.aws_endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            sqs_url: self.aws_endpoint("AWS_ENDPOINT_URL_SQS"),
        }
    }

    /// One service's endpoint, or else that of all.
    fn aws_endpoint(&self, variable: &str) -> Option<String> {
        self.optional(variable).or_else(|| self.optional("AWS_ENDPOINT_URL"))
    }

    /// Lambda's `_HANDLER` says which function this is; only the queue function cannot do without queues.
    pub(super) fn role(&mut self) -> Role {
        let is_queue = self.optional("_HANDLER").as_deref() == Some("queue");
        let mut url = |variable| self.queue_url(variable, is_queue);
        match (url("QUEUE_URL"), url("DEAD_LETTER_QUEUE_URL")) {
            (Some(queue), Some(dead_letters)) if is_queue => {
                if queue.url == dead_letters.url {
                    let problem = "must be another queue than QUEUE_URL";
                    let () = self.error(dead_letters.variable, problem);
                }
                Role::Queue { queue, dead_letters }
            }
            (queue, _) => Role::Webhooks { queue },
        }
    }

    fn queue_url(&mut self, variable: &'static str, is_required: bool) -> Option<QueueUrl> {
        let Some(text) = self.optional(variable) else {
            let problem = format!("must be {A_QUEUE_URL}, since _HANDLER is queue");
            return if is_required { self.error(variable, problem) } else { None };
        };
        match usable_base(&text).ok().filter(names_a_queue) {
            Some(url) => Some(QueueUrl { variable, url }),
            None => self.error(variable, format!("must be {A_QUEUE_URL}, not \"{text}\"")),
        }
    }
}

/// An account's number, and a name.
fn names_a_queue(url: &Url) -> bool {
    let mut segments = url.path_segments().into_iter().flatten();
    let account = segments.next().unwrap_or_default();
    let name = segments.next().unwrap_or_default();
    let is_number = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !name.is_empty() && segments.next().is_none()
}

/// Credentials travel to this URL, so it must be encrypted or stay on this machine.
fn usable_base(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| format!("is not a URL: \"{text}\""))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err("must begin with https:// (http:// only on this machine itself)".to_owned()),
    }
}

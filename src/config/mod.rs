//! The settings, read once at start. Every mistake is reported, all of them at once.

use crate::transform::Transform;
#[cfg(feature = "javascript")]
use crate::transform::javascript::{Scripts, engine::Limits};
use crate::transform::{EventNames, Options, PersonIdentifier};
use reqwest::Url;
use std::net::IpAddr;
use std::time::Duration;

/// The Track API of each region.
const TRACK_URLS: [(&str, &str); 2] =
    [("us", "https://track.customer.io"), ("eu", "https://track-eu.customer.io")];

/// Dodo's API in each environment.
const DODO_URLS: [(&str, &str); 2] =
    [("live", "https://live.dodopayments.com"), ("test", "https://test.dodopayments.com")];

const DEFAULT_SECONDS: u64 = 300;

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Read from the `SECRET_ID` environment variable: name or ARN of the secret.
    pub secret_id: String,
    /// Read from `CUSTOMERIO_TRACK_URL`, or else by region from `CUSTOMERIO_REGION`.
    pub track_url: Url,
    /// Read from `TRANSFORM_FILE`, or else from `PERSON_IDENTIFIER` and `EVENT_NAMES`.
    pub transform: Transform,
    /// Read from `DODO_API_URL`, or else by environment from `DODO_ENVIRONMENT`.
    pub dodo_url: Url,
    /// Read from `SECRET_TTL_SECONDS`: how long a fetched secret serves.
    pub secret_ttl: Duration,
    /// Read from `WEBHOOK_TOLERANCE_SECONDS`: how far `webhook-timestamp` may be off, both ways.
    pub tolerance: Duration,
    /// Read from the AWS SDK's own variables.
    pub aws: Aws,
}

/// What the AWS SDK needs to know. Read here and not by the aws-config crate: Lambda gives all of it
/// in environment variables, and that crate's further sources are paid for at every cold start.
#[derive(Clone)]
pub struct Aws {
    /// Read from `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: String,
    /// Read from `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// Read from `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// Read from `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
    /// Read from `AWS_ENDPOINT_URL_SECRETS_MANAGER` or `AWS_ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).finish_non_exhaustive()
    }
}

/// One mistake in the environment: which variable, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct Mistake {
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
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader { variable, mistakes: Vec::new() };
        let settings = Self {
            secret_id: reader.required("SECRET_ID", "must name the secret in AWS Secrets Manager"),
            track_url: reader.track_url(),
            transform: reader.transform(),
            dodo_url: reader.dodo_url(),
            secret_ttl: reader.seconds("SECRET_TTL_SECONDS"),
            tolerance: reader.seconds("WEBHOOK_TOLERANCE_SECONDS"),
            aws: reader.aws(),
        };
        if reader.mistakes.is_empty() { Ok(settings) } else { Err(reader.mistakes) }
    }
}

impl Transform {
    /// Reads the transform's settings alone, for tools that send nothing.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader { variable, mistakes: Vec::new() };
        let transform = reader.transform();
        if reader.mistakes.is_empty() { Ok(transform) } else { Err(reader.mistakes) }
    }
}

/// Reads variables and collects mistakes; what it returns after a mistake is never used.
struct Reader<V> {
    variable: V,
    mistakes: Vec<Mistake>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// A variable's value; blank is as good as unset.
    fn optional(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &'static str, problem: &str) -> String {
        self.optional(name).unwrap_or_else(|| self.mistake(name, problem))
    }

    /// Notes a mistake; the value in its place only keeps the reading going.
    fn mistake<T: Default>(&mut self, variable: &'static str, problem: impl Into<String>) -> T {
        let problem = problem.into();
        self.mistakes.push(Mistake { variable, problem });
        T::default()
    }

    fn seconds(&mut self, name: &'static str) -> Duration {
        let Some(text) = self.optional(name) else {
            return Duration::from_secs(DEFAULT_SECONDS);
        };
        match text.parse() {
            Ok(seconds) if (1..=86_400).contains(&seconds) => Duration::from_secs(seconds),
            _ => self.mistake(
                name,
                format!("must be a number of seconds from 1 to 86400, not \"{text}\""),
            ),
        }
    }

    fn track_url(&mut self) -> Url {
        self.base_url("CUSTOMERIO_REGION", TRACK_URLS, "CUSTOMERIO_TRACK_URL")
    }

    fn dodo_url(&mut self) -> Url {
        self.base_url("DODO_ENVIRONMENT", DODO_URLS, "DODO_API_URL")
    }

    /// The URL that `variable` names, or else that of one of two choices, the first by default.
    fn base_url(
        &mut self,
        choice: &'static str,
        [first, second]: [(&str, &str); 2],
        variable: &'static str,
    ) -> Url {
        let url = |(_, url): (&str, &str)| url.parse().expect("a constant");
        let default = match self.optional(choice).map(|name| name.to_ascii_lowercase()) {
            None => url(first),
            Some(name) if name == first.0 => url(first),
            Some(name) if name == second.0 => url(second),
            Some(name) => {
                let problem = format!("must be {} or {}, not \"{name}\"", first.0, second.0);
                let () = self.mistake(choice, problem);
                url(first)
            }
        };
        let Some(text) = self.optional(variable) else {
            return default;
        };
        usable_base(&text).unwrap_or_else(|problem| {
            let () = self.mistake(variable, problem);
            default
        })
    }

    fn transform(&mut self) -> Transform {
        let options = Options { identifier: self.person_identifier(), names: self.event_names() };
        match self.optional("TRANSFORM_FILE") {
            Some(path) => self.scripts(&path).unwrap_or(Transform::BuiltIn(options)),
            None => Transform::BuiltIn(options),
        }
    }

    #[cfg(feature = "javascript")]
    fn scripts(&mut self, path: &str) -> Option<Transform> {
        match Scripts::load(path.as_ref(), Limits::default()) {
            Ok(scripts) => Some(Transform::Scripts(scripts)),
            Err(problems) => {
                for problem in problems {
                    let () = self.mistake("TRANSFORM_FILE", problem);
                }
                None
            }
        }
    }

    /// To ignore it would send the built-in events to somebody who wanted others.
    #[cfg(not(feature = "javascript"))]
    fn scripts(&mut self, _: &str) -> Option<Transform> {
        self.mistake(
            "TRANSFORM_FILE",
            "must not be set: this build knows the built-in transform only",
        )
    }

    fn person_identifier(&mut self) -> PersonIdentifier {
        let text = self.optional("PERSON_IDENTIFIER");
        match text.as_deref() {
            None | Some("customer_id") => PersonIdentifier::CustomerId,
            Some("email") => PersonIdentifier::Email,
            Some(text) => match text.strip_prefix("metadata.").map(str::trim) {
                Some(key) if !key.is_empty() => PersonIdentifier::Metadata(key.to_owned()),
                _ => self.mistake(
                    "PERSON_IDENTIFIER",
                    format!("must be customer_id, email or metadata.<key>, not \"{text}\""),
                ),
            },
        }
    }

    fn event_names(&mut self) -> EventNames {
        let list = self.optional("EVENT_NAMES").unwrap_or_default();
        EventNames::parse(&list).unwrap_or_else(|mistakes| {
            for mistake in mistakes {
                let () = self.mistake("EVENT_NAMES", format!("has a mistake: {mistake}"));
            }
            EventNames::default()
        })
    }

    fn aws(&mut self) -> Aws {
        const SET_BY_LAMBDA: &str = "must be set; AWS Lambda does that by itself";
        let region = self.optional("AWS_REGION").or_else(|| self.optional("AWS_DEFAULT_REGION"));
        Aws {
            region: region.unwrap_or_else(|| self.mistake("AWS_REGION", SET_BY_LAMBDA)),
            access_key_id: self.required("AWS_ACCESS_KEY_ID", SET_BY_LAMBDA),
            secret_access_key: self.required("AWS_SECRET_ACCESS_KEY", SET_BY_LAMBDA),
            session_token: self.optional("AWS_SESSION_TOKEN"),
            endpoint_url: self
                .optional("AWS_ENDPOINT_URL_SECRETS_MANAGER")
                .or_else(|| self.optional("AWS_ENDPOINT_URL")),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<Mistake>> {
        let all: Vec<_> = [variables, &AWS].concat();
        Settings::read(|name| {
            let found = all.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn with(name: &str, value: &str) -> Result<Settings, Vec<Mistake>> {
        read(&[("SECRET_ID", "dodo"), (name, value)])
    }

    fn problem_with(name: &str, value: &str) -> String {
        let mistakes = with(name, value).unwrap_err();
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].variable, name);
        mistakes[0].to_string()
    }

    #[test]
    fn only_the_secret_must_be_named() {
        let settings = read(&[("SECRET_ID", " dodo ")]).unwrap();
        assert_eq!(settings.secret_id, "dodo");
        assert_eq!(settings.track_url.as_str(), "https://track.customer.io/");
        assert_eq!(settings.transform, Transform::BuiltIn(Options::default()));
        assert_eq!(settings.secret_ttl, Duration::from_mins(5));
        assert_eq!(settings.tolerance, Duration::from_mins(5));
    }

    #[test]
    fn environment_and_url_choose_dodos_host() {
        let url = |name, value| with(name, value).unwrap().dodo_url.to_string();
        assert_eq!(url("DODO_ENVIRONMENT", ""), "https://live.dodopayments.com/");
        assert_eq!(url("DODO_ENVIRONMENT", "Test"), "https://test.dodopayments.com/");
        assert_eq!(url("DODO_API_URL", "http://127.0.0.1:9/dodo"), "http://127.0.0.1:9/dodo");
        for (name, value) in [("DODO_ENVIRONMENT", "sandbox"), ("DODO_API_URL", "http://a.example")]
        {
            let mistakes = with(name, value).unwrap_err();
            assert_eq!(mistakes.len(), 1);
            assert_eq!(mistakes[0].variable, name);
        }
    }

    #[test]
    fn region_and_url_choose_the_host() {
        let url = |name, value| with(name, value).unwrap().track_url.to_string();
        assert_eq!(url("CUSTOMERIO_REGION", "EU"), "https://track-eu.customer.io/");
        for base in [
            "https://proxy.example.com/cio",
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
        ] {
            assert_eq!(url("CUSTOMERIO_TRACK_URL", base), base);
        }
    }

    #[test]
    fn credentials_never_travel_in_the_clear() {
        for base in ["http://track.customer.io", "http://127.example.com", "ftp://localhost"] {
            assert_eq!(
                problem_with("CUSTOMERIO_TRACK_URL", base),
                "CUSTOMERIO_TRACK_URL must begin with https:// (http:// only on this machine itself)"
            );
        }
    }

    #[test]
    fn each_identifier_is_understood() {
        let identifier = |value| match with("PERSON_IDENTIFIER", value).unwrap().transform {
            Transform::BuiltIn(options) => options.identifier,
            #[cfg(feature = "javascript")]
            Transform::Scripts(_) => panic!("the built-in transform"),
        };
        assert_eq!(identifier("customer_id"), PersonIdentifier::CustomerId);
        assert_eq!(identifier("email"), PersonIdentifier::Email);
        assert_eq!(identifier("metadata.user_id"), PersonIdentifier::Metadata("user_id".into()));
        for value in ["id", "metadata", "metadata.", "Email"] {
            assert_eq!(
                problem_with("PERSON_IDENTIFIER", value),
                format!(
                    "PERSON_IDENTIFIER must be customer_id, email or metadata.<key>, not \"{value}\""
                )
            );
        }
    }

    #[test]
    fn seconds_are_whole_and_positive() {
        assert_eq!(with("SECRET_TTL_SECONDS", "60").unwrap().secret_ttl, Duration::from_mins(1));
        for value in ["0", "-1", "5m", "86401", "1.5"] {
            let problem = problem_with("WEBHOOK_TOLERANCE_SECONDS", value);
            assert!(problem.ends_with(&format!("from 1 to 86400, not \"{value}\"")), "{problem}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let mistakes = Settings::read(|name| match name {
            "CUSTOMERIO_REGION" => Some("mars".into()),
            "PERSON_IDENTIFIER" => Some("phone".into()),
            "EVENT_NAMES" => Some("a.b,=c".into()),
            "SECRET_TTL_SECONDS" | "WEBHOOK_TOLERANCE_SECONDS" => Some("soon".into()),
            "TRANSFORM_FILE" => Some("handler.js".into()),
            _ => None,
        })
        .unwrap_err();
        let variables: Vec<_> = mistakes.iter().map(|mistake| mistake.variable).collect();
        assert_eq!(
            variables,
            [
                "SECRET_ID",
                "CUSTOMERIO_REGION",
                "PERSON_IDENTIFIER",
                "EVENT_NAMES",
                "EVENT_NAMES",
                "TRANSFORM_FILE",
                "SECRET_TTL_SECONDS",
                "WEBHOOK_TOLERANCE_SECONDS",
                "AWS_REGION",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
            ]
        );
    }

    #[test]
    fn aws_variables_do_not_print_their_secrets() {
        let printed = format!("{:?}", with("AWS_SESSION_TOKEN", "token").unwrap());
        assert!(!printed.contains("testing") && !printed.contains("token"), "{printed}");
    }
}

//! Dodo's side: sample events, signed and sent as Dodo signs and sends them.

use super::project::project_file;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dodo_customerio::event::{EnvelopeError, Event};
use dodo_customerio::webhook::{SigningKey, SigningKeyError, Unverified, Verified};
use hyper::HeaderMap;
use reqwest::Client;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A sample event from `events/`.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: String,
    /// The whole payload: `type`, `timestamp`, `data` and so on.
    pub event: Value,
}

impl Sample {
    /// Reads an event from JSON.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence that begins with its name.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let event: Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}."))?;
        match Event::from_trusted("sample", text) {
            Ok(_) => Ok(Self { name: name.to_owned(), event }),
            Err(error) => Err(format!(
                "is no event of Dodo's. {error} Compare events/payment.succeeded.json."
            )),
        }
    }

    /// Such as `payment.succeeded`; several samples may share one.
    pub fn event_type(&self) -> &str {
        self.event["type"].as_str().unwrap_or_default()
    }

    /// The body that Dodo would send: compact, keys in alphabetical order.
    pub fn body(&self) -> String {
        self.event.to_string()
    }

    /// The same event, as if it had happened now: campaigns start for recent events only.
    #[must_use]
    pub fn of_now(mut self) -> Self {
        let now = time::UtcDateTime::from(SystemTime::now());
        let (hour, minute, second, microsecond) = now.time().as_hms_micro();
        self.event["timestamp"] =
            format!("{}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}Z", now.date()).into();
        self
    }
}

/// Where a merchant's own events are, below `events/`. Git and the tests leave that folder alone.
pub const OWN: &str = "own";

fn folder() -> PathBuf {
    project_file("events")
}

/// The project's samples, by name: the files of `events/` that have a snapshot.
///
/// # Panics
/// If one of them is not as it was committed.
pub fn samples() -> Vec<Sample> {
    let names = files(&folder()).into_iter().filter(|name| has_snapshot(name));
    names.map(|name| sample(&name).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// Files of `events/` without a snapshot: a merchant's own, or a sample that is just being added.
pub fn strays() -> Vec<String> {
    files(&folder()).into_iter().filter(|name| !has_snapshot(name)).collect()
}

fn has_snapshot(name: &str) -> bool {
    project_file(format!("tests/snapshots/{name}.snap")).exists()
}

/// What [`sample`] knows: the names of all files in `events/`, then those in `events/own/`.
pub fn names() -> Vec<String> {
    let own = files(&folder().join(OWN)).into_iter().map(|name| format!("{OWN}/{name}"));
    files(&folder()).into_iter().chain(own).collect()
}

/// The names of the JSON files in a folder, without `.json`; none if there is no such folder.
fn files(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let names = paths.filter(is_json).filter_map(|it| Some(it.file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// One sample by name, such as `payment.succeeded` or `own/mine`.
///
/// # Errors
/// A sentence that says where the names are listed, or what is wrong with the file.
pub fn sample(name: &str) -> Result<Sample, String> {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if !path.is_symlink() => {
            format!("There is no sample events/{name}.json; `ls events` shows them all.")
        }
        _ => format!("events/{name}.json cannot be read ({error})."),
    })?;
    Sample::parse(name, &text).map_err(|problem| format!("events/{name}.json {problem}"))
}

/// A signed webhook: headers and body.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`: Unix seconds.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// JSON, unless a test sends something else on purpose.
    pub body: String,
}

impl Webhook {
    /// Signs a body with the reference implementation, as sent at `timestamp` (Unix seconds).
    ///
    /// # Panics
    /// If `secret` is not a webhook secret: see [`webhook_secret`].
    pub fn sign(secret: &str, id: &str, timestamp: i64, body: String) -> Self {
        let signer = standardwebhooks::Webhook::new(secret).expect("a webhook secret");
        let signature = signer.sign(id, timestamp, body.as_bytes()).expect("a UTF-8 body");
        Self { id: id.to_owned(), timestamp: timestamp.to_string(), signature, body }
    }

    /// The headers that Dodo sends.
    pub fn headers(&self) -> [(&'static str, &str); 4] {
        [
            ("content-type", "application/json"),
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ]
    }

    /// Posts it and returns the status and body of the response. Like Dodo, it waits 15 s.
    ///
    /// # Errors
    /// If there is no response in time.
    pub async fn post(&self, client: &Client, url: &str) -> reqwest::Result<(u16, String)> {
        let mut request = client.post(url).timeout(Duration::from_secs(15)).body(self.body.clone());
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// Verifies it and passes it to `work`.
    ///
    /// # Panics
    /// If it is not signed with `secret`.
    pub fn verified<T>(&self, secret: &str, work: impl FnOnce(&Verified<'_>) -> T) -> T {
        let pairs = self.headers().into_iter();
        let headers: HeaderMap = pairs
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect();
        let keys = [SigningKey::new(secret).expect("a webhook secret")];
        let webhook = Unverified::new(&headers, self.body.as_bytes()).expect("webhook headers");
        let sent = self.timestamp.parse().expect("Unix seconds");
        work(&webhook.verify(&keys, sent, Duration::ZERO).expect("a signature that holds"))
    }

    /// Verifies it and hands the event in it to `work`.
    ///
    /// # Errors
    /// Why the body is not one of Dodo's events.
    ///
    /// # Panics
    /// If it is not signed with `secret`.
    pub fn event<T>(
        &self,
        secret: &str,
        work: impl FnOnce(&Event<'_>) -> T,
    ) -> Result<T, EnvelopeError> {
        self.verified(secret, |webhook| Event::from_webhook(webhook).map(|event| work(&event)))
    }

    /// The event that a function URL makes of it (payload format 2.0).
    pub fn function_url_event(&self) -> Value {
        function_url_event("POST", &self.headers(), self.body.as_bytes())
    }
}

/// The event that a function URL makes of a request. A body that is not UTF-8 is encoded
/// as base64, as AWS does.
pub fn function_url_event(method: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
    let text = std::str::from_utf8(body);
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": "local.lambda-url.us-east-1.on.aws",
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "Svix-Webhooks/1.0",
            },
            "requestId": random_hex(),
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1_795_478_400_000_i64,
        },
        "body": text.map_or_else(|_| STANDARD.encode(body), str::to_owned),
        "isBase64Encoded": text.is_err(),
    })
}

/// The event that an HTTP API makes of the same request: payload format 2.0 too, with its own context.
///
/// # Panics
/// If `event` is not one of [`function_url_event`].
pub fn http_api_event(mut event: Value) -> Value {
    event["routeKey"] = "ANY /".into();
    let context = event["requestContext"].as_object_mut().expect("an object");
    context.insert("accountId".into(), "123456789012".into());
    context.insert("apiId".into(), "a1b2c3d4e5".into());
    context.insert("domainName".into(), "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com".into());
    context.insert("domainPrefix".into(), "a1b2c3d4e5".into());
    context.insert("routeKey".into(), "ANY /".into());
    event
}

/// Now, in Unix seconds.
pub fn unix_now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs().cast_signed()
}

/// Now, in Unix milliseconds.
pub fn unix_milliseconds() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since_1970.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// A webhook secret that somebody gave, with the prefix and the padding that the reference signer needs.
///
/// # Errors
/// Why the function would not accept it either.
pub fn webhook_secret(given: &str) -> Result<String, SigningKeyError> {
    SigningKey::new(given)?;
    let given = given.trim();
    let encoded = given.strip_prefix("whsec_").unwrap_or(given).trim_end_matches('=');
    let padding = "=".repeat((4 - encoded.len() % 4) % 4);
    Ok(format!("whsec_{encoded}{padding}"))
}

/// A new webhook secret, as Dodo makes them.
pub fn random_secret() -> String {
    format!("whsec_{}", STANDARD.encode(random::<24>()))
}

/// A new `webhook-id`.
pub fn random_message_id() -> String {
    format!("msg_{}", random_hex())
}

/// As long as Customer.io's ids and keys.
pub fn random_hex() -> String {
    format!("{:020x}", u128::from_le_bytes(random()) >> 48)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system's random numbers");
    bytes
}

//! Dodo's API, asked for as long as it takes.

use crate::pace::Pace;
use crate::patience::Patience;
use crate::{Error, Options};
use dodo_customerio::dodo::endpoint;
use dodo_customerio::http::{client, read_body, retry_after};
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Time limit of one call. A page of payments has some 200 kB.
const CALL: Duration = Duration::from_secs(30);

/// How much of a response is read, in bytes.
const MAX_RESPONSE: usize = 16 * 1024 * 1024;

/// The shortest pause after a 429, and the one where it names none.
const AFTER_429: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// With fewer calls left than this, the rest is for the function that may use the same key.
const RESERVE: u64 = 5;

/// Between calls while there are so few.
const NEAR_THE_LIMIT: Duration = Duration::from_secs(6);

const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A client of Dodo's API for lists and payments.
#[derive(Debug)]
pub struct Dodo {
    http: Client,
    base: Url,
    key: SecretString,
    pace: Pace,
    /// What is left of it.
    pub patience: Patience,
}

/// A response that says something.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The body of a 200.
    Found(Vec<u8>),
    /// The request is not one that Dodo fulfils, such as a page beyond its cap.
    Refused(u16),
}

/// Why a call is repeated.
enum Again {
    /// After 429: nothing is asked for so long.
    Paused(Duration),
    Failed(String),
}

impl Dodo {
    pub fn new(options: &Options) -> Self {
        Self {
            http: client(),
            base: options.dodo_url.clone(),
            key: options.dodo_key.clone(),
            pace: Pace::new(options.calls_a_minute, Duration::from_mins(1)),
            patience: Patience::new(options.patience),
        }
    }

    /// Asks until there is a reply, at the pace that Dodo allows.
    ///
    /// # Errors
    /// If the key is refused, the status is none that is documented, or it has failed for too long.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Reply, Error> {
        let url = endpoint(&self.base, path, query);
        let mut failures = 0;
        loop {
            self.pace.turn().await;
            let began = Instant::now();
            match self.attempt(path, &url).await? {
                Ok(reply) => {
                    self.patience.succeeded();
                    return Ok(reply);
                }
                Err(Again::Paused(pause)) => {
                    self.failed(began, pause, "it asks to wait, status 429")?;
                }
                Err(Again::Failed(why)) => {
                    failures += 1;
                    self.failed(began, backoff(failures), &why)?;
                    sleep(backoff(failures)).await;
                }
            }
        }
    }

    /// An attempt that began then is followed by another after `pause`, unless this has lasted for too long.
    fn failed(&self, began: Instant, pause: Duration, why: &str) -> Result<(), Error> {
        let failed =
            self.patience.failed(began, pause, &format!("Dodo's API does not respond ({why})"));
        failed.map_err(|failing| Error::DodoDown(failing.as_secs() / 60, why.to_owned()))
    }

    async fn attempt(&self, path: &[&str], url: &Url) -> Result<Result<Reply, Again>, Error> {
        let request = self.http.get(url.clone()).bearer_auth(self.key.expose_secret());
        let Ok(mut response) = request.timeout(CALL).send().await else {
            return Ok(Err(Again::Failed("it could not be reached".to_owned())));
        };
        match response.status().as_u16() {
            200 => {
                self.slow_down(&response);
                let body = read_body(&mut response, MAX_RESPONSE).await.ok().flatten();
                let Some(body) = body.filter(|body| is_json(body)) else {
                    let why = "it gave a response that cannot be read".to_owned();
                    return Ok(Err(Again::Failed(why)));
                };
                Ok(Ok(Reply::Found(body)))
            }
            status @ (401 | 403) => Err(Error::KeyRefused(status)),
            429 => Ok(Err(Again::Paused(self.pause(&response)))),
            status @ (400 | 404 | 416 | 422) => Ok(Ok(Reply::Refused(status))),
            status @ (408 | 500..) => {
                Ok(Err(Again::Failed(format!("it responded with status {status}"))))
            }
            status => Err(Error::DodoStatus { list: path.join("/"), status }),
        }
    }

    /// For how long.
    fn pause(&self, response: &Response) -> Duration {
        let [least, default] = AFTER_429;
        let pause = retry_after(response).unwrap_or(default).max(least);
        self.pace.pause(pause);
        pause
    }

    fn slow_down(&self, response: &Response) {
        let left = header(response, "x-ratelimit-remaining").and_then(|it| it.trim().parse().ok());
        if left.is_some_and(|left: u64| left < RESERVE) {
            self.pace.pause(NEAR_THE_LIMIT);
        }
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// From half a second on, twice as long each time.
fn backoff(failures: u32) -> Duration {
    Duration::from_millis(250).saturating_mul(1 << failures.min(10)).min(LONGEST_BACKOFF)
}

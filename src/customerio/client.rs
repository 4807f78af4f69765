use super::response::{self, LaterReason, Verdict};
use super::request::Call;
use super::retry::{self, Pace};
use crate::http;
use crate::telemetry::redaction::Words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Request, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// How much of an answer is read, in bytes. Real ones are far below.
const MAX_ANSWER: usize = 64 * 1024;

/// How long opening the connection ahead of time may take.
const WARM_UP: Duration = Duration::from_secs(1);

/// The pair that Customer.io calls Site ID and API Key of the Track API. Prints without its values.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name of its Basic authentication.
    pub site_id: SecretString,
    /// The password.
    pub api_key: SecretString,
}

/// A client of the Track API v2 at one base URL.
#[derive(Debug, Clone)]
pub struct Track {
    http: Client,
    base: Url,
    pace: Pace,
}

/// What one invocation may still do for a delivery, and what it has done.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// When the webhook must be done with.
    pub deadline: Instant,
    /// Requests made so far, at most [`retry::MAX_ATTEMPTS`].
    pub attempts: u32,
}

impl Effort {
    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Credentials {
    fn pair(&self) -> (&str, &str) {
        (self.site_id.expose_secret(), self.api_key.expose_secret())
    }

    /// Every form in which an answer might repeat them.
    fn forms(&self) -> [String; 3] {
        let (site_id, api_key) = self.pair();
        let basic = STANDARD_NO_PAD.encode(format!("{site_id}:{api_key}"));
        [site_id.to_owned(), api_key.to_owned(), basic]
    }
}

impl Track {
    /// `base` is the host of a region, or what stands in for it; its path is kept.
    pub fn new(http: Client, base: Url, pace: Pace) -> Self {
        Self { http, base, pace }
    }

    /// Opens the connection before the first webhook needs it. Failing is allowed.
    pub async fn warm_up(&self) {
        drop(self.http.head(self.base.clone()).timeout(WARM_UP).send().await);
    }

    /// Makes one call, and again if that may help, as far as `effort` allows. Repeating is safe: an
    /// event's id and the items' times make Customer.io count it once.
    pub async fn deliver(
        &self,
        call: &Call,
        credentials: &Credentials,
        effort: &mut Effort,
    ) -> Verdict {
        let request = self.request(call, credentials);
        loop {
            effort.attempts += 1;
            let later = match self.attempt(&request, effort).await {
                Verdict::Later(later) => later,
                Verdict::Accepted => return Verdict::Accepted,
                Verdict::Rejected(refusals) => {
                    let sent = serde_json::from_slice(&call.body).unwrap_or_default();
                    let words = Words::of(&sent, credentials.forms());
                    return Verdict::Rejected(answer::discreet(refusals, &words));
                }
            };
            let (chance, left) = (fastrand::f64(), effort.time_left());
            match retry::pause(&later, effort.attempts, chance, left, &self.pace) {
                Some(pause) => sleep(pause).await,
                None => return Verdict::Later(later),
            }
        }
    }

    async fn attempt(&self, request: &Request, effort: &Effort) -> Verdict {
        let mut request = request.try_clone().expect("its body is in memory");
        *request.timeout_mut() = Some(self.pace.attempt.min(effort.time_left()));
        match self.http.execute(request).await {
            Ok(response) => understand(response).await,
            Err(error) => Verdict::Later(why_unanswered(&error).into()),
        }
    }

    fn request(&self, call: &Call, credentials: &Credentials) -> Request {
        let (site_id, api_key) = credentials.pair();
        self.http
            .request(call.method.clone(), self.endpoint(&call.path))
            .headers(call.headers.clone())
            .basic_auth(site_id, Some(api_key))
            .header(CONTENT_TYPE, "application/json")
            .body(call.body.clone())
            .build()
            .expect("a URL and headers that have been checked")
    }

    fn endpoint(&self, path: &str) -> Url {
        let (path, query) =
            path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }
}

fn why_unanswered(error: &reqwest::Error) -> LaterReason {
    if error.is_timeout() {
        LaterReason::TimedOut
    } else if error.is_connect() {
        LaterReason::Unreachable
    } else {
        LaterReason::Broken
    }
}

async fn understand(mut response: Response) -> Verdict {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| answer::retry_after(text, SystemTime::now()));
    // One that breaks off, or is longer than anybody's answer should be, is as good as none.
    let body = http::body(&mut response, MAX_ANSWER).await.ok().flatten();
    answer::judge(status, retry_after, body.as_deref())
}

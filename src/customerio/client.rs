use super::rejection::{self, Known};
use super::request::Request;
use super::response::{self, ItemError, LaterReason, Verdict};
use super::retry;
use crate::http::{self, RetryPolicy, read_body};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How much of a response is read, in bytes. Real ones are far smaller.
const MAX_RESPONSE: usize = 64 * 1024;

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
pub struct TrackApi {
    http: Client,
    base: Url,
    policy: RetryPolicy,
}

/// How long a delivery may go on, and how often it was attempted.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    /// When the delivery must be done with.
    pub deadline: Instant,
    /// Attempts made so far, at most three.
    pub made: u32,
}

impl Attempts {
    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Credentials {
    fn pair(&self) -> (&str, &str) {
        (self.site_id.expose_secret(), self.api_key.expose_secret())
    }

    /// Every form in which a response might repeat them.
    fn forms(&self) -> [String; 3] {
        let (site_id, api_key) = self.pair();
        let basic = STANDARD_NO_PAD.encode(format!("{site_id}:{api_key}"));
        [site_id.to_owned(), api_key.to_owned(), basic]
    }
}

impl TrackApi {
    /// `base` is the host of a region, a proxy or a stand-in; its path is kept.
    pub fn new(http: Client, base: Url, policy: RetryPolicy) -> Self {
        Self { http, base, policy }
    }

    /// Opens the connection before the first webhook needs it. It may fail.
    pub(crate) async fn warm_up(&self) {
        http::warm_up(&self.http, self.base.as_str()).await;
    }

    /// Sends a request, and repeats it where that may help, as far as `attempts` allows. Repeating is
    /// safe: an event's id and the items' times make Customer.io count it once.
    ///
    /// Of what Customer.io says, the personal data in the request and in what `known` gives is redacted.
    pub async fn deliver(
        &self,
        request: &Request,
        credentials: &Credentials,
        attempts: &mut Attempts,
        known: &Known<'_>,
    ) -> Verdict {
        let redacted = |errors: Vec<ItemError>| {
            rejection::redacted(errors, request, &credentials.forms(), known)
        };
        let http_request = self.http_request(request, credentials);
        loop {
            attempts.made += 1;
            let later = match self.attempt(&http_request, attempts).await {
                Verdict::Later(later) => later,
                Verdict::Accepted => return Verdict::Accepted,
                Verdict::PartlyRejected(errors) => {
                    return Verdict::PartlyRejected(redacted(errors));
                }
                Verdict::Rejected(errors) => return Verdict::Rejected(redacted(errors)),
            };
            let (jitter, left) = (fastrand::f64(), attempts.time_left());
            match retry::pause(&later, attempts.made, jitter, left, &self.policy) {
                Some(pause) => sleep(pause).await,
                None => return Verdict::Later(later),
            }
        }
    }

    async fn attempt(&self, request: &reqwest::Request, attempts: &Attempts) -> Verdict {
        let mut request = request.try_clone().expect("its body is in memory");
        *request.timeout_mut() = Some(self.policy.attempt.min(attempts.time_left()));
        match self.http.execute(request).await {
            Ok(response) => read(response).await,
            Err(error) => Verdict::Later(classify(&error).into()),
        }
    }

    fn http_request(&self, request: &Request, credentials: &Credentials) -> reqwest::Request {
        let (site_id, api_key) = credentials.pair();
        self.http
            .request(request.method.clone(), self.endpoint(&request.path))
            .headers(request.headers.clone())
            .basic_auth(site_id, Some(api_key))
            .header(CONTENT_TYPE, "application/json")
            .body(request.body.clone())
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

/// Why there is no response.
fn classify(error: &reqwest::Error) -> LaterReason {
    if error.is_timeout() {
        LaterReason::TimedOut
    } else if error.is_connect() {
        LaterReason::Unreachable
    } else {
        LaterReason::Broken
    }
}

async fn read(mut response: Response) -> Verdict {
    let status = response.status().as_u16();
    let retry_after = http::retry_after(&response);
    // A body that breaks off, or is longer than any real one, proves nothing.
    let body = read_body(&mut response, MAX_RESPONSE).await.ok().flatten();
    response::classify(status, retry_after, body.as_deref())
}

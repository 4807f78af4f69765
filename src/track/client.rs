use super::answer::{self, LaterReason, Verdict};
use super::item::Batch;
use super::redact::redact;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

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
}

impl Track {
    /// `base` is the host of a region, or what stands in for it; its path is kept.
    pub fn new(http: Client, base: Url) -> Self {
        Self { http, base }
    }

    /// Opens the connection before the first webhook needs it. Failing is allowed.
    pub async fn warm_up(&self) {
        drop(self.http.head(self.base.clone()).timeout(WARM_UP).send().await);
    }

    /// Sends one batch, once, and says what became of it. `timeout` covers the whole exchange.
    ///
    /// # Panics
    /// Never: a batch holds nothing but texts, numbers and flags, which all serialise.
    pub async fn deliver(
        &self,
        batch: &Batch,
        credentials: &Credentials,
        timeout: Duration,
    ) -> Verdict {
        let (site_id, api_key) =
            (credentials.site_id.expose_secret(), credentials.api_key.expose_secret());
        let body = serde_json::to_vec(batch).expect("a batch serialises");
        let request = self
            .http
            .post(self.endpoint("api/v2/batch"))
            .basic_auth(site_id, Some(api_key))
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(body);
        match request.send().await {
            Ok(response) => match understand(response).await {
                Verdict::Rejected(refusals) => {
                    Verdict::Rejected(redact(refusals, batch, &[site_id, api_key]))
                }
                verdict => verdict,
            },
            Err(error) => Verdict::Later(why_unsent(&error).into()),
        }
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
    }
}

fn why_unsent(error: &reqwest::Error) -> LaterReason {
    if error.is_timeout() { LaterReason::TimedOut } else { LaterReason::Unreachable }
}

async fn understand(mut response: Response) -> Verdict {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(answer::retry_after);
    let body = read(&mut response).await;
    answer::judge(status, retry_after, body.as_deref())
}

/// The body, unless it breaks off or is longer than anybody's answer should be.
async fn read(response: &mut Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return None;
        }
    }
    Some(body)
}

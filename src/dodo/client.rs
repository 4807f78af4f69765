use crate::http::{MAX_ATTEMPTS, RetryPolicy, parse_retry_after, read_body};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// Items of a page; Dodo gives no more.
const PAGE_SIZE: usize = 100;

/// After so many pages a customer's history is given up: 5,000 payments.
const MAX_PAGES: usize = 50;

/// How much of a response is read, in bytes. A page of payments has some 200 kB.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// Why a lookup failed. None of the messages holds personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// 401 or 403.
    #[error(
        "Dodo's API refuses dodo_api_key ({0}). Check that the key belongs to DODO_ENVIRONMENT (live \
         or test) and may read customers, payments and refunds."
    )]
    KeyRefused(u16),
    /// 404.
    #[error(
        "Dodo's API does not know this customer. Check that dodo_api_key belongs to the business and \
         to DODO_ENVIRONMENT (live or test) of this webhook."
    )]
    Unknown,
    /// 429.
    #[error("Dodo's API limits the rate of requests.")]
    RateLimited(Option<Duration>),
    /// Any other status.
    #[error("Dodo's API responds with status {0}.")]
    Unavailable(u16),
    /// No connection, or it broke.
    #[error("Dodo's API could not be reached.")]
    Unreachable,
    /// Too slow for a webhook.
    #[error("Dodo's API did not respond in time.")]
    TimedOut,
    /// Not what its documentation says.
    #[error("Dodo's API gave a response that cannot be read.")]
    Unreadable,
    /// More than anybody could read within a webhook's time.
    #[error("The customer has more payments than can be read within a webhook's time.")]
    TooMany,
}

impl LookupError {
    /// A short code for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::KeyRefused(_) => "dodo_key_refused",
            Self::Unknown => "dodo_customer_unknown",
            Self::RateLimited(_) => "dodo_rate_limited",
            Self::Unavailable(_) => "dodo_unavailable",
            Self::Unreachable => "dodo_unreachable",
            Self::TimedOut => "dodo_timeout",
            Self::Unreadable => "dodo_unreadable_answer",
            Self::TooMany => "dodo_too_many_payments",
        }
    }

    /// Whether it may be gone within seconds.
    fn passes(self) -> bool {
        match self {
            Self::RateLimited(_) | Self::Unreachable => true,
            Self::Unavailable(status) => status >= 500,
            _ => false,
        }
    }
}

/// A client of Dodo's API.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: Client,
    base: Url,
    policy: RetryPolicy,
}

/// One webhook's access to it: with this key, until that moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    /// `dodo_api_key`.
    pub key: &'a SecretString,
    /// When the responses come too late.
    pub deadline: Instant,
}

impl Api {
    /// `base` is the host of an environment, a proxy or a stand-in.
    pub(crate) fn new(http: Client, base: Url, policy: RetryPolicy) -> Self {
        Self { http, base, policy }
    }

    /// A customer, as Dodo knows them now. `GET /customers/{customer_id}`.
    ///
    /// # Errors
    /// Why it is not known.
    pub(crate) async fn customer(
        &self,
        id: &str,
        access: Access<'_>,
    ) -> Result<Map<String, Value>, LookupError> {
        let customer = self.get(&["customers", id], &[], access).await?;
        // Some ids would lead to another path.
        let is_the_one = customer.get("customer_id").and_then(Value::as_str) == Some(id);
        if is_the_one { Ok(customer) } else { Err(LookupError::Unreadable) }
    }

    /// All succeeded `payments` or `refunds` of a customer, page after page, each read by `read`.
    ///
    /// # Errors
    /// Why they are not all known; also if an item cannot be read.
    pub(crate) async fn all<T>(
        &self,
        list: &str,
        customer_id: &str,
        access: Access<'_>,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, LookupError> {
        let mut all = Vec::new();
        for page in 0..MAX_PAGES {
            let (size, number) = (PAGE_SIZE.to_string(), page.to_string());
            let query = [
                ("customer_id", customer_id),
                ("status", "succeeded"),
                ("page_size", &size),
                ("page_number", &number),
            ];
            let page = self.get(&[list], &query, access).await?;
            let items = page.get("items").and_then(Value::as_array);
            let items = items.ok_or(LookupError::Unreadable)?;
            for item in items {
                all.push(read(item).ok_or(LookupError::Unreadable)?);
            }
            if items.len() < PAGE_SIZE {
                return Ok(all);
            }
        }
        Err(LookupError::TooMany)
    }

    async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        access: Access<'_>,
    ) -> Result<Map<String, Value>, LookupError> {
        let url = self.endpoint(path, query);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.attempt(&url, access).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.pause(error, attempts, access.deadline) {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        url: &Url,
        access: Access<'_>,
    ) -> Result<Map<String, Value>, LookupError> {
        let left = access.deadline.saturating_duration_since(Instant::now());
        let request = self.http.get(url.clone()).bearer_auth(access.key.expose_secret());
        let response = request.timeout(left).send().await.map_err(|error| unanswered(&error))?;
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = wait.and_then(|text| parse_retry_after(text, SystemTime::now()));
        match response.status().as_u16() {
            200 => read(response).await,
            status @ (401 | 403) => Err(LookupError::KeyRefused(status)),
            404 => Err(LookupError::Unknown),
            429 => Err(LookupError::RateLimited(wait)),
            status => Err(LookupError::Unavailable(status)),
        }
    }

    /// Exponential, with jitter, and never shorter than Dodo asks for.
    fn pause(&self, error: LookupError, attempts: u32, deadline: Instant) -> Option<Duration> {
        if attempts >= MAX_ATTEMPTS || !error.passes() {
            return None;
        }
        let backoff = self.policy.backoff(attempts, fastrand::f64());
        let asked = if let LookupError::RateLimited(wait) = error { wait } else { None };
        let pause = backoff.max(asked.unwrap_or_default());
        let left = deadline.saturating_duration_since(Instant::now());
        (pause + self.policy.shortest_attempt <= left).then_some(pause)
    }

    fn endpoint(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn unanswered(error: &reqwest::Error) -> LookupError {
    if error.is_timeout() { LookupError::TimedOut } else { LookupError::Unreachable }
}

async fn read(mut response: Response) -> Result<Map<String, Value>, LookupError> {
    let body = read_body(&mut response, MAX_RESPONSE).await.map_err(|error| unanswered(&error))?;
    serde_json::from_slice(&body.ok_or(LookupError::Unreadable)?)
        .map_err(|_| LookupError::Unreadable)
}

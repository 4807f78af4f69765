use super::error::LookupError;
use super::memo::Memo;
use crate::http::{MAX_ATTEMPTS, RetryPolicy, read_body, retry_after};
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A JSON object, as the API gives it.
pub type Object = Map<String, Value>;

/// Items of a page; Dodo gives no more.
const PAGE_SIZE: usize = 100;

/// After so many pages a customer's history is given up: some 5,000 payments.
const MAX_PAGES: usize = 50;

/// How much of a response is read, in bytes. A page of payments has some 200 kB.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// A client of Dodo's API. After a 429 it asks nothing for as long as it was told.
#[derive(Debug)]
pub(crate) struct Api {
    http: Client,
    base: Url,
    policy: RetryPolicy,
    paused_until: Mutex<Option<Instant>>,
}

/// One event's access to it: with this key, until that moment, sharing with the events of its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    /// `dodo_api_key`.
    pub(crate) key: &'a SecretString,
    /// When the responses come too late.
    pub(crate) deadline: Instant,
    /// What other events of the same batch have learnt, if there are any.
    pub(crate) memo: Option<&'a Memo>,
}

impl Api {
    /// `base` is the host of an environment, a proxy or a stand-in.
    pub(crate) fn new(http: Client, base: Url, policy: RetryPolicy) -> Self {
        Self { http, base, policy, paused_until: Mutex::default() }
    }

    /// One object by its id, such as `GET /customers/{id}`. `id_field` is where the object says its id:
    /// some ids would lead to another path.
    ///
    /// # Errors
    /// Why it is not known.
    pub(super) async fn object(
        &self,
        [list, id]: [&str; 2],
        id_field: &str,
        access: Access<'_>,
    ) -> Result<Object, LookupError> {
        if [".", ".."].contains(&id) {
            return Err(LookupError::NotFound);
        }
        let object = self.get(&[list, id], &[], access).await?;
        let own = object.get(id_field).and_then(Value::as_str);
        // Of products Dodo does not document that they repeat their id.
        let is_the_one = own == Some(id) || list == "products" && own.is_none();
        if is_the_one { Ok(object) } else { Err(LookupError::NotFound) }
    }

    /// All items of a list that pass the filters: the first pages, then several at a time.
    ///
    /// # Errors
    /// Why they are not all known.
    pub(super) async fn list(
        &self,
        list: &str,
        filters: &[(&str, &str)],
        access: Access<'_>,
    ) -> Result<Vec<Object>, LookupError> {
        let page = |number| self.page(list, filters, number, access);
        let mut all = Vec::new();
        // The first two one after the other: most customers have no more, and calls are scarce.
        for number in [0, 1] {
            let items = page(number).await?;
            let is_last = items.len() < PAGE_SIZE;
            all.extend(items);
            if is_last {
                return Ok(all);
            }
        }
        for next in (2..MAX_PAGES).step_by(4) {
            let (a, b, c, d) =
                tokio::try_join!(page(next), page(next + 1), page(next + 2), page(next + 3))?;
            let pages = [a, b, c, d];
            let full = pages.iter().take_while(|page| page.len() >= PAGE_SIZE).count();
            // After a page that is not full there can be no other.
            if pages.iter().skip(full + 1).any(|page| !page.is_empty()) {
                return Err(LookupError::Unreadable);
            }
            all.extend(pages.into_iter().flatten());
            if full < 4 {
                return Ok(all);
            }
        }
        Err(LookupError::TooMany)
    }

    async fn page(
        &self,
        list: &str,
        filters: &[(&str, &str)],
        number: usize,
        access: Access<'_>,
    ) -> Result<Vec<Object>, LookupError> {
        let (size, number) = (PAGE_SIZE.to_string(), number.to_string());
        let page = [("page_size", size.as_str()), ("page_number", number.as_str())];
        let mut response = self.get(&[list], &[filters, &page].concat(), access).await?;
        let Some(Value::Array(items)) = response.remove("items") else {
            return Err(LookupError::Unreadable);
        };
        let object = |item| if let Value::Object(item) = item { Some(item) } else { None };
        items.into_iter().map(|item| object(item).ok_or(LookupError::Unreadable)).collect()
    }

    async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        access: Access<'_>,
    ) -> Result<Object, LookupError> {
        let url = endpoint(&self.base, path, query);
        match access.memo {
            // On the heap: only a batch has one.
            Some(memo) => Box::pin(memo.get_or_ask(url.as_str(), self.ask(&url, access))).await,
            None => self.ask(&url, access).await,
        }
    }

    async fn ask(&self, url: &Url, access: Access<'_>) -> Result<Object, LookupError> {
        let mut attempts = 0;
        loop {
            self.check_pause()?;
            if access.deadline <= Instant::now() {
                return Err(LookupError::TimedOut);
            }
            attempts += 1;
            let error = match self.attempt(url, access).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match self.backoff(error, attempts, access.deadline) {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn attempt(&self, url: &Url, access: Access<'_>) -> Result<Object, LookupError> {
        let left = access.deadline.saturating_duration_since(Instant::now());
        let request = self.http.get(url.clone()).bearer_auth(access.key.expose_secret());
        let response = request.timeout(left).send().await.map_err(|error| classify(&error))?;
        match response.status().as_u16() {
            200 => read(response).await,
            status @ (401 | 403) => Err(LookupError::KeyRefused(status)),
            404 => Err(LookupError::NotFound),
            429 => Err(self.pause(&response)),
            status => Err(LookupError::Unavailable(status)),
        }
    }

    /// From now on nothing is asked for as long as the response says, and never for less than the
    /// policy's minimum.
    fn pause(&self, response: &Response) -> LookupError {
        let wait = retry_after(response).unwrap_or_default().max(self.policy.rate_limit_pause);
        // A time that no clock can hold is as long as the process lives anyway.
        *self.paused_until() = Instant::now().checked_add(wait);
        LookupError::RateLimited(wait)
    }

    fn check_pause(&self) -> Result<(), LookupError> {
        let until = *self.paused_until();
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Err(LookupError::RateLimited(left)),
            None => Ok(()),
        }
    }

    /// Whole even if a panic elsewhere has poisoned it.
    fn paused_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exponential, with jitter; `None` to give up.
    fn backoff(&self, error: LookupError, attempts: u32, deadline: Instant) -> Option<Duration> {
        if attempts >= MAX_ATTEMPTS || !error.is_brief() {
            return None;
        }
        let pause = self.policy.backoff(attempts, fastrand::f64());
        let left = deadline.saturating_duration_since(Instant::now());
        (pause + self.policy.shortest_attempt <= left).then_some(pause)
    }
}

/// The URL of a path below Dodo's base URL, with a query.
pub fn endpoint(base: &Url, path: &[&str], query: &[(&str, impl AsRef<str>)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

fn classify(error: &reqwest::Error) -> LookupError {
    if error.is_timeout() { LookupError::TimedOut } else { LookupError::Unreachable }
}

async fn read(mut response: Response) -> Result<Object, LookupError> {
    let body = read_body(&mut response, MAX_RESPONSE).await.map_err(|error| classify(&error))?;
    serde_json::from_slice(&body.ok_or(LookupError::Unreadable)?)
        .map_err(|_| LookupError::Unreadable)
}

//! A Customer.io that only counts, quickly: it reads a batch without building a tree of it.

use super::tally::Tally;
use super::traffic;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Request};
use serde::Deserialize;
use serde_json::json;
use stand_ins::credentials::Credentials;
use stand_ins::customerio::MAX_BATCH;
use stand_ins::serve::{self, Server, Service, ServiceResult};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What several receivers count together.
#[derive(Clone, Default)]
pub struct Counted {
    tally: Arc<Mutex<Tally>>,
    requests: Arc<AtomicUsize>,
}

/// A running receiver; it ends when dropped.
pub struct Receiver {
    server: Server,
}

#[derive(Clone)]
struct Counting {
    counted: Counted,
    authorization: Arc<str>,
    /// How long each response takes.
    delay: Duration,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    action: &'a str,
    id: Option<&'a str>,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    dodo_webhook_id: Option<&'a str>,
}

impl Counted {
    /// What has arrived, locked until the guard is dropped.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests there were, without those that only open a connection.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Receiver {
    /// Starts on a free port. Each response takes so long.
    ///
    /// # Errors
    /// A sentence, if there is no free port.
    pub async fn start(
        Credentials { site_id, api_key, .. }: &Credentials,
        counted: Counted,
        delay: Duration,
    ) -> Result<Self, String> {
        let pair = STANDARD.encode(format!("{site_id}:{api_key}"));
        let authorization = format!("Basic {pair}").into();
        let server = serve::serve(0, Counting { counted, authorization, delay }).await;
        Ok(Self { server: server.map_err(|error| error.to_string())? })
    }

    /// For `CUSTOMERIO_TRACK_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }
}

impl Service for Counting {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if request.method() == Method::HEAD {
            return Ok(serve::json(200, &json!({})));
        }
        self.counted.requests.fetch_add(1, Ordering::Relaxed);
        // Even no time at all would be a millisecond.
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let status = self.status(&request);
        Ok(serve::json(status, &json!({})))
    }
}

impl Counting {
    fn status(&self, request: &Request<Bytes>) -> u16 {
        let header = request.headers().get("authorization").map(HeaderValue::as_bytes);
        if header != Some(self.authorization.as_bytes()) {
            return 401;
        }
        if request.uri().path() != "/api/v2/batch" {
            return 404;
        }
        if request.body().len() > MAX_BATCH {
            return 413;
        }
        let Ok(Batch { batch }) = serde_json::from_slice(request.body()) else { return 400 };
        let mut tally = self.counted.tally();
        for item in batch.iter().filter(|item| item.action == "event") {
            let number = item.attributes.dodo_webhook_id.and_then(traffic::number);
            tally.count(item.id.unwrap_or_default(), number);
        }
        200
    }
}

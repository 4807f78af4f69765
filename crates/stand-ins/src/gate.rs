//! Stands before a service that never fails, such as moto, and fails for it. What it lets through it records.

use super::fault::{Fault, Faults};
use super::journal::{Calling, Journal, Service as Called};
use super::serve::{self, Broken, ResponseBody, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use reqwest::Client;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running gate; it ends when dropped.
pub struct Gate {
    server: Server,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Clone)]
struct Forward {
    client: Client,
    /// Of the service behind it.
    url: String,
    service: Called,
    journal: Journal,
    faults: Arc<Mutex<Faults>>,
}

impl Gate {
    /// Starts on a free port, before the service at `url`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn start(url: &str, service: Called, journal: &Journal) -> io::Result<Self> {
        let faults: Arc<Mutex<Faults>> = Arc::default();
        let forward = Forward {
            client: dodo_customerio::http::client(),
            url: url.trim_end_matches('/').to_owned(),
            service,
            journal: journal.clone(),
            faults: faults.clone(),
        };
        Ok(Self { server: serve::serve(0, forward).await?, faults })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// How the next requests fail.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }
}

impl Service for Forward {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if is_of_a_page(&request) {
            return Ok(serve::json(
                403,
                &json!({"message": "This is not for pages in a browser."}),
            ));
        }
        let call = self.journal.call(self.service, &request);
        let fault = locked(&self.faults).pop();
        let result = self.with(fault, &call, request).await;
        call.responds(result).await
    }
}

/// Browsers say which page a request is of, programs do not. A page's own name may lead here too.
fn is_of_a_page(request: &Request<Bytes>) -> bool {
    let header = |name: &str| request.headers().get(name);
    let host = header("host").map(|host| host.to_str().unwrap_or_default());
    let host = host.map(|host| host.split(':').next().unwrap_or_default());
    let is_named_otherwise = host.is_some_and(|host| !["127.0.0.1", "localhost"].contains(&host));
    is_named_otherwise || header("origin").is_some() || header("sec-fetch-site").is_some()
}

impl Forward {
    async fn with(
        &self,
        fault: Option<Fault>,
        call: &Calling,
        request: Request<Bytes>,
    ) -> ServiceResult {
        let Some(fault) = fault else { return self.forward(request).await };
        call.fails(&fault.in_short());
        let processed = if fault.processes() { Some(self.forward(request).await?) } else { None };
        fault.apply(|| processed.unwrap_or_default()).await
    }

    async fn forward(&self, request: Request<Bytes>) -> ServiceResult {
        let (head, body) = request.into_parts();
        let mut headers = head.headers;
        // Of this connection.
        for name in ["host", "connection", "content-length"] {
            headers.remove(name);
        }
        let url = format!("{}{}", self.url, head.uri);
        let sent = self.client.request(head.method, url).headers(headers).body(body).send().await;
        let response = sent.map_err(|_| Broken)?;
        let mut copy = Response::builder().status(response.status());
        if let Some(kind) = response.headers().get("content-type") {
            copy = copy.header("content-type", kind);
        }
        let body: ResponseBody = serve::body(response.text().await.map_err(|_| Broken)?);
        copy.body(body).map_err(|_| Broken)
    }
}

fn locked(faults: &Mutex<Faults>) -> MutexGuard<'_, Faults> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

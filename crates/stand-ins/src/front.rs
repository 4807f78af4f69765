//! The address of the function in `make dev`: it stays while the processes behind it change.

use super::dodo::Webhook;
use super::function_url;
use super::journal::Journal;
use super::runtime_api::RuntimeApi;
use super::serve::{self, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A function URL that leads to one process of the function after the other. Clones share everything.
#[derive(Clone, Default)]
pub struct Front(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    function: Option<Arc<RuntimeApi>>,
    journal: Journal,
}

impl Front {
    /// Records what the processes do that it leads to from now on.
    pub fn record(&self, journal: Journal) {
        self.state().journal = journal;
    }

    /// Where its processes are recorded.
    pub fn journal(&self) -> Journal {
        self.state().journal.clone()
    }

    /// Serves it on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(&self, port: u16) -> io::Result<Server> {
        serve::serve(port, self.clone()).await
    }

    /// Leads requests to this process from now on. Those on their way stay where they are.
    pub fn lead_to(&self, function: Arc<RuntimeApi>) {
        let mut state = self.state();
        function.record(&state.journal);
        state.function = Some(function);
    }

    /// Hands a webhook to the function. Returns the status and body of the response.
    pub async fn post(&self, webhook: &Webhook) -> (u16, String) {
        let response = self.invoke(webhook.function_url_event()).await;
        let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        (status.unwrap_or(502), response["body"].as_str().unwrap_or_default().to_owned())
    }

    async fn invoke(&self, event: Value) -> Value {
        let function = self.state().function.clone();
        let response = match function {
            Some(function) => function.invoke(event).await,
            None => None,
        };
        response.unwrap_or_else(|| {
            let body = json!({"message": "The function does not respond."}).to_string();
            json!({"statusCode": 502, "body": body})
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Front {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        if is_invocation(request.uri().path()) {
            // Who comes through a tunnel may post webhooks and nothing else.
            if !is_from_here(request.headers()) {
                return Ok(serve::json(403, &json!({"message": "Only from this machine."})));
            }
            let event = serde_json::from_slice(request.body()).unwrap_or_default();
            return Ok(serve::json(200, &self.invoke(event).await));
        }
        let response = self.invoke(function_url::event(&request)).await;
        Ok(function_url::http_response(&response))
    }
}

/// What AWS's API for invoking a function has as its path.
fn is_invocation(path: &str) -> bool {
    path.starts_with("/2015-03-31/functions/") && path.ends_with("/invocations")
}

/// A tunnel passes on the name under which it is known outside, or says whom it speaks for.
fn is_from_here(headers: &HeaderMap) -> bool {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host"];
    ["127.0.0.1", "localhost"].contains(&name)
        && !is_forwarded.iter().any(|name| headers.contains_key(*name))
}

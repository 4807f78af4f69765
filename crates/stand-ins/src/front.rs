//! The address of the function in `make dev`: it stays while the processes behind it change, and remembers
//! the webhooks that passed.

use super::dodo::{self, Webhook};
use super::function_url;
use super::runtime_api::RuntimeApi;
use super::serve::{self, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How many webhooks are remembered.
const REMEMBERED: usize = 200;

/// A function URL that leads to one process of the function after the other. Clones share everything.
#[derive(Clone, Default)]
pub struct Front(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    function: Option<Arc<RuntimeApi>>,
    /// Newest first.
    webhooks: Vec<Value>,
}

impl Front {
    /// Serves it on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(&self, port: u16) -> io::Result<Server> {
        serve::serve(port, self.clone()).await
    }

    /// Leads requests to this process from now on. Those on their way stay where they are.
    pub fn lead_to(&self, function: Arc<RuntimeApi>) {
        self.state().function = Some(function);
    }

    /// The webhooks so far, newest first, as the page shows them.
    pub fn webhooks(&self) -> Vec<Value> {
        self.state().webhooks.clone()
    }

    /// Hands a webhook to the function. Returns the status and body of the response.
    pub async fn post(&self, webhook: &Webhook) -> (u16, String) {
        let response = self.webhook(webhook.function_url_event()).await;
        let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        (status.unwrap_or(502), response["body"].as_str().unwrap_or_default().to_owned())
    }

    /// Invokes the function with a function URL's event, and remembers it if it is a webhook's.
    async fn webhook(&self, event: Value) -> Value {
        let start = Instant::now();
        let is_webhook = event["headers"].get("webhook-id").is_some();
        let body = is_webhook.then(|| event["body"].as_str().unwrap_or_default().to_owned());
        let response = self.invoke(event).await;
        if let Some(body) = body {
            self.remember(&body, &response, start.elapsed());
        }
        response
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

    fn remember(&self, body: &str, response: &Value, took: Duration) {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let said = response["body"].as_str().unwrap_or_default();
        let said: Value = serde_json::from_str(said).unwrap_or_default();
        let webhook = json!({
            "time": time_of_day(dodo::unix_now().cast_unsigned()),
            "type": event["type"].as_str().unwrap_or("?"),
            "status": response["statusCode"].as_u64().unwrap_or(502),
            "outcome": said["outcome"],
            "message": said["message"],
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        let mut state = self.state();
        state.webhooks.insert(0, webhook);
        state.webhooks.truncate(REMEMBERED);
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
            return Ok(serve::json(200, &self.webhook(event).await));
        }
        let response = self.webhook(function_url::event(&request)).await;
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

/// Formats Unix seconds for people; in UTC, like the events.
pub(crate) fn time_of_day(seconds: u64) -> String {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let moment = time::UtcDateTime::from(moment);
    let (hour, minute, second) = moment.time().as_hms();
    format!("{} {hour:02}:{minute:02}:{second:02}", moment.date())
}

//! The page of `make dev`: the webhooks so far, what Customer.io knows, and a form that sends any event.

use super::customerio::{CustomerIo, Memory};
use super::dodo::{self, Webhook, samples};
use super::serve::{self, ResponseBody, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use reqwest::Client;
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

/// How many webhooks the page shows.
const SHOWN: usize = 200;

/// The page and its state.
#[derive(Clone)]
pub struct Page {
    memory: Memory,
    function_url: String,
    secret: String,
    client: Client,
    /// Newest first.
    webhooks: Arc<Mutex<Vec<Value>>>,
}

impl Page {
    /// Serves it on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(
        port: u16,
        customerio: &CustomerIo,
        function_url: &str,
        secret: &str,
    ) -> io::Result<Server> {
        let page = Self {
            memory: customerio.memory(),
            function_url: function_url.to_owned(),
            secret: secret.to_owned(),
            client: dodo_customerio::http::client(),
            webhooks: Arc::default(),
        };
        serve::serve(port, page).await
    }

    fn state(&self) -> Value {
        let state = self.memory.lock();
        let people: Vec<_> = state
            .people
            .profiles()
            .iter()
            .map(|person| {
                let activity = person.activity.iter().map(|event| {
                    let when = event.timestamp.map(|it| time_of_day(it.cast_unsigned()));
                    json!({"name": event.name, "when": when, "attributes": event.attributes})
                });
                json!({
                    "id": person.id.as_deref().or(person.email()),
                    "attributes": person.attributes,
                    "activity": activity.collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({"webhooks": *self.webhooks(), "people": people})
    }

    /// Signs an event and sends it to the function.
    async fn send(&self, body: &[u8]) -> Response<ResponseBody> {
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return text(400, "text/plain", "The event is not JSON.".to_owned());
        };
        let id = dodo::random_message_id();
        self.forward(Webhook::sign(&self.secret, &id, dodo::unix_now(), event.to_string())).await
    }

    /// Forwards a webhook to the function and records the response.
    async fn forward(&self, webhook: Webhook) -> Response<ResponseBody> {
        let start = Instant::now();
        let posted = webhook.post(&self.client, &self.function_url).await;
        let (status, response) = posted.unwrap_or_else(|error| (502, error.to_string()));
        let parsed: Value = serde_json::from_str(&response).unwrap_or_default();
        let event: Value = serde_json::from_str(&webhook.body).unwrap_or_default();
        let mut webhooks = self.webhooks();
        webhooks.insert(
            0,
            json!({
                "time": time_of_day(dodo::unix_now().cast_unsigned()),
                "type": event["type"].as_str().unwrap_or("?"),
                "status": status,
                "outcome": parsed["outcome"],
                "message": parsed["message"],
                "milliseconds": u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        );
        webhooks.truncate(SHOWN);
        text(status, "application/json", response)
    }

    fn webhooks(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.webhooks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Service for Page {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        Ok(match (request.method().as_str(), path.as_str()) {
            ("GET", "") => {
                text(200, "text/html; charset=utf-8", include_str!("page.html").to_owned())
            }
            ("GET", "state") => serve::json(200, &self.state()),
            ("GET", "samples") => {
                let names: Vec<_> = samples().into_iter().map(|sample| sample.name).collect();
                serve::json(200, &json!(names))
            }
            ("POST", "send") => self.send(request.body()).await,
            ("POST", "webhook") => self.forward(webhook(&request)).await,
            ("GET", path) => match path.strip_prefix("samples/").map(dodo::sample) {
                Some(Ok(sample)) => {
                    text(200, "application/json", format!("{:#}", sample.of_now().event))
                }
                _ => text(404, "text/plain", "There is no such sample.".to_owned()),
            },
            _ => text(404, "text/plain", "There is no such page.".to_owned()),
        })
    }
}

/// The webhook in an HTTP request, unchanged.
fn webhook(request: &Request<Bytes>) -> Webhook {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    Webhook {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8_lossy(request.body()).into_owned(),
    }
}

fn text(status: u16, kind: &str, text: String) -> Response<ResponseBody> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(serve::body(text)).expect("a valid response")
}

/// Formats Unix seconds for people; in UTC, like the events.
fn time_of_day(seconds: u64) -> String {
    let moment = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let moment = time::UtcDateTime::from(moment);
    let (hour, minute, second) = moment.time().as_hms();
    format!("{} {hour:02}:{minute:02}:{second:02}", moment.date())
}

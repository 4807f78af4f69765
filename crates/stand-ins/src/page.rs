//! The page of `make dev`: the webhooks so far, what Customer.io knows, and a form that sends any event.

use super::customerio::{CustomerIo, Memory};
use super::dodo::{self, Webhook};
use super::front::{Front, time_of_day};
use super::serve::{self, ResponseBody, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use std::io;

/// The page and what it shows.
#[derive(Clone)]
pub struct Page {
    memory: Memory,
    front: Front,
    secret: String,
}

impl Page {
    /// Serves it on a port of 127.0.0.1; 0 takes a free one. It signs with `secret`.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn serve(
        port: u16,
        customerio: &CustomerIo,
        front: &Front,
        secret: &str,
    ) -> io::Result<Server> {
        let memory = customerio.memory();
        serve::serve(port, Self { memory, front: front.clone(), secret: secret.to_owned() }).await
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
        json!({"webhooks": self.front.webhooks(), "people": people})
    }

    /// Signs an event and sends it to the function.
    async fn send(&self, body: &[u8]) -> Response<ResponseBody> {
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return text(400, "text/plain", "The event is not JSON.".to_owned());
        };
        let id = dodo::random_message_id();
        let webhook = Webhook::sign(&self.secret, &id, dodo::unix_now(), event.to_string());
        let (status, response) = self.front.post(&webhook).await;
        text(status, "application/json", response)
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
            ("GET", "samples") => serve::json(200, &json!(dodo::names())),
            ("POST", "send") => self.send(request.body()).await,
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

fn text(status: u16, kind: &str, text: String) -> Response<ResponseBody> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(serve::body(text)).expect("a valid response")
}

//! What the page of `make dev` is asked, over HTTP, with the real function behind it.

mod acts;
mod guard;
mod shows;

use crate::running::Dev;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// A running `local dev` and its page.
struct Page {
    dev: Option<Dev>,
    base: String,
    client: Client,
}

impl Page {
    async fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let start = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Dev::start(&arguments, &[])
        };
        let dev = tokio::task::spawn_blocking(start).await.unwrap();
        let base = dev.page.trim_end_matches('/').to_owned();
        Self { dev: Some(dev), base, client: dodo_customerio::http::client() }
    }

    fn dev(&self) -> &Dev {
        self.dev.as_ref().unwrap()
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, found) =
            self.request(Method::GET, &format!("/api/{path}"), &[], String::new()).await;
        assert_eq!(status, 200, "{path}: {found}");
        found
    }

    async fn try_post(&self, path: &str, body: Value) -> (u16, Value) {
        let headers = [("origin", self.base.as_str()), ("content-type", "application/json")];
        self.request(Method::POST, &format!("/api/{path}"), &headers, body.to_string()).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, response) = self.try_post(path, body).await;
        assert_eq!(status, 200, "{path}: {response}");
        response
    }

    async fn sample(&self, name: &str) -> Value {
        self.get(&format!("samples/{name}")).await["event"].clone()
    }

    /// Sends an event and returns its record.
    async fn send(&self, event: &Value) -> Value {
        let sent = self.post("send", json!({"body": event.to_string()})).await;
        self.record(&sent).await
    }

    async fn send_sample(&self, name: &str) -> Value {
        self.send(&self.sample(name).await).await
    }

    /// The record of what was sent.
    async fn record(&self, sent: &Value) -> Value {
        let number = sent["number"].as_u64().unwrap_or_else(|| panic!("{sent}"));
        self.get(&format!("webhooks/{number}")).await
    }

    /// Waits until the state is as wanted.
    async fn until(&self, what: impl Fn(&Value) -> bool) -> Value {
        let mut state = Value::Null;
        for _ in 0..600 {
            state = self.get("state").await;
            if what(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{state}");
    }

    /// A new environment of the function.
    async fn restart(&self) {
        let before = self.get("state").await["function"]["since"].clone();
        self.post("function/restart", json!({})).await;
        self.until(|state| state["function"]["since"] != before).await;
    }

    /// Ends it; what the tests' runtime drops would block.
    async fn end(mut self) {
        let dev = self.dev.take();
        tokio::task::spawn_blocking(move || drop(dev)).await.unwrap();
    }
}

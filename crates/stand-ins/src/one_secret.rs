//! A Secrets Manager that holds one secret, answers at once and can be down. (moto holds secrets well,
//! but never fails and takes its time.)

use super::serve::{self, Answer, Server, Service};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// A lock is only poisoned by a panic elsewhere.
const PANICKED: &str = "no panic";

/// A running stand-in; it ends when dropped.
pub struct OneSecret {
    server: Server,
    state: State,
}

#[derive(Clone)]
struct State {
    secret: Arc<Mutex<Value>>,
    requests: Arc<Mutex<usize>>,
    is_down: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl OneSecret {
    /// Without a secret yet; down whenever `is_down` says so.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(is_down: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let state =
            State { secret: Arc::default(), requests: Arc::default(), is_down: Arc::new(is_down) };
        Self { server: serve::serve(0, state.clone()).await.expect("a free port"), state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// For `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Replaces the secret's value.
    pub fn put(&self, secret: Value) {
        *self.state.secret.lock().expect(PANICKED) = secret;
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        *self.state.requests.lock().expect(PANICKED)
    }
}

impl Service for State {
    async fn answer(&self, _: Request<Bytes>) -> Answer {
        *self.requests.lock().expect(PANICKED) += 1;
        if (self.is_down)() {
            return Ok(serve::json(500, &json!({"__type": "InternalServiceError"})));
        }
        let secret = self.secret.lock().expect(PANICKED).to_string();
        Ok(serve::json(200, &json!({"Name": "dodo", "SecretString": secret})))
    }
}

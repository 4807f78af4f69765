//! A Secrets Manager that holds one secret and can be down. (moto holds secrets well, but never fails.)

use crate::local::serve::{self, Answer, Server, Service};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A running stand-in; it ends when dropped.
pub struct SecretsManager {
    server: Server,
    state: State,
}

#[derive(Clone)]
struct State {
    secret: Arc<Mutex<Value>>,
    requests: Arc<Mutex<usize>>,
    is_down: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl SecretsManager {
    pub async fn start(is_down: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let state =
            State { secret: Arc::default(), requests: Arc::default(), is_down: Arc::new(is_down) };
        Self { server: serve::serve(0, state.clone()).await.unwrap(), state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub fn put(&self, secret: Value) {
        *self.state.secret.lock().unwrap() = secret;
    }

    pub fn requests(&self) -> usize {
        *self.state.requests.lock().unwrap()
    }
}

impl Service for State {
    async fn answer(&self, _: Request<Bytes>) -> Answer {
        *self.requests.lock().unwrap() += 1;
        if (self.is_down)() {
            return Ok(serve::json(500, &json!({"__type": "InternalServiceError"})));
        }
        let secret = self.secret.lock().unwrap().to_string();
        Ok(serve::json(200, &json!({"Name": "dodo", "SecretString": secret})))
    }
}

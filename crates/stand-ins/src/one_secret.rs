//! A Secrets Manager with a single secret, which responds at once, can be down and can refuse. (moto
//! never fails and is slow.)

use super::serve::{self, Server, Service, ServiceResult};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running stand-in; it ends when dropped.
pub struct OneSecret {
    server: Server,
    state: State,
}

#[derive(Clone)]
struct State {
    secret: Arc<Mutex<Value>>,
    error: Arc<Mutex<Option<String>>>,
    requests: Arc<Mutex<usize>>,
    is_down: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl OneSecret {
    /// Without a secret at first; down whenever `is_down` returns true.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(is_down: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let state = State {
            secret: Arc::default(),
            error: Arc::default(),
            requests: Arc::default(),
            is_down: Arc::new(is_down),
        };
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
        *locked(&self.state.secret) = secret;
    }

    /// Responds with this error of AWS from now on, or with the secret again.
    pub fn refuse(&self, error: Option<&str>) {
        *locked(&self.state.error) = error.map(str::to_owned);
    }

    /// How many requests it got.
    pub fn requests(&self) -> usize {
        *locked(&self.state.requests)
    }
}

impl Service for State {
    async fn respond(&self, _: Request<Bytes>) -> ServiceResult {
        *locked(&self.requests) += 1;
        if (self.is_down)() {
            return Ok(serve::json(500, &json!({"__type": "InternalServiceError"})));
        }
        if let Some(error) = &*locked(&self.error) {
            return Ok(serve::json(400, &json!({"__type": error, "message": "Refused."})));
        }
        let secret = locked(&self.secret).to_string();
        Ok(serve::json(200, &json!({"Name": "dodo", "SecretString": secret})))
    }
}

/// A lock is only poisoned by a panic elsewhere, which fails the test by itself.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

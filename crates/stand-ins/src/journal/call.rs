//! One request of the function to a service.

use super::{Inner, Journal, Open, owner};
use crate::dodo::unix_milliseconds;
use crate::serve::{self, Broken, ServiceResult};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whose stand-in got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The Track API.
    CustomerIo,
    /// Dodo's API.
    DodoApi,
    /// AWS Secrets Manager.
    SecretsManager,
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct Call {
    /// To whom.
    pub service: Service,
    /// Such as POST.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Null unless it is JSON.
    pub body: Value,
    /// When it arrived, in Unix milliseconds.
    pub at: u64,
    /// Until the response, or until nobody waited for it any more.
    pub took: Duration,
    /// `None` if the connection broke, or if the function stopped waiting.
    pub status: Option<u16>,
    /// Whether the stand-in broke the connection.
    pub is_broken: bool,
    /// The body of the response; null unless it is JSON.
    pub response: Value,
    /// How the stand-in was told to fail, in short.
    pub fault: Option<String>,
    /// What it changed at Customer.io; null if nothing is known of that.
    pub changes: Value,
}

/// A request that is being responded to.
#[derive(Debug)]
pub struct Calling {
    place: Option<Place>,
    is_over: bool,
}

/// Where it is written down.
#[derive(Debug)]
struct Place {
    inner: Arc<Inner>,
    key: (usize, String),
    index: usize,
    since: Instant,
}

impl Journal {
    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A request has arrived.
    pub fn call(&self, service: Service, request: &Request<Bytes>) -> Calling {
        let place = self.0.as_ref().and_then(|inner| {
            let mut open = inner.open();
            let owner = owner(&open, request.body())?;
            let Open { key, invocation, .. } = &mut open[owner];
            let (key, index) = (key.clone(), invocation.calls.len());
            invocation.calls.push(Call::of(service, request));
            Some(Place { inner: inner.clone(), key, index, since: Instant::now() })
        });
        Calling { place, is_over: false }
    }
}

impl Call {
    fn of(service: Service, request: &Request<Bytes>) -> Self {
        Self {
            service,
            method: request.method().to_string(),
            path: request.uri().to_string(),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
            at: unix_milliseconds(),
            took: Duration::ZERO,
            status: None,
            is_broken: false,
            response: Value::Null,
            fault: None,
            changes: Value::Null,
        }
    }
}

impl Call {
    /// The function has responded; it waits for this call no longer.
    pub(super) fn is_over_at(&mut self, now: u64) {
        if self.status.is_none() && self.took.is_zero() {
            self.took = Duration::from_millis(now.saturating_sub(self.at));
        }
    }
}

impl Calling {
    /// The stand-in fails as it was told to.
    pub fn fails(&self, fault: &str) {
        self.note(|call| call.fault = Some(fault.to_owned()));
    }

    /// What it changed.
    pub fn changed(&self, changes: Value) {
        self.note(|call| call.changes = changes);
    }

    /// Notes the response, and passes it on as it is.
    ///
    /// # Errors
    /// If the connection is to be broken.
    pub async fn responds(mut self, result: ServiceResult) -> ServiceResult {
        let Some(took) = self.took() else { return result };
        self.is_over = true;
        let Ok(response) = result else {
            self.note(|call| (call.took, call.is_broken) = (took, true));
            return Err(Broken);
        };
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            self.note(|call| (call.took, call.is_broken) = (took, true));
            return Ok(Response::from_parts(head, serve::cut_body()));
        };
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        self.note(|call| {
            (call.took, call.status) = (took, Some(head.status.as_u16()));
            call.response = serde_json::from_str(&text).unwrap_or_default();
        });
        Ok(Response::from_parts(head, serve::body(text)))
    }

    fn took(&self) -> Option<Duration> {
        self.place.as_ref().map(|place| place.since.elapsed())
    }

    /// If the invocation is not over.
    fn note(&self, write: impl FnOnce(&mut Call)) {
        let Some(Place { inner, key, index, .. }) = &self.place else { return };
        let mut open = inner.open();
        let invocation = open.iter_mut().find(|it| it.key == *key).map(|it| &mut it.invocation);
        if let Some(call) = invocation.and_then(|it| it.calls.get_mut(*index)) {
            write(call);
        }
    }
}

/// Whoever asked has stopped waiting.
impl Drop for Calling {
    fn drop(&mut self) {
        if let Some(took) = self.took().filter(|_| !self.is_over) {
            self.note(|call| call.took = took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_the_function_gave_up_took_until_then() {
        let request = Request::new(Bytes::new());
        let mut call = Call::of(Service::DodoApi, &request);
        let at = call.at;
        call.is_over_at(at + 3_000);
        assert_eq!(call.took, Duration::from_secs(3));
        call.is_over_at(at + 9_000);
        assert_eq!(call.took, Duration::from_secs(3));
    }
}

//! A function URL in front of a Lambda Runtime API.

use super::dodo;
use super::runtime_api::RuntimeApi;
use super::serve::{self, Broken, ResponseBody, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::Value;
use std::io;
use std::sync::Arc;

#[derive(Clone)]
struct Url(Arc<RuntimeApi>);

/// Starts one on a free port.
///
/// # Errors
/// If there is none.
pub async fn start(runtime: Arc<RuntimeApi>) -> io::Result<Server> {
    serve::serve(0, Url(runtime)).await
}

impl Service for Url {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let response = self.0.invoke(event(&request)).await.ok_or(Broken)?;
        Ok(http_response(&response))
    }
}

/// The event that a function URL makes of a request.
pub fn event(request: &Request<Bytes>) -> Value {
    let headers = request.headers().iter();
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    dodo::function_url_event(request.method().as_str(), &headers, request.body())
}

/// What a function URL makes of the function's response. Something else than a response is a 502, as at AWS.
///
/// # Panics
/// If the function sets a header that HTTP does not allow.
pub fn http_response(response: &Value) -> Response<ResponseBody> {
    let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut builder = Response::builder().status(status.unwrap_or(502));
    for (name, value) in response["headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, value.as_str().unwrap_or_default());
    }
    let body = response["body"].as_str().unwrap_or_default().to_owned();
    builder.body(serve::body(body)).expect("a valid status and valid headers")
}

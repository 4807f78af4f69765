//! A function URL in front of a Lambda Runtime API.

use super::dodo;
use super::runtime_api::RuntimeApi;
use super::serve::{self, Broken, Server, Service, ServiceResult};
use hyper::body::Bytes;
use hyper::{Request, Response};
use std::io;
use std::sync::Arc;

#[derive(Clone)]
struct Front(Arc<RuntimeApi>);

/// Starts one on a free port.
///
/// # Errors
/// If there is none.
pub async fn start(runtime: Arc<RuntimeApi>) -> io::Result<Server> {
    serve::serve(0, Front(runtime)).await
}

impl Service for Front {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
            .collect();
        let event = dodo::function_url_event(request.method().as_str(), &headers, request.body());
        let response = self.0.invoke(event).await.ok_or(Broken)?;
        let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let body = response["body"].as_str().unwrap_or_default().to_owned();
        let response = Response::builder().status(status.unwrap_or(502));
        Ok(response.body(serve::body(body)).expect("a valid status"))
    }
}

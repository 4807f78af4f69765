//! The one HTTP client of the process, and the AWS SDK's way to use it.
//!
//! One stack instead of two, the ring provider instead of AWS-LC, compiled-in roots instead of the
//! system's: together the difference between some 800 ms and some 20 ms of cold start on a small
//! function.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use std::sync::Arc;
use std::time::Duration;

/// For a TCP and TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections that idled longer are not used again: an environment may have been frozen meanwhile
/// and the other side may have hung up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Builds the client. Redirects are not followed: reqwest would turn a POST into a GET and lose the
/// credentials.
///
/// # Panics
/// Never in practice: the TLS configuration is the same on every machine.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn client() -> Client {
    Client::builder()
        .tls_backend_preconfigured(tls())
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("dodo-customerio/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client with a given TLS configuration builds")
}

fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    #[cfg(bench_root)]
    let roots = with_the_benchs_own(roots);
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// `make bench` measures TLS against servers of its own, whose root it compiles in. No feature and no
/// setting leads here, only a flag to the compiler.
#[cfg(bench_root)]
fn with_the_benchs_own(mut roots: rustls::RootCertStore) -> rustls::RootCertStore {
    let root = include_bytes!(env!("BENCH_ROOT")).as_slice();
    roots.add(root.into()).expect("the bench's root");
    roots
}

/// The body of an answer; `None` if it is longer than `limit`, in bytes.
///
/// # Errors
/// That it broke off.
pub async fn body(response: &mut Response, limit: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Lets the AWS SDK send its requests through the same client.
#[derive(Debug, Clone)]
pub struct AwsHttp(pub Client);

impl HttpClient for AwsHttp {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for AwsHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&client, request).await })
    }
}

async fn exchange(client: &Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let request = request.map(|body| body.bytes().map(<[u8]>::to_vec).unwrap_or_default());
    let request =
        request.try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))?;
    let response = client.execute(request).await.map_err(classify)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(classify)?;
    let mut answer = lambda_http::http::Response::new(SdkBody::from(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
}

/// What the SDK wants to know before it tries again.
fn classify(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

//! The AWS SDK's way to use our HTTP client, so that the process has one HTTP and TLS stack.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::Client;

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
    let mut converted = ::http::Response::new(SdkBody::from(body));
    *converted.status_mut() = status;
    *converted.headers_mut() = headers;
    converted.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
}

/// Sorts an error the way the SDK needs it to decide about a retry.
fn classify(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

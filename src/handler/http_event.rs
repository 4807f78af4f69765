//! What Lambda gives the webhook function, and what it wants in return: payload format 2.0, which function
//! URLs and HTTP APIs have in common.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>

use ::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request that somebody sent to the function's URL. Reading anything else fails, so that a trigger
/// of another kind, such as a queue, does not count as served.
#[derive(Debug, Deserialize)]
#[serde(from = "Payload")]
pub struct HttpEvent {
    pub(super) method: String,
    pub(super) headers: HeaderMap,
    /// As it was sent, and as it was signed.
    pub(super) body: Vec<u8>,
}

/// The fields that are read, under Lambda's names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    request_context: RequestContext,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct RequestContext {
    http: RequestLine,
}

#[derive(Deserialize)]
struct RequestLine {
    method: String,
}

/// The response to whoever sent the request.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    /// Of HTTP.
    pub status_code: u16,
    /// Under their names in HTTP.
    pub headers: ResponseHeaders,
    /// JSON.
    pub body: String,
    is_base64_encoded: bool,
    // Never any, but `cargo lambda watch` responds with 500 without these fields.
    cookies: [&'static str; 0],
    multi_value_headers: BTreeMap<&'static str, &'static str>,
}

impl HttpResponse {
    pub(super) fn new(status_code: u16, headers: ResponseHeaders, body: String) -> Self {
        Self { status_code, headers, body, ..Self::default() }
    }
}

/// Every header that a response can have.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResponseHeaders {
    /// Of the body.
    pub content_type: &'static str,
    /// `abort-message` ends the sender's retries of this one message: a header of Svix's, which Dodo honours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_delivery: Option<&'static str>,
    /// The methods that are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<&'static str>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
}

impl From<Payload> for HttpEvent {
    fn from(payload: Payload) -> Self {
        let header =
            |(name, value): (String, String)| Some((name.parse().ok()?, value.try_into().ok()?));
        let text = payload.body.unwrap_or_default();
        let decoded = payload.is_base64_encoded.then(|| BASE64_STANDARD.decode(&text).ok());
        Self {
            method: payload.request_context.http.method,
            headers: payload.headers.into_iter().filter_map(header).collect(),
            // Lambda encodes what it says it has encoded. If it did not, no signature will match.
            body: decoded.flatten().unwrap_or_else(|| text.into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(event: Value) -> Result<HttpEvent, serde_json::Error> {
        serde_json::from_value(event)
    }

    fn post(body: &Value, is_base64_encoded: bool) -> Value {
        json!({
            "version": "2.0",
            "rawPath": "/",
            "headers": {"Webhook-Id": "msg_1", "content-type": "application/json", "strange": "\n"},
            "requestContext": {
                "domainName": "local.lambda-url.us-east-1.on.aws",
                "http": {"method": "POST", "path": "/", "sourceIp": "127.0.0.1"},
                "timeEpoch": 1_795_478_400_000_i64,
            },
            "body": body,
            "isBase64Encoded": is_base64_encoded,
        })
    }

    #[test]
    fn a_request_is_read_as_lambda_gives_it() {
        let event = read(post(&json!("{\"type\":\"ä\"}"), false)).unwrap();
        assert_eq!((event.method.as_str(), event.body), ("POST", "{\"type\":\"ä\"}".into()));
        assert_eq!(event.headers["webhook-id"], "msg_1");
        assert_eq!(event.headers.len(), 2);
    }

    #[test]
    fn a_body_may_be_encoded_or_absent() {
        assert_eq!(read(post(&json!("/wA="), true)).unwrap().body, [0xff, 0]);
        assert_eq!(read(post(&json!("no base64"), true)).unwrap().body, b"no base64");
        assert_eq!(read(post(&Value::Null, false)).unwrap().body, b"");
        let get = read(json!({"requestContext": {"http": {"method": "GET"}}})).unwrap();
        assert_eq!((get.method.as_str(), get.body.len(), get.headers.len()), ("GET", 0, 0));
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        for event in [json!({}), json!({"Records": []}), json!({"key1": "value1"})] {
            assert!(read(event).is_err());
        }
    }

    #[test]
    fn a_response_has_only_the_headers_that_are_set() {
        let headers = ResponseHeaders {
            content_type: "application/json",
            retry_after: Some("30".to_owned()),
            ..ResponseHeaders::default()
        };
        let response = HttpResponse::new(503, headers, "{}".to_owned());
        assert_eq!(
            serde_json::to_value(response).unwrap(),
            json!({
                "statusCode": 503, "body": "{}",
                "headers": {"content-type": "application/json", "retry-after": "30"},
                "isBase64Encoded": false, "cookies": [], "multiValueHeaders": {},
            })
        );
    }
}

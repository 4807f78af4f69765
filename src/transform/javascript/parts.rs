//! The parts of a request, as a file made them: URL, method, headers and items; or why they cannot be sent.

use crate::customerio::limits::MAX_ITEM;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};

/// The hosts of the Track API; requests to either go to the configured one.
const HOSTS: [&str; 2] = ["track.customer.io", "track-eu.customer.io"];

/// Headers that decide where a request goes, who sends it and how long it is.
const OURS: [&str; 6] =
    ["authorization", "host", "content-length", "content-type", "transfer-encoding", "connection"];

/// Why what a function made cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// Credentials travel along, so nobody else may get them.
    #[error(
        "webhook.url leads to another host than track.customer.io and track-eu.customer.io; requests go to Customer.io's Track API only, since the credentials travel along."
    )]
    Host,
    /// Not even a URL.
    #[error("webhook.url is not a URL.")]
    Url,
    /// `/api/v2/b%61tch` and the like.
    #[error("webhook.url has an encoded character in its path; write it plainly.")]
    Path,
    /// GET and the like.
    #[error("webhook.method must be POST or PUT.")]
    Method,
    /// A string, a list, nothing.
    #[error("webhook.payload must be an object.")]
    Payload,
    /// More than a reader of JSON takes.
    #[error("what it returned has lists or objects more than 126 levels deep within each other.")]
    Depth,
    /// For `/api/v2/batch`.
    #[error("webhook.payload must have a list named batch, of objects.")]
    Batch,
    /// Of an `extend`.
    #[error("extend must return the request: an object with a list named batch, of objects.")]
    Extended,
    /// Customer.io would reject it.
    #[error("an item has {0} bytes; Customer.io accepts {MAX_ITEM} at most.")]
    ItemTooLarge(usize),
    /// Names and values must be strings.
    #[error(
        "webhook.headers must be an object of strings that HTTP allows: names without spaces, values without line breaks."
    )]
    Headers,
}

/// The part of a Track API URL that is kept: path and query.
pub(super) fn path(url: &str) -> Result<String, InvalidRequest> {
    let url: Url = url.parse().map_err(|_| InvalidRequest::Url)?;
    let host = url.host_str().unwrap_or_default();
    let is_track_api = HOSTS.contains(&host) && matches!(url.scheme(), "https" | "http");
    if !is_track_api || url.port().is_some() {
        return Err(InvalidRequest::Host);
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    // Customer.io may read `//` and `%61` as a path that has limits; here they must not hide it.
    let segments: Vec<_> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let path = segments.join("/");
    if path.starts_with("api/v2") && path.contains('%') {
        return Err(InvalidRequest::Path);
    }
    Ok(format!("{path}{query}"))
}

pub(super) fn method(method: &str) -> Result<Method, InvalidRequest> {
    match method.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        _ => Err(InvalidRequest::Method),
    }
}

/// The headers that a handler set, without those that are ours to set.
pub(super) fn headers(json: &str) -> Result<HeaderMap, InvalidRequest> {
    let headers: Value = serde_json::from_str(json).map_err(|_| InvalidRequest::Headers)?;
    let empty = Map::new();
    let headers = match &headers {
        Value::Null => &empty,
        Value::Object(headers) => headers,
        _ => return Err(InvalidRequest::Headers),
    };
    let pair = |(name, value): (&String, &Value)| {
        let name: HeaderName = name.parse().map_err(|_| InvalidRequest::Headers)?;
        let value = value.as_str().ok_or(InvalidRequest::Headers)?;
        Ok((name, HeaderValue::from_str(value).map_err(|_| InvalidRequest::Headers)?))
    };
    let pairs = headers.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    Ok(pairs.into_iter().filter(|(name, _)| !OURS.contains(&name.as_str())).collect())
}

/// `None` if it is something else. The engine writes JSON, so only its depth can be wrong.
pub(super) fn object(json: &str) -> Result<Option<Map<String, Value>>, InvalidRequest> {
    match serde_json::from_str(json).map_err(|_| InvalidRequest::Depth)? {
        Value::Object(object) => Ok(Some(object)),
        _ => Ok(None),
    }
}

/// The items of a batch; `None` if it is none.
pub(super) fn batch(mut payload: Map<String, Value>) -> Option<Vec<Map<String, Value>>> {
    let Some(Value::Array(items)) = payload.remove("batch") else { return None };
    let object = |item| match item {
        Value::Object(item) => Some(item),
        _ => None,
    };
    items.into_iter().map(object).collect()
}

use super::item::Batch;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Serialize;

/// One request to the Track API, apart from its host and its credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// POST, or PUT on some older paths.
    pub method: Method,
    /// Below the base URL, without a leading slash; may have a query.
    pub path: String,
    /// Beside those that every request has.
    pub headers: HeaderMap,
    /// JSON.
    pub body: Vec<u8>,
}

impl Call {
    /// The one request of most webhooks.
    ///
    /// # Panics
    /// If a batch does not serialise; those of texts, numbers and flags all do.
    pub fn batch(batch: &impl Serialize, headers: HeaderMap) -> Self {
        let body = serde_json::to_vec(batch).expect("a batch serialises");
        Self { method: Method::POST, path: "api/v2/batch".to_owned(), headers, body }
    }

    /// Whether a header may be added to a call: not those that steer where it goes, who sends it and
    /// how long it is.
    pub fn allows(header: &HeaderName) -> bool {
        ![
            "authorization",
            "host",
            "content-length",
            "content-type",
            "transfer-encoding",
            "connection",
        ]
        .contains(&header.as_str())
    }
}

impl From<&Batch> for Call {
    fn from(batch: &Batch) -> Self {
        Self::batch(batch, HeaderMap::new())
    }
}

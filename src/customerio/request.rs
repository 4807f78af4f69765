use reqwest::Method;
use reqwest::header::HeaderMap;

/// One request to the Track API, apart from its host and its credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// POST, or PUT on some older paths.
    pub method: Method,
    /// Below the base URL, without a leading slash; may have a query.
    pub path: String,
    /// In addition to those that every request has.
    pub headers: HeaderMap,
    /// JSON.
    pub body: Vec<u8>,
    /// Which event each item of a batch came from, by `batch_index`: its position among the events
    /// that were packed together. Empty for other paths.
    pub origins: Vec<usize>,
}

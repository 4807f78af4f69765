//! From the items of one or many events to as few batch requests as possible.

use super::item::Batch;
use super::limits::MAX_BATCH;
use super::request::Request;
use reqwest::Method;
use reqwest::header::HeaderMap;

const PATH: &str = "api/v2/batch";
const START: &[u8] = br#"{"batch":["#;
const END: &[u8] = b"]}";

/// What one event sends to Customer.io.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutgoingRequests {
    /// Items of a batch, each serialised as JSON. They may share a request with those of other events.
    pub items: Vec<Vec<u8>>,
    /// Further headers for the batch, which only a JavaScript handler sets.
    pub headers: HeaderMap,
    /// Requests to other paths, sent one by one after the batch.
    pub others: Vec<Request>,
}

impl OutgoingRequests {
    /// The requests of this event alone, in the order in which they are to be sent.
    pub fn into_requests(self) -> Vec<Request> {
        let Self { items, headers, others } = self;
        let batches = pack(items.into_iter().map(|item| (0, item)), &headers);
        batches.into_iter().chain(others).collect()
    }
}

impl From<&Batch> for OutgoingRequests {
    fn from(batch: &Batch) -> Self {
        let items = batch.items.iter().map(serde_json::to_vec).collect::<Result<_, _>>();
        Self { items: items.expect("strings, numbers and flags serialise"), ..Self::default() }
    }
}

/// Packs items, each with the position of the event that it came from, into requests of at most
/// [`MAX_BATCH`] bytes. Their order is kept.
pub(super) fn pack(
    items: impl IntoIterator<Item = (usize, Vec<u8>)>,
    headers: &HeaderMap,
) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for (origin, item) in items {
        let fits =
            |request: &&mut Request| request.body.len() + 1 + item.len() + END.len() <= MAX_BATCH;
        match requests.last_mut().filter(fits) {
            Some(request) => {
                request.body.push(b',');
                request.add(origin, &item);
            }
            None => requests.push(Request::with_item(origin, &item, headers)),
        }
    }
    for request in &mut requests {
        request.body.extend_from_slice(END);
    }
    requests
}

impl Request {
    /// A batch with its first item, still without its end.
    fn with_item(origin: usize, item: &[u8], headers: &HeaderMap) -> Self {
        let mut request = Self {
            method: Method::POST,
            path: PATH.to_owned(),
            headers: headers.clone(),
            body: START.to_vec(),
            origins: Vec::new(),
        };
        request.add(origin, item);
        request
    }

    fn add(&mut self, origin: usize, item: &[u8]) {
        self.body.extend_from_slice(item);
        self.origins.push(origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn packed(items: &[(usize, Vec<u8>)]) -> Vec<Request> {
        pack(items.iter().cloned(), &HeaderMap::new())
    }

    fn string_of(bytes: usize) -> Vec<u8> {
        format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes()
    }

    #[test]
    fn the_items_of_many_events_share_a_request_and_remember_their_event() {
        let items = [(0, b"{\"a\":1}".to_vec()), (0, b"{\"b\":2}".to_vec()), (1, b"3".to_vec())];
        let [request] = packed(&items).try_into().unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body, json!({"batch": [{"a": 1}, {"b": 2}, 3]}));
        assert_eq!(request.origins, [0, 0, 1]);
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "api/v2/batch"));
    }

    #[test]
    fn a_request_is_never_larger_than_customer_io_accepts() {
        let overhead = START.len() + END.len();
        // Two items and a comma that fill a request to the byte, then one byte too many.
        let half = (MAX_BATCH - overhead - 1) / 2;
        let rest = MAX_BATCH - overhead - 1 - half;
        let fitting = packed(&[(0, string_of(half)), (1, string_of(rest))]);
        assert_eq!(fitting.len(), 1);
        assert_eq!(fitting[0].body.len(), MAX_BATCH);
        let split = packed(&[(0, string_of(half)), (1, string_of(rest + 1))]);
        assert_eq!(split.iter().map(|it| it.origins.clone()).collect::<Vec<_>>(), [[0], [1]]);
        assert!(split.iter().all(|it| serde_json::from_slice::<Value>(&it.body).is_ok()));
    }

    #[test]
    fn without_items_there_is_no_request() {
        assert_eq!(packed(&[]), []);
    }
}

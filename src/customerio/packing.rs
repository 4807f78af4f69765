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
        let batches = pack([(0, items.as_slice())], &headers);
        batches.into_iter().chain(others).collect()
    }

    /// Whether it is nothing but items of a batch that fit into one request: then they may share it with
    /// those of other events.
    pub(crate) fn may_share(&self) -> bool {
        let is_plain = self.headers.is_empty() && self.others.is_empty();
        is_plain && START.len() + joined_size(&self.items) + END.len() <= MAX_BATCH
    }
}

impl From<&Batch> for OutgoingRequests {
    fn from(batch: &Batch) -> Self {
        let items = batch.items.iter().map(serde_json::to_vec).collect::<Result<_, _>>();
        Self { items: items.expect("strings, numbers and flags serialise"), ..Self::default() }
    }
}

/// Packs the items of events, each event with its position, into requests of at most [`MAX_BATCH`] bytes.
/// Their order is kept, and an event is divided only if it does not fit into a request of its own: a
/// person should not be told of an event before Customer.io knows their address.
pub fn pack<'a>(
    events: impl IntoIterator<Item = (usize, &'a [Vec<u8>])>,
    headers: &HeaderMap,
) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for (origin, items) in events {
        for (place, item) in items.iter().enumerate() {
            // The first one goes where the others fit as well.
            let needed = if place == 0 { joined_size(items) } else { item.len() + 1 };
            let has_room =
                |request: &&mut Request| request.body.len() + needed + END.len() <= MAX_BATCH;
            match requests.last_mut().filter(has_room) {
                Some(request) => {
                    request.body.push(b',');
                    request.add(origin, item);
                }
                None => requests.push(Request::with_item(origin, item, headers)),
            }
        }
    }
    for request in &mut requests {
        request.body.extend_from_slice(END);
    }
    requests
}

/// The bytes of items, each with a comma.
fn joined_size(items: &[Vec<u8>]) -> usize {
    items.iter().map(|item| item.len() + 1).sum()
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

    fn packed(events: &[(usize, Vec<Vec<u8>>)]) -> Vec<Request> {
        let events = events.iter().map(|(origin, items)| (*origin, items.as_slice()));
        pack(events, &HeaderMap::new())
    }

    fn string_of(bytes: usize) -> Vec<u8> {
        format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes()
    }

    #[test]
    fn the_items_of_many_events_share_a_request_and_remember_their_event() {
        let first = vec![b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec()];
        let [request] = packed(&[(0, first), (1, vec![b"3".to_vec()])]).try_into().unwrap();
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
        let fitting = packed(&[(0, vec![string_of(half)]), (1, vec![string_of(rest)])]);
        assert_eq!(fitting.len(), 1);
        assert_eq!(fitting[0].body.len(), MAX_BATCH);
        let split = packed(&[(0, vec![string_of(half)]), (1, vec![string_of(rest + 1)])]);
        assert_eq!(split.iter().map(|it| it.origins.clone()).collect::<Vec<_>>(), [[0], [1]]);
        assert!(split.iter().all(|it| serde_json::from_slice::<Value>(&it.body).is_ok()));
    }

    #[test]
    fn an_event_is_divided_only_if_it_fits_into_no_request() {
        let third = string_of(MAX_BATCH / 3);
        let pair = || vec![third.clone(); 2];
        let origins = |events: &[(usize, Vec<Vec<u8>>)]| -> Vec<Vec<usize>> {
            packed(events).into_iter().map(|request| request.origins).collect()
        };
        assert_eq!(origins(&[(0, pair()), (1, pair())]), [vec![0, 0], vec![1, 1]]);
        assert_eq!(origins(&[(0, vec![third.clone(); 5])]), [vec![0, 0], vec![0, 0], vec![0]]);
        // A large item after a small one.
        let mixed = packed(&[(0, vec![string_of(10), string_of(MAX_BATCH - 20), string_of(5)])]);
        assert!(mixed.iter().all(|request| request.body.len() <= MAX_BATCH));
        let alone = OutgoingRequests { items: pair(), ..OutgoingRequests::default() };
        assert!(alone.may_share());
        let large = OutgoingRequests { items: vec![third; 3], ..OutgoingRequests::default() };
        assert!(!large.may_share());
        let filling = |bytes| OutgoingRequests {
            items: vec![
                string_of(MAX_BATCH - START.len() - END.len() - bytes - 2),
                string_of(bytes),
            ],
            ..OutgoingRequests::default()
        };
        assert!(filling(100).may_share(), "with a comma after each");
        let mut over = filling(100);
        over.items[1].push(b' ');
        assert!(!over.may_share(), "one byte more");
    }

    #[test]
    fn each_item_is_weighed_by_its_own_size() {
        // All together they fill a request to the byte; the second is the largest.
        let left = MAX_BATCH - START.len() - END.len();
        let items = [1_000, left - 1_000 - 100 - 2, 100].map(string_of).to_vec();
        let [whole] = packed(&[(0, items)]).try_into().unwrap();
        assert_eq!(whole.body.len(), MAX_BATCH);
        // Alone too large: no request takes one that it has no room for.
        let items = [300_000, 1_000, 300_000, 1_000].map(string_of).to_vec();
        let requests = packed(&[(0, items)]);
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|it| it.body.len() <= MAX_BATCH));
    }

    #[test]
    fn without_items_there_is_no_request() {
        assert_eq!(packed(&[]), []);
        assert_eq!(packed(&[(0, Vec::new())]), []);
    }
}

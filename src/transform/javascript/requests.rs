use super::engine::Outgoing;
use super::parts::{self, InvalidRequest};
use super::repair::{Repaired, Repairer};
use crate::customerio::limits::MAX_ITEM;
use crate::customerio::{OutgoingRequests, Request};
use crate::event::Event;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

/// What the files made of one event: one batch, and requests to older paths after it.
#[derive(Debug)]
pub struct HandlerRequests {
    repairer: Repairer,
    /// What the first `extend` was given, as JSON.
    built_in: Option<String>,
    /// What the last `extend` returned.
    extended: Items,
    /// What handlers made.
    handled: Items,
    headers: HeaderMap,
    others: Vec<Request>,
    made: Vec<Made>,
}

/// Items of the batch, and what was repaired in them.
#[derive(Debug, Default)]
struct Items {
    items: Vec<Value>,
    repaired: Vec<Repaired>,
}

/// What one handler made, for the preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Which file.
    pub file: String,
    /// `webhook.url` as it left it.
    pub url: String,
    /// `webhook.payload` as it left it, as JSON.
    pub payload: String,
}

impl HandlerRequests {
    /// `built_in` is the request that an `extend` is given, as JSON.
    pub(super) fn new(event: &Event<'_>, now: u64, built_in: Option<String>) -> Self {
        Self {
            repairer: Repairer::new(event.id, event.timestamp_ms, now),
            built_in,
            extended: Items::default(),
            handled: Items::default(),
            headers: HeaderMap::new(),
            others: Vec::new(),
            made: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.extended.items.is_empty() && self.handled.items.is_empty() && self.others.is_empty()
    }

    /// Takes what an `extend` returned, in place of what the one before it did.
    pub(super) fn extend(&mut self, file: &str, request: &str) -> Result<(), InvalidRequest> {
        let request = parts::object(request)?.ok_or(InvalidRequest::Extended)?;
        let items = parts::batch(request).ok_or(InvalidRequest::Extended)?;
        self.extended = self.checked(file, items)?;
        Ok(())
    }

    /// Forgets the built-in request: an `extend` returned `null`.
    pub(super) fn drop_extended(&mut self) {
        self.extended = Items::default();
    }

    /// Adds what one handler made.
    pub(super) fn add(&mut self, file: &str, made: Outgoing) -> Result<(), InvalidRequest> {
        let path = parts::path(&made.url)?;
        let method = parts::method(&made.method)?;
        let headers = parts::headers(&made.headers)?;
        let object = parts::object(&made.payload)?.ok_or(InvalidRequest::Payload)?;
        self.made.push(Made { file: file.to_owned(), url: made.url, payload: made.payload });
        match path.split('?').next().unwrap_or_default() {
            "api/v2/entity" => self.add_items(file, vec![object], headers)?,
            "api/v2/batch" => {
                let items = parts::batch(object).ok_or(InvalidRequest::Batch)?;
                self.add_items(file, items, headers)?;
            }
            _ => {
                let body = Value::Object(object).to_string().into_bytes();
                self.others.push(Request { method, path, headers, body, origins: Vec::new() });
            }
        }
        Ok(())
    }

    fn add_items(
        &mut self,
        file: &str,
        items: Vec<Map<String, Value>>,
        headers: HeaderMap,
    ) -> Result<(), InvalidRequest> {
        self.headers.extend(headers);
        let Items { items, repaired } = self.checked(file, items)?;
        self.handled.items.extend(items);
        self.handled.repaired.extend(repaired);
        Ok(())
    }

    /// Items of one file, repaired and within the limits.
    fn checked(
        &self,
        file: &str,
        mut items: Vec<Map<String, Value>>,
    ) -> Result<Items, InvalidRequest> {
        let repaired = self.repairer.repair(&mut items).into_iter();
        let repaired = repaired.map(|repair| Repaired { file: file.to_owned(), repair }).collect();
        let items: Vec<_> = items.into_iter().map(Value::Object).collect();
        let largest = items.iter().map(|item| item.to_string().len()).max().unwrap_or_default();
        if largest > MAX_ITEM {
            return Err(InvalidRequest::ItemTooLarge(largest));
        }
        Ok(Items { items, repaired })
    }

    /// What the first `extend` was given, as JSON, if there is one and there was something to extend.
    pub fn built_in(&self) -> Option<&str> {
        self.built_in.as_deref()
    }

    /// What the last `extend` returned, repaired.
    pub fn extended(&self) -> &[Value] {
        &self.extended.items
    }

    /// What each handler made, before any repair.
    pub fn made(&self) -> &[Made] {
        &self.made
    }

    /// What was repaired, and why.
    pub fn repaired(&self) -> impl Iterator<Item = &Repaired> {
        self.extended.repaired.iter().chain(&self.handled.repaired)
    }

    /// The items of the batch: what was built in and extended, then what handlers made.
    pub fn items(&self) -> impl Iterator<Item = &Value> {
        self.extended.items.iter().chain(&self.handled.items)
    }

    /// What is to be sent.
    pub fn into_outgoing(self) -> OutgoingRequests {
        let items = self.items().map(|item| item.to_string().into_bytes()).collect();
        OutgoingRequests { items, headers: self.headers, others: self.others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(url: &str, payload: Value) -> Outgoing {
        Outgoing {
            url: url.to_owned(),
            method: "POST".to_owned(),
            headers: "{}".to_owned(),
            payload: payload.to_string(),
        }
    }

    fn requests(runs: &[Outgoing]) -> Result<Vec<Request>, InvalidRequest> {
        let event = Event {
            id: "msg_1",
            event_type: "a.b".into(),
            timestamp_ms: Some(1000),
            data: Map::new(),
            raw: "",
        };
        let mut requests = HandlerRequests::new(&event, 10, None);
        for run in runs {
            requests.add("a.js", run.clone())?;
        }
        Ok(requests.into_outgoing().into_requests())
    }

    fn event(name: &str) -> Value {
        json!({"type": "person", "identifiers": {"id": "1"}, "action": "event", "name": name})
    }

    fn body(request: &Request) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    #[test]
    fn what_several_handlers_made_leaves_as_one_batch_and_older_requests_after_it() {
        let requests = requests(&[
            run("https://track.customer.io/api/v1/customers/5?x=1", json!({"plan": "pro"})),
            run("https://track.customer.io/api/v2/entity", event("a")),
            run(
                "https://track-eu.customer.io/api/v2/batch/",
                json!({"batch": [event("b"), event("c")]}),
            ),
        ])
        .unwrap();
        let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
        assert_eq!(paths, ["api/v2/batch", "api/v1/customers/5?x=1"]);
        let batch = body(&requests[0]);
        let names: Vec<_> =
            batch["batch"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(batch["batch"][0]["timestamp"], 1);
        assert_eq!(body(&requests[1]), json!({"plan": "pro"}), "older paths are not repaired");
    }

    #[test]
    fn credentials_travel_to_customer_io_only() {
        for url in [
            "https://evil.example.com/api/v2/entity",
            "https://track.customer.io.example.com/api/v2/entity",
            "https://track.customer.io@evil.example.com/",
            "https://track.customer.io:8443/api/v2/entity",
            "ftp://track.customer.io/api/v2/entity",
            "http://169.254.169.254/latest",
        ] {
            assert_eq!(requests(&[run(url, json!({}))]), Err(InvalidRequest::Host), "{url}");
        }
        assert_eq!(requests(&[run("/api/v2/entity", json!({}))]), Err(InvalidRequest::Url));
    }

    #[test]
    fn headers_are_taken_but_for_ours() {
        let mut with = run("https://track.customer.io/api/v2/entity", event("a"));
        with.headers =
            json!({"X-Trace": "1", "Authorization": "x", "HOST": "x", "content-length": "9"})
                .to_string();
        let headers = requests(&[with.clone()]).unwrap().remove(0).headers;
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-trace"]);
        for wrong in
            [json!([]), json!("x"), json!({"a": 1}), json!({"a b": "c"}), json!({"a": "\n"})]
        {
            with.headers = wrong.to_string();
            assert_eq!(requests(&[with.clone()]), Err(InvalidRequest::Headers), "{wrong}");
        }
    }

    #[test]
    fn an_item_that_is_too_large_is_refused_and_a_batch_that_is_too_large_is_split() {
        let entity = "https://track.customer.io/api/v2/entity";
        let large = |bytes: usize| {
            let mut item = event("a");
            item["attributes"] = json!({"text": "x".repeat(bytes)});
            item
        };
        let refused = requests(&[run(entity, large(32_000))]);
        assert!(matches!(refused, Err(InvalidRequest::ItemTooLarge(_))), "{refused:?}");
        let batch = json!({"batch": vec![large(31_000); 20]});
        let split = requests(&[run("https://track.customer.io/api/v2/batch", batch)]).unwrap();
        assert_eq!(split.len(), 2);
        assert!(split.iter().all(|request| request.body.len() <= 500_000));
        let items = split.iter().map(|it| body(it)["batch"].as_array().unwrap().len());
        assert_eq!(items.sum::<usize>(), 20);
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused_by_name() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        let url = "https://track.customer.io/api/v2/entity";
        assert!(requests(&[run(url, nested(100))]).is_ok());
        assert_eq!(requests(&[run(url, nested(200))]).unwrap_err(), InvalidRequest::Depth);
    }

    #[test]
    fn what_has_no_shape_is_refused() {
        let entity = "https://track.customer.io/api/v2/entity";
        for payload in [json!(null), json!("x"), json!([1])] {
            assert_eq!(requests(&[run(entity, payload)]), Err(InvalidRequest::Payload));
        }
        let batch = "https://track.customer.io/api/v2/batch";
        for payload in [json!({}), json!({"batch": {}}), json!({"batch": [1]})] {
            assert_eq!(requests(&[run(batch, payload)]), Err(InvalidRequest::Batch));
        }
        let mut gets = run(entity, event("a"));
        gets.method = "GET".to_owned();
        assert_eq!(requests(&[gets]), Err(InvalidRequest::Method));
    }
}

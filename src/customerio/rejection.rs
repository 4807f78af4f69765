//! Customer.io's reasons: which events of a request they are about, and what is redacted from them.

use super::request::Request;
use super::response::ItemError;
use crate::telemetry::redaction::Redactor;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// As many reasons of one event as a person reads.
const MAX_ERRORS: usize = 20;

/// What is known of some events of a request, by their positions, beyond what the request says of them.
pub type Known<'a> = dyn Fn(&[usize]) -> Value + Sync + 'a;

impl Request {
    /// The event that an error is about, by its position; `None` if the error does not say.
    pub(crate) fn origin_of(&self, error: &ItemError) -> Option<usize> {
        let index = usize::try_from(error.batch_index?).ok()?;
        self.origins.get(index).copied()
    }

    /// All events in it, by their positions, each once.
    pub(crate) fn events(&self) -> Vec<usize> {
        let mut events = self.origins.clone();
        events.dedup();
        events
    }

    /// What a response may quote: the payload, and on older paths the person (`api/v1/customers/<id>`).
    fn quotable(&self) -> Value {
        let payload: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let path: Vec<_> = self.path.split('/').skip(3).collect();
        json!({ "payload": payload, "path": path })
    }
}

/// The errors of a response, not too many for one event. What its events say, and what is known of them, is
/// redacted: Customer.io may know more of a person than the request says, and an error about one event may
/// quote another.
pub(super) fn redacted(
    errors: Vec<ItemError>,
    request: &Request,
    secrets: &[String],
    known: &Known<'_>,
) -> Vec<ItemError> {
    let json = json!([request.quotable(), known(&request.events())]);
    let redactor = Redactor::new(&json, secrets.iter().cloned());
    let mut counts: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    let redact = |error: ItemError| {
        let count = counts.entry(request.origin_of(&error)).or_default();
        *count += 1;
        (*count <= MAX_ERRORS).then(|| ItemError {
            field: redactor.redact(&error.field),
            message: redactor.redact(&error.message),
            ..error
        })
    };
    errors.into_iter().filter_map(redact).collect()
}

#[cfg(test)]
mod tests {
    use super::super::packing::pack;
    use super::*;
    use reqwest::header::HeaderMap;

    fn error(batch_index: Option<u64>, message: &str) -> ItemError {
        let (field, message) = ("attributes.note".to_owned(), message.to_owned());
        ItemError { batch_index, field, message, is_customer_ios: true }
    }

    /// Two events; the first has two items.
    fn request() -> Request {
        let item = |name: &str| json!({"attributes": {"name": name}}).to_string().into_bytes();
        let (ada, grace) = ([item("Leopoldine"), item("Leopoldine")], [item("Zwirnfried")]);
        let [request] =
            pack([(3, &ada[..]), (7, &grace[..])], &HeaderMap::new()).try_into().unwrap();
        request
    }

    fn messages(errors: Vec<ItemError>) -> Vec<String> {
        let known = |events: &[usize]| {
            json!(events.iter().map(|it| format!("Known{it}x")).collect::<Vec<_>>())
        };
        let redacted = redacted(errors, &request(), &[], &known);
        redacted.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn an_error_names_its_event() {
        let request = request();
        let origin = |index| request.origin_of(&error(index, ""));
        assert_eq!([Some(0), Some(1), Some(2)].map(origin), [Some(3), Some(3), Some(7)]);
        assert_eq!([None, Some(3), Some(u64::MAX)].map(origin), [None; 3]);
        assert_eq!(request.events(), [3, 7]);
    }

    #[test]
    fn what_an_error_quotes_of_its_event_is_redacted() {
        let quoted = messages(vec![
            error(Some(1), "of LEOPOLDINE"),
            error(Some(0), "of known3x"),
            error(Some(2), "of Zwirnfried"),
            error(Some(0), "of Zwirnfried and Known7x, who belong to another event"),
            error(None, "of Leopoldine, Zwirnfried, Known3x and Known7x"),
        ]);
        assert!(quoted.iter().all(|it| it.contains("[redacted]")), "{quoted:?}");
        for word in ["LEOPOLDINE", "known3x", "Zwirnfried", "Leopoldine", "Known7x"] {
            assert!(quoted.iter().all(|it| !it.contains(word)), "{word} in {quoted:?}");
        }
    }

    /// Otherwise an item beyond the limit would count as accepted.
    #[test]
    fn many_errors_of_one_event_leave_those_of_another() {
        let mut errors = vec![error(Some(0), "odd"); 50];
        errors.push(error(Some(2), "strange"));
        let messages = messages(errors);
        assert_eq!(
            (messages.len(), messages.last().unwrap().as_str()),
            (MAX_ERRORS + 1, "strange")
        );
    }
}

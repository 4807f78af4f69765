//! An event of Dodo's, and how its fields are read.

pub(crate) mod cart;
mod customer;
pub mod date;
pub mod lenient;
pub(crate) mod money;

pub(crate) use customer::Customer;
pub use customer::own_id;

use crate::webhook::Verified;
use serde_json::{Map, Value};

/// Something of a `type` that happened at a time, and the object it happened to.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// The `webhook-id`: the same for every delivery of one event, so it is its idempotency key.
    pub id: &'a str,
    /// Such as `payment.succeeded`; not necessarily one that is known today. Never empty.
    pub event_type: String,
    /// When it happened (not when it was sent), in Unix milliseconds. Absent or unreadable: `None`.
    pub timestamp_ms: Option<u64>,
    /// The payment, subscription, … in its newest state.
    pub data: Map<String, Value>,
    /// The body exactly as it was signed.
    pub raw: &'a str,
}

/// Why the body of a genuine webhook is not an event. Sending it again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or not even UTF-8.
    #[error("The body is not JSON.")]
    NotJson,
    /// `type` is missing, empty or not a string.
    #[error("The body has no \"type\".")]
    NoType,
    /// It does not say which webhook it is. Only in a queue: as a header it would have been missed before.
    #[error("The message has no \"webhook-id\".")]
    NoId,
    /// `data` is missing or not an object.
    #[error("The body has no \"data\" object.")]
    NoData,
}

impl<'a> Event<'a> {
    /// Reads the event in a verified webhook. Only `type` and `data` are required.
    ///
    /// # Errors
    /// What is missing.
    pub fn from_webhook(webhook: &Verified<'a>) -> Result<Self, EnvelopeError> {
        let body = std::str::from_utf8(webhook.body()).map_err(|_| EnvelopeError::NotJson)?;
        Self::from_trusted(webhook.id(), body)
    }

    /// The same for a webhook whose signature was checked earlier and elsewhere, before it was put
    /// where nobody else can write (a queue). The caller vouches for that; nothing here does.
    ///
    /// # Errors
    /// What is missing.
    pub fn from_trusted(id: &'a str, body: &'a str) -> Result<Self, EnvelopeError> {
        if id.is_empty() {
            return Err(EnvelopeError::NoId);
        }
        let envelope = serde_json::from_str(body).map_err(|_| EnvelopeError::NotJson)?;
        let Value::Object(mut envelope) = envelope else {
            return Err(EnvelopeError::NoType);
        };
        let event_type = match envelope.remove("type") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            _ => return Err(EnvelopeError::NoType),
        };
        let Some(Value::Object(data)) = envelope.remove("data") else {
            return Err(EnvelopeError::NoData);
        };
        let timestamp_ms = envelope.get("timestamp").and_then(date::unix_milliseconds);
        Ok(Self { id, event_type, timestamp_ms, data, raw: body })
    }
}

impl Event<'_> {
    /// When it happened, in Unix seconds.
    pub(crate) fn seconds(&self) -> Option<u64> {
        self.timestamp_ms.map(|milliseconds| milliseconds / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Event<'_>, EnvelopeError> {
        Event::from_trusted("msg_1", body)
    }

    #[test]
    fn the_smallest_envelope_is_enough() {
        let body = r#"{"type":"new.thing","data":{}}"#;
        let event = read(body).unwrap();
        assert_eq!((event.event_type.as_str(), event.timestamp_ms), ("new.thing", None));
        assert_eq!((event.id, event.raw), ("msg_1", body));
    }

    #[test]
    fn the_timestamp_is_kept_to_the_millisecond() {
        let body = r#"{"type":"a.b","timestamp":"2026-10-31T12:00:00.123456Z","data":{}}"#;
        let event = read(body).unwrap();
        assert_eq!(event.timestamp_ms, Some(1_793_448_000_123));
        assert_eq!(event.seconds(), Some(1_793_448_000));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (body, expected) in [
            ("", EnvelopeError::NotJson),
            ("{\"type\":\"a\"", EnvelopeError::NotJson),
            ("[]", EnvelopeError::NoType),
            ("{}", EnvelopeError::NoType),
            (r#"{"type":7,"data":{}}"#, EnvelopeError::NoType),
            (r#"{"type":" ","data":{}}"#, EnvelopeError::NoType),
            (r#"{"type":"a.b"}"#, EnvelopeError::NoData),
            (r#"{"type":"a.b","data":null}"#, EnvelopeError::NoData),
            (r#"{"type":"a.b","data":[]}"#, EnvelopeError::NoData),
        ] {
            assert_eq!(read(body), Err(expected), "{body}");
        }
    }

    /// Its id could not be the same at every delivery.
    #[test]
    fn an_event_has_an_id() {
        let read = Event::from_trusted("", r#"{"type":"a.b","data":{}}"#);
        assert_eq!(read, Err(EnvelopeError::NoId));
    }

    #[test]
    fn json_too_deep_for_the_stack_is_refused() {
        let deep = format!(r#"{{"type":"a.b","data":{{"x":{}}}}}"#, "[".repeat(100_000));
        assert_eq!(read(&deep), Err(EnvelopeError::NotJson));
    }
}

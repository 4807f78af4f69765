use super::Verified;
use crate::dodo::Facts;
use crate::event::date;
use serde_json::{Map, Value};

/// What every Dodo webhook is: something of a `type` that happened at a time, and its object.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Such as `payment.succeeded`; not necessarily one that is known today. Never empty.
    pub event_type: String,
    /// When it happened (not when it was sent), in Unix milliseconds. Absent or unreadable: `None`.
    pub timestamp_ms: Option<u64>,
    /// The payment, subscription, … in its newest state.
    pub data: Map<String, Value>,
    /// What Dodo's API adds to it; `None` unless it was asked.
    pub facts: Option<Facts>,
}

/// Why the body of a genuine webhook is no event. Sending it again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEnvelope {
    /// Nor UTF-8, perhaps.
    #[error("The body is not JSON.")]
    NotJson,
    /// Or an empty one, or not a text.
    #[error("The body has no \"type\".")]
    NoType,
    /// Or one that is no object.
    #[error("The body has no \"data\" object.")]
    NoData,
}

impl Envelope {
    /// Reads the envelope of a verified webhook; only `type` and `data` must be there.
    ///
    /// # Errors
    /// What is missing.
    pub fn parse(webhook: &Verified<'_>) -> Result<Self, NotAnEnvelope> {
        Self::read(webhook.body())
    }

    /// The same event, with what Dodo's API says about its customer.
    #[must_use]
    pub fn with(mut self, facts: Facts) -> Self {
        facts.complete(&mut self.data);
        Self { facts: Some(facts), ..self }
    }

    fn read(body: &[u8]) -> Result<Self, NotAnEnvelope> {
        let body: Value = serde_json::from_slice(body).map_err(|_| NotAnEnvelope::NotJson)?;
        let Value::Object(mut body) = body else {
            return Err(NotAnEnvelope::NoType);
        };
        let event_type = match body.remove("type") {
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => return Err(NotAnEnvelope::NoType),
        };
        let Some(Value::Object(data)) = body.remove("data") else {
            return Err(NotAnEnvelope::NoData);
        };
        let timestamp_ms = body.get("timestamp").and_then(date::unix_milliseconds);
        Ok(Self { event_type, timestamp_ms, data, facts: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_envelope_is_enough() {
        let envelope = Envelope::read(br#"{"type":"new.thing","data":{}}"#).unwrap();
        assert_eq!(envelope.event_type, "new.thing");
        assert_eq!(envelope.timestamp_ms, None);
    }

    #[test]
    fn the_timestamp_is_kept_to_the_millisecond() {
        let body = br#"{"type":"a.b","timestamp":"2026-10-31T12:00:00.123456Z","data":{}}"#;
        assert_eq!(Envelope::read(body).unwrap().timestamp_ms, Some(1_793_448_000_123));
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases: [(&[u8], _); 10] = [
            (b"", NotAnEnvelope::NotJson),
            (b"{\"type\":\"a\"", NotAnEnvelope::NotJson),
            (b"{\"type\":\"\xff\",\"data\":{}}", NotAnEnvelope::NotJson),
            (b"[]", NotAnEnvelope::NoType),
            (b"{}", NotAnEnvelope::NoType),
            (br#"{"type":7,"data":{}}"#, NotAnEnvelope::NoType),
            (br#"{"type":" ","data":{}}"#, NotAnEnvelope::NoType),
            (br#"{"type":"a.b"}"#, NotAnEnvelope::NoData),
            (br#"{"type":"a.b","data":null}"#, NotAnEnvelope::NoData),
            (br#"{"type":"a.b","data":[]}"#, NotAnEnvelope::NoData),
        ];
        for (body, expected) in cases {
            assert_eq!(Envelope::read(body), Err(expected), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn json_too_deep_for_the_stack_is_refused() {
        let deep = format!(r#"{{"type":"a.b","data":{{"x":{}}}}}"#, "[".repeat(100_000));
        assert_eq!(Envelope::read(deep.as_bytes()), Err(NotAnEnvelope::NotJson));
    }
}

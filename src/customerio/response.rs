//! What a response of Customer.io's means for the event. Pure: status, headers and body in, verdict out.

use serde_json::Value;
use std::time::Duration;

/// What to do after a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Customer.io accepted everything.
    Accepted,
    /// It accepted the request, but for the items that these errors name.
    PartlyRejected(Vec<ItemError>),
    /// It accepted nothing of this request, and never will; repeating it would not help.
    Rejected(Vec<ItemError>),
    /// It may work later.
    Later(Later),
}

impl Verdict {
    /// Whether other credentials might help.
    pub(crate) fn refuses_credentials(&self) -> bool {
        let reason = |later: &Later| matches!(later.reason, LaterReason::CredentialsRefused(_));
        matches!(self, Self::Later(later) if reason(later))
    }
}

/// One of Customer.io's reasons for rejecting an item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ItemError {
    /// Position in the batch, if the reason is about one item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_index: Option<u64>,
    /// What it is about, such as `attributes.plan`; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The reason in words.
    pub message: String,
    /// Whether it has the form of Customer.io's: a reason, or on older paths a sentence in `meta`.
    #[serde(skip)]
    pub is_customer_ios: bool,
}

impl ItemError {
    /// The same, where so many items of the batch left in requests before.
    pub(crate) fn after(self, items: usize) -> Self {
        let before = items as u64;
        Self { batch_index: self.batch_index.map(|index| index + before), ..self }
    }
}

/// Why a delivery failed for now, and when Customer.io wants the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// Why.
    pub reason: LaterReason,
    /// `Retry-After`, where the response has one.
    pub retry_after: Option<Duration>,
}

impl From<LaterReason> for Later {
    fn from(reason: LaterReason) -> Self {
        Self { reason, retry_after: None }
    }
}

/// The reasons, as sentences that name what to change; the number is the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LaterReason {
    /// No connection.
    #[error("Customer.io could not be reached.")]
    Unreachable,
    /// The connection ended before the response.
    #[error("The connection to Customer.io broke before it responded.")]
    Broken,
    /// No response within the time left.
    #[error("Customer.io took too long to respond.")]
    TimedOut,
    /// 408 and 5xx.
    #[error("Customer.io responded with {0}, which means that it is overloaded or down.")]
    Unavailable(u16),
    /// 429.
    #[error("Customer.io says that too many requests arrive.")]
    RateLimited,
    /// 3xx.
    #[error(
        "Customer.io redirects to another host ({0}): the workspace lives in the other region. Set \
         CUSTOMERIO_REGION to us or eu accordingly."
    )]
    WrongRegion(u16),
    /// 401 and 403.
    #[error(
        "Customer.io refuses the credentials ({0}). Check customerio_site_id and customerio_api_key \
         in the secret (the Track API key, not the App API key) and CUSTOMERIO_REGION."
    )]
    CredentialsRefused(u16),
    /// Any other status, or a 400 without a reason: probably not Customer.io at all.
    #[error(
        "This is not how Customer.io's Track API responds (status {0}). Check CUSTOMERIO_TRACK_URL, if \
         it is set, and any proxy on the way."
    )]
    Unexpected(u16),
    /// A 2xx whose body broke off, is too long, or is not JSON.
    #[error(
        "Customer.io's response could not be read, so it is unknown whether it accepted the request."
    )]
    Unreadable,
}

impl LaterReason {
    /// A short code for machines.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "customerio_unreachable",
            Self::Broken => "customerio_broken_connection",
            Self::TimedOut => "customerio_timeout",
            Self::Unavailable(_) => "customerio_unavailable",
            Self::RateLimited => "customerio_rate_limited",
            Self::WrongRegion(_) => "wrong_region",
            Self::CredentialsRefused(_) => "credentials_refused",
            Self::Unexpected(_) => "customerio_unexpected_response",
            Self::Unreadable => "customerio_unreadable_response",
        }
    }
}

/// Others list errors too, but as numbers, objects of their own, or nothing.
fn has_reasons(errors: &[ItemError]) -> bool {
    !errors.is_empty() && errors.iter().all(|error| error.is_customer_ios)
}

/// Classifies a response. `body` is what was read of it, `None` if it broke off or was too long.
pub(super) fn classify(status: u16, retry_after: Option<Duration>, body: Option<&[u8]>) -> Verdict {
    let later = |reason| Verdict::Later(Later { reason, retry_after });
    match status {
        200..=299 => match body.and_then(errors) {
            Some(errors) if errors.is_empty() => Verdict::Accepted,
            Some(errors) => Verdict::PartlyRejected(errors),
            None => later(LaterReason::Unreadable),
        },
        // A 400 without one of Customer.io's reasons comes from something in between, such as a proxy.
        400 => match body.and_then(errors) {
            Some(errors) if has_reasons(&errors) => Verdict::Rejected(errors),
            _ => later(LaterReason::Unexpected(status)),
        },
        413 => Verdict::Rejected(too_large(body)),
        401 | 403 => later(LaterReason::CredentialsRefused(status)),
        429 => later(LaterReason::RateLimited),
        300..=399 => later(LaterReason::WrongRegion(status)),
        408 | 500..=599 => later(LaterReason::Unavailable(status)),
        _ => later(LaterReason::Unexpected(status)),
    }
}

/// Only the status of a 413 matters; its body may say more.
fn too_large(body: Option<&[u8]>) -> Vec<ItemError> {
    let mut found = body.and_then(errors).unwrap_or_default();
    if found.is_empty() {
        let message = "Customer.io finds the request too large.".to_owned();
        let (batch_index, field) = (None, String::new());
        found.push(ItemError { batch_index, field, message, is_customer_ios: true });
    }
    found
}

/// The errors in a body: `errors` on newer paths, `meta.error` and `meta.errors` on older ones. An empty
/// body has none; `None` means that the body is not JSON.
fn errors(body: &[u8]) -> Option<Vec<ItemError>> {
    if body.trim_ascii().is_empty() {
        return Some(Vec::new());
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let meta = |name| body.get("meta").and_then(|meta| meta.get(name));
    let newer = body.get("errors").into_iter().flat_map(as_list).map(item_error);
    let older = [meta("errors"), meta("error")].into_iter().flatten().flat_map(as_list);
    let older = older.map(|error| ItemError {
        is_customer_ios: error.as_str().is_some_and(|text| !text.is_empty()),
        ..item_error(error)
    });
    Some(newer.chain(older).collect())
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        Value::Null => &[],
        value => std::slice::from_ref(value),
    }
}

fn item_error(error: &Value) -> ItemError {
    let string = |name| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let message = match error {
        Value::String(message) => message.clone(),
        Value::Object(_) if error.get("message").is_some() => string("message"),
        _ => string("reason"),
    };
    ItemError {
        batch_index: error.get("batch_index").and_then(Value::as_u64),
        field: string("field"),
        message,
        is_customer_ios: !string("reason").is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> Verdict {
        classify(status, None, Some(body.as_bytes()))
    }

    fn refused(batch_index: Option<u64>, field: &str, message: &str) -> ItemError {
        let (field, message) = (field.into(), message.into());
        ItemError { batch_index, field, message, is_customer_ios: true }
    }

    fn later(reason: LaterReason) -> Verdict {
        Verdict::Later(reason.into())
    }

    #[test]
    fn only_refused_credentials_may_be_helped_by_others() {
        assert!(verdict(401, "").refuses_credentials() && verdict(403, "").refuses_credentials());
        for status in [200, 400, 429, 500] {
            assert!(!verdict(status, "").refuses_credentials(), "{status}");
        }
    }

    #[test]
    fn a_2xx_without_errors_is_acceptance() {
        for body in ["{}", "", " \n", r#"{"errors":[]}"#, r#"{"errors":null}"#, r#"{"meta":{}}"#] {
            assert_eq!(verdict(200, body), Verdict::Accepted, "{body}");
        }
    }

    #[test]
    fn errors_in_any_2xx_count() {
        let body = r#"{"errors":[
            {"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"too long"},
            {"batch_index":1,"reason":"required","field":"name"}
        ]}"#;
        let expected = Verdict::PartlyRejected(vec![
            refused(Some(1), "attributes.plan", "too long"),
            refused(Some(1), "name", "required"),
        ]);
        assert_eq!(verdict(207, body), expected);
        assert_eq!(verdict(200, body), expected);
    }

    #[test]
    fn a_response_that_cannot_be_read_proves_nothing() {
        assert_eq!(verdict(200, "<html>"), later(LaterReason::Unreadable));
        assert_eq!(classify(207, None, None), later(LaterReason::Unreadable));
    }

    #[test]
    fn a_400_gives_its_reasons_in_all_three_shapes() {
        for (body, message) in [
            (
                r#"{"errors":[{"reason":"invalid","field":"type","message":"bad type"}]}"#,
                "bad type",
            ),
            (r#"{"meta":{"error":"bad type"}}"#, "bad type"),
            (r#"{"meta":{"errors":["bad type"]}}"#, "bad type"),
        ] {
            let Verdict::Rejected(errors) = verdict(400, body) else { panic!("{body}") };
            assert_eq!(errors[0].message, message);
        }
        for body in [
            "<html>",
            "",
            "{}",
            r#"{"errors":[]}"#,
            "[1]",
            r#"{"success":false,"errors":[{"code":1000,"message":"upstream gateway"}]}"#,
            r#"{"errors":"bad"}"#,
            r#"{"errors":{"a":"b"}}"#,
            r#"{"errors":[null,{},""]}"#,
            r#"{"errors":[{"reason":null,"field":null,"message":null}]}"#,
            r#"{"meta":{"errors":[""]}}"#,
        ] {
            assert_eq!(
                verdict(400, body),
                later(LaterReason::Unexpected(400)),
                "a proxy's: {body}"
            );
        }
        let too_large = refused(None, "", "Customer.io finds the request too large.");
        assert_eq!(verdict(413, ""), Verdict::Rejected(vec![too_large]));
    }

    #[test]
    fn everything_else_may_work_later() {
        for (status, reason) in [
            (301, LaterReason::WrongRegion(301)),
            (302, LaterReason::WrongRegion(302)),
            (307, LaterReason::WrongRegion(307)),
            (401, LaterReason::CredentialsRefused(401)),
            (403, LaterReason::CredentialsRefused(403)),
            (404, LaterReason::Unexpected(404)),
            (408, LaterReason::Unavailable(408)),
            (429, LaterReason::RateLimited),
            (500, LaterReason::Unavailable(500)),
            (503, LaterReason::Unavailable(503)),
            (522, LaterReason::Unavailable(522)),
            (100, LaterReason::Unexpected(100)),
        ] {
            assert_eq!(verdict(status, "{}"), later(reason), "{status}");
        }
    }

    #[test]
    fn retry_after_travels_along() {
        let seven = Some(Duration::from_secs(7));
        let expected = Later { reason: LaterReason::RateLimited, retry_after: seven };
        assert_eq!(classify(429, seven, Some(b"")), Verdict::Later(expected));
    }
}

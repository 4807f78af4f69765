//! The one place where what became of a request turns into an HTTP response.

use super::http_event::{HttpResponse, ResponseHeaders};
use crate::customerio::ItemError;
use crate::relay::Outcome;
use crate::webhook::{HeaderError, SignatureError};
use ::http::StatusCode;
use std::time::Duration;

/// `Retry-After` where nobody said how long to wait.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The longest `Retry-After`, in seconds: a mistaken one must not put an event off for days.
const LONGEST_RETRY_AFTER: u64 = 3_600;

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It was an event, or at least genuine.
    Outcome(Outcome),
    /// It does not come from Dodo, or nothing proves that it does.
    Unauthorized(Unauthorized),
    /// It is safe in the queue.
    Queued,
    /// Not a POST.
    Unsupported,
    /// Larger than [`MAX_BODY`](super::http::MAX_BODY).
    TooLarge,
}

/// Why a request is not believed to come from Dodo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unauthorized {
    /// It does not look like a webhook.
    #[error(transparent)]
    Headers(#[from] HeaderError),
    /// It looks like one, but is not signed as one.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Reply {
    /// The HTTP status; never 410, which would disable the endpoint at Dodo.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Queued | Self::Outcome(Outcome::Delivered | Outcome::Ignored(_)) => {
                StatusCode::OK
            }
            Self::Outcome(Outcome::NoPerson(_) | Outcome::Rejected(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Outcome(Outcome::Retry(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Outcome(Outcome::Malformed(_)) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// The word for it in the response and in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Outcome(outcome) => outcome.name(),
            Self::Queued => "queued",
            Self::Unauthorized(_) => "unauthorized",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
        }
    }

    /// A short code for machines and a sentence for people; `None` if all went well.
    pub(super) fn reason(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Outcome(outcome) => outcome.reason(),
            Self::Queued => None,
            Self::Unauthorized(why) => Some((why.code(), why.to_string())),
            Self::Unsupported => Some(("method", "Only POST is supported.".to_owned())),
            Self::TooLarge => Some(("body_size", "The body is larger than 1 MiB.".to_owned())),
        }
    }

    /// The response to Dodo: JSON, with the headers that decide what Dodo does next.
    pub(super) fn response(&self) -> HttpResponse {
        HttpResponse::new(self.status().as_u16(), self.headers(), self.body())
    }

    fn headers(&self) -> ResponseHeaders {
        let mut headers =
            ResponseHeaders { content_type: "application/json", ..ResponseHeaders::default() };
        match self {
            Self::Outcome(Outcome::NoPerson(_) | Outcome::Rejected(_) | Outcome::Malformed(_)) => {
                headers.webhook_delivery = Some("abort-message");
            }
            Self::Unsupported => headers.allow = Some("POST"),
            Self::Outcome(Outcome::Retry(why)) => {
                let after = why.after().unwrap_or(DEFAULT_RETRY_AFTER).as_secs();
                headers.retry_after = Some(after.clamp(1, LONGEST_RETRY_AFTER).to_string());
            }
            Self::Outcome(Outcome::Delivered | Outcome::Ignored(_))
            | Self::Queued
            | Self::Unauthorized(_)
            | Self::TooLarge => {}
        }
        headers
    }

    fn body(&self) -> String {
        let (reason, message) = self.reason().unzip();
        let errors = match self {
            Self::Outcome(Outcome::Rejected(errors)) => errors.as_slice(),
            _ => &[],
        };
        let body = ResponseBody { outcome: self.name(), reason, message, errors };
        serde_json::to_string(&body).expect("strings serialise")
    }
}

#[derive(serde::Serialize)]
struct ResponseBody<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Customer.io's own.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ItemError],
}

impl Unauthorized {
    fn code(self) -> &'static str {
        match self {
            Self::Headers(HeaderError::Missing) => "headers_missing",
            Self::Headers(_) => "headers_malformed",
            Self::Signature(SignatureError::NoMatch) => "signature_mismatch",
            Self::Signature(SignatureError::OutsideTolerance) => "timestamp_outside_tolerance",
        }
    }
}

impl<T: Into<Outcome>> From<T> for Reply {
    fn from(outcome: T) -> Self {
        Self::Outcome(outcome.into())
    }
}

impl From<HeaderError> for Reply {
    fn from(error: HeaderError) -> Self {
        Self::Unauthorized(error.into())
    }
}

impl From<SignatureError> for Reply {
    fn from(error: SignatureError) -> Self {
        Self::Unauthorized(error.into())
    }
}

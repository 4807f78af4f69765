//! The one place where what became of a webhook turns into an answer.

use crate::dodo::LookupError;
use crate::secrets::SecretError;
use crate::customerio::{Later, Refusal};
use crate::webhook::{HeaderError, NotAnEnvelope, Refused};
use lambda_http::http::StatusCode;
use lambda_http::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use lambda_http::{Body, Response};
use std::time::Duration;

/// Ends the sender's retries of this one message (a Svix header, which Dodo honours).
const WEBHOOK_DELIVERY: HeaderName = HeaderName::from_static("webhook-delivery");
const ABORT_MESSAGE: HeaderValue = HeaderValue::from_static("abort-message");

/// When nobody said how long to wait.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Customer.io has everything.
    Delivered,
    /// There is nothing to send.
    Ignored(Reason),
    /// Nobody knows who sent it.
    Unauthorized(Unauthorized),
    /// Dodo sent it, but it is no event.
    Malformed(NotAnEnvelope),
    /// Customer.io will never take it.
    Rejected(Vec<Refusal>),
    /// The merchant's transform failed, as this sentence says.
    TransformFailed(String),
    /// Not a POST.
    Unsupported,
    /// More than [`MAX_BODY`](crate::handler::MAX_BODY).
    TooLarge,
    /// It may work later; Dodo tries again.
    Retry(Retry),
}

/// A short code for machines and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Lower case, with underscores.
    pub code: &'static str,
    /// Names what to change, if anything must be.
    pub message: String,
}

/// Why a request is not believed to come from Dodo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorized {
    /// It has no form that a webhook could have.
    #[error(transparent)]
    Headers(#[from] HeaderError),
    /// It has the form, but not the proof.
    #[error(transparent)]
    Signature(#[from] Refused),
}

/// Why a webhook must come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Retry {
    /// There are no credentials.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Customer.io did not take it.
    #[error("{}", .0.reason)]
    CustomerIo(Later),
    /// Only Dodo's API knows whom the event is about, and it did not tell.
    #[error("This event carries no e-mail address, only a customer id. {0}")]
    Dodo(LookupError),
}

impl Outcome {
    /// The HTTP status; never 410, which would disable the endpoint at Dodo.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Delivered | Self::Ignored(_) => StatusCode::OK,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Rejected(_) | Self::TransformFailed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Retry(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The word in the answer and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored(_) => "ignored",
            Self::Unauthorized(_) => "unauthorized",
            Self::Malformed(_) => "malformed",
            Self::Rejected(_) | Self::TransformFailed(_) => "rejected",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
            Self::Retry(_) => "retry",
        }
    }

    /// A short code for machines and a sentence for people; nothing to say if all went well.
    pub fn reason(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Delivered => None,
            Self::Ignored(why) => Some((why.code, why.message.clone())),
            Self::Unauthorized(why) => Some((why.code(), why.to_string())),
            Self::Malformed(why) => Some(("no_dodo_event", why.to_string())),
            Self::Rejected(refusals) => Some(("refused_by_customerio", sentence(refusals))),
            Self::TransformFailed(message) => Some(("transform_failed", message.clone())),
            Self::Unsupported => Some(("method", "Only POST is supported.".to_owned())),
            Self::TooLarge => Some(("body_size", "The body is larger than 1 MiB.".to_owned())),
            Self::Retry(why) => Some((why.code(), why.to_string())),
        }
    }

    /// The answer to Dodo: JSON, with the headers that steer what Dodo does next.
    ///
    /// # Panics
    /// Never: an answer holds nothing but texts.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::Text(self.body()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Malformed(_) | Self::Rejected(_) | Self::TransformFailed(_) => {
                headers.insert(WEBHOOK_DELIVERY, ABORT_MESSAGE);
            }
            Self::Unsupported => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Self::Retry(why) => {
                headers.insert(RETRY_AFTER, why.after().as_secs().max(1).into());
            }
            Self::Delivered | Self::Ignored(_) | Self::Unauthorized(_) | Self::TooLarge => {}
        }
        response
    }

    fn body(&self) -> String {
        let (reason, message) = self.reason().unzip();
        let errors = match self {
            Self::Rejected(refusals) => refusals.as_slice(),
            _ => &[],
        };
        let answer = Answer { outcome: self.name(), reason, message, errors };
        serde_json::to_string(&answer).expect("an answer serialises")
    }
}

/// The body of an answer.
#[derive(serde::Serialize)]
struct Answer<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Customer.io's own.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Refusal],
}

fn sentence(refusals: &[Refusal]) -> String {
    let reasons = refusals.iter().map(|refusal| match refusal.field.as_str() {
        "" => refusal.message.clone(),
        field => format!("{field}: {}", refusal.message),
    });
    format!("Customer.io refuses this request for good. {}", reasons.collect::<Vec<_>>().join("; "))
}

impl Unauthorized {
    fn code(self) -> &'static str {
        match self {
            Self::Headers(HeaderError::Missing) => "headers_missing",
            Self::Headers(_) => "headers_malformed",
            Self::Signature(Refused::NoMatch) => "signature_mismatch",
            Self::Signature(Refused::OutsideTolerance) => "timestamp_outside_tolerance",
        }
    }
}

impl Retry {
    fn code(&self) -> &'static str {
        match self {
            Self::Secret(error) => error.code(),
            Self::CustomerIo(later) => later.reason.code(),
            Self::Dodo(error) => error.code(),
        }
    }

    fn after(&self) -> Duration {
        let named = match self {
            Self::Secret(_) | Self::Dodo(_) => None,
            Self::CustomerIo(later) => later.retry_after,
        };
        named.unwrap_or(DEFAULT_RETRY_AFTER)
    }
}

impl From<HeaderError> for Outcome {
    fn from(error: HeaderError) -> Self {
        Self::Unauthorized(error.into())
    }
}

impl From<Refused> for Outcome {
    fn from(error: Refused) -> Self {
        Self::Unauthorized(error.into())
    }
}

impl From<SecretError> for Outcome {
    fn from(error: SecretError) -> Self {
        Self::Retry(error.into())
    }
}

impl From<NotAnEnvelope> for Outcome {
    fn from(error: NotAnEnvelope) -> Self {
        Self::Malformed(error)
    }
}

use crate::customerio::{ItemError, Later};
use crate::dodo::LookupError;
use crate::event::EnvelopeError;
use crate::secrets::SecretError;
use crate::transform::{Ignored, NoPerson};
use std::time::Duration;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Customer.io accepted everything.
    Delivered,
    /// There is nothing to send.
    Ignored(Ignored),
    /// It must be about a person, and is about nobody who can be read.
    NoPerson(NoPerson),
    /// Customer.io will never accept it.
    Rejected(Vec<ItemError>),
    /// It is genuine, but not an event.
    Malformed(EnvelopeError),
    /// It may work later.
    Retry(Retry),
}

/// Why an event must come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Retry {
    /// There are no credentials.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Customer.io did not accept it.
    #[error("{}", .0.reason)]
    CustomerIo(Later),
    /// The merchant's transform failed, as this sentence says; somebody may repair it within a day.
    #[error("{0}")]
    Transform(String),
    /// Only Dodo's API knows whom the event is about, or what else the person has, and it failed.
    #[error("This event waits for what only Dodo's API knows. {0}")]
    Dodo(LookupError),
    /// Other events of the same batch have taken all the time.
    #[error("Other events of the same batch took all the time there was. This one comes again.")]
    OutOfTime,
    /// Customer.io refused it together with others, which could not all be tried alone.
    #[error(
        "Customer.io refuses this event together with others, and does not say which of them is at fault. \
         This one comes again."
    )]
    RefusedTogether,
    /// The function panicked.
    #[error(
        "The function failed at this event by a mistake of its own. Please report the event's type."
    )]
    Fault,
}

impl Outcome {
    /// The word for it in responses and in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored(_) => "ignored",
            Self::NoPerson(_) | Self::Rejected(_) => "rejected",
            Self::Malformed(_) => "malformed",
            Self::Retry(_) => "retry",
        }
    }

    /// A short code for machines and a sentence for people; `None` if all went well.
    pub(crate) fn reason(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Delivered => None,
            Self::Ignored(why) => Some((why.code(), why.to_string())),
            Self::NoPerson(why) => Some(("no_customer", why.to_string())),
            Self::Rejected(errors) => Some(("refused_by_customerio", sentence(errors))),
            Self::Malformed(why) => Some(("no_dodo_event", why.to_string())),
            Self::Retry(why) => Some((why.code(), why.to_string())),
        }
    }
}

impl Retry {
    fn code(&self) -> &'static str {
        match self {
            Self::Secret(error) => error.code(),
            Self::CustomerIo(later) => later.reason.code(),
            Self::Dodo(error) => error.code(),
            Self::Transform(_) => "transform_failed",
            Self::OutOfTime => "out_of_time",
            Self::RefusedTogether => "refused_together",
            Self::Fault => "internal_fault",
        }
    }

    /// When to come again, where somebody said so.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            Self::Secret(_)
            | Self::Transform(_)
            | Self::OutOfTime
            | Self::RefusedTogether
            | Self::Fault => None,
            Self::CustomerIo(later) => later.retry_after,
            Self::Dodo(error) => error.retry_after(),
        }
    }
}

impl From<Retry> for Outcome {
    fn from(why: Retry) -> Self {
        Self::Retry(why)
    }
}

impl From<SecretError> for Outcome {
    fn from(error: SecretError) -> Self {
        Self::Retry(error.into())
    }
}

impl From<EnvelopeError> for Outcome {
    fn from(error: EnvelopeError) -> Self {
        Self::Malformed(error)
    }
}

fn sentence(errors: &[ItemError]) -> String {
    let reasons = errors.iter().map(|error| match error.field.as_str() {
        "" => error.message.clone(),
        field => format!("{field}: {}", error.message),
    });
    format!("Customer.io refuses this request for good. {}", reasons.collect::<Vec<_>>().join("; "))
}

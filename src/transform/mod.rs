//! From an event to the requests that Customer.io gets: the built-in transform, or the merchant's own.

pub mod built_in;
#[cfg(feature = "javascript")]
pub mod javascript;
pub(crate) mod looked_up;

use crate::customerio::OutgoingRequests;
use crate::dodo::{Enrichment, LookupError, Needs};
use crate::event::Event;
use built_in::Options;
#[cfg(feature = "javascript")]
use javascript::Handlers;

/// The transform that is configured.
#[derive(Debug)]
pub enum Transform {
    /// Ours.
    BuiltIn(Options),
    /// `TRANSFORM_FILE`.
    #[cfg(feature = "javascript")]
    JavaScript(Box<Handlers>),
}

/// Why an event sends nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// There is nothing to send, and nothing is wrong.
    #[error(transparent)]
    Ignored(#[from] Ignored),
    /// Events of this type are always about a person, but none can be read from this one.
    #[error(transparent)]
    NoPerson(#[from] NoPerson),
    /// A lookup failed for now, and without it the event must not be sent yet.
    #[error(transparent)]
    Wait(#[from] LookupError),
    /// A JavaScript file failed, as this sentence says.
    #[error("{0}")]
    Failed(String),
}

/// Why there is nothing to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Payouts: the merchant's own money.
    #[error("No customer in it: this event is about the merchant, not about somebody to mail.")]
    NoCustomer,
    /// Only in `email` mode: license keys, credits, abandoned checkouts, dunning, entitlements.
    #[error(
        "PERSON_IDENTIFIER is \"email\" and this event carries no email address, only a customer id."
    )]
    NoEmail,
    /// Only in `metadata.<key>` mode.
    #[error(
        "PERSON_IDENTIFIER names a key of metadata that neither this event nor its customer has, and \
         no email address is known either."
    )]
    NoOwnId,
    /// The merchant's wish.
    #[error(
        "This event type is switched off: EVENT_NAMES gives it an empty name, or EVENTS leaves it out."
    )]
    EventOff,
    /// Every handler left `url` and `payload` as they were.
    #[error("No handler in TRANSFORM_FILE handles this event type.")]
    NotHandled,
    /// The merchant's wish.
    #[error("A handler in TRANSFORM_FILE set webhook.cancel.")]
    Cancelled,
    /// The merchant's wish.
    #[error("An extend in TRANSFORM_FILE returned null, or a batch without items.")]
    Dropped,
}

/// An event has lost its person: the sender must keep it until somebody has found out why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Events of type {event_type} are always about a customer, but {field} is missing or cannot be \
     read. Once the cause is fixed, replay it from Dodo's dashboard; in queue mode: make redrive."
)]
pub struct NoPerson {
    /// Dodo's event type, as far as it is known.
    pub event_type: String,
    /// The field that should have named the customer.
    pub field: &'static str,
}

impl Ignored {
    /// A short code for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCustomer => "no_customer",
            Self::NoEmail => "no_email",
            Self::NoOwnId => "no_own_id",
            Self::EventOff => "event_off",
            Self::NotHandled => "not_handled",
            Self::Cancelled => "cancelled",
            Self::Dropped => "dropped",
        }
    }
}

impl Transform {
    /// What to look up for an event before it is transformed.
    pub(crate) fn needs(&self, event: &Event<'_>) -> Needs {
        match self {
            Self::BuiltIn(options) => built_in::needs(event, options),
            #[cfg(feature = "javascript")]
            Self::JavaScript(handlers) => handlers.needs(event),
        }
    }

    /// What an event sends. `enrichment` is what Dodo's API says, if it was asked; `now` is in Unix
    /// seconds.
    ///
    /// # Errors
    /// Why it sends nothing.
    pub fn apply(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
        now: u64,
    ) -> Result<OutgoingRequests, Unsent> {
        match self {
            Self::BuiltIn(options) => {
                let batch = built_in::transform(event, enrichment, now, options);
                Ok((&batch?).into())
            }
            #[cfg(feature = "javascript")]
            Self::JavaScript(handlers) => {
                handlers.run(event, enrichment, now).map(javascript::HandlerRequests::into_outgoing)
            }
        }
    }
}

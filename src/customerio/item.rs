use super::attributes::Attributes;
use serde::Serialize;

/// Who a person is to Customer.io: exactly one identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Identifier {
    /// An id that the merchant or Dodo gave.
    Id(String),
    /// An e-mail address.
    Email(String),
}

impl Identifier {
    /// The id or the address itself.
    pub fn value(&self) -> &str {
        match self {
            Self::Id(value) | Self::Email(value) => value,
        }
    }
}

/// One item of a Track v2 batch, about a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "person")]
pub struct Item {
    /// Whom it is about.
    pub identifiers: Identifier,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
    /// When it became true or happened, in Unix seconds. Orders attribute updates, so that a late
    /// webhook overwrites nothing newer; an event older than 72 hours starts no campaign. Without it
    /// Customer.io takes the time of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Of the person or of the event.
    pub attributes: Attributes,
}

/// The two person actions that the built-in transform needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// The attributes are now true of the person.
    Identify,
    /// Something happened.
    Event {
        /// What campaigns listen for.
        name: String,
        /// See [`event_id`](super::event_id()): the same webhook, the same id.
        id: String,
    },
}

/// What one webhook sends: `identify`, if it says something about the person, and then `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// In the order in which Customer.io applies them.
    #[serde(rename = "batch")]
    pub items: Vec<Item>,
}

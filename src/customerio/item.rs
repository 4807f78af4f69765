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

/// Whom or what an item is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// A person.
    Person(Identifier),
    /// An object of one of the workspace's object types.
    Object {
        /// Which type, such as `1`.
        object_type_id: String,
        /// Which object.
        object_id: String,
    },
}

/// The kind of a [`Subject`], as Customer.io calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectType {
    /// A person.
    Person,
    /// An object.
    Object,
}

/// One item of a Track v2 batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// What `identifiers` names.
    #[serde(rename = "type")]
    pub subject_type: SubjectType,
    /// Whom or what it is about.
    pub identifiers: Subject,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
    /// When it became true or happened, in Unix seconds. Orders attribute updates, so that a late
    /// event overwrites nothing newer; an event older than 72 hours starts no campaign. Without it
    /// Customer.io takes the time of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Of the person, the event or the object.
    pub attributes: Attributes,
    /// The people that an object belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cio_relationships: Vec<Relationship>,
}

/// A person that an object belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relationship {
    /// Who.
    pub identifiers: Identifier,
}

/// The actions that the built-in transform needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// The attributes are now true of the person or the object.
    Identify,
    /// Something happened.
    Event {
        /// What campaigns listen for.
        name: String,
        /// The same event always gets the same id.
        id: String,
    },
}

impl Item {
    /// An item about a person.
    pub(crate) fn person(
        identifier: Identifier,
        action: Action,
        timestamp: Option<u64>,
        attributes: Attributes,
    ) -> Self {
        Self {
            subject_type: SubjectType::Person,
            identifiers: Subject::Person(identifier),
            action,
            timestamp,
            attributes,
            cio_relationships: Vec::new(),
        }
    }

    /// An object that belongs to a person. Both of its ids must not be empty.
    pub(crate) fn object(
        [object_type_id, object_id]: [String; 2],
        owner: Identifier,
        timestamp: Option<u64>,
        attributes: Attributes,
    ) -> Self {
        Self {
            subject_type: SubjectType::Object,
            identifiers: Subject::Object { object_type_id, object_id },
            action: Action::Identify,
            timestamp,
            attributes,
            cio_relationships: vec![Relationship { identifiers: owner }],
        }
    }
}

/// What one event sends: `identify`, if it says something about the person, then the object, if it is
/// kept as one, and then `event`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// In the order in which Customer.io applies them.
    #[serde(rename = "batch")]
    pub items: Vec<Item>,
}

impl Batch {
    /// As the body of a request to `/api/v2/batch`.
    #[cfg(feature = "javascript")]
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and flags serialise")
    }
}

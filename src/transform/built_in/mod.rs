//! The built-in transform: from Dodo's envelope to the items that Customer.io gets.
//!
//! Pure: the same webhook gives the same items. What goes where stands in `table.rs`; this module only
//! walks it.

pub mod date;
mod fields;
pub(crate) mod money;
mod name;
mod person;
pub(crate) mod read;
mod renewal;
mod table;

pub use name::{EventNames, EventNamesError};
pub(crate) use person::Customer;
pub use person::{Ignored, PersonIdentifier};

use crate::dodo::Facts;
use crate::customerio::{Action, Attributes, Batch, Identifier, Item, Weight};
use crate::customerio::{event_id, limits};
use crate::event::Envelope;

/// What a merchant may choose about the transform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Who a person is.
    pub identifier: PersonIdentifier,
    /// What events are called.
    pub names: EventNames,
}

/// Turns a webhook into what Customer.io should know: an `identify` if it says something about the
/// person, and an `event`. `now` (Unix seconds) only keeps times out of the future.
///
/// # Errors
/// [`Ignored`] if there is nothing to send, which is nobody's fault.
pub fn transform(
    envelope: &Envelope,
    webhook_id: &str,
    now: u64,
    options: &Options,
) -> Result<Batch, Ignored> {
    let name = options.names.name_of(&envelope.event_type).ok_or(Ignored::EventOff)?;
    let customer = Customer::of(&envelope.data);
    let person = options.identifier.identify(&customer, &envelope.data)?;
    let timestamp = envelope.timestamp_ms.map(|milliseconds| (milliseconds / 1000).min(now));

    let item =
        |action, attributes| Item { identifiers: person.clone(), action, timestamp, attributes };
    let identify = person_attributes(envelope, &customer, &person);
    let identify = identify.map(|attributes| item(Action::Identify, attributes));
    let id = event_id(envelope.timestamp_ms, webhook_id, &name);
    let event = item(Action::Event { name, id }, event_attributes(envelope, webhook_id));

    let mut items: Vec<Item> = identify.into_iter().chain([event]).collect();
    items.iter_mut().for_each(limits::fit);
    Ok(Batch { items })
}

fn event_attributes(envelope: &Envelope, webhook_id: &str) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.add("dodo_event_type", envelope.event_type.clone(), Weight::Essential);
    attributes.add("dodo_webhook_id", webhook_id, Weight::Essential);
    let group = table::group(&envelope.event_type);
    fields::take(group.event, envelope, &mut attributes);
    fields::take(table::EVERY_EVENT, envelope, &mut attributes);
    if let Some(first) = renewal::is_first_billing(envelope) {
        attributes.add("is_first_billing", first, Weight::Essential);
    }
    fields::pass_on_the_rest(&group, envelope, &mut attributes);
    attributes
}

/// `None` if the webhook says nothing about the person beyond an id.
fn person_attributes(
    envelope: &Envelope,
    customer: &Customer,
    person: &Identifier,
) -> Option<Attributes> {
    let mut attributes = Attributes::default();
    if let (Identifier::Id(_), Some(email)) = (person, &customer.email) {
        attributes.add("email", email.as_str(), Weight::Essential);
    }
    if let Some(name) = &customer.name {
        attributes.add("name", name.as_str(), Weight::Optional);
    }
    fields::take(table::group(&envelope.event_type).person, envelope, &mut attributes);
    for (name, value) in envelope.facts.iter().flat_map(Facts::attributes) {
        attributes.add(name, value, Weight::Essential);
    }
    if attributes.is_empty() {
        return None;
    }
    if let Some(customer_id) = &customer.customer_id {
        attributes.add("dodo_customer_id", customer_id.as_str(), Weight::Essential);
    }
    Some(attributes)
}

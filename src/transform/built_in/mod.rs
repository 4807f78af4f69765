//! The built-in transform: from an event to the items that Customer.io gets.
//!
//! Pure: the same arguments give the same items. What goes where is written in [`table`]; this module
//! only walks it.

#[cfg(test)]
mod documentation;
mod event_names;
mod fields;
mod identity;
mod renewal;
mod table;

pub use event_names::{EventNames, EventNamesError};
pub use identity::PersonIdentifier;

use super::{Ignored, NoPerson, Unsent};
use crate::customerio::{Action, Attributes, Batch, Identifier, Item, Weight, event_id, fit};
use crate::dodo::Enrichment;
use crate::event::{Customer, Event, lenient};

/// What a merchant may choose about the transform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Who a person is.
    pub identifier: PersonIdentifier,
    /// What events are called.
    pub names: EventNames,
}

/// Turns an event into what Customer.io should know: an `identify` if it says something about the
/// person, and an `event`. `now` (Unix seconds) only keeps times out of the future.
///
/// # Errors
/// Why there is nothing to send.
pub fn transform(
    event: &Event<'_>,
    enrichment: Option<&Enrichment>,
    now: u64,
    options: &Options,
) -> Result<Batch, Unsent> {
    let name = name_of(event, &options.names).ok_or(Unsent::Ignored(Ignored::EventOff))?;
    let customer = Customer::of(&event.data);
    let person = options.identifier.identify(&customer, &event.data);
    let person = person.map_err(|why| without_person(event, why))?;
    let timestamp = event.timestamp_ms.map(|milliseconds| (milliseconds / 1000).min(now));

    let item =
        |action, attributes| Item { identifiers: person.clone(), action, timestamp, attributes };
    let identify = person_attributes(event, enrichment, &customer, &person);
    let identify = identify.map(|attributes| item(Action::Identify, attributes));
    let id = event_id(event.timestamp_ms, event.id, &name);
    let happened = item(Action::Event { name, id }, event_attributes(event));

    let mut items: Vec<Item> = identify.into_iter().chain([happened]).collect();
    items.iter_mut().for_each(fit);
    Ok(Batch { items })
}

/// Payouts and unknown types may be about nobody; an event of a group that is always about somebody
/// may not.
fn without_person(event: &Event<'_>, why: Ignored) -> Unsent {
    match (why, table::group(&event.event_type).customer) {
        (Ignored::NoCustomer, Some(field)) => {
            Unsent::NoPerson(NoPerson { event_type: event.event_type.clone(), field })
        }
        _ => Unsent::Ignored(why),
    }
}

/// What the event is called; `None` if the merchant switched it off.
fn name_of(event: &Event<'_>, names: &EventNames) -> Option<String> {
    let name = names.name_of(&event.event_type)?;
    let is_purchase = !updates_payment_method(event);
    Some(if is_purchase { name } else { event_names::payment_method_update(&event.event_type) })
}

/// Whether a payment is only a charge to update a subscription's payment method: not a purchase.
fn updates_payment_method(event: &Event<'_>) -> bool {
    let flag = event.data.get("is_update_payment_method").and_then(lenient::flag);
    event.event_type.starts_with("payment.") && flag == Some(true)
}

fn event_attributes(event: &Event<'_>) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.add("dodo_event_type", event.event_type.clone(), Weight::Essential);
    attributes.add("dodo_webhook_id", event.id, Weight::Essential);
    let group = table::group(&event.event_type);
    fields::map(group.event, event, &mut attributes);
    fields::map(table::EVERY_EVENT, event, &mut attributes);
    if let Some(first) = renewal::is_first_billing(event) {
        attributes.add("is_first_billing", first, Weight::Essential);
    }
    fields::pass_through(&group, event, &mut attributes);
    attributes
}

/// `None` if the event says nothing about the person beyond an id.
fn person_attributes(
    event: &Event<'_>,
    enrichment: Option<&Enrichment>,
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
    if !updates_payment_method(event) {
        fields::map(table::group(&event.event_type).person, event, &mut attributes);
    }
    for (name, value) in enrichment.into_iter().flat_map(Enrichment::attributes) {
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

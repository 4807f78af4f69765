//! The built-in transform: from an event to the items that Customer.io gets.
//!
//! Pure: the same arguments give the same items. What goes where is written in `table.rs`; the
//! other modules walk it.

#[cfg(test)]
mod documentation;
mod event_attributes;
mod event_names;
mod event_types;
mod excluded_fields;
mod fields;
mod identity;
mod needs;
mod pass_through;
mod person_attributes;
mod renewal;
mod state;
mod table;

pub use event_names::{EventNames, EventNamesError};
pub use event_types::{EVENT_TYPES, EventTypes, NoEventType, Pattern, is_near, nearest};
pub use excluded_fields::ExcludedFields;
pub use identity::PersonIdentifier;
pub use needs::needs;
#[cfg(feature = "javascript")]
pub(super) use state::changes_lifetime;

use super::{Ignored, Unsent};
use crate::customerio::{Action, Attributes, Batch, Item, event_id, fit};
use crate::dodo::{Enrichment, is_fresh};
use crate::event::{Event, lenient};
use identity::Person;

/// What a merchant may choose about the transform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Who a person is.
    pub identifier: PersonIdentifier,
    /// Which events are sent.
    pub events: EventTypes,
    /// What events are called.
    pub names: EventNames,
    /// What becomes of fields without a row in the table.
    pub unknown_fields: UnknownFields,
    /// What is never sent.
    pub excluded_fields: ExcludedFields,
    /// Which of Dodo's modes the events come from.
    pub environment: Environment,
    /// The time of an `identify`.
    pub identify_time: IdentifyTime,
    /// The object type as which subscriptions are kept too, if they are.
    pub subscription_object_type: Option<String>,
}

/// `DODO_ENVIRONMENT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    /// Real purchases.
    #[default]
    Live,
    /// Test purchases.
    Test,
}

/// `IDENTIFY_TIME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdentifyTime {
    /// The time of the event, so that a late one overwrites nothing newer.
    #[default]
    Event,
    /// None, so that Customer.io takes the time of arrival.
    Arrival,
}

/// `UNKNOWN_FIELDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownFields {
    /// They are sent under their own names.
    #[default]
    Pass,
    /// They are left out.
    Drop,
}

/// Turns an event into what Customer.io should know: an `identify` if it says something about the
/// person, and an `event` unless the merchant switched it off. `now` (Unix seconds) keeps times out of
/// the future, and tells late events from fresh ones.
///
/// # Errors
/// Why nothing is sent.
pub fn transform(
    event: &Event<'_>,
    enrichment: Option<&Enrichment>,
    now: u64,
    options: &Options,
) -> Result<Batch, Unsent> {
    let nothing_known = Enrichment::default();
    let enrichment = enrichment.unwrap_or(&nothing_known);
    let name = name_of(event, options);
    if name.is_none() && !state::is_stated(event) {
        return Err(Unsent::Ignored(Ignored::EventOff));
    }
    let person = options.identifier.identify(event, enrichment)?;
    if let Some(error) = needs::worth_waiting_for(event, enrichment, now, options) {
        return Err(Unsent::Wait(error));
    }
    let builder = Builder { event, enrichment, now, options, person: &person };
    let mut items = builder.identifies();
    let attributes = event_attributes::of(event, enrichment, options);
    items.extend(builder.object(&attributes));
    items.extend(name.map(|name| builder.event(name, attributes)));
    if items.is_empty() {
        return Err(Unsent::Ignored(Ignored::EventOff));
    }
    items.iter_mut().for_each(fit);
    Ok(Batch { items })
}

/// What the event is called; `None` if the merchant switched it off.
fn name_of(event: &Event<'_>, options: &Options) -> Option<String> {
    let is_on = options.events.include(&event.event_type);
    let name = options.names.name_of(&event.event_type).filter(|_| is_on)?;
    let is_purchase = !updates_payment_method(event);
    Some(if is_purchase { name } else { event_names::payment_method_update(&event.event_type) })
}

/// Whether a payment is only a charge to update a subscription's payment method: not a purchase.
fn updates_payment_method(event: &Event<'_>) -> bool {
    let flag = event.data.get("is_update_payment_method").and_then(lenient::flag);
    event.event_type.starts_with("payment.") && flag == Some(true)
}

/// Makes the items of one event.
struct Builder<'a> {
    event: &'a Event<'a>,
    enrichment: &'a Enrichment,
    now: u64,
    options: &'a Options,
    person: &'a Person,
}

impl Builder<'_> {
    /// When it happened, in Unix seconds, but never in the future.
    fn happened(&self) -> Option<u64> {
        self.event.seconds().map(|seconds| seconds.min(self.now))
    }

    /// What the payload says, with the event's time; and what lookups say, which is true of now. For a
    /// fresh event that is the same.
    fn identifies(&self) -> Vec<Item> {
        let parts = person_attributes::of(self.event, self.enrichment, self.person, self.options);
        if is_fresh(self.event, self.enrichment.began) {
            return self.identify(parts.merged(), self.happened()).into_iter().collect();
        }
        let [stated, found] = parts.apart();
        let stated = self.identify(stated, self.happened());
        stated.into_iter().chain(self.identify(found, Some(self.enrichment.began))).collect()
    }

    /// `None` if there is nothing to say about the person.
    fn identify(&self, attributes: Attributes, time: Option<u64>) -> Option<Item> {
        let person = self.person.identifier.clone();
        if attributes.is_empty() {
            return None;
        }
        Some(Item::person(person, Action::Identify, self.identify_time(time), attributes))
    }

    fn identify_time(&self, time: Option<u64>) -> Option<u64> {
        time.filter(|_| self.options.identify_time == IdentifyTime::Event)
    }

    /// A subscription as an object of its own, so that a person with two plans has both.
    fn object(&self, attributes: &Attributes) -> Option<Item> {
        let object_type = self.options.subscription_object_type.clone()?;
        if table::group(&self.event.event_type).prefix != "subscription" {
            return None;
        }
        let id = self.event.data.get("subscription_id").and_then(lenient::string)?;
        let owner = self.person.identifier.clone();
        let time = self.identify_time(self.happened());
        Some(Item::object([object_type, id], owner, time, attributes.clone()))
    }

    fn event(&self, name: String, attributes: Attributes) -> Item {
        let id = event_id(self.event.timestamp_ms, self.event.id, &name);
        let person = self.person.identifier.clone();
        Item::person(person, Action::Event { name, id }, self.happened(), attributes)
    }
}

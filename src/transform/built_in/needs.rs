//! What an event needs from Dodo's API, and what it should wait for.

use super::{Options, PersonIdentifier, name_of, state, table};
use crate::dodo::{Enrichment, Lookup, LookupError, Needs};
use crate::event::{Customer, Event, cart};

/// So long an event waits for what is merely good to know, in seconds.
const WAITS_FOR: u64 = 3_600;

/// What to look up for an event. Nothing for one that is switched off and says nothing about a person.
pub fn needs(event: &Event<'_>, options: &Options) -> Needs {
    let is_off = name_of(event, options).is_none();
    if is_off && !state::is_stated(event) {
        return Needs::default();
    }
    let group = table::group(&event.event_type);
    let customer = Customer::of(&event.data);
    let names_nobody = customer.customer_id.is_none() && customer.email.is_none();
    let own_id_key = options.identifier.key_to_look_up(event);
    let (lifetime, subscriptions) = (state::changes_lifetime(event), asks_for_subscriptions(event));
    Needs {
        payment: group.takes_from_payment
            || group.prefix != "payment" && (names_nobody || own_id_key.is_some()),
        subscription: own_id_key.is_some() && group.prefix != "subscription",
        customer: customer.email.is_none() || lifetime,
        same_address: options.identifier == PersonIdentifier::Email && (lifetime || subscriptions),
        subscriptions,
        lifetime,
        product_names: !is_off && (cart::names_products(&event.data) || group.takes_from_payment),
        own_id_key,
    }
}

fn asks_for_subscriptions(event: &Event<'_>) -> bool {
    table::group(&event.event_type).prefix == "subscription" && state::is_stated(event)
}

/// A lookup that failed for now, if it is worth waiting for: only without it would the person get no
/// address, or lose the state of a subscription that still runs. `now` is in Unix seconds.
pub(super) fn worth_waiting_for(
    event: &Event<'_>,
    enrichment: &Enrichment,
    now: u64,
    options: &Options,
) -> Option<LookupError> {
    let happened = event.seconds()?;
    if now.saturating_sub(happened) >= WAITS_FOR {
        return None;
    }
    let mut lookups = Vec::new();
    if options.identifier == PersonIdentifier::CustomerId && has_id_only(event) {
        lookups.push(Lookup::Customer);
    }
    if state::takes_away(event) {
        lookups.extend([Lookup::Subscriptions, Lookup::SameAddress]);
    }
    let failures = lookups.into_iter().filter_map(|lookup| enrichment.failure(lookup));
    failures.into_iter().find(|error| error.is_transient())
}

/// Whether an event carries its customer's id and nothing else of them.
fn has_id_only(event: &Event<'_>) -> bool {
    let is_id_only = table::group(&event.event_type).customer == table::CUSTOMER_ID;
    is_id_only && Customer::of(&event.data).email.is_none()
}

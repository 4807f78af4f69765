//! What the function's lookups would have found for an event, from the lists.

use super::customer::{Customer, Known};
use dodo_customerio::dodo::{Enrichment, Needs, Object, named_subscription};
use dodo_customerio::event::{Event, lenient};
use std::sync::Arc;

/// What an event needs beyond its object. `read_at` is in Unix seconds.
pub fn found(
    event: &Event<'_>,
    needs: &Needs,
    customer: &Customer,
    known: &Known,
    read_at: u64,
) -> Enrichment {
    // As new as the event: what the lists say is put into one update with what the event says.
    let began = event.timestamp_ms.map_or(read_at, |milliseconds| milliseconds / 1000);
    let payment = payment(event, customer).filter(|_| needs.payment);
    let subscription = subscription(event, payment.as_deref(), customer);
    let record = customer.record.clone();
    let mut found = Enrichment {
        began,
        payment,
        subscription: subscription.filter(|_| needs.subscription),
        customer: record.filter(|_| needs.customer || needs.own_id_key.is_some()),
        subscriptions: known.subscriptions.clone().filter(|_| needs.subscriptions),
        ..Enrichment::default()
    };
    if needs.lifetime {
        known.add_lifetime(&mut found);
    } else if needs.same_address {
        // The function asks for all customers with the address, and so knows since when there is one.
        found.customer_since = known.customer_since;
    }
    found
}

fn payment(event: &Event<'_>, customer: &Customer) -> Option<Arc<Object>> {
    let id = event.data.get("payment_id").and_then(lenient::string)?;
    customer.payments.get(&id).cloned()
}

/// A refund names its payment, and only that may name the subscription.
fn subscription(
    event: &Event<'_>,
    payment: Option<&Object>,
    customer: &Customer,
) -> Option<Arc<Object>> {
    let id = named_subscription(&event.data).or_else(|| named_subscription(payment?))?;
    customer.subscriptions.get(&id).cloned()
}

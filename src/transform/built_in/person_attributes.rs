//! What a person should know of an event: what the payload states, and what lookups found.

use super::identity::Person;
use super::table::{self, SUBSCRIBER};
use super::{Options, fields, state};
use crate::customerio::{Attributes, Identifier, Weight};
use crate::dodo::{Enrichment, Object};
use crate::event::{Customer, Event, lenient};
use crate::transform::looked_up;

/// Attributes of a person, by where they come from.
#[derive(Debug, Default)]
pub(super) struct PersonAttributes {
    /// The payload: true at the time of the event.
    stated: Attributes,
    /// Lookups: true now.
    found: Attributes,
    dodo_customer_id: Option<String>,
    /// Whether Dodo's id is news: not where nothing else is known and it is the identifier.
    id_is_news: bool,
}

impl PersonAttributes {
    /// Both in one, what lookups found first: it is as new or newer.
    pub(super) fn merged(mut self) -> Attributes {
        let mut all = self.stated;
        all.extend(self.found);
        let is_said = self.id_is_news || !all.is_empty();
        add_id(self.dodo_customer_id.take().filter(|_| is_said), &mut all);
        all
    }

    /// Each for itself. The customer's id goes with the payload's, if there are any.
    pub(super) fn apart(mut self) -> [Attributes; 2] {
        let id = self.dodo_customer_id.take();
        let with_stated = self.id_is_news || !self.stated.is_empty();
        let with_found = !with_stated && !self.found.is_empty();
        add_id(id.clone().filter(|_| with_stated), &mut self.stated);
        add_id(id.filter(|_| with_found), &mut self.found);
        [self.stated, self.found]
    }
}

fn add_id(id: Option<String>, attributes: &mut Attributes) {
    if let Some(id) = id {
        attributes.add("dodo_customer_id", id, Weight::Essential);
    }
}

/// Gathers what is said about the person.
pub(super) fn of(
    event: &Event<'_>,
    enrichment: &Enrichment,
    person: &Person,
    options: &Options,
) -> PersonAttributes {
    let customer = enrichment.customer_of(event);
    let mut stated = stated(event, enrichment, person);
    let mut found = found(event, enrichment, &customer, person);
    let excluded = &options.excluded_fields;
    excluded.remove_from(&mut stated);
    excluded.remove_from(&mut found);
    let dodo_customer_id = customer.customer_id.filter(|_| !excluded.contain("dodo_customer_id"));
    PersonAttributes { stated, found, dodo_customer_id, id_is_news: person.is_own }
}

/// What the payload says.
fn stated(event: &Event<'_>, enrichment: &Enrichment, person: &Person) -> Attributes {
    let mut stated = Attributes::default();
    name_person(&Customer::of(&event.data), person, &mut stated);
    for (when, rows) in table::group(&event.event_type).person {
        // With lookups, the state is that of the best subscription.
        if state::holds(*when, event) && (enrichment.subscriptions.is_none() || *rows != SUBSCRIBER)
        {
            if state::has_ended(&event.data) && *rows == SUBSCRIBER {
                stated.add("next_billing", "", Weight::Essential);
            }
            fields::map(rows, &event.data, event.seconds(), &mut stated);
        }
    }
    stated
}

/// What only lookups say.
fn found(
    event: &Event<'_>,
    enrichment: &Enrichment,
    customer: &Customer,
    person: &Person,
) -> Attributes {
    let mut found = Attributes::default();
    let looked_up = enrichment.found_customer();
    let unknown = Customer {
        email: looked_up.email.filter(|_| customer.email.is_none()),
        name: looked_up.name.filter(|_| customer.name.is_none()),
        customer_id: None,
    };
    name_person(&unknown, person, &mut found);
    name_person_of_payment(event, customer, person, &mut found);
    if let Some(subscriptions) = &enrichment.subscriptions {
        describe(&subscriptions.best, enrichment, &mut found);
        found.add("active_subscriptions", subscriptions.active, Weight::Essential);
    }
    for (name, value) in looked_up::attributes(enrichment) {
        found.add(name, value, Weight::Essential);
    }
    found
}

/// Address and name, unless the person is the merchant's own, who knows both better.
fn name_person(customer: &Customer, person: &Person, attributes: &mut Attributes) {
    if person.is_own {
        return;
    }
    if let (Identifier::Id(_), Some(email)) = (&person.identifier, &customer.email) {
        attributes.add("email", email.as_str(), Weight::Essential);
    }
    if let Some(name) = &customer.name {
        attributes.add("name", name.as_str(), Weight::Optional);
    }
}

/// The same where the payload names no customer, but the payment that it names does.
fn name_person_of_payment(
    event: &Event<'_>,
    customer: &Customer,
    person: &Person,
    found: &mut Attributes,
) {
    if Customer::of(&event.data) != *customer {
        name_person(customer, person, found);
    }
}

/// The state of the person's best subscription.
fn describe(best: &Object, enrichment: &Enrichment, attributes: &mut Attributes) {
    if state::has_ended(best) {
        attributes.add("next_billing", "", Weight::Essential);
    }
    fields::map(SUBSCRIBER, best, None, attributes);
    let by_id = || enrichment.product_names.get(best.get("product_id")?.as_str()?);
    let listed = best.get("product_name").and_then(lenient::string);
    // Cleared if unknown, or it would stay that of another subscription.
    let name = listed.or_else(|| by_id().cloned()).unwrap_or_default();
    attributes.add("subscription_product_name", name, Weight::Essential);
}

use super::table;
use crate::customerio::Identifier;
use crate::customerio::limits::MAX_IDENTIFIER;
use crate::dodo::{Enrichment, Lookup, Object};
use crate::event::{Customer, Event, own_id};
use crate::transform::{Ignored, NoPerson, Unsent};
use serde_json::Value;
use std::sync::Arc;

/// `PERSON_IDENTIFIER`: who the person is to Customer.io.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PersonIdentifier {
    /// Dodo's customer id, as `id`.
    #[default]
    CustomerId,
    /// The e-mail address, as `email`.
    Email,
    /// The merchant's own id, as `id`, from this key of a `metadata`.
    Metadata(String),
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// How Customer.io knows them.
    pub(super) identifier: Identifier,
    /// Whether that is the merchant's own id: then address and name are the merchant's business.
    pub(super) is_own: bool,
}

impl PersonIdentifier {
    /// Whom an event is about.
    ///
    /// # Errors
    /// That it is about nobody, that nobody knows, or that only a lookup knows which failed for now.
    pub(super) fn identify(
        &self,
        event: &Event<'_>,
        enrichment: &Enrichment,
    ) -> Result<Person, Unsent> {
        if let Self::Metadata(key) = self
            && let Some(identifier) = find_own_id(event, enrichment, key)?
        {
            return Ok(Person { identifier, is_own: true });
        }
        let customer = enrichment.customer_of(event);
        if customer.customer_id.is_none() && customer.email.is_none() {
            wait_for(Lookup::Payment, enrichment)?;
            return Err(without_person(event));
        }
        let identifier = match self {
            Self::CustomerId => by_id(customer).ok_or_else(|| without_person(event))?,
            Self::Email | Self::Metadata(_) => self.by_address(event, enrichment, customer)?,
        };
        Ok(Person { identifier, is_own: false })
    }

    /// The address, of which a lookup may know more than the payload.
    fn by_address(
        &self,
        event: &Event<'_>,
        enrichment: &Enrichment,
        customer: Customer,
    ) -> Result<Identifier, Unsent> {
        if let Some(email) = customer.email.or_else(|| enrichment.found_customer().email) {
            return Ok(address(email));
        }
        wait_for(Lookup::Customer, enrichment)?;
        Err(self.without_address(event))
    }

    /// An event that carries an id alone is ignored; one whose address cannot be read has lost it.
    fn without_address(&self, event: &Event<'_>) -> Unsent {
        let email = event.data.get("customer").and_then(|customer| customer.get("email"));
        match self {
            Self::Metadata(_) => Unsent::Ignored(Ignored::NoOwnId),
            _ if email.is_some_and(|email| !email.is_null()) => without_person(event),
            _ => Unsent::Ignored(Ignored::NoEmail),
        }
    }

    /// The key of the merchant's own id, if the payload's own `metadata` does not have it.
    pub(super) fn key_to_look_up(&self, event: &Event<'_>) -> Option<String> {
        let Self::Metadata(key) = self else { return None };
        own_id(event.data.get("metadata"), key).is_none().then(|| key.clone())
    }
}

/// The merchant's own id: from the payload's metadata, then that of the payment or the subscription
/// that it names, then the customer's. A lookup that failed for now might have known it.
fn find_own_id(
    event: &Event<'_>,
    enrichment: &Enrichment,
    key: &str,
) -> Result<Option<Identifier>, Unsent> {
    let id = |metadata: Option<&Value>| own_id(metadata, key).and_then(usable_id);
    let of_object = |object: &Option<Arc<Object>>| id(object.as_ref()?.get("metadata"));
    if let Some(own) = id(event.data.get("metadata")) {
        return Ok(Some(own));
    }
    if let Some(own) = of_object(&enrichment.payment) {
        return Ok(Some(own));
    }
    wait_for(Lookup::Payment, enrichment)?;
    if let Some(own) = of_object(&enrichment.subscription) {
        return Ok(Some(own));
    }
    wait_for(Lookup::Subscription, enrichment)?;
    let in_payload = event.data.get("customer").and_then(|customer| customer.get("metadata"));
    if let Some(own) = id(in_payload).or_else(|| of_object(&enrichment.customer)) {
        return Ok(Some(own));
    }
    wait_for(Lookup::Customer, enrichment)?;
    Ok(None)
}

/// Ends it if this lookup failed for now: what it says would decide whom the event is about.
fn wait_for(lookup: Lookup, enrichment: &Enrichment) -> Result<(), Unsent> {
    match enrichment.failure(lookup) {
        Some(error) if error.is_transient() => Err(Unsent::Wait(error)),
        _ => Ok(()),
    }
}

/// Dodo's id, or the address of somebody who has none.
fn by_id(customer: Customer) -> Option<Identifier> {
    let id = customer.customer_id.and_then(usable_id);
    id.or_else(|| customer.email.map(address))
}

/// Payouts and unknown types may be about nobody; an event of a group that is always about somebody
/// may not.
fn without_person(event: &Event<'_>) -> Unsent {
    match table::group(&event.event_type).customer {
        Some(field) => Unsent::NoPerson(NoPerson { event_type: event.event_type.clone(), field }),
        None => Unsent::Ignored(Ignored::NoCustomer),
    }
}

/// Customer.io does not tell case apart, and the same address must always be the same person.
fn address(email: String) -> Identifier {
    Identifier::Email(email.to_lowercase())
}

/// An id that Customer.io would reject counts as absent; cutting it could name somebody else.
fn usable_id(id: String) -> Option<Identifier> {
    (id.len() <= MAX_IDENTIFIER).then_some(Identifier::Id(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dodo::LookupError;
    use serde_json::json;

    fn event(data: &Value) -> Event<'static> {
        Event {
            id: "msg_1",
            event_type: "dunning.started".to_owned(),
            timestamp_ms: None,
            data: data.as_object().unwrap().clone(),
            raw: "",
        }
    }

    fn identify(
        mode: &PersonIdentifier,
        data: &Value,
        enrichment: &Enrichment,
    ) -> Result<Identifier, Unsent> {
        mode.identify(&event(data), enrichment).map(|person| person.identifier)
    }

    fn offline(mode: &PersonIdentifier, data: &Value) -> Result<Identifier, Unsent> {
        identify(mode, data, &Enrichment::default())
    }

    fn object(value: Value) -> Arc<Object> {
        Arc::new(value.as_object().unwrap().clone())
    }

    fn id(text: &str) -> Identifier {
        Identifier::Id(text.into())
    }

    fn email(text: &str) -> Identifier {
        Identifier::Email(text.into())
    }

    fn user_id() -> PersonIdentifier {
        PersonIdentifier::Metadata("user_id".into())
    }

    fn failed(lookup: Lookup, error: LookupError) -> Enrichment {
        Enrichment { failures: vec![(lookup, error)], ..Enrichment::default() }
    }

    #[test]
    fn each_mode_names_the_person_in_its_way() {
        let data = json!({
            "customer": {"customer_id": "cus_1", "email": "Ada@Example.com"},
            "metadata": {"user_id": 42},
        });
        assert_eq!(offline(&PersonIdentifier::CustomerId, &data), Ok(id("cus_1")));
        assert_eq!(offline(&PersonIdentifier::Email, &data), Ok(email("ada@example.com")));
        assert_eq!(offline(&user_id(), &data), Ok(id("42")));
    }

    #[test]
    fn an_own_id_may_come_from_the_payment_the_subscription_or_the_customer() {
        let mut data = json!({"customer": {"customer_id": "cus_1", "metadata": {"user_id": "u7"}}});
        assert_eq!(offline(&user_id(), &data), Ok(id("u7")));
        let mut known = Enrichment {
            subscription: Some(object(json!({"metadata": {"user_id": "of_subscription"}}))),
            ..Enrichment::default()
        };
        assert_eq!(identify(&user_id(), &data, &known), Ok(id("of_subscription")));
        known.payment = Some(object(json!({"metadata": {"user_id": "of_payment"}})));
        assert_eq!(identify(&user_id(), &data, &known), Ok(id("of_payment")));
        data["customer"] = json!({"customer_id": "cus_1"});
        let known = Enrichment {
            customer: Some(object(json!({"metadata": {"user_id": "of_customer"}}))),
            ..Enrichment::default()
        };
        assert_eq!(identify(&user_id(), &data, &known), Ok(id("of_customer")));
    }

    #[test]
    fn without_an_own_id_the_address_names_the_person_and_never_dodos_id() {
        for unusable in [
            json!(null),
            json!({}),
            json!({"user_id": " "}),
            json!({"user_id": "undefined"}),
            json!({"user_id": true}),
            json!({"user_id": "x".repeat(151)}),
        ] {
            let mut data = json!({"customer": {"customer_id": "cus_1"}, "metadata": unusable});
            let unknown = Err(Unsent::Ignored(Ignored::NoOwnId));
            assert_eq!(offline(&user_id(), &data), unknown, "{data}");
            data["customer"]["email"] = "ada@example.com".into();
            assert_eq!(offline(&user_id(), &data), Ok(email("ada@example.com")), "{data}");
        }
    }

    #[test]
    fn a_lookup_that_decides_who_it_is_is_waited_for() {
        let down = LookupError::Unavailable(503);
        let data = json!({
            "payment_id": "pay_1",
            "customer": {"customer_id": "cus_1", "email": "ada@example.com"},
        });
        for lookup in [Lookup::Payment, Lookup::Subscription, Lookup::Customer] {
            let waits = Err(Unsent::Wait(down));
            assert_eq!(identify(&user_id(), &data, &failed(lookup, down)), waits, "{lookup:?}");
            let refused = failed(lookup, LookupError::KeyRefused(401));
            assert_eq!(identify(&user_id(), &data, &refused), Ok(email("ada@example.com")));
        }
        let id_only = json!({"customer_id": "cus_1"});
        let mode = PersonIdentifier::Email;
        let waits = Err(Unsent::Wait(down));
        assert_eq!(identify(&mode, &id_only, &failed(Lookup::Customer, down)), waits);
        let unknown = Err(Unsent::Ignored(Ignored::NoEmail));
        let final_failure = failed(Lookup::Customer, LookupError::NotFound);
        assert_eq!(identify(&mode, &id_only, &final_failure), unknown);
    }

    #[test]
    fn a_customer_id_alone_is_nobody_in_email_mode() {
        let data = json!({"customer_id": "cus_1"});
        assert_eq!(offline(&PersonIdentifier::CustomerId, &data), Ok(id("cus_1")));
        let unknown = Err(Unsent::Ignored(Ignored::NoEmail));
        assert_eq!(offline(&PersonIdentifier::Email, &data), unknown);
    }

    #[test]
    fn a_payment_whose_address_cannot_be_read_has_lost_its_person_in_email_mode() {
        let data = json!({"customer": {"customer_id": "cus_1", "email": "nobody"}});
        let payment = Event { event_type: "payment.succeeded".to_owned(), ..event(&data) };
        let lost = PersonIdentifier::Email.identify(&payment, &Enrichment::default());
        assert!(matches!(lost, Err(Unsent::NoPerson(_))), "{lost:?}");
    }

    #[test]
    fn an_address_alone_is_somebody() {
        let data = json!({"customer": {"email": "ada+tag@müller.example.com"}});
        for mode in [PersonIdentifier::CustomerId, PersonIdentifier::Email, user_id()] {
            assert_eq!(offline(&mode, &data), Ok(email("ada+tag@müller.example.com")));
        }
    }

    #[test]
    fn without_a_customer_an_event_has_lost_its_person() {
        for data in [json!({}), json!({"customer": null}), json!({"customer": {"name": "Ada"}})] {
            for mode in [PersonIdentifier::CustomerId, PersonIdentifier::Email, user_id()] {
                let lost = offline(&mode, &data);
                assert!(matches!(lost, Err(Unsent::NoPerson(_))), "{data}: {lost:?}");
            }
        }
    }
}

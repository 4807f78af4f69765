//! A customer with all their objects, and what follows from these.

use super::index::{DISPUTES, Index, PAYMENTS, REFUNDS, SUBSCRIPTIONS};
use crate::Error;
use crate::reading::Charges;
use dodo_customerio::dodo::{
    Enrichment, History, LifetimeValue, Object, Subscriptions, SumError, named_subscription,
};
use dodo_customerio::event::{date, lenient, own_id};
use dodo_customerio::transform::built_in::PersonIdentifier;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What only a payment itself says, and no list.
const CARD_UPDATE: &str = "is_update_payment_method";

/// A customer with all their objects, each once and in its newest version.
#[derive(Debug, Default)]
pub struct Customer {
    /// As the list of customers has them.
    pub record: Option<Arc<Object>>,
    /// By id, and so are the others.
    pub payments: BTreeMap<String, Arc<Object>>,
    pub subscriptions: BTreeMap<String, Arc<Object>>,
    pub refunds: BTreeMap<String, Object>,
    pub disputes: BTreeMap<String, Object>,
    /// Their id, and all addresses and own ids that any of it names, outdated ones too.
    pub names: BTreeSet<String>,
}

/// What lookups would find of a person.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// `None` if it cannot be computed with certainty.
    pub lifetime: Option<LifetimeValue>,
    pub subscriptions: Option<Subscriptions>,
    /// In Unix seconds.
    pub customer_since: Option<u64>,
}

impl Customer {
    /// Reads a customer.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(
        index: &Index,
        number: u32,
        charges: &Charges,
        identifier: &PersonIdentifier,
    ) -> Result<Self, Error> {
        let record = index.record(number)?.map(Arc::new);
        let mut customer = Self { record, ..Self::default() };
        if let Some(record) = &customer.record {
            customer.names.extend(names(record, identifier));
        }
        for (list, object) in index.objects(number)? {
            customer.names.extend(names(&object, identifier));
            let named = object.get("customer").and_then(Value::as_object);
            customer.names.extend(named.into_iter().flat_map(|named| names(named, identifier)));
            customer.add(list, object, charges);
        }
        Ok(customer)
    }

    /// Adds an object, or a newer version of it. Of what names nobody else, the payment's customer is the owner.
    pub(super) fn add(&mut self, list: usize, mut object: Object, charges: &Charges) {
        let id = |object: &Object, field: &str| object.get(field).and_then(lenient::string);
        let owner = || match list {
            REFUNDS | DISPUTES => {
                self.payments.get(&id(&object, "payment_id")?)?.get("customer").cloned()
            }
            _ => None,
        };
        let named = self.record.as_deref().map(named).or_else(owner);
        if let Some(named) = named {
            name_owner(&mut object, named);
        }
        match list {
            SUBSCRIPTIONS => {
                let Some(id) = id(&object, "subscription_id") else { return };
                self.subscriptions.insert(id, Arc::new(object));
            }
            PAYMENTS => {
                let Some(id) = id(&object, "payment_id") else { return };
                if let Some(is_update) = charges.is_update(&id) {
                    object.insert(CARD_UPDATE.to_owned(), is_update.into());
                }
                self.payments.insert(id, Arc::new(object));
            }
            REFUNDS => {
                let Some(id) = id(&object, "refund_id") else { return };
                self.refunds.insert(id, object);
            }
            DISPUTES => {
                let Some(id) = id(&object, "dispute_id") else { return };
                self.disputes.insert(id, object);
            }
            _ => {}
        }
    }

    /// The address by which `email` mode knows them, in lower case.
    pub fn address(&self) -> Option<String> {
        let of_record = || self.record.as_ref()?.get("email").and_then(lenient::string);
        let of_object = || {
            let mut objects = self.payments.values().chain(self.subscriptions.values());
            objects.find_map(|it| lenient::string(it.get("customer")?.get("email")?))
        };
        of_record().or_else(of_object).map(|address| address.to_lowercase())
    }

    /// A payment of zero whose nature decides what a person gets, if only the payment itself says whether it
    /// updates a card. Each person of the customer has payments of their own.
    pub fn unclear_payment(&self, identifier: &PersonIdentifier) -> Option<String> {
        let flag = |it: &Object| it.get(CARD_UPDATE).and_then(lenient::flag);
        let ended = self.payments.values().filter(|it| is_ended(it) && flag(it) != Some(true));
        let mut by_person: BTreeMap<Option<String>, Vec<&Object>> = BTreeMap::new();
        for payment in ended {
            by_person.entry(self.own_id_of(payment, identifier)).or_default().push(payment);
        }
        by_person.into_values().find_map(unclear)
    }

    /// The merchant's own id that a payment leads to, as the transform looks for it.
    fn own_id_of(&self, payment: &Object, identifier: &PersonIdentifier) -> Option<String> {
        let PersonIdentifier::Metadata(key) = identifier else { return None };
        let subscription = || self.subscriptions.get(&named_subscription(payment)?);
        own_id(payment.get("metadata"), key)
            .or_else(|| own_id(subscription()?.get("metadata"), key))
            .or_else(|| own_id(payment.get("customer")?.get("metadata"), key))
    }

    /// Notes whether a payment only updates a card.
    pub fn note_card_update(&mut self, payment_id: &str, is_update: bool) {
        if let Some(payment) = self.payments.get_mut(payment_id) {
            Arc::make_mut(payment).insert(CARD_UPDATE.to_owned(), is_update.into());
        }
    }

    /// Since when they are known, in Unix seconds.
    pub fn created(&self) -> Option<u64> {
        date::unix_seconds(self.record.as_ref()?.get("created_at")?)
    }

    /// When the newest payment or subscription was made, in Unix milliseconds.
    pub fn newest(&self) -> Option<u64> {
        let objects = self.payments.values().chain(self.subscriptions.values());
        objects.filter_map(|object| date::unix_milliseconds(object.get("created_at")?)).max()
    }
}

impl Known {
    /// What follows from the lists of some customers, who are one person; or why their sums are not certain.
    pub fn of(customers: &[&Customer]) -> (Self, Option<SumError>) {
        let (lifetime, failure) = match lifetime(customers) {
            Ok(lifetime) => (Some(lifetime), None),
            Err(error) => (None, Some(error)),
        };
        let listed = customers.iter().flat_map(|customer| customer.subscriptions.values());
        let listed: Vec<Object> = listed.map(|object| (**object).clone()).collect();
        // Any of them is listed: which one is said to be the event's own does not matter.
        let own = listed.first().cloned();
        let subscriptions = own.and_then(|own| Subscriptions::of(listed, &own, false));
        let customer_since = customers.iter().filter_map(|customer| customer.created()).min();
        (Self { lifetime, subscriptions, customer_since }, failure)
    }

    /// Adds the sums to what is found of an event.
    pub fn add_lifetime(&self, found: &mut Enrichment) {
        found.lifetime.clone_from(&self.lifetime);
        found.customer_since = self.customer_since;
        found.date_customer();
    }
}

/// The names that an object gives to the customer whom it is, or whose it is.
fn names(object: &Object, identifier: &PersonIdentifier) -> Vec<String> {
    let fields = ["customer_id", "email"].into_iter();
    let mut names: Vec<_> =
        fields.filter_map(|field| lenient::string(object.get(field)?)).collect();
    if let PersonIdentifier::Metadata(key) = identifier {
        names.extend(own_id(object.get("metadata"), key));
    }
    names
}

/// Whether nothing more will become of a payment.
fn is_ended(payment: &Object) -> bool {
    let status = payment.get("status").and_then(lenient::string);
    status.is_some_and(|status| matches!(&*status, "succeeded" | "failed" | "cancelled"))
}

/// Of a person's payments that have ended, but for known updates of a card: the newest, if it is of zero and
/// older ones have ended otherwise, or if all are of zero, since an update alone brings no state at all.
fn unclear(mut ended: Vec<&Object>) -> Option<String> {
    let text = |payment: &Object, field: &str| payment.get(field).and_then(lenient::string);
    let created = |it: &Object| it.get("created_at").and_then(date::unix_milliseconds);
    let is_zero = |it: &Object| it.get("total_amount").and_then(lenient::integer) == Some(0);
    ended.sort_by_key(|payment| Reverse(created(payment)));
    let newest = *ended.first()?;
    if !is_zero(newest) || newest.contains_key(CARD_UPDATE) {
        return None;
    }
    let zeros = ended.iter().take_while(|payment| is_zero(payment)).count();
    let others = &ended[..ended.len().min(zeros + 1)];
    let is_other = |it: &&Object| text(it, "status") != text(newest, "status");
    (zeros == ended.len() || others.iter().any(is_other)).then(|| text(newest, "payment_id"))?
}

fn lifetime(customers: &[&Customer]) -> Result<LifetimeValue, SumError> {
    let mut history = History::default();
    let of_objects = customers.iter().flat_map(|customer| customer.payments.values());
    let id = |object: &Arc<Object>| lenient::string(object.get("customer")?.get("customer_id")?);
    let ids: BTreeSet<String> = of_objects.filter_map(id).collect();
    for customer in customers {
        customer.payments.values().try_for_each(|it| history.add_payment(it, &ids))?;
        customer.refunds.values().try_for_each(|it| history.add_refund(it))?;
        customer.disputes.values().try_for_each(|it| history.add_dispute(it))?;
    }
    history.value()
}

/// What a payload says of the customer, as Dodo's list of customers has it: that is never older.
fn named(record: &Object) -> Value {
    let fields = ["customer_id", "email", "name", "phone_number", "metadata"];
    let known = fields.into_iter().filter_map(|field| Some((field, record.get(field)?)));
    let known = known.filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(field, value)| (field.to_owned(), value.clone())).collect())
}

fn name_owner(object: &mut Object, named: Value) {
    match (object.get_mut("customer").and_then(Value::as_object_mut), named) {
        (Some(customer), Value::Object(named)) => customer.extend(named),
        (_, named) => drop(object.insert("customer".to_owned(), named)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unclear_of(payments: &[(&str, &str, i64, Option<bool>)]) -> Option<String> {
        let mut customer = Customer::default();
        for (day, (id, status, amount, is_update)) in payments.iter().enumerate() {
            let mut payment = json!({
                "payment_id": id, "status": status, "total_amount": amount,
                "created_at": format!("2026-03-{:02}", day + 1),
            });
            if let Some(is_update) = is_update {
                payment[CARD_UPDATE] = (*is_update).into();
            }
            let Value::Object(payment) = payment else { unreachable!() };
            customer.payments.insert((*id).to_owned(), Arc::new(payment));
        }
        customer.unclear_payment(&PersonIdentifier::CustomerId)
    }

    #[test]
    fn a_payment_of_zero_is_asked_only_where_it_decides() {
        let paid = ("pay_1", "failed", 2900, None);
        let zero = ("pay_2", "succeeded", 0, None);
        assert_eq!(unclear_of(&[paid, zero]).as_deref(), Some("pay_2"));
        assert_eq!(unclear_of(&[("pay_1", "succeeded", 2900, None), zero]), None, "no difference");
        assert_eq!(unclear_of(&[zero]).as_deref(), Some("pay_2"), "a trial, or nothing at all");
        assert_eq!(unclear_of(&[("pay_2", "succeeded", 0, Some(true))]), None, "known");
        assert_eq!(unclear_of(&[paid, zero, ("pay_3", "processing", 0, None)]).unwrap(), "pay_2");
        assert_eq!(
            unclear_of(&[paid, zero, ("pay_3", "succeeded", 900, None)]),
            None,
            "paid since"
        );
        assert_eq!(unclear_of(&[paid, ("pay_2", "succeeded", 0, Some(false))]), None, "known");
        let two = [paid, zero, ("pay_3", "succeeded", 0, Some(true))];
        assert_eq!(unclear_of(&two).as_deref(), Some("pay_2"), "the one before an update");
    }
}

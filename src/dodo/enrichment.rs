use super::client::Object;
use super::error::LookupError;
use super::lifetime::LifetimeValue;
use super::subscriptions::Subscriptions;
use crate::event::{Customer, Event, date, own_id};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an event needs from Dodo's API beyond its payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a lookup of its own")]
pub struct Needs {
    /// The merchant's own id under this key of a `metadata`: of the payment and the subscription that
    /// the event names, then of the customer.
    pub own_id_key: Option<String>,
    /// The payment that the event names: its customer, its metadata, what was bought and its link.
    pub payment: bool,
    /// The metadata of the subscription that the event names.
    pub subscription: bool,
    /// The customer: address, name, metadata, since when.
    pub customer: bool,
    /// All customers with the same address, whose payments and subscriptions then count too.
    pub same_address: bool,
    /// All subscriptions of the person.
    pub subscriptions: bool,
    /// What the person has paid in total.
    pub lifetime: bool,
    /// The names of the products.
    pub product_names: bool,
}

/// One kind of lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The payment that the event names.
    Payment,
    /// The subscription that the event names, for its metadata.
    Subscription,
    /// The customer.
    Customer,
    /// All customers with the same address.
    SameAddress,
    /// All subscriptions of the person.
    Subscriptions,
    /// Payments, refunds and disputes.
    Lifetime,
    /// Products.
    Products,
}

/// What Dodo's API says beyond a payload. What was not asked, or did not succeed, is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Enrichment {
    /// When the first lookup began, in Unix seconds: what they say is true of that time.
    pub began: u64,
    /// The payment that the event names.
    pub payment: Option<Arc<Object>>,
    /// The subscription that the event names.
    pub subscription: Option<Arc<Object>>,
    /// The event's customer.
    pub customer: Option<Arc<Object>>,
    /// The oldest `created_at` of all customers with the same address, in Unix seconds; only beside the
    /// sums, or a younger customer with the same address would overwrite it.
    pub customer_since: Option<u64>,
    /// The person's subscriptions.
    pub subscriptions: Option<Subscriptions>,
    /// What the person has paid in total.
    pub lifetime: Option<LifetimeValue>,
    /// Product names by product id.
    pub product_names: BTreeMap<String, String>,
    /// What failed, and why.
    pub failures: Vec<(Lookup, LookupError)>,
}

impl Lookup {
    /// Its name in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Subscription => "subscription",
            Self::Customer => "customer",
            Self::SameAddress => "same_address",
            Self::Subscriptions => "subscriptions",
            Self::Lifetime => "lifetime",
            Self::Products => "products",
        }
    }
}

impl Needs {
    /// Whether anything must be asked.
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl Enrichment {
    /// The event's customer by its payload or, where that names none, by the payment that it names.
    pub(crate) fn customer_of(&self, event: &Event<'_>) -> Customer {
        let own = Customer::of(&event.data);
        let is_known = own.customer_id.is_some() || own.email.is_some();
        match &self.payment {
            Some(payment) if !is_known => Customer::of(payment),
            _ => own,
        }
    }

    /// Whether the merchant's own id is known before the customer is looked up.
    pub(super) fn knows_own_id(&self, event: &Event<'_>, key: &str) -> bool {
        let of_objects = [&self.payment, &self.subscription].into_iter().flatten();
        let of_customer = event.data.get("customer").and_then(|customer| customer.get("metadata"));
        let mut metadata = of_objects.map(|object| object.get("metadata")).chain([of_customer]);
        metadata.any(|metadata| own_id(metadata, key).is_some())
    }

    /// The customer as the lookup gave it.
    pub(crate) fn found_customer(&self) -> Customer {
        let wrap = |customer: &Arc<Object>| {
            let customer = Value::Object((**customer).clone());
            Customer::of(&Map::from_iter([("customer".to_owned(), customer)]))
        };
        self.customer.as_ref().map(wrap).unwrap_or_default()
    }

    /// Why this lookup failed, if it did.
    pub(crate) fn failure(&self, lookup: Lookup) -> Option<LookupError> {
        let failed = |(which, _): &&(Lookup, LookupError)| *which == lookup;
        self.failures.iter().find(failed).map(|(_, error)| *error)
    }

    /// Since when the person has been a customer: the earliest of all with the same address.
    pub fn date_customer(&mut self) {
        let created_at = |customer: &Arc<Object>| date::unix_seconds(customer.get("created_at")?);
        let since = self.customer.as_ref().and_then(created_at);
        self.customer_since = [self.customer_since, since].into_iter().flatten().min();
    }

    /// Notes what followed from lists.
    pub(super) fn add_lists(&mut self, lists: Self) {
        self.customer_since = lists.customer_since;
        self.subscriptions = lists.subscriptions;
        self.lifetime = lists.lifetime;
        self.failures.extend(lists.failures);
    }

    /// Takes a lookup's result, or notes its failure.
    pub(super) fn note<T>(&mut self, lookup: Lookup, result: Result<T, LookupError>) -> Option<T> {
        result.map_err(|error| self.failures.push((lookup, error))).ok()
    }
}

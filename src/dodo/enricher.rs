use super::cache::{Cache, PRODUCT_TTL, TTL};
use super::client::{Access, Api, Object};
use super::enrichment::{Enrichment, Lookup, Needs};
use super::error::LookupError;
use crate::event::{Customer, Event, cart, lenient};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A payload this old may have been overtaken by what the API lists, in seconds.
const FRESH_FOR: u64 = 60;

/// Looks up what payloads leave out, and remembers some of it for a while.
#[derive(Debug)]
pub(crate) struct Enricher {
    pub(super) api: Api,
    pub(super) cache: Cache,
}

impl Enricher {
    /// Asks this API. No request is made yet.
    pub(crate) fn new(api: Api) -> Self {
        Self { api, cache: Cache::default() }
    }

    /// What an event needs beyond its payload. First the objects that say whom it is about, then
    /// everything else at the same time. `now` is in Unix seconds.
    pub(crate) async fn enrich(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        now: u64,
        access: Access<'_>,
    ) -> Enrichment {
        let mut found = Enrichment { began: now, ..Enrichment::default() };
        self.named_objects(event, needs, access, &mut found).await;
        let customer = found.customer_of(event);
        let mut lists = Enrichment::default();
        let (profile, (), (names, failure)) = tokio::join!(
            self.customer(event, needs, &customer, access, &found),
            self.lists(event, needs, now, &customer, access, &mut lists),
            self.product_names(event, needs, access, &found),
        );
        found.add_lists(lists);
        found.customer = profile.and_then(|profile| found.note(Lookup::Customer, profile));
        if needs.lifetime {
            found.date_customer();
        }
        found.product_names = names;
        found.failures.extend(failure.map(|error| (Lookup::Products, error)));
        found
    }

    /// The event's customer, if it is needed or may know the merchant's own id.
    async fn customer(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        customer: &Customer,
        access: Access<'_>,
        found: &Enrichment,
    ) -> Option<Result<Arc<Object>, LookupError>> {
        let lacks_own_id = |key: &String| !found.knows_own_id(event, key);
        let is_needed = needs.customer || needs.own_id_key.as_ref().is_some_and(lacks_own_id);
        let id = customer.customer_id.as_ref().filter(|_| is_needed)?;
        Some(self.object(["customers", id], "customer_id", TTL, access).await)
    }

    /// The payment, and then the subscription, that the event names.
    async fn named_objects(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        access: Access<'_>,
        found: &mut Enrichment,
    ) {
        let payment = event.data.get("payment_id").and_then(lenient::string);
        let payment = payment.filter(|_| needs.payment);
        let subscription = named_subscription(&event.data).filter(|_| needs.subscription);
        let (payment, subscription) = tokio::join!(
            self.optional("payments", payment, "payment_id", access),
            self.optional("subscriptions", subscription, "subscription_id", access),
        );
        found.payment = payment.and_then(|payment| found.note(Lookup::Payment, payment));
        found.subscription = subscription.and_then(|it| found.note(Lookup::Subscription, it));
        self.subscription_of_payment(event, needs, access, found).await;
    }

    /// A refund names its payment, and only that may name the subscription that knows whose it is.
    async fn subscription_of_payment(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        access: Access<'_>,
        found: &mut Enrichment,
    ) {
        let is_known = |key: &String| found.knows_own_id(event, key);
        let is_needed = needs.own_id_key.as_ref().is_some_and(|key| !is_known(key));
        if !is_needed || !needs.subscription || named_subscription(&event.data).is_some() {
            return;
        }
        let id = found.payment.as_ref().and_then(|payment| named_subscription(payment));
        let subscription = self.optional("subscriptions", id, "subscription_id", access).await;
        found.subscription = subscription.and_then(|it| found.note(Lookup::Subscription, it));
    }

    async fn optional(
        &self,
        list: &str,
        id: Option<String>,
        id_field: &str,
        access: Access<'_>,
    ) -> Option<Result<Arc<Object>, LookupError>> {
        Some(self.object([list, &id?], id_field, TTL, access).await)
    }

    /// The names of the products that the event or its payment names, one lookup each, remembered for
    /// an hour; and why one is missing. A product may have no name.
    async fn product_names(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        access: Access<'_>,
        found: &Enrichment,
    ) -> (BTreeMap<String, String>, Option<LookupError>) {
        let of_payment = found.payment.iter().flat_map(|payment| cart::product_ids(payment));
        let ids = cart::product_ids(&event.data).chain(of_payment);
        let ids: BTreeSet<String> = ids.filter(|_| needs.product_names).collect();
        let (mut names, mut failure) = (BTreeMap::new(), None);
        for id in ids.into_iter().take(cart::MAX_PRODUCTS) {
            match self.object(["products", &id], "product_id", PRODUCT_TTL, access).await {
                Ok(product) => {
                    let name = product.get("name").and_then(lenient::string);
                    names.extend(name.map(|name| (id, name)));
                }
                Err(error) => failure = Some(error),
            }
        }
        (names, failure)
    }

    async fn object(
        &self,
        path: [&str; 2],
        id_field: &str,
        ttl: Duration,
        access: Access<'_>,
    ) -> Result<Arc<Object>, LookupError> {
        let key = path.join("/");
        if let Some(known) = self.cache.get(&key, Instant::now()) {
            return Ok(known);
        }
        match self.api.object(path, id_field, access).await {
            Ok(object) => {
                let object = Arc::new(object);
                self.cache.put(key, object.clone(), Instant::now(), ttl);
                Ok(object)
            }
            // A product that does not exist is not asked for again at every webhook.
            Err(LookupError::NotFound) if path[0] == "products" => {
                self.cache.put(key, Arc::default(), Instant::now(), ttl);
                Err(LookupError::NotFound)
            }
            Err(error) => Err(error),
        }
    }
}

/// The subscription that an object names; a payment for several names the first.
pub fn named_subscription(data: &Object) -> Option<String> {
    let first = || data.get("subscription_ids")?.as_array()?.first().and_then(lenient::string);
    data.get("subscription_id").and_then(lenient::string).or_else(first)
}

/// Whether the payload is as new as what lookups say. `now` is in Unix seconds.
pub(crate) fn is_fresh(event: &Event<'_>, now: u64) -> bool {
    event.seconds().is_none_or(|happened| now.saturating_sub(happened) < FRESH_FOR)
}

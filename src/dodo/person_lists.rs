//! What follows from the lists of a person's subscriptions and payments.

use super::cache::TTL;
use super::client::{Access, Object};
use super::enricher::{Enricher, is_fresh};
use super::enrichment::{Enrichment, Lookup, Needs};
use super::error::LookupError;
use super::lifetime::{History, LifetimeValue};
use super::subscriptions::Subscriptions;
use crate::event::{Customer, Event, date, lenient};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// Customers that share one address and count as one person, at most.
pub const MAX_SAME_ADDRESS: usize = 5;

impl Enricher {
    /// `GET /customers?email=`, remembered for a while. `address` is in lower case.
    async fn same_address(
        &self,
        address: &str,
        access: Access<'_>,
    ) -> Result<Vec<Object>, LookupError> {
        let key = format!("customers?email={address}");
        let list = if let Some(known) = self.cache.get(&key, Instant::now()) {
            known
        } else {
            let items = self.api.list("customers", &[("email", address)], access).await?;
            let has_address = |item: &Object| {
                let email = item.get("email").and_then(lenient::string);
                email.is_some_and(|email| email.to_lowercase() == address)
            };
            let items = items.into_iter().filter(has_address).map(Value::Object).collect();
            let list = Arc::new(Object::from_iter([("items".to_owned(), items)]));
            self.cache.put(key, list.clone(), Instant::now(), TTL);
            list
        };
        let items = list.get("items").and_then(Value::as_array).into_iter().flatten();
        Ok(items.filter_map(Value::as_object).cloned().collect())
    }

    /// What follows from the lists of the person's subscriptions and payments: those of the event's
    /// customer and, if asked, of all customers with the same address.
    pub(super) async fn lists(
        &self,
        event: &Event<'_>,
        needs: &Needs,
        now: u64,
        customer: &Customer,
        access: Access<'_>,
        found: &mut Enrichment,
    ) {
        if !needs.subscriptions && !needs.lifetime {
            return;
        }
        let mut ids: BTreeSet<String> = customer.customer_id.iter().cloned().collect();
        if let Some(address) = customer.email.as_ref().filter(|_| needs.same_address) {
            let same = self.same_address(&address.to_lowercase(), access).await;
            let Some(same) = found.note(Lookup::SameAddress, same) else { return };
            found.customer_since = same.iter().filter_map(created_at).min();
            let others = same.iter().filter_map(customer_id);
            let others = others.filter(|id| !ids.contains(id)).collect::<Vec<_>>();
            if others.len() >= MAX_SAME_ADDRESS {
                found.failures.push((Lookup::SameAddress, LookupError::TooMany));
            }
            ids.extend(others.into_iter().take(MAX_SAME_ADDRESS - 1));
        }
        if ids.is_empty() {
            return;
        }
        let (subscriptions, lifetime) = tokio::join!(
            when(needs.subscriptions, self.subscriptions(event, now, &ids, access)),
            when(needs.lifetime, self.lifetime(event, now, &ids, access)),
        );
        let subscriptions = subscriptions.and_then(|it| found.note(Lookup::Subscriptions, it));
        found.subscriptions = subscriptions.flatten();
        found.lifetime = lifetime.and_then(|it| found.note(Lookup::Lifetime, it));
    }

    async fn subscriptions(
        &self,
        event: &Event<'_>,
        now: u64,
        customers: &BTreeSet<String>,
        access: Access<'_>,
    ) -> Result<Option<Subscriptions>, LookupError> {
        let listed = self.of_all("subscriptions", &[], customers, access).await?;
        let is_theirs = |item: &Object| {
            let customer = item.get("customer").and_then(|it| it.get("customer_id")?.as_str());
            customer.is_none_or(|id| customers.contains(id))
        };
        let listed = listed.into_iter().filter(is_theirs).collect();
        let Some(mut state) = Subscriptions::of(listed, &event.data, is_fresh(event, now)) else {
            return Ok(None);
        };
        // Lists leave it out, and the payload speaks of its own subscription only.
        if !state.best.contains_key("expires_at")
            && let Some(id) = state.best.get("subscription_id").and_then(lenient::string)
        {
            // Not from the cache: it is said to be true of now.
            let whole = self.api.object(["subscriptions", &id], "subscription_id", access).await;
            if let Ok(Some(expires)) = whole.map(|whole| whole.get("expires_at").cloned()) {
                state.best.insert("expires_at".to_owned(), expires);
            }
        }
        Ok(Some(state))
    }

    /// Refunds and disputes are asked for only where a payment says that it has some.
    async fn lifetime(
        &self,
        event: &Event<'_>,
        now: u64,
        customers: &BTreeSet<String>,
        access: Access<'_>,
    ) -> Result<LifetimeValue, LookupError> {
        let succeeded = [("status", "succeeded")];
        let mut history = History::default();
        for payment in self.of_all("payments", &succeeded, customers, access).await? {
            history.add_payment(&payment, customers)?;
        }
        let is_about = |group: &str| event.event_type.starts_with(group);
        let (refunds, disputes) = tokio::join!(
            when(
                history.has_refunds() || is_about("refund."),
                self.of_all("refunds", &succeeded, customers, access),
            ),
            when(
                history.has_disputes() || is_about("dispute."),
                self.of_all("disputes", &[], customers, access),
            ),
        );
        for refund in refunds.transpose()?.into_iter().flatten() {
            history.add_refund(&refund)?;
        }
        for dispute in disputes.transpose()?.into_iter().flatten() {
            history.add_dispute(&dispute)?;
        }
        history.add_own(event, is_fresh(event, now))?;
        Ok(history.value()?)
    }

    /// A list of each customer, one after the other.
    async fn of_all(
        &self,
        list: &str,
        filters: &[(&str, &str)],
        customers: &BTreeSet<String>,
        access: Access<'_>,
    ) -> Result<Vec<Object>, LookupError> {
        let mut all = Vec::new();
        for id in customers {
            let filters = [&[("customer_id", id.as_str())], filters].concat();
            all.extend(self.api.list(list, &filters, access).await?);
        }
        Ok(all)
    }
}

fn created_at(customer: &Object) -> Option<u64> {
    customer.get("created_at").and_then(date::unix_seconds)
}

fn customer_id(customer: &Object) -> Option<String> {
    customer.get("customer_id").and_then(lenient::string)
}

async fn when<T>(wanted: bool, work: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(work.await) } else { None }
}

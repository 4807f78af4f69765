use super::cache::{Cache, Profile};
use super::client::{Access, Api, LookupError};
use super::enrichment::Enrichment;
use super::lifetime::{History, LifetimeValue, Payment, Refund};
use crate::event::{Customer, Event};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// After these, what a customer has paid in total has changed.
const CHANGE_THE_SUM: [&str; 2] = ["payment.succeeded", "refund.succeeded"];

/// Looks up what payloads leave out, and remembers customers for a while.
#[derive(Debug)]
pub(crate) struct Enricher {
    api: Api,
    cache: Mutex<Cache>,
}

impl Enricher {
    /// Asks this API. No call is made yet.
    pub(crate) fn new(api: Api) -> Self {
        Self { api, cache: Mutex::default() }
    }

    /// What an event needs beyond its payload, all of it asked for at the same time. What fails is
    /// left out.
    pub(crate) async fn enrich(&self, event: &Event<'_>, access: Access<'_>) -> Enrichment {
        let person = Customer::of(&event.data);
        let Some(id) = &person.customer_id else {
            return Enrichment::default();
        };
        let needs_sum = CHANGE_THE_SUM.contains(&event.event_type.as_str());
        let (customer, lifetime) = tokio::join!(
            when(needs_sum || person.email.is_none(), self.customer(id, access)),
            when(needs_sum, self.lifetime(id, event, access)),
        );
        let failures = [customer.as_ref().and_then(failure), lifetime.as_ref().and_then(failure)];
        Enrichment {
            customer: customer.and_then(Result::ok),
            lifetime: lifetime.and_then(Result::ok).flatten(),
            failure: failures.into_iter().flatten().next(),
        }
    }

    async fn customer(&self, id: &str, access: Access<'_>) -> Result<Profile, LookupError> {
        let known = self.cache().get(id, Instant::now());
        if let Some(customer) = known {
            return Ok(customer);
        }
        let customer = Arc::new(self.api.customer(id, access).await?);
        self.cache().put(id, customer.clone(), Instant::now());
        Ok(customer)
    }

    async fn lifetime(
        &self,
        id: &str,
        event: &Event<'_>,
        access: Access<'_>,
    ) -> Result<Option<LifetimeValue>, LookupError> {
        let payment =
            |item: &Value| item.as_object().filter(|item| is_of(item, id)).and_then(Payment::read);
        let refund =
            |item: &Value| item.as_object().filter(|item| is_of(item, id)).and_then(Refund::read);
        let (payments, refunds) = tokio::try_join!(
            self.api.all("payments", id, access, payment),
            self.api.all("refunds", id, access, refund),
        )?;
        Ok(History { payments, refunds }.lifetime(event))
    }

    /// Poisoned by a panic elsewhere, it is still whole.
    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an item belongs where it was found: a filter that is ignored must not add up everybody.
fn is_of(item: &Map<String, Value>, customer_id: &str) -> bool {
    let succeeded = item.get("status").and_then(Value::as_str).is_none_or(|it| it == "succeeded");
    let customer = item.get("customer").and_then(|customer| customer.get("customer_id")?.as_str());
    succeeded && customer.is_none_or(|id| id == customer_id)
}

async fn when<T>(wanted: bool, work: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(work.await) } else { None }
}

fn failure<T>(result: &Result<T, LookupError>) -> Option<LookupError> {
    result.as_ref().err().copied()
}

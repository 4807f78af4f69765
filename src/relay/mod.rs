//! One event's way from Dodo to Customer.io: enrich, transform, deliver. No HTTP request of Dodo's
//! in it, so that events can come from elsewhere too. [`batch`] takes many at once from a queue.

pub(crate) mod batch;
pub(crate) mod deadline;
mod outcome;
mod record;

pub(crate) use outcome::{Outcome, Retry};
pub(crate) use record::Record;

use crate::aws::AwsSettings;
use crate::customerio::{Attempts, Known, Request, TrackApi, Verdict};
use crate::dodo::{Access, Api, Enricher, Enrichment, Memo};
use crate::event::Event;
use crate::http::{MAX_ATTEMPTS, RetryPolicy};
use crate::secrets::{Secret, SecretCache, SecretError, SecretsManager};
use crate::transform::{Transform, Unsent, looked_up};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// What the relay needs to know.
#[derive(Debug)]
pub(crate) struct RelaySettings {
    /// Name or ARN of the secret.
    pub secret_id: String,
    /// How long a fetched secret is used.
    pub secret_ttl: Duration,
    /// The base URL of the Track API.
    pub track_url: Url,
    /// The base URL of Dodo's API.
    pub dodo_url: Url,
    /// From an event to requests.
    pub transform: Transform,
    /// For the AWS SDK.
    pub aws: AwsSettings,
}

/// Takes events to Customer.io, with what it keeps from one to the next.
pub(crate) struct Relay {
    secrets: SecretCache<SecretsManager>,
    customerio: TrackApi,
    enricher: Enricher,
    transform: Transform,
    policy: RetryPolicy,
}

/// When an event is processed: the time of day on arrival, and when it must be done with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: SystemTime,
    pub(crate) arrival: Instant,
    pub(crate) deadline: Instant,
}

impl Moment {
    /// The time of day at a later instant, in Unix seconds.
    fn unix_seconds_at(self, later: Instant) -> u64 {
        unix_seconds(self.now + later.saturating_duration_since(self.arrival))
    }

    fn time_left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// How the lookups for one event are made.
#[derive(Debug, Clone, Copy)]
struct Lookups<'a> {
    /// The time of which they are said to be true, in Unix seconds.
    began: u64,
    /// When their responses come too late.
    deadline: Instant,
    /// What other events of the same batch have learnt.
    memo: Option<&'a Memo>,
}

impl Relay {
    /// Builds the clients; no request is made yet.
    pub(crate) fn new(settings: RelaySettings, http: Client, policy: RetryPolicy) -> Self {
        let RelaySettings { secret_id, secret_ttl, track_url, dodo_url, transform, aws } = settings;
        let manager = SecretsManager::new(&aws, http.clone(), secret_id);
        Self {
            secrets: SecretCache::new(manager, secret_ttl),
            enricher: Enricher::new(Api::new(http.clone(), dodo_url, policy)),
            customerio: TrackApi::new(http, track_url, policy),
            transform,
            policy,
        }
    }

    /// Fetches the secret and opens the connection to Customer.io, both at once. Either may fail.
    pub(crate) async fn warm_up(&self, now: SystemTime) {
        tokio::join!(self.fetch_secret(now), self.customerio.warm_up());
    }

    /// Fetches the secret, or says why it cannot be fetched.
    pub(crate) async fn fetch_secret(&self, now: SystemTime) {
        if let Err(error) = self.secrets.get(now).await {
            tracing::error!(reason = error.code(), "{error}");
        }
    }

    /// The current secret.
    pub(crate) async fn secret(&self, moment: Moment) -> Result<Arc<Secret>, SecretError> {
        let secret = timeout_at(moment.deadline, self.secrets.get(moment.now)).await;
        secret.unwrap_or(Err(SecretError::Unreachable))
    }

    /// A newer secret than the one that has just failed, if there is one and it may be fetched now.
    pub(crate) async fn newer_secret(
        &self,
        failed: &Arc<Secret>,
        moment: Moment,
    ) -> Option<Arc<Secret>> {
        timeout_at(moment.deadline, self.secrets.newer_than(failed, moment.now)).await.ok()?
    }

    /// Enriches, transforms and delivers an event.
    pub(crate) async fn process(
        &self,
        event: Event<'_>,
        secret: &Arc<Secret>,
        moment: Moment,
        record: &mut Record,
    ) -> Outcome {
        let lookups = self.lookups(moment);
        let enrichment = self.enrich(&event, secret, lookups, record).await;
        let outgoing = self.transform.apply(&event, enrichment.as_ref(), unix_seconds(moment.now));
        let requests = match outgoing {
            Ok(outgoing) => outgoing.into_requests(),
            Err(unsent) => return unsent.into(),
        };
        let known = |_: &[usize]| known(event.raw, enrichment.as_ref());
        self.send(&requests, &known, secret, moment, record).await
    }

    /// Sends the requests of one event, one after the other.
    async fn send(
        &self,
        requests: &[Request],
        known: &Known<'_>,
        secret: &Arc<Secret>,
        moment: Moment,
        record: &mut Record,
    ) -> Outcome {
        // One refused item is no reason to keep back what the other requests say.
        let (mut refused, mut items) = (Vec::new(), 0);
        for request in requests {
            let attempts = Attempts { deadline: moment.deadline, made: 0 };
            match self.deliver(request, known, secret, moment, attempts, record).await {
                Verdict::Accepted => {}
                Verdict::PartlyRejected(errors) | Verdict::Rejected(errors) => {
                    refused.extend(errors.into_iter().map(|error| error.after(items)));
                }
                Verdict::Later(later) => return Outcome::Retry(Retry::CustomerIo(later)),
            }
            items += request.origins.len();
        }
        if refused.is_empty() { Outcome::Delivered } else { Outcome::Rejected(refused) }
    }

    /// The lookups for a single event. They begin now.
    fn lookups(&self, moment: Moment) -> Lookups<'static> {
        let now = Instant::now();
        let time = self.policy.lookups.min(moment.time_left() / 2);
        Lookups { began: moment.unix_seconds_at(now), deadline: now + time, memo: None }
    }

    /// Looks up what the event needs, if there is a key for it. The transform decides what a failure
    /// means.
    async fn enrich(
        &self,
        event: &Event<'_>,
        secret: &Secret,
        Lookups { began, deadline, memo }: Lookups<'_>,
        record: &mut Record,
    ) -> Option<Enrichment> {
        let key = secret.dodo_api_key.as_ref()?;
        let needs = self.transform.needs(event);
        if !needs.any() {
            return None;
        }
        let before = Instant::now();
        let access = Access { key, deadline, memo };
        // On the heap: it is large, and without a key it is never made.
        let enrichment = Box::pin(self.enricher.enrich(event, &needs, began, access)).await;
        record.enriched(&enrichment.failures, before.elapsed());
        Some(enrichment)
    }

    /// Sends a request. If Customer.io refuses the credentials, they may have been rotated: then once
    /// more with newer ones.
    async fn deliver(
        &self,
        request: &Request,
        known: &Known<'_>,
        secret: &Arc<Secret>,
        moment: Moment,
        mut attempts: Attempts,
        record: &mut Record,
    ) -> Verdict {
        let (before, made) = (Instant::now(), attempts.made);
        let mut verdict =
            self.customerio.deliver(request, &secret.customerio, &mut attempts, known).await;
        if verdict.refuses_credentials()
            && attempts.made < MAX_ATTEMPTS
            && let Some(newer) = self.newer_secret(secret, moment).await
        {
            verdict =
                self.customerio.deliver(request, &newer.customerio, &mut attempts, known).await;
        }
        record.delivered(attempts.made - made, before.elapsed());
        verdict
    }
}

/// What is known of an event, beyond what a request says of it.
fn known(raw: &str, enrichment: Option<&Enrichment>) -> Value {
    let payload: Value = serde_json::from_str(raw).unwrap_or_default();
    json!([payload, enrichment.map(looked_up::customer)])
}

impl From<Unsent> for Outcome {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Ignored(why) => Self::Ignored(why),
            Unsent::NoPerson(why) => Self::NoPerson(why),
            Unsent::Wait(error) => Self::Retry(Retry::Dodo(error)),
            Unsent::Failed(message) => Self::Retry(Retry::Transform(message)),
        }
    }
}

/// Seconds since 1970; a clock set earlier counts as 1970.
pub(crate) fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

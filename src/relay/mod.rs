//! One event's way from Dodo to Customer.io: enrich, transform, deliver. No HTTP request of Dodo's
//! in it, so that events can come from elsewhere too.

pub(crate) mod deadline;
mod outcome;
mod record;

pub(crate) use outcome::{Outcome, Retry};
pub(crate) use record::Record;

use crate::aws::AwsSettings;
use crate::customerio::{Attempts, Request, TrackApi, Verdict};
use crate::dodo::{Access, Api, Enricher, Enrichment};
use crate::event::Event;
use crate::http::{self, MAX_ATTEMPTS, RetryPolicy};
use crate::secrets::{Secret, SecretCache, SecretError, SecretsManager};
use crate::transform::{Ignored, Transform, Unsent};
use reqwest::Url;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// What the relay needs to know.
#[derive(Debug, Clone)]
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

/// When an event is processed: the time of day, and when it must be done with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: SystemTime,
    pub(crate) deadline: Instant,
}

impl Relay {
    /// Builds the clients; no request is made yet.
    pub(crate) fn new(settings: RelaySettings, policy: RetryPolicy) -> Self {
        let RelaySettings { secret_id, secret_ttl, track_url, dodo_url, transform, aws } = settings;
        let http = http::client();
        let manager = SecretsManager::new(aws, http.clone(), secret_id);
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
        let (secret, ()) = tokio::join!(self.secrets.get(now), self.customerio.warm_up());
        if let Err(error) = secret {
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
        mut event: Event<'_>,
        secret: &Arc<Secret>,
        moment: Moment,
        record: &mut Record,
    ) -> Outcome {
        let enrichment = self.enrich(&mut event, secret, moment, record).await;
        let before = Instant::now();
        let outgoing = self.transform.apply(&event, enrichment.as_ref(), unix_seconds(moment.now));
        record.transformed(before.elapsed());
        let requests = match outgoing {
            Ok(outgoing) => outgoing.into_requests(),
            Err(unsent) => return unsent_outcome(unsent, enrichment.as_ref()),
        };
        for request in &requests {
            match self.deliver(request, secret, moment, record).await {
                Verdict::Accepted => {}
                Verdict::Rejected(errors) => return Outcome::Rejected(errors),
                Verdict::Later(later) => return Outcome::Retry(Retry::CustomerIo(later)),
            }
        }
        Outcome::Delivered
    }

    /// Adds what Dodo's API knows, if there is a key for it. A failure holds nothing back.
    async fn enrich(
        &self,
        event: &mut Event<'_>,
        secret: &Secret,
        moment: Moment,
        record: &mut Record,
    ) -> Option<Enrichment> {
        let key = secret.dodo_api_key.as_ref()?;
        if !self.transform.sends(&event.event_type) {
            return None;
        }
        let before = Instant::now();
        let left = moment.deadline.saturating_duration_since(before);
        let time = self.policy.lookups.min(left / 2);
        let access = Access { key, deadline: before + time };
        let enrichment = self.enricher.enrich(event, access).await;
        record.enriched(enrichment.failure, before.elapsed());
        enrichment.complete(event);
        Some(enrichment)
    }

    /// Sends a request. If Customer.io refuses the credentials, they may have been rotated: then once
    /// more with newer ones.
    async fn deliver(
        &self,
        request: &Request,
        secret: &Arc<Secret>,
        moment: Moment,
        record: &mut Record,
    ) -> Verdict {
        let before = Instant::now();
        let mut attempts = Attempts { deadline: moment.deadline, made: 0 };
        let mut verdict = self.customerio.deliver(request, &secret.customerio, &mut attempts).await;
        if verdict.refuses_credentials()
            && attempts.made < MAX_ATTEMPTS
            && let Some(newer) = self.newer_secret(secret, moment).await
        {
            verdict = self.customerio.deliver(request, &newer.customerio, &mut attempts).await;
        }
        record.delivered(attempts.made, before.elapsed());
        verdict
    }
}

/// An event whose address could not be looked up must come again: it was not ignored on purpose.
fn unsent_outcome(unsent: Unsent, enrichment: Option<&Enrichment>) -> Outcome {
    let failure = enrichment.and_then(|enrichment| enrichment.failure);
    match (unsent, failure) {
        (Unsent::Ignored(Ignored::NoEmail), Some(failure)) => Outcome::Retry(Retry::Dodo(failure)),
        (Unsent::Ignored(why), _) => Outcome::Ignored(why),
        (Unsent::NoPerson(why), _) => Outcome::NoPerson(why),
        (Unsent::Failed(message), _) => Outcome::TransformFailed(message),
    }
}

/// Seconds since 1970; a clock set earlier counts as 1970.
pub(crate) fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

//! The way of one webhook: method, size, headers, signature, envelope, transform, delivery, answer.

use crate::relay::deadline;
use crate::transform::Transform;
use crate::config::Settings;
use crate::dodo::{Access, Api, Lookups};
use crate::http;
use crate::relay::outcome::{Outcome, Retry};
use crate::relay::record::Record;
use crate::secrets::{Secret, SecretCache, SecretError, SecretsManager};
use crate::customerio::{Call, Effort, MAX_ATTEMPTS, Pace, Track, Verdict};
use crate::webhook::{Envelope, Refused, Unverified, Verified};
use lambda_http::http::Method;
use lambda_http::{Body, Context, Request, RequestExt, Response};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// The largest body that is looked at, in bytes. Dodo's are around 1.4 kB.
pub const MAX_BODY: usize = 1024 * 1024;

/// The function, with what it keeps from one webhook to the next.
pub struct Function {
    secrets: SecretCache<SecretsManager>,
    track: Track,
    transform: Transform,
    lookups: Lookups,
    tolerance: Duration,
    surroundings: Surroundings,
}

/// Tells the time of day.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What a test has its own of.
pub struct Surroundings {
    /// The time of day.
    pub clock: Clock,
    /// How long things take.
    pub pace: Pace,
    /// Takes what an invocation says of itself: whole lines, for the log and for metrics.
    pub output: fn(&str),
}

impl Default for Surroundings {
    /// Real time, standard output, where Lambda looks for both.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemTime::now),
            pace: Pace::default(),
            // In one piece, for one system call.
            output: |lines| print!("{lines}"),
        }
    }
}

impl Function {
    /// Builds the clients; no call is made yet.
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, Surroundings::default())
    }

    /// The same elsewhere.
    pub fn with(settings: Settings, surroundings: Surroundings) -> Self {
        let Settings { secret_id, track_url, transform, dodo_url, secret_ttl, tolerance, aws } =
            settings;
        let http = http::client();
        let manager = SecretsManager::new(aws, http.clone(), secret_id);
        Self {
            secrets: SecretCache::new(manager, secret_ttl),
            lookups: Lookups::new(Api::new(http.clone(), dodo_url, surroundings.pace)),
            track: Track::new(http, track_url, surroundings.pace),
            transform,
            tolerance,
            surroundings,
        }
    }

    /// Does in the init phase what the first webhook would have to wait for: the secret and the
    /// connection to Customer.io, both at once. Failing is allowed; the webhook will try again.
    pub async fn warm_up(&self) {
        let (secret, ()) =
            tokio::join!(self.secrets.get((self.surroundings.clock)()), self.track.warm_up());
        if let Err(error) = secret {
            tracing::error!(reason = error.code(), "{error}");
        }
    }

    /// Answers one request and writes its line in the log.
    pub async fn handle(&self, request: &Request) -> Response<Body> {
        let mut record = Record::start(request);
        let outcome = match self.take(request, &mut record).await {
            Ok(()) => Outcome::Delivered,
            Err(outcome) => outcome,
        };
        (self.surroundings.output)(&record.lines(&outcome));
        outcome.response()
    }

    /// Takes a webhook all the way; whatever ends it earlier is the error.
    async fn take(&self, request: &Request, record: &mut Record) -> Result<(), Outcome> {
        let (arrival, now) = (Instant::now(), (self.surroundings.clock)());
        let lambdas = request.lambda_context_ref().map(Context::deadline);
        let deadline = arrival + budget::time_for(now, lambdas);

        let webhook = Unverified::new(request.headers(), post_body(request)?)?;
        let secrets = Secrets { cache: &self.secrets, now, deadline };
        let secret = secrets.current().await?;
        let (webhook, secret) = self.verify(&webhook, secret, &secrets).await?;
        record.verified(&webhook);
        let envelope = Envelope::parse(&webhook)?;
        record.understood(&envelope);
        let envelope = self.look_up(envelope, &secret, deadline, record).await;
        let before = Instant::now();
        let calls = self.transform.calls(&webhook, &envelope, unix_seconds(now));
        record.transformed(before.elapsed());
        let calls = calls?;
        for call in &calls {
            match self.deliver(call, &secret, &secrets, record).await {
                Verdict::Accepted => {}
                Verdict::Rejected(refusals) => return Err(Outcome::Rejected(refusals)),
                Verdict::Later(later) => return Err(Outcome::Retry(Retry::CustomerIo(later))),
            }
        }
        Ok(())
    }

    /// Adds what Dodo's API knows, if there is a key for it. Failing holds nothing back.
    async fn look_up(
        &self,
        envelope: Envelope,
        secret: &Secret,
        deadline: Instant,
        record: &mut Record,
    ) -> Envelope {
        let Some(key) = secret.dodo_api_key.as_ref() else {
            return envelope;
        };
        if !self.transform.wants(&envelope.event_type) {
            return envelope;
        }
        let before = Instant::now();
        let left = deadline.saturating_duration_since(before);
        let time = self.surroundings.pace.lookups.min(left / 2);
        let facts = self.lookups.facts(&envelope, Access { key, deadline: before + time }).await;
        record.looked_up(facts.failure, before.elapsed());
        envelope.with(facts)
    }

    /// Verifies a webhook. If no signature matches, the secret may have been rotated: then once more
    /// with a newer one.
    async fn verify<'a>(
        &self,
        webhook: &Unverified<'a>,
        secret: Arc<Secret>,
        secrets: &Secrets<'_>,
    ) -> Result<(Verified<'a>, Arc<Secret>), Refused> {
        let now = unix_seconds(secrets.now).cast_signed();
        let verify = |secret: &Secret| webhook.verify(&secret.signing_keys, now, self.tolerance);
        match verify(&secret) {
            Err(Refused::NoMatch) => match secrets.newer_than(&secret).await {
                Some(newer) => Ok((verify(&newer)?, newer)),
                None => Err(Refused::NoMatch),
            },
            result => Ok((result?, secret)),
        }
    }

    /// Makes a call. If Customer.io refuses the credentials, they may have been rotated: then once
    /// more with newer ones.
    async fn deliver(
        &self,
        call: &Call,
        secret: &Arc<Secret>,
        secrets: &Secrets<'_>,
        record: &mut Record,
    ) -> Verdict {
        let before = Instant::now();
        let mut effort = Effort { deadline: secrets.deadline, attempts: 0 };
        let mut verdict = self.track.deliver(call, &secret.customerio, &mut effort).await;
        if verdict.refuses_credentials()
            && effort.attempts < MAX_ATTEMPTS
            && let Some(newer) = secrets.newer_than(secret).await
        {
            verdict = self.track.deliver(call, &newer.customerio, &mut effort).await;
        }
        record.delivered(effort.attempts, before.elapsed());
        verdict
    }
}

/// The secret's cache as one webhook sees it: at its time, and no longer than it may take.
struct Secrets<'a> {
    cache: &'a SecretCache<SecretsManager>,
    now: SystemTime,
    deadline: Instant,
}

impl Secrets<'_> {
    async fn current(&self) -> Result<Arc<Secret>, SecretError> {
        let secret = timeout_at(self.deadline, self.cache.get(self.now)).await;
        secret.unwrap_or(Err(SecretError::Unreachable))
    }

    async fn newer_than(&self, failed: &Arc<Secret>) -> Option<Arc<Secret>> {
        timeout_at(self.deadline, self.cache.newer_than(failed, self.now)).await.ok()?
    }
}

/// The raw bytes of a POST that is not too large. Lambda has already undone base64.
fn post_body(request: &Request) -> Result<&[u8], Outcome> {
    if request.method() != Method::POST {
        return Err(Outcome::Unsupported);
    }
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY {
        return Err(Outcome::TooLarge);
    }
    Ok(body)
}

/// Seconds since 1970; a clock set earlier counts as 1970.
fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

//! Handles one webhook end to end: method, size, headers, signature, envelope, and then the relay.

use super::log_line::Invocation;
use super::response::Reply;
use crate::config::Settings;
use crate::event::Event;
use crate::http::RetryPolicy;
use crate::relay::{Moment, Record, Relay, deadline, unix_seconds};
use crate::secrets::Secret;
use crate::webhook::{SignatureError, Unverified, Verified};
use lambda_http::http::Method;
use lambda_http::{Body, Context, Request, RequestExt, Response};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The largest body that is accepted, in bytes. Dodo's are around 1.4 kB.
pub const MAX_BODY: usize = 1024 * 1024;

/// The webhook function, with what it keeps from one webhook to the next.
pub struct Function {
    relay: Relay,
    tolerance: Duration,
    clock: Clock,
    output: fn(&str),
}

/// Tells the time of day.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What a test replaces.
pub struct Dependencies {
    /// The time of day.
    pub clock: Clock,
    /// How long requests take and how often they are repeated.
    pub policy: RetryPolicy,
    /// Receives what an invocation says of itself: one whole line, for the log and for metrics.
    pub output: fn(&str),
}

impl Default for Dependencies {
    /// Real time, and standard output, which Lambda reads.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemTime::now),
            policy: RetryPolicy::default(),
            // In one piece, for one system call.
            output: |line| print!("{line}"),
        }
    }
}

impl Function {
    /// Builds the clients; no request is made yet.
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, Dependencies::default())
    }

    /// The same with other dependencies.
    pub fn with(settings: Settings, dependencies: Dependencies) -> Self {
        let Dependencies { clock, policy, output } = dependencies;
        let tolerance = settings.tolerance;
        Self { relay: Relay::new(settings.relay, policy), tolerance, clock, output }
    }

    /// Does in the init phase what the first webhook would otherwise wait for. It may fail; the
    /// webhook will try again.
    pub async fn warm_up(&self) {
        self.relay.warm_up((self.clock)()).await;
    }

    /// Handles one request and writes its line in the log.
    pub async fn handle(&self, request: &Request) -> Response<Body> {
        let invocation = Invocation::start(request);
        let mut record = Record::default();
        let reply = self.process(request, &mut record).await.unwrap_or_else(|reply| reply);
        (self.output)(&invocation.line(&record, &reply));
        reply.response()
    }

    /// The error is whatever ended it early.
    async fn process(&self, request: &Request, record: &mut Record) -> Result<Reply, Reply> {
        let (arrival, now) = (Instant::now(), (self.clock)());
        let lambdas = request.lambda_context_ref().map(Context::deadline);
        let moment = Moment { now, arrival, deadline: arrival + deadline::time_for(now, lambdas) };

        let webhook = Unverified::new(request.headers(), post_body(request)?)?;
        let secret = self.relay.secret(moment).await?;
        let (webhook, secret) = self.verify(&webhook, secret, moment).await?;
        record.verified(webhook.id());
        let event = Event::from_webhook(&webhook)?;
        record.parsed(&event);
        Ok(self.relay.process(event, &secret, moment, record).await.into())
    }

    /// Verifies a webhook. If no signature matches, the secret may have been rotated: then once more
    /// with a newer one.
    async fn verify<'a>(
        &self,
        webhook: &Unverified<'a>,
        secret: Arc<Secret>,
        moment: Moment,
    ) -> Result<(Verified<'a>, Arc<Secret>), SignatureError> {
        let now = unix_seconds(moment.now).cast_signed();
        let verify = |secret: &Secret| webhook.verify(&secret.signing_keys, now, self.tolerance);
        match verify(&secret) {
            Err(SignatureError::NoMatch) => match self.relay.newer_secret(&secret, moment).await {
                Some(newer) => Ok((verify(&newer)?, newer)),
                None => Err(SignatureError::NoMatch),
            },
            result => Ok((result?, secret)),
        }
    }
}

/// The raw bytes of a POST that is not too large. Lambda has already decoded base64.
fn post_body(request: &Request) -> Result<&[u8], Reply> {
    if request.method() != Method::POST {
        return Err(Reply::Unsupported);
    }
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY {
        return Err(Reply::TooLarge);
    }
    Ok(body)
}

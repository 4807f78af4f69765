//! Handles one webhook end to end: method, size, headers, signature, envelope, and then the queue or the
//! relay.

use super::http_event::{HttpEvent, HttpResponse};
use super::log_line::Invocation;
use super::response::Reply;
use crate::event::Event;
use crate::http::{self, RetryPolicy};
use crate::queue::{Message, Queue, QueueError, QueueUrl, WEBHOOK_ID};
use crate::relay::{Moment, Record, Relay, RelaySettings, deadline, unix_seconds};
use crate::secrets::Secret;
use crate::webhook::{SignatureError, Unverified, Verified};
use lambda_runtime::Context;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The largest body that is accepted, in bytes. Dodo's are around 1.4 kB.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The webhook function, with what it keeps from one webhook to the next.
pub struct Function {
    relay: Relay,
    /// Where webhooks wait, if they do.
    queue: Option<Queue>,
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
    pub(super) fn new(
        settings: RelaySettings,
        tolerance: Duration,
        queue: Option<QueueUrl>,
        dependencies: Dependencies,
    ) -> Self {
        let Dependencies { clock, policy, output } = dependencies;
        let http = http::client();
        let queue = queue.map(|url| Queue::new(&settings.aws, http.clone(), url));
        Self { relay: Relay::new(settings, http, policy), queue, tolerance, clock, output }
    }

    /// Does in the init phase what the first webhook would otherwise wait for. It may fail; the
    /// webhook will try again. With a queue, Customer.io is not needed, however slow it is.
    pub async fn warm_up(&self) {
        let now = (self.clock)();
        match &self.queue {
            Some(queue) => {
                tokio::join!(self.relay.fetch_secret(now), queue.warm_up());
            }
            None => self.relay.warm_up(now).await,
        }
    }

    /// Handles one request and writes its line in the log.
    pub async fn handle(&self, request: &HttpEvent, context: &Context) -> HttpResponse {
        let invocation = Invocation::start(context);
        let mut record = Record::default();
        let reply = self.process(request, context, &mut record).await;
        let reply = reply.unwrap_or_else(|reply| reply);
        (self.output)(&invocation.line(&record, &reply));
        reply.response()
    }

    /// The error is whatever ended it early.
    async fn process(
        &self,
        request: &HttpEvent,
        context: &Context,
        record: &mut Record,
    ) -> Result<Reply, Reply> {
        let (arrival, now) = (Instant::now(), (self.clock)());
        let time = deadline::time_for(now, context.deadline());
        let moment = Moment { now, arrival, deadline: arrival + time };

        let webhook = Unverified::new(&request.headers, post_body(request)?)?;
        let secret = self.relay.secret(moment).await?;
        let (webhook, secret) = self.verify(&webhook, secret, moment).await?;
        record.verified(webhook.id());
        let event = Event::from_webhook(&webhook)?;
        record.parsed(&event);
        match &self.queue {
            Some(queue) if is_queued(queue, &event, now, record).await => Ok(Reply::Queued),
            _ => Ok(self.relay.process(event, &secret, moment, record).await.into()),
        }
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

/// Puts an event into the queue, exactly as it was signed. If the queue does not take it, it is delivered
/// at once instead: within the same time, and the log says why.
async fn is_queued(queue: &Queue, event: &Event<'_>, now: SystemTime, record: &mut Record) -> bool {
    let before = Instant::now();
    let message = Message { body: event.raw, attributes: &[(WEBHOOK_ID, event.id)] };
    let sent = queue.send(message, now).await;
    record.queue = before.elapsed();
    match &sent {
        Ok(()) | Err(QueueError::Paused) => {}
        Err(error @ QueueError::Unfit) => {
            tracing::info!(reason = error.code(), "{error} This webhook is delivered at once.");
        }
        Err(error) => {
            let reason = error.code();
            tracing::error!(reason, "{error} Webhooks are delivered at once meanwhile.");
        }
    }
    sent.is_ok()
}

/// The raw bytes of a POST that is not too large.
fn post_body(request: &HttpEvent) -> Result<&[u8], Reply> {
    if request.method != "POST" {
        return Err(Reply::Unsupported);
    }
    if request.body.len() > MAX_BODY {
        return Err(Reply::TooLarge);
    }
    Ok(&request.body)
}

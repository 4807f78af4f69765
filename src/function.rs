//! The way of one webhook: method, size, headers, signature, envelope, transform, delivery, answer.

use crate::budget;
use crate::config::Settings;
use crate::http;
use crate::outcome::{Outcome, Retry};
use crate::secret::{SecretCache, SecretsManager};
use crate::track::{Track, Verdict};
use crate::transform::{Options, transform};
use crate::webhook::{Envelope, Unverified};
use lambda_http::http::Method;
use lambda_http::{Body, Context, Request, RequestExt, Response};
use std::time::{Duration, Instant, SystemTime};

/// The largest body that is looked at, in bytes. Dodo's are around 1.4 kB.
pub const MAX_BODY: usize = 1024 * 1024;

/// The function, with what it keeps from one webhook to the next.
#[derive(Debug)]
pub struct Function {
    secrets: SecretCache<SecretsManager>,
    track: Track,
    options: Options,
    tolerance: Duration,
}

/// What is known about a webhook for the log. Nothing of it before the signature holds.
#[derive(Debug, Default)]
struct Record {
    webhook_id: Option<String>,
    event_type: Option<String>,
}

impl Function {
    /// Builds the clients; no call is made yet.
    pub fn new(settings: Settings) -> Self {
        let Settings { secret_id, track_url, transform, secret_ttl, tolerance, aws } = settings;
        let http = http::client();
        let manager = SecretsManager::new(aws, http.clone(), secret_id);
        Self {
            secrets: SecretCache::new(manager, secret_ttl),
            track: Track::new(http, track_url),
            options: transform,
            tolerance,
        }
    }

    /// Does in the init phase what the first webhook would have to wait for: the secret and the
    /// connection to Customer.io, both at once. Failing is allowed; the webhook will try again.
    pub async fn warm_up(&self) {
        let (secret, ()) = tokio::join!(self.secrets.get(SystemTime::now()), self.track.warm_up());
        if let Err(error) = secret {
            tracing::error!(reason = error.code(), "{error}");
        }
    }

    /// Answers one request and writes its line in the log.
    pub async fn handle(&self, request: &Request) -> Response<Body> {
        let arrival = Instant::now();
        let mut record = Record::default();
        let outcome = match self.deliver(request, &mut record).await {
            Ok(()) => Outcome::Delivered,
            Err(outcome) => outcome,
        };
        log(&outcome, &record, request, arrival.elapsed());
        outcome.response()
    }

    /// Takes a webhook all the way; whatever ends it earlier is the error.
    async fn deliver(&self, request: &Request, record: &mut Record) -> Result<(), Outcome> {
        let now = SystemTime::now();
        let lambdas = request.lambda_context_ref().map(Context::deadline);
        let deadline = budget::deadline(now, lambdas);
        let body = post_body(request)?;
        let webhook = Unverified::new(request.headers(), body)?;
        let secret = self.secrets.get(now).await?;
        let seconds = unix_seconds(now);
        let webhook =
            webhook.verify(&secret.signing_keys, seconds.cast_signed(), self.tolerance)?;
        record.webhook_id = Some(webhook.id().to_owned());
        let envelope = Envelope::parse(&webhook)?;
        record.event_type = Some(envelope.event_type.clone());
        let batch = transform(&envelope, webhook.id(), seconds, &self.options)?;
        let time_left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        match self.track.deliver(&batch, &secret.customerio, time_left).await {
            Verdict::Accepted => Ok(()),
            Verdict::Rejected(refusals) => Err(Outcome::Rejected(refusals)),
            Verdict::Later(later) => Err(Outcome::Retry(Retry::CustomerIo(later))),
        }
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

/// One line a webhook: ids, outcome and duration, no personal data and no secret.
fn log(outcome: &Outcome, record: &Record, request: &Request, duration: Duration) {
    let request_id = request.lambda_context_ref().map(|context| context.request_id.as_str());
    let (reason, message) = outcome.reason().unzip();
    let message = message.unwrap_or_else(|| "Customer.io accepted everything.".to_owned());
    let Record { webhook_id, event_type } = record;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id,
                webhook_id,
                event_type,
                outcome = outcome.name(),
                status = outcome.status().as_u16(),
                reason,
                duration_ms = milliseconds(duration),
                "{message}"
            )
        };
    }
    match outcome {
        Outcome::Delivered | Outcome::Ignored(_) => line!(info),
        Outcome::Unauthorized(_) | Outcome::Unsupported | Outcome::TooLarge => line!(warn),
        Outcome::Malformed(_) | Outcome::Rejected(_) | Outcome::Retry(_) => line!(error),
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

//! The services around every candidate, over HTTP and over TLS.

use crate::authority::{self, Authority};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::Value;
use stand_ins::credentials::Credentials;
use stand_ins::customerio::{CustomerIo, Memory, People};
use stand_ins::dodo::{self, Webhook, sample};
use stand_ins::one_secret::OneSecret;
use stand_ins::serve::{self, Server, Service, ServiceResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What most webhooks look like.
const SAMPLE: &str = "payment.succeeded";

pub struct World {
    credentials: Credentials,
    memory: Memory,
    busy: Arc<AtomicU64>,
    /// Secrets Manager and Customer.io, plain.
    pub plain: [String; 2],
    /// The same behind TLS.
    pub tls: [String; 2],
    /// Who signs for them.
    pub authority: Authority,
    _servers: (CustomerIo, Server, OneSecret, [Server; 2]),
}

impl World {
    /// # Errors
    /// What did not start.
    pub async fn start() -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let credentials = Credentials::random();
        let secrets = OneSecret::start(|| false).await;
        secrets.put(credentials.secret());
        let Credentials { site_id, api_key, .. } = &credentials;
        let customerio = CustomerIo::start(0, site_id, api_key).await.map_err(text)?;
        let busy = Arc::<AtomicU64>::default();
        let timed = Timed { inner: customerio.memory(), busy: busy.clone() };
        let timed = serve::serve(0, timed).await.map_err(text)?;

        let authority = Authority::new()?;
        let behind = [secrets.address(), timed.address];
        let [one, other] = behind.map(|server| authority::tls_in_front_of(&authority, server));
        let doors = [one.await.map_err(text)?, other.await.map_err(text)?];
        Ok(Self {
            memory: customerio.memory(),
            plain: behind.map(|address| format!("http://{address}")),
            tls: [&doors[0], &doors[1]].map(|door| format!("https://{}", door.address)),
            credentials,
            busy,
            authority,
            _servers: (customerio, timed, secrets, doors),
        })
    }

    /// A new webhook, signed now, as the function URL hands it over.
    pub fn event(&self) -> Value {
        let body = sample(SAMPLE).expect("a sample").body();
        let id = dodo::random_message_id();
        let secret = &self.credentials.webhook_secret;
        Webhook::sign(secret, &id, dodo::unix_now(), body).function_url_event()
    }

    /// How long Customer.io has had requests so far, in all.
    pub fn time_at_customerio(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::SeqCst))
    }

    /// Clears the state of Customer.io, so that it does not slow the bench.
    pub fn forget(&self) {
        let mut state = self.memory.lock();
        state.people = People::default();
        state.arrivals.clear();
    }
}

/// Customer.io with a stopwatch.
#[derive(Clone)]
struct Timed {
    inner: Memory,
    busy: Arc<AtomicU64>,
}

impl Service for Timed {
    async fn respond(&self, request: Request<Bytes>) -> ServiceResult {
        let start = Instant::now();
        let response = self.inner.respond(request).await;
        let took = start.elapsed().as_nanos().try_into().unwrap_or(u64::MAX);
        self.busy.fetch_add(took, Ordering::SeqCst);
        response
    }
}

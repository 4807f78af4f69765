//! Both functions with a queue between them, and everything around them.

use crate::world::{Process, World, moto_environment};
use serde_json::Value;
use stand_ins::clock::Clock;
use stand_ins::dodo::{Webhook, sample};
use stand_ins::poller::{Polled, Poller, Settings as PollerSettings};
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::sqs::{Message, Settings, Sqs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// As in the template.
const FUNCTION_TIMEOUT: Duration = Duration::from_mins(1);

/// The queues, by name.
pub const QUEUE: &str = "webhooks";
pub const DEAD_LETTERS: &str = "refused";

pub struct QueueWorld {
    /// With the webhook function.
    pub world: World,
    pub sqs: Sqs,
    pub poller: Poller,
    runtime: Arc<RuntimeApi>,
    function: Mutex<Process>,
    environment: Vec<(&'static str, String)>,
    ahead: Arc<AtomicU64>,
}

impl QueueWorld {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings for both functions.
    pub async fn with(settings: &[(&'static str, &str)]) -> Self {
        Self::around(settings, FUNCTION_TIMEOUT, false).await
    }

    /// With these settings, and this timeout of the queue function.
    pub async fn with_timeout(timeout: Duration, settings: &[(&'static str, &str)]) -> Self {
        Self::around(settings, timeout, false).await
    }

    /// With a key for Dodo's API in the secret.
    pub async fn with_dodo_api() -> Self {
        Self::around(&[], FUNCTION_TIMEOUT, true).await
    }

    async fn around(settings: &[(&'static str, &str)], timeout: Duration, has_key: bool) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let seconds = ahead.clone();
        let now = move || SystemTime::now() + Duration::from_secs(seconds.load(Ordering::Relaxed));
        let sqs = Sqs::start(Clock::new(now)).await.unwrap();
        let queue_url = sqs.create(QUEUE, Settings::default());
        let dead_letters_url = sqs.create(DEAD_LETTERS, Settings::default());
        let endpoint = sqs.url();
        let queue: [(&'static str, &str); 2] =
            [("QUEUE_URL", &queue_url), ("AWS_ENDPOINT_URL_SQS", &endpoint)];
        let settings = [&queue, settings].concat();
        let world = if has_key {
            World::with_dodo_api(&settings).await
        } else {
            World::with(&settings).await
        };
        let runtime = Arc::new(RuntimeApi::with_timeout(timeout).await.unwrap());
        let mut environment: Vec<_> = moto_environment().collect();
        environment.extend(runtime.environment());
        environment.extend([
            ("_HANDLER", "queue".to_owned()),
            ("SECRET_ID", world.secret.name.clone()),
            ("CUSTOMERIO_TRACK_URL", world.customerio.url()),
            ("DODO_API_URL", world.dodo_api.url()),
            ("LOG_LEVEL", "TRACE".to_owned()),
            ("DEAD_LETTER_QUEUE_URL", dead_letters_url),
        ]);
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        // It is over sooner, when all visible messages have been collected.
        let window = Duration::from_secs(5);
        let settings = PollerSettings { window, ..PollerSettings::default() };
        let poller = Poller::new(&endpoint, queue_url.clone(), runtime.clone(), settings);
        let function = Mutex::new(Process::start(environment.clone()));
        Self { world, sqs, poller, runtime, function, environment, ahead }
    }

    /// Ends the queue function's process and starts another.
    pub fn restart(&self) {
        *self.function.lock().unwrap() = Process::start(self.environment.clone());
    }

    /// Invokes the queue function with any event.
    pub async fn invoke(&self, event: Value) -> Value {
        self.runtime.invoke(event).await.expect("a response within the function's timeout")
    }

    /// How far the time of SQS is ahead.
    pub fn ahead(&self) -> Duration {
        Duration::from_secs(self.ahead.load(Ordering::Relaxed))
    }

    /// Signs a sample and delivers it to the webhook function, which must queue it.
    pub async fn queue(&self, name: &str) -> Webhook {
        let webhook = self.world.webhook(name);
        self.queue_webhook(&webhook).await;
        webhook
    }

    pub async fn queue_webhook(&self, webhook: &Webhook) {
        let response = self.world.deliver(webhook).await;
        assert_eq!(response.outcome(), (200, "queued"), "{response:?}");
    }

    /// Puts many payments of different customers into the queue, by itself.
    pub fn fill(&self, count: usize) {
        for number in 0..count {
            self.put(Some(&format!("msg_{number}")), &payment_of(number).to_string());
        }
    }

    /// Puts any message into the queue.
    pub fn put(&self, id: Option<&str>, body: &str) {
        let attributes: Vec<_> = id.map(|id| ("webhook-id", id)).into_iter().collect();
        self.sqs.put(QUEUE, body, &attributes);
    }

    /// Lets the queue function handle all messages that are visible now. Its log must be discreet.
    pub async fn poll(&self) -> Polled {
        let polled = match self.visible() {
            0 => Polled::default(),
            batch_size => {
                let settings = PollerSettings { batch_size, ..self.poller.settings };
                let mut poller = self.poller.clone();
                poller.settings = settings;
                poller.poll().await
            }
        };
        self.world.assert_discreet(&self.log());
        polled
    }

    fn visible(&self) -> usize {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        self.sqs.state().queues[QUEUE].visible(now + self.ahead())
    }

    /// Lets time pass, at SQS alone.
    pub fn pass(&self, time: Duration) {
        self.ahead.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    /// What is in a queue, visible or not.
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.sqs.state().queues[queue].messages().cloned().collect()
    }

    /// How often an action of SQS was called.
    pub fn calls(&self, action: &str) -> usize {
        self.sqs.state().calls.get(action).copied().unwrap_or_default()
    }

    /// How many events Customer.io has counted.
    pub fn events(&self) -> usize {
        self.world.customerio.state().people.events().count()
    }

    /// The queue function's lines about batches, and those about events.
    pub async fn lines(&self, batches: usize) -> (Vec<Value>, Vec<Value>) {
        for _ in 0..200 {
            let log = self.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.collect();
            let of = |field| {
                lines.iter().filter(|line| line.get(field).is_some()).cloned().collect::<Vec<_>>()
            };
            let (of_batches, of_events) = (of("webhooks"), of("outcome"));
            if of_batches.len() >= batches {
                return (of_batches, of_events);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{batches} batches in {}", self.log());
    }

    /// What the queue function has logged.
    pub fn log(&self) -> String {
        self.function.lock().unwrap().log()
    }
}

/// A payment of a customer of its own.
pub fn payment_of(number: usize) -> Value {
    let mut event = sample("payment.succeeded").unwrap().event;
    event["data"]["customer"]["customer_id"] = format!("cus_{number}").into();
    event["data"]["customer"]["email"] = format!("ada{number}@example.com").into();
    event["data"]["payment_id"] = format!("pay_{number}").into();
    event
}

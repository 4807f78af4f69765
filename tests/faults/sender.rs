//! Dodo's sender: eight attempts on its schedule, the same id each time, a fresh time and signature;
//! duplicates and reordering mixed in.

use crate::clock::{self, HOUR, MINUTE, SECOND, START};
use crate::local::customerio::CustomerIo;
use crate::local::dodo::{self, Sample, Webhook, samples};
use crate::plan::{Plan, SIGNS_ALONG};
use crate::report::Report;
use crate::secrets_manager::SecretsManager;
use dodo_customerio::config::Settings;
use dodo_customerio::function::Function;
use dodo_customerio::track::Pace;
use fastrand::Rng;
use lambda_http::{Body, Request};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Pauses before each attempt after the first, in milliseconds.
const SCHEDULE: [u64; 7] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/// As in production, a fiftieth as long.
const PACE: Pace = Pace {
    attempt: Duration::from_millis(80),
    pause: Duration::from_millis(4),
    shortest_attempt: Duration::from_millis(5),
};

const PEOPLE: usize = 60;
/// How many webhooks an environment serves before Lambda starts another.
const LIFETIME: usize = 150;
/// How many invocations run at once, if their times are close.
const CONCURRENT: usize = 8;

/// A webhook and what Dodo knows of it.
pub struct Message {
    pub id: String,
    pub sample: Sample,
    /// When it happened, in Unix milliseconds.
    pub happened: u64,
    /// When it was first answered 2xx.
    pub accepted: Option<u64>,
    pub aborted: bool,
}

/// The attempt with this number, at this time, for this message; numbers past the schedule are
/// duplicates, which are not repeated.
type Attempt = Reverse<(u64, usize, usize)>;

const DUPLICATE: usize = usize::MAX;

struct Run {
    rng: Rng,
    plan: Plan,
    messages: Vec<Message>,
    queue: BinaryHeap<Attempt>,
    customerio: CustomerIo,
    secrets_manager: SecretsManager,
    keys: Keys,
    report: Report,
}

/// Secrets, before and after their rotation.
struct Keys {
    dodo: [String; 2],
    customerio: [String; 2],
    site_id: String,
}

/// Sends `count` webhooks and reports what became of them.
pub async fn run(seed: u64, count: usize) -> Report {
    clock::set(START);
    let mut run = Run::prepare(seed, count).await;
    let mut function = run.new_environment().await;
    let mut served = 0;
    while let Some(attempts) = run.next_attempts() {
        run.rotate();
        if served > LIFETIME {
            (function, served) = (run.new_environment().await, 0);
        }
        served += attempts.len();
        run.attempt(&function, attempts).await;
    }
    run.finish()
}

impl Run {
    async fn prepare(seed: u64, count: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::of(&mut rng);
        let messages: Vec<_> = messages(&mut rng, &plan, count);
        let first = messages.iter().enumerate().map(|(index, it)| Reverse((it.happened, 0, index)));
        let queue = first.collect();
        let keys = Keys {
            dodo: [dodo::random_secret(), dodo::random_secret()],
            customerio: [dodo::random_hex(), dodo::random_hex()],
            site_id: dodo::random_hex(),
        };
        let customerio = CustomerIo::start(0, &keys.site_id, &keys.customerio[0]).await.unwrap();
        let (planned, mut chance) = (plan.clone(), rng.fork());
        customerio.state().plan = Some(Box::new(move || planned.fault(&mut chance)));
        let planned = plan.clone();
        let secrets_manager =
            SecretsManager::start(move || planned.is_secrets_manager_down()).await;
        let report = Report { seed, webhooks: count, ..Report::default() };
        Self { rng, plan, messages, queue, customerio, secrets_manager, keys, report }
    }

    /// A cold start.
    async fn new_environment(&mut self) -> Function {
        let settings = Settings::read(|name| {
            Some(match name {
                "SECRET_ID" => "dodo".to_owned(),
                "CUSTOMERIO_TRACK_URL" => self.customerio.url(),
                "AWS_ENDPOINT_URL_SECRETS_MANAGER" => self.secrets_manager.url(),
                "AWS_REGION" => "us-east-1".to_owned(),
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "testing".to_owned(),
                _ => return None,
            })
        });
        let function = Function::with(settings.unwrap(), clock::time_of_day, PACE);
        function.warm_up().await;
        self.report.environments += 1;
        function
    }

    /// The next attempt, and those that are due with it.
    fn next_attempts(&mut self) -> Option<Vec<(usize, usize)>> {
        let Reverse((first, attempt, index)) = self.queue.pop()?;
        let (mut now, mut together) = (first, vec![(attempt, index)]);
        while together.len() < CONCURRENT
            && let Some(Reverse((next, attempt, index))) = self.queue.peek()
            && *next <= first + 2 * SECOND
        {
            now = *next;
            together.push((*attempt, *index));
            self.queue.pop();
        }
        clock::set(now);
        Some(together)
    }

    /// Brings the secrets to where the plan has them now.
    fn rotate(&mut self) {
        let (now, plan) = (clock::now(), &self.plan);
        let customerio = usize::from(now >= plan.customerio_rotates);
        self.customerio.state().accept(&self.keys.site_id, &self.keys.customerio[customerio]);

        let [old, new] = &self.keys.dodo;
        let webhook_secret = match (now >= plan.dodo_secret_put, plan.lists_both) {
            (false, _) => json!(old),
            (true, true) => json!([new, old]),
            (true, false) => json!(new),
        };
        let api_key = &self.keys.customerio[usize::from(now >= plan.customerio_key_put)];
        self.secrets_manager.put(json!({
            "dodo_webhook_secret": webhook_secret,
            "customerio_site_id": self.keys.site_id,
            "customerio_api_key": api_key,
        }));
    }

    async fn attempt(&mut self, function: &Function, attempts: Vec<(usize, usize)>) {
        let requests: Vec<_> = attempts.iter().map(|(_, index)| self.request(*index)).collect();
        let answers = requests.iter().map(|request| function.handle(request));
        let answers = futures_util::future::join_all(answers).await;
        self.report.invocations += answers.len();
        for ((attempt, index), answer) in attempts.into_iter().zip(answers) {
            // Some answers get lost on their way to Dodo.
            let received = self.rng.f64() > 0.02;
            let accepted = answer.status().is_success();
            let aborted = answer.headers().contains_key("webhook-delivery");
            let message = &mut self.messages[index];
            if accepted {
                message.accepted.get_or_insert(clock::now());
            }
            message.aborted |= aborted;
            if !(aborted || accepted && received) {
                self.again(attempt, index);
            } else if self.rng.f64() < 0.05 {
                let later = clock::now() + self.rng.u64(SECOND..72 * HOUR);
                self.queue.push(Reverse((later, DUPLICATE, index)));
            }
        }
    }

    /// By the schedule, a tenth sooner or later.
    fn again(&mut self, attempt: usize, index: usize) {
        if let Some(pause) = SCHEDULE.get(attempt) {
            let jittered = self.rng.u64(pause * 9 / 10..pause * 11 / 10);
            self.queue.push(Reverse((clock::now() + jittered, attempt + 1, index)));
        }
    }

    fn request(&self, index: usize) -> Request {
        let message = &self.messages[index];
        let (now, [old, new]) = (clock::now(), &self.keys.dodo);
        let sent = i64::try_from(now / SECOND).unwrap();
        let sign = |key: &str| Webhook::sign(key, &message.id, sent, message.sample.body());
        let webhook = if now < self.plan.dodo_rotates {
            sign(old)
        } else if now < self.plan.dodo_rotates + SIGNS_ALONG {
            let (both, along) = (sign(new), sign(old));
            Webhook { signature: format!("{} {}", both.signature, along.signature), ..both }
        } else {
            sign(new)
        };
        let mut request = Request::new(Body::Text(webhook.body.clone()));
        *request.method_mut() = "POST".parse().unwrap();
        for (name, value) in webhook.headers() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    fn finish(self) -> Report {
        let Self { messages, customerio, secrets_manager, mut report, .. } = self;
        let state = customerio.state();
        report.requests = state.requests;
        report.secret_requests = secrets_manager.requests();
        report.judge(&messages, &state.people);
        report
    }
}

/// Webhooks of every type that has somebody to mail, for a few people, at random times.
fn messages(rng: &mut Rng, plan: &Plan, count: usize) -> Vec<Message> {
    let samples: Vec<_> = samples()
        .into_iter()
        .filter(|sample| {
            !sample.event_type().starts_with("payout.") && sample.body().len() < 10_000
        })
        .collect();
    let message = |_| {
        let happened = rng.u64(plan.happening.clone());
        let mut sample = samples[rng.usize(..samples.len())].clone();
        sample.event["timestamp"] = rfc3339(happened).into();
        let number = rng.usize(..PEOPLE);
        let id = format!("cus_{number}");
        let data = &mut sample.event["data"];
        match data.get_mut("customer") {
            Some(customer) => {
                customer["customer_id"] = id.into();
                customer["email"] = format!("person{number}@example.com").into();
            }
            None => data["customer_id"] = id.into(),
        }
        Message { id: dodo::random_message_id(), sample, happened, accepted: None, aborted: false }
    };
    (0..count).map(message).collect()
}

fn rfc3339(milliseconds: u64) -> String {
    let moment = time::UtcDateTime::from(clock::at(milliseconds));
    let (hour, minute, second, millisecond) = moment.time().as_hms_milli();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", moment.date())
}

/// The time of the newest payment of a person, in Unix seconds, as their profile should have it.
pub fn newest_payment(messages: &[Message], person: &str) -> Option<u64> {
    let of_person = messages.iter().filter(|message| {
        let data = &message.sample.event["data"];
        data["customer"]["customer_id"] == person
            && message.sample.event_type().starts_with("payment.")
    });
    of_person.map(|message| message.happened / SECOND).max()
}

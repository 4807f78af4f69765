//! A sender like Dodo's: eight attempts on its schedule, the same id each time, a new timestamp and
//! signature; with duplicates and reordering.

use crate::clock::{HOUR, MINUTE, SECOND, rfc3339};
use crate::plan::{Plan, SIGNS_ALONG};
use crate::report::Report;
use crate::world::World;
use dodo_customerio::handler::Function;
use fastrand::Rng;
use lambda_http::Request;
use serde_json::json;
use stand_ins::dodo::{self, Sample, samples};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Pauses before each attempt after the first, in milliseconds.
pub const SCHEDULE: [u64; 7] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

const PEOPLE: usize = 60;
/// How many webhooks an environment serves before Lambda starts another.
const LIFETIME: usize = 150;
/// How many invocations run at once, if their times are close.
const CONCURRENT: usize = 8;

/// A webhook and its state at Dodo.
pub struct Message {
    pub id: String,
    pub sample: Sample,
    /// When it happened, in Unix milliseconds.
    pub happened: u64,
    /// When it first got a 2xx.
    pub accepted: Option<u64>,
    pub aborted: bool,
}

/// The attempt with this number, at this time, for this message; numbers past the schedule are
/// duplicates, which are not repeated.
type Attempt = Reverse<(u64, usize, usize)>;

const DUPLICATE: usize = usize::MAX;

struct Run {
    world: World,
    rng: Rng,
    plan: Plan,
    messages: Vec<Message>,
    queue: BinaryHeap<Attempt>,
    keys: Keys,
    report: Report,
}

/// Secrets, before and after their rotation.
struct Keys {
    dodo: [String; 2],
    customerio: [String; 2],
}

/// Sends `count` webhooks and reports the results.
pub async fn run(seed: u64, count: usize) -> Report {
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
        };
        let planned = plan.clone();
        let world = World::start(move |now| planned.is_secrets_manager_down(now)).await;
        let (planned, time, mut chance) = (plan.clone(), world.clock.clone(), rng.fork());
        world.customerio.state().faults.plan =
            Some(Box::new(move || planned.fault(time.now(), &mut chance)));
        let report = Report { seed, webhooks: count, ..Report::default() };
        let mut run = Self { world, rng, plan, messages, queue, keys, report };
        run.rotate();
        run
    }

    async fn new_environment(&mut self) -> Function {
        self.report.environments += 1;
        self.world.new_environment().await
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
        self.world.clock.set(now);
        Some(together)
    }

    /// Sets the secrets to what the plan says for now.
    fn rotate(&mut self) {
        let (now, plan, [old, new]) = (self.world.clock.now(), &self.plan, &self.keys.dodo);
        let webhook_secret = match (now >= plan.dodo_secret_put, plan.lists_both) {
            (false, _) => json!(old),
            (true, true) => json!([new, old]),
            (true, false) => json!(new),
        };
        let key = |since: u64| &self.keys.customerio[usize::from(now >= since)];
        self.world.accept(key(plan.customerio_rotates));
        self.world.put(webhook_secret, key(plan.customerio_key_put));
    }

    async fn attempt(&mut self, function: &Function, attempts: Vec<(usize, usize)>) {
        let requests: Vec<_> = attempts.iter().map(|(_, index)| self.request(*index)).collect();
        let responses = requests.iter().map(|request| function.handle(request));
        let responses = futures_util::future::join_all(responses).await;
        self.report.invocations += responses.len();
        for ((attempt, index), response) in attempts.into_iter().zip(responses) {
            // Some responses are lost on their way to Dodo.
            let received = self.rng.f64() > 0.02;
            let accepted = response.status().is_success();
            let aborted = response.headers().contains_key("webhook-delivery");
            let message = &mut self.messages[index];
            if accepted {
                message.accepted.get_or_insert(self.world.clock.now());
            }
            message.aborted |= aborted;
            if !(aborted || accepted && received) {
                self.again(attempt, index);
            } else if self.rng.f64() < 0.05 {
                let later = self.world.clock.now() + self.rng.u64(SECOND..72 * HOUR);
                self.queue.push(Reverse((later, DUPLICATE, index)));
            }
        }
    }

    /// Schedules the next attempt, up to a tenth sooner or later.
    fn again(&mut self, attempt: usize, index: usize) {
        if let Some(pause) = SCHEDULE.get(attempt) {
            let jittered = self.rng.u64(pause * 9 / 10..pause * 11 / 10);
            self.queue.push(Reverse((self.world.clock.now() + jittered, attempt + 1, index)));
        }
    }

    fn request(&self, index: usize) -> Request {
        let message = &self.messages[index];
        let (now, [old, new]) = (self.world.clock.now(), &self.keys.dodo);
        let secrets: &[&str] = if now < self.plan.dodo_rotates {
            &[old]
        } else if now < self.plan.dodo_rotates + SIGNS_ALONG {
            &[new, old]
        } else {
            &[new]
        };
        self.world.request(&message.id, &message.sample.body(), secrets)
    }

    fn finish(self) -> Report {
        let Self { world, messages, mut report, .. } = self;
        let state = world.customerio.state();
        report.requests = state.requests;
        report.secret_requests = world.secrets_manager.requests();
        report.compare(&messages, &state.people);
        report
    }
}

/// Webhooks of every type that has a customer, for a few people, at random times.
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

/// Some samples write numbers as strings.
fn amount(value: &serde_json::Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// The time of the newest payment of a person, in Unix seconds, as their profile should have it.
pub fn newest_payment(messages: &[Message], person: &str) -> Option<u64> {
    let of_person = messages.iter().filter(|message| {
        let data = &message.sample.event["data"];
        data["customer"]["customer_id"] == person
            && message.sample.event_type() == "payment.succeeded"
            && data["is_update_payment_method"] != true
            && amount(&data["total_amount"]) > 0
    });
    of_person.map(|message| message.happened / SECOND).max()
}

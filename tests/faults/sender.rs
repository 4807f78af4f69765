//! A sender like Dodo's: eight attempts on its schedule, the same id each time, a new timestamp and
//! signature; with duplicates and reordering.

use crate::clock::{HOUR, MINUTE, SECOND};
use crate::messages::{Message, Scenario};
use crate::plan::{Faults, Plan, SIGNS_ALONG};
use crate::queue::{Consumer, Killer, QueuePlan};
use crate::report::Report;
use crate::world::World;
use dodo_customerio::handler::{Function, HttpEvent, HttpResponse};
use fastrand::Rng;
use lambda_runtime::Context;
use serde_json::json;
use stand_ins::dodo;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Pauses before each attempt after the first, in milliseconds.
pub const SCHEDULE: [u64; 7] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/// An event that is delivered later starts no campaign, in seconds: Customer.io's rule.
const STARTS_CAMPAIGNS_FOR: u64 = 72 * 3_600;

/// How many webhooks an environment serves before Lambda starts another.
const LIFETIME: usize = 150;
/// How many invocations run at once, if their times are close.
const CONCURRENT: usize = 8;

/// The attempt with this number, at this time, for this message; numbers past the schedule are
/// duplicates, which are not repeated.
type Attempt = Reverse<(u64, usize, usize)>;

const DUPLICATE: usize = usize::MAX;

struct Run {
    world: World,
    rng: Rng,
    plan: Plan,
    messages: Vec<Message>,
    attempts: BinaryHeap<Attempt>,
    keys: Keys,
    report: Report,
    /// The webhook function, and how many webhooks it has served.
    environment: (Function, usize),
    /// In queue mode.
    consumer: Option<Consumer>,
    /// Positions of messages.
    by_id: HashMap<String, usize>,
}

/// Secrets, before and after their rotation.
struct Keys {
    dodo: [String; 2],
    customerio: [String; 2],
}

/// Sends the webhooks of a scenario in direct mode, and reports the results.
pub async fn run(scenario: Scenario) -> Report {
    Run::prepare(scenario, None).await.finished().await
}

/// The same in queue mode.
pub async fn run_with_queue(scenario: Scenario, plan: QueuePlan) -> Report {
    Run::prepare(scenario, Some(plan)).await.finished().await
}

impl Run {
    async fn prepare(scenario: Scenario, queue_plan: Option<QueuePlan>) -> Self {
        let Scenario { seed, plan, messages, mut rng } = scenario;
        let first = messages.iter().enumerate().map(|(index, it)| Reverse((it.happened, 0, index)));
        let attempts = first.collect();
        let keys = Keys {
            dodo: [dodo::random_secret(), dodo::random_secret()],
            customerio: [dodo::random_hex(), dodo::random_hex()],
        };
        let planned = plan.clone();
        let mut world = World::start(move |now| planned.is_secrets_manager_down(now)).await;
        let killer = Killer::default();
        let mut faults = Faults::new(&plan, rng.fork());
        let (time, note) = (world.clock.clone(), killer.clone());
        world.customerio.state().faults.plan = Some(Box::new(move || {
            note.request();
            faults.next(time.now())
        }));
        let consumer = match queue_plan {
            Some(plan) => Some(Consumer::start(&mut world, plan, seed, killer).await),
            None => None,
        };
        let environment = (world.new_environment().await, LIFETIME);
        let report = Report { seed, webhooks: messages.len(), ..Report::default() };
        let by_id = messages.iter().enumerate().map(|(index, it)| (it.id.clone(), index));
        let by_id = by_id.collect();
        let mut run = Self {
            world,
            rng,
            plan,
            messages,
            attempts,
            keys,
            report,
            environment,
            consumer,
            by_id,
        };
        run.rotate();
        run
    }

    /// Attempts and polls by their times, until there are no more.
    async fn finished(mut self) -> Report {
        loop {
            let attempt = self.attempts.peek().map(|Reverse((time, ..))| *time);
            let poll = self.consumer.as_ref().and_then(Consumer::next_poll);
            match (attempt, poll) {
                (None, None) => break,
                (attempt, Some(poll)) if attempt.is_none_or(|attempt| poll <= attempt) => {
                    self.poll(poll).await;
                }
                _ => self.attempt_next().await,
            }
            self.world.customerio.state().arrivals.clear();
        }
        self.finish()
    }

    async fn attempt_next(&mut self) {
        let Some(attempts) = self.next_attempts() else { return };
        self.rotate();
        if self.environment.1 >= LIFETIME {
            self.report.environments += 1;
            self.environment = (self.world.new_environment().await, 0);
        }
        self.environment.1 += attempts.len();
        self.attempt(attempts).await;
    }

    async fn poll(&mut self, time: u64) {
        self.world.clock.set(time.max(self.world.clock.now()));
        self.rotate();
        let Some(consumer) = &mut self.consumer else { return };
        let now = self.world.clock.now();
        for (id, time) in consumer.poll(&self.world).await {
            let Some(index) = self.by_id.get(&id) else { continue };
            let message = &mut self.messages[*index];
            message.delivered.get_or_insert(time);
            let is_late = now / SECOND - message.happened / SECOND > STARTS_CAMPAIGNS_FOR;
            self.report.too_late += u64::from(is_late);
        }
    }

    /// The next attempt, and those that are due with it.
    fn next_attempts(&mut self) -> Option<Vec<(usize, usize)>> {
        let Reverse((first, attempt, index)) = self.attempts.pop()?;
        let (mut now, mut together) = (first, vec![(attempt, index)]);
        while together.len() < CONCURRENT
            && let Some(Reverse((next, attempt, index))) = self.attempts.peek()
            && *next <= first + 2 * SECOND
        {
            now = *next;
            together.push((*attempt, *index));
            self.attempts.pop();
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

    async fn attempt(&mut self, attempts: Vec<(usize, usize)>) {
        let requests: Vec<_> = attempts.iter().map(|(_, index)| self.request(*index)).collect();
        let context = Context::default();
        let responses = requests.iter().map(|request| self.environment.0.handle(request, &context));
        let responses = futures_util::future::join_all(responses).await;
        self.report.invocations += responses.len();
        for ((attempt, index), response) in attempts.into_iter().zip(responses) {
            // Some responses are lost on their way to Dodo.
            let received = self.rng.f64() > 0.02;
            let accepted = response.status_code == 200;
            let aborted = response.headers.webhook_delivery.is_some();
            let message = &mut self.messages[index];
            if accepted && !is_queued(&response) {
                message.delivered.get_or_insert(self.world.clock.now());
            }
            message.aborted |= aborted;
            if !(aborted || accepted && received) {
                self.again(attempt, index);
            } else if self.rng.f64() < 0.05 {
                let later = self.world.clock.now() + self.rng.u64(SECOND..72 * HOUR);
                self.attempts.push(Reverse((later, DUPLICATE, index)));
            }
        }
    }

    /// Schedules the next attempt, up to a tenth sooner or later.
    fn again(&mut self, attempt: usize, index: usize) {
        if let Some(pause) = SCHEDULE.get(attempt) {
            let jittered = self.rng.u64(pause * 9 / 10..pause * 11 / 10);
            self.attempts.push(Reverse((self.world.clock.now() + jittered, attempt + 1, index)));
        }
    }

    fn request(&self, index: usize) -> HttpEvent {
        let message = &self.messages[index];
        let (now, [old, new]) = (self.world.clock.now(), &self.keys.dodo);
        let secrets: &[&str] = if now < self.plan.dodo_rotates {
            &[old]
        } else if now < self.plan.dodo_rotates + SIGNS_ALONG {
            &[new, old]
        } else {
            &[new]
        };
        self.world.request(&message.id, &message.body, secrets)
    }

    fn finish(self) -> Report {
        let Self { world, messages, mut report, consumer, .. } = self;
        let state = world.customerio.state();
        report.requests = state.requests;
        report.secret_requests = world.secrets_manager.requests();
        report.compare(&messages, &state.people);
        if let Some(consumer) = consumer {
            consumer.report(&mut report, &state.people);
        }
        report
    }
}

fn is_queued(response: &HttpResponse) -> bool {
    response.body.contains("\"queued\"")
}

//! Lambda's poller and the environments of the queue function, in simulated time.

use super::lambda::{Ending, Killer, Lambda};
use super::plan::{Outage, QueuePlan};
use super::poison::Poison;
use crate::clock::at;
use crate::report::Report;
use crate::world::World;
use aws_sdk_sqs::types::Message;
use fastrand::Rng;
use futures_util::future::join_all;
use stand_ins::clock::Clock;
use stand_ins::customerio::People;
use stand_ins::poller::{Poller, Settings as PollerSettings};
use stand_ins::sqs::{Disorder, Settings, Sqs};
use std::time::Duration;

/// The queues, by name.
pub const QUEUE: &str = "webhooks";
pub const DEAD_LETTERS: &str = "refused";

/// As in the template.
const BATCH: usize = 1_000;
const MAX_RECEIVES: u32 = 1_000;

/// Messages of one call.
const AT_ONCE: usize = 10;

/// Calls to receive messages at the same time.
const RECEIVERS: usize = 5;

/// Batches that an environment serves before Lambda starts another.
const LIFETIME: usize = 40;

/// What takes webhooks out of the queue.
pub struct Consumer {
    sqs: Sqs,
    queue_url: String,
    plan: QueuePlan,
    rng: Rng,
    killer: Killer,
    environments: Vec<Environment>,
    poison: Poison,
    last_poll: u64,
    counts: Counts,
}

/// An environment of the function, with the poller that feeds it.
struct Environment {
    lambda: Lambda,
    poller: Poller<Lambda>,
    free_at: u64,
    served: usize,
}

#[derive(Debug, Default)]
struct Counts {
    invocations: usize,
    environments: usize,
    killed: usize,
    hurried: usize,
    /// Messages that were not handed over, as the function would have failed them.
    passed_over: usize,
    late_events: u64,
}

impl Consumer {
    /// Queues for both functions, and nothing in them.
    pub async fn start(world: &mut World, plan: QueuePlan, seed: u64, killer: Killer) -> Self {
        let clock = world.clock.clone();
        let sqs = Sqs::start(Clock::new(move || at(clock.now()))).await.unwrap();
        let settings = Settings {
            redrive: Some((MAX_RECEIVES, DEAD_LETTERS.to_owned())),
            disorder: Some(Disorder::with_seed(seed)),
            in_flight: plan.in_flight,
            ..Settings::default()
        };
        let queue_url = sqs.create(QUEUE, settings);
        world.set("QUEUE_URL", queue_url.clone());
        world.set("DEAD_LETTER_QUEUE_URL", sqs.create(DEAD_LETTERS, Settings::default()));
        world.set("AWS_ENDPOINT_URL_SQS", sqs.url());
        let (planned, time, note) = (plan.clone(), world.clock.clone(), killer.clone());
        let mut rng = Rng::with_seed(seed);
        let mut chance = rng.fork();
        sqs.state().faults.plan = Some(Box::new(move || {
            note.request();
            planned.fault(time.now(), &mut chance)
        }));
        let poison = Poison::new(&plan);
        let (environments, counts) = (Vec::new(), Counts::default());
        Self { sqs, queue_url, plan, rng, killer, environments, poison, last_poll: 0, counts }
    }

    /// When the next batch is collected.
    pub fn next_poll(&self) -> Option<u64> {
        let next = self.sqs.state().queues[QUEUE].next_visible()?;
        let next = u64::try_from(next.as_millis()).unwrap().max(self.last_poll);
        let free = self.environments.iter().map(|it| it.free_at).min().unwrap_or_default();
        let time = self.plan.reachable(free.max(next + self.plan.window));
        (time < self.plan.until).then_some(time)
    }

    /// Lets the function handle what is visible: the webhooks that it has done with, and when.
    pub async fn poll(&mut self, world: &World) -> Vec<(String, u64)> {
        let now = world.clock.now();
        self.last_poll = now;
        self.poison.spread(now, &self.sqs, world);
        self.pass_over(now);
        let mut batches = Vec::new();
        for index in 0..self.plan.environments {
            if visible(&self.sqs, now) == 0 {
                break;
            }
            self.ready(index, world).await;
            if self.environments[index].free_at <= now {
                batches.push((index, self.environments[index].collect(&self.sqs, now).await));
            }
        }
        batches.retain(|(_, messages)| !messages.is_empty());
        let ends: Vec<_> = batches.iter().map(|_| self.ending()).collect();
        let handled = batches.into_iter().zip(ends).map(|((index, messages), ending)| {
            let environment = &self.environments[index];
            environment.lambda.end(ending);
            async move { (index, ending, environment.poller.handle(messages).await) }
        });
        let handled = join_all(handled).await;
        let mut done = Vec::new();
        for (index, ending, _) in handled {
            done.extend(self.settle(index, ending, now));
        }
        done
    }

    /// Takes note of what an environment has done.
    fn settle(&mut self, index: usize, ending: Ending, now: u64) -> Vec<(String, u64)> {
        let is_outage = self.outage(now).is_some();
        let environment = &mut self.environments[index];
        let invoked = environment.lambda.invoked();
        assert!(invoked.done.is_empty() || !is_outage, "all fail, as was said: {invoked:?}");
        environment.served += 1;
        environment.free_at = now + self.plan.batch_takes;
        self.counts.invocations += 1;
        self.counts.hurried += usize::from(ending == Ending::Hurried);
        self.counts.late_events += invoked.late_events;
        if invoked.was_killed {
            assert_ne!(ending, Ending::InTime, "a batch took a minute");
            self.counts.killed += 1;
            environment.served = usize::MAX;
        }
        let time = environment.free_at;
        invoked.done.into_iter().map(|id| (id, time)).collect()
    }

    /// Starts an environment in this place if there is none, or an old one.
    async fn ready(&mut self, index: usize, world: &World) {
        let is_old = self.environments.get(index).is_none_or(|it| it.served > LIFETIME);
        if !is_old {
            return;
        }
        self.counts.environments += 1;
        let lambda = Lambda::start(world, &self.killer).await;
        let settings = PollerSettings { window: Duration::ZERO, ..PollerSettings::default() };
        let poller = Poller::new(&self.sqs.url(), self.queue_url.clone(), lambda.clone(), settings);
        let free_at = self.environments.get(index).map_or(0, |it| it.free_at);
        let environment = Environment { lambda, poller, free_at, served: 0 };
        if index < self.environments.len() {
            self.environments[index] = environment;
        } else {
            self.environments.push(environment);
        }
    }

    fn ending(&mut self) -> Ending {
        let chance = self.rng.u8(..100);
        if chance < self.plan.killed {
            return Ending::Killed(self.rng.usize(1..=6));
        }
        let is_hurried = chance < self.plan.killed + self.plan.hurried;
        if is_hurried { Ending::Hurried } else { Ending::InTime }
    }

    fn outage(&self, now: u64) -> Option<Outage> {
        self.plan.outage.clone().filter(|outage| outage.lasts.contains(&now))
    }

    /// During an outage, most of what the function can only fail.
    fn pass_over(&mut self, now: u64) {
        let Some(outage) = self.outage(now) else { return };
        let received = outage.received;
        if self.rng.u32(..outage.one_of) == 0 {
            return;
        }
        let mut state = self.sqs.state();
        let Some(queue) = state.queues.get_mut(QUEUE) else { return };
        self.counts.passed_over += queue.fail_all(Duration::from_millis(now), received);
    }

    /// What it cost, and what is left.
    pub fn report(self, report: &mut Report, people: &People) {
        let Counts { invocations, killed, hurried, passed_over, late_events, environments } =
            self.counts;
        // Those are many: calls and batches are full.
        let calls_passed_over = passed_over.div_ceil(AT_ONCE);
        let state = self.sqs.state();
        let (queue, dead_letters) = (&state.queues[QUEUE], &state.queues[DEAD_LETTERS]);
        report.invocations += invocations + passed_over.div_ceil(BATCH);
        report.environments += environments;
        report.killed = killed;
        report.hurried = hurried;
        report.receives = queue.received;
        report.aws_calls = state.calls.values().sum::<usize>() + calls_passed_over;
        report.billed = state.billed + calls_passed_over;
        report.late_events = late_events;
        report.left = queue.len() + queue.expired;
        report.dead_letters = dead_letters.len();
        report.misplaced = self.poison.misplaced(dead_letters, people);
    }
}

impl Environment {
    /// All that is visible, up to a batch.
    async fn collect(&mut self, sqs: &Sqs, now: u64) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let most = visible(sqs, now).min(BATCH - all.len());
            let settings = &mut self.poller.settings;
            (settings.batch_size, settings.receivers) =
                (most, most.div_ceil(AT_ONCE).clamp(1, RECEIVERS));
            let some = if most > 0 { self.poller.collect().await } else { Vec::new() };
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }
}

/// How many messages can be received. Lambda does not know, and asks queues too that give none; that costs
/// the same whatever happens, and is not counted here.
fn visible(sqs: &Sqs, now: u64) -> usize {
    let state = sqs.state();
    let queue = &state.queues[QUEUE];
    let visible = queue.visible(Duration::from_millis(now));
    visible.min(queue.in_flight_left(queue.len() - visible))
}

//! Sends the webhooks of a history through the function, as Dodo sends them, while both APIs fail.

use super::generate::{Happening, History};
use super::identity::{Name, person};
use super::truth::Attributes;
use super::upstream::{OUTAGES, customerio_faults, dodo_faults, outage_at, world};
use super::{Case, Mode, state, sums};
use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::sender::SCHEDULE;
use crate::world::World;
use dodo_customerio::handler::Function;
use fastrand::Rng;
use lambda_runtime::Context;
use stand_ins::customerio::{LateIdentify, Profile};
use stand_ins::dodo;
use stand_ins::dodo_api::DodoApi;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many webhooks an environment serves before Lambda starts another.
const LIFETIME: usize = 500;

/// When, which attempt, and which happening.
type Attempt = Reverse<(u64, usize, usize)>;

/// An attempt that is not repeated: a duplicate.
const DUPLICATE: usize = usize::MAX;

/// What was known of a person after each delivery that changed it.
pub type Observed = BTreeMap<Name, Vec<Attributes>>;

pub struct Run {
    pub case: Case,
    pub history: History,
    pub world: World,
    pub dodo_api: DodoApi,
    pub observed: Observed,
    /// How many happenings name a person, so that their events must arrive.
    pub expected_events: usize,
    rng: Rng,
    queue: BinaryHeap<Attempt>,
    /// The id of each webhook.
    pub ids: Vec<String>,
    /// What signs them.
    pub secret: String,
    /// How many of the next requests to Dodo's API may fail.
    faults_left: Arc<AtomicUsize>,
    replayed: BTreeSet<(Option<Name>, usize, String)>,
    told: usize,
    deliveries: usize,
    held_back: usize,
}

impl Run {
    /// Delivers everything.
    pub async fn of(case: Case, seed: u64, customers: usize) -> Self {
        let mut run = Self::prepare(case, seed, customers).await;
        let mut function = run.world.new_environment().await;
        let (mut served, mut outage) = (0, None);
        while let Some(Reverse((now, attempt, index))) = run.queue.pop() {
            run.world.clock.set(now);
            let current = outage_at(case, now);
            if served > LIFETIME || current != outage {
                (function, served) = (run.world.new_environment().await, 0);
            }
            (outage, served) = (current, served + 1);
            run.attempt(&function, attempt, index).await;
        }
        run
    }

    async fn prepare(case: Case, seed: u64, customers: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let history = History::random(&mut rng, customers, case.mode == Mode::Email);
        let dodo_api = DodoApi::start("key").await.unwrap();
        let world = world(case, &dodo_api).await;
        let secret = dodo::random_secret();
        world.put(secret.as_str().into(), "customerio");
        world.accept("customerio");
        let faults_left = Arc::new(AtomicUsize::new(0));
        dodo_api.state().faults.plan =
            Some(dodo_faults(case, world.clock.clone(), faults_left.clone(), rng.fork()));
        world.customerio.state().faults.plan = Some(customerio_faults(rng.fork()));
        let names =
            |it: &&Happening| it.is_sent && person(case, history.customer(it), it).is_some();
        let mut run = Self {
            case,
            expected_events: history.happenings.iter().filter(names).count(),
            ids: history.happenings.iter().map(|_| dodo::random_message_id()).collect(),
            history,
            world,
            dodo_api,
            observed: Observed::new(),
            rng,
            queue: BinaryHeap::new(),
            secret,
            faults_left,
            replayed: BTreeSet::new(),
            told: 0,
            deliveries: 0,
            held_back: 0,
        };
        run.history.introduce(&mut run.dodo_api.state());
        run.schedule();
        run
    }

    /// Most webhooks are sent at once, some hours late, some twice.
    fn schedule(&mut self) {
        let sent = self.history.happenings.iter().enumerate().filter(|(_, it)| it.is_sent);
        for (index, happening) in sent {
            let late = match self.rng.u8(..10) {
                0 => self.rng.u64(..20 * HOUR),
                1 | 2 => self.rng.u64(..90 * MINUTE),
                _ => self.rng.u64(..5 * SECOND),
            };
            self.queue.push(Reverse((happening.at + late, 0, index)));
            if self.rng.u8(..8) == 0 {
                let again = happening.at + self.rng.u64(..2 * DAY);
                self.queue.push(Reverse((again, DUPLICATE, index)));
            }
        }
    }

    async fn attempt(&mut self, function: &Function, attempt: usize, index: usize) {
        self.tell_dodo();
        self.deliveries += 1;
        self.faults_left.store(self.rng.usize(..3), Ordering::Relaxed);
        let body = self.history.happenings[index].event.to_string();
        let request = self.world.request(&self.ids[index], &body, &[&self.secret]);
        let response = function.handle(&request, &Context::default()).await;
        self.observe(index);
        let now = self.world.clock.now();
        match response.status_code {
            200 if outage_at(self.case, now).is_some() => self.replay(index),
            200 => {}
            422 => assert!(!self.names_somebody(index), "{response:?}: {body}"),
            503 => self.hold_back(attempt, index),
            _ => panic!("{response:?}: {body}"),
        }
    }

    /// Dodo's API knows all that has happened up to now.
    pub fn tell_dodo(&mut self) {
        let now = self.world.clock.now();
        let mut dodo = self.dodo_api.state();
        let new = self.history.happenings[self.told..].iter();
        for happening in new.take_while(|happening| happening.at <= now) {
            dodo.happened(&happening.event);
            self.told += 1;
        }
    }

    fn names_somebody(&self, index: usize) -> bool {
        self.name(index).is_some()
    }

    /// The person whom a happening names.
    pub fn name(&self, index: usize) -> Option<Name> {
        let happening = &self.history.happenings[index];
        person(self.case, self.history.customer(happening), happening)
    }

    /// The merchant saw in the log that something was left out. What lookups say is the state of now, so
    /// one event about money and one about subscriptions are enough for a person.
    fn replay(&mut self, index: usize) {
        let event = &self.history.happenings[index].event;
        let lacks = match event["type"].as_str().unwrap().split('.').next() {
            Some("payment" | "refund" | "dispute") => ("sums", sums::change_by(event)),
            Some("subscription") => ("state", state::says_something(event)),
            _ => (&*self.ids[index], true),
        };
        let outage = outage_at(self.case, self.world.clock.now()).unwrap();
        let key = (self.name(index), outage, lacks.0.to_owned());
        if lacks.1 && self.replayed.insert(key) {
            let later = OUTAGES[outage].end + self.rng.u64(..6 * HOUR);
            self.queue.push(Reverse((later, DUPLICATE, index)));
        }
    }

    /// Dodo tries again on its schedule.
    fn hold_back(&mut self, attempt: usize, index: usize) {
        self.held_back += 1;
        let attempt = if attempt == DUPLICATE { 0 } else { attempt };
        let pause = SCHEDULE.get(attempt).expect("less than 27 hours of failures");
        let jittered = self.rng.u64(pause * 9 / 10..pause * 11 / 10);
        self.queue.push(Reverse((self.world.clock.now() + jittered, attempt + 1, index)));
    }

    /// Remembers what is known of the person now, if it has changed.
    fn observe(&mut self, index: usize) {
        if self.case.late == LateIdentify::ByAttribute {
            return;
        }
        let Some(name) = self.name(index) else { return };
        let state = self.world.customerio.state();
        let Some(profile) = find(state.people.profiles(), &name) else { return };
        let known = self.observed.entry(name).or_default();
        if known.last() != Some(&profile.attributes) {
            known.push(profile.attributes.clone());
        }
    }

    /// Counts, for people.
    pub fn report(&self) -> String {
        format!(
            "{} happenings, {} deliveries, {} held back, {} requests to Dodo's API, {} to Customer.io",
            self.history.happenings.len(),
            self.deliveries,
            self.held_back,
            self.dodo_api.state().requests.len(),
            self.world.customerio.state().requests,
        )
    }
}

/// The person whom the name names.
pub fn find<'a>(profiles: &'a [Profile], name: &Name) -> Option<&'a Profile> {
    profiles.iter().find(|profile| match name {
        Name::Id(id) => profile.id.as_ref() == Some(id),
        Name::Email(email) => {
            profile.id.is_none() && profile.email().is_some_and(|own| own.to_lowercase() == *email)
        }
    })
}

//! Events of history: each once, with its own time, none of the last 72 hours.

use super::super::generate::History;
use super::super::identity::{Name, person};
use super::super::upstream::world;
use super::super::{Case, Mode};
use super::import::Import;
use super::{CUSTOMERS, SEEDS};
use crate::clock::{DAY, HOUR, SECOND, START};
use crate::world::World;
use fastrand::Rng;
use serde_json::Value;
use stand_ins::dodo_api::{DodoApi, State};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// When the first import runs, in Unix milliseconds.
const NOW: u64 = START + 20 * DAY;

/// The stack was made a day before.
const UNTIL: u64 = NOW - DAY;

/// Too new to be an event.
const TOO_NEW: u64 = 72 * HOUR;

/// Name, person and second of an event, and how often it was counted.
type Events = BTreeMap<(String, String, i64), usize>;

/// A history that Dodo's API knows up to some time, and a Customer.io.
struct Scene {
    case: Case,
    history: History,
    dodo_api: DodoApi,
    world: World,
    told: usize,
}

impl Scene {
    async fn new(mode: Mode, seed: u64) -> Self {
        let case = Case::with_key(mode);
        let history = History::random(&mut Rng::with_seed(seed), CUSTOMERS, mode == Mode::Email);
        let dodo_api = DodoApi::start("key").await.unwrap();
        history.introduce(&mut dodo_api.state());
        let world = world(case, &dodo_api).await;
        world.accept("customerio");
        Self { case, history, dodo_api, world, told: 0 }
    }

    fn go_on_to(&mut self, now: u64) {
        self.world.clock.set(now);
        let mut dodo = self.dodo_api.state();
        let new = self.history.happenings[self.told..].iter().take_while(|it| it.at <= now);
        for happening in new {
            dodo.happened(&happening.event);
            self.told += 1;
        }
    }

    async fn import(&self) -> Events {
        Import::of(&self.world, &self.dodo_api).with_events(UNTIL).run().await;
        let mut events = Events::new();
        for person in self.world.customerio.state().people.profiles() {
            let address = || person.email().unwrap().to_lowercase();
            let name = person.id.clone().unwrap_or_else(address);
            for event in &person.activity {
                let key = (event.name.clone(), name.clone(), event.timestamp.unwrap());
                *events.entry(key).or_default() += 1;
            }
        }
        events
    }

    /// By what Dodo's API has, all that happened before some time.
    fn expected(&self, before: u64) -> Events {
        let dodo = self.dodo_api.state();
        let people = self.people();
        let all = happened(&dodo).into_iter().filter_map(|(name, object, time)| {
            let customer = object["customer"]["customer_id"].as_str().unwrap();
            let time = milliseconds(&object[time])?;
            let second = (time / SECOND).cast_signed();
            (time < before).then(|| ((name.to_owned(), people[customer].clone(), second), 1))
        });
        all.collect()
    }

    /// The names of all customers.
    fn people(&self) -> BTreeMap<&str, String> {
        let happenings = self.history.happenings.iter().filter(|it| it.is_sent);
        let people = happenings.map(|happening| {
            let customer = self.history.customer(happening);
            let name = match person(self.case, customer, happening).unwrap() {
                Name::Id(name) | Name::Email(name) => name,
            };
            (customer.id.as_str(), name)
        });
        people.collect()
    }
}

/// Name of the event, object, and the field that holds its time.
fn happened(dodo: &State) -> Vec<(&'static str, &Value, &'static str)> {
    let succeeded = |it: &&Value| it["status"] == "succeeded";
    let paid = dodo.payments.iter().filter(|it| succeeded(it) && it["total_amount"] != 0);
    let refunded = dodo.refunds.iter().filter(succeeded);
    let ran = |it: &&Value| it["status"] != "pending" && it["status"] != "failed";
    let started = dodo.subscriptions.iter().filter(ran);
    let cancelled = dodo.subscriptions.iter().filter(|it| it["status"] == "cancelled");
    paid.map(|it| ("Payment Completed", it, "created_at"))
        .chain(refunded.map(|it| ("Refund Succeeded", it, "created_at")))
        .chain(started.map(|it| ("Subscription Started", it, "created_at")))
        .chain(cancelled.map(|it| ("Subscription Cancelled", it, "cancelled_at")))
        .collect()
}

fn milliseconds(date: &Value) -> Option<u64> {
    let date = OffsetDateTime::parse(date.as_str()?, &Rfc3339).unwrap();
    u64::try_from(date.unix_timestamp_nanos() / 1_000_000).ok()
}

fn assert_same(got: &Events, expected: &Events, what: &str) {
    let only = |one: &Events, other: &Events| {
        let only = one.iter().filter(|(event, times)| other.get(*event) != Some(*times));
        only.map(|(event, times)| format!("{event:?} {times}")).take(10).collect::<Vec<_>>()
    };
    let (added, missing) = (only(got, expected), only(expected, got));
    assert!(got == expected, "{what}: {added:#?} too many, {missing:#?} missing");
}

async fn history_comes_once(mode: Mode) {
    for seed in SEEDS {
        let mut scene = Scene::new(mode, seed).await;
        scene.go_on_to(NOW);
        let old = scene.expected(NOW - TOO_NEW);
        assert!(old != scene.expected(UNTIL), "something happened in the last 72 hours");
        assert_same(&scene.import().await, &old, &format!("{mode:?}, seed {seed}"));
        assert_same(&scene.import().await, &old, &format!("{mode:?}, seed {seed}, again"));

        scene.go_on_to(NOW + TOO_NEW);
        let all = scene.expected(UNTIL);
        assert!(all != scene.expected(NOW), "webhooks bring the rest");
        assert_same(
            &scene.import().await,
            &all,
            &format!("{mode:?}, seed {seed}, three days later"),
        );
    }
}

#[tokio::test]
async fn by_customer_id_history_comes_once() {
    history_comes_once(Mode::CustomerId).await;
}

#[tokio::test]
async fn by_email_history_comes_once() {
    history_comes_once(Mode::Email).await;
}

#[tokio::test]
async fn by_own_id_history_comes_once() {
    history_comes_once(Mode::Metadata).await;
}

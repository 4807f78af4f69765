//! Importing and then replaying the webhooks, only importing, and only the webhooks end in the same people,
//! attribute by attribute, except what [`exceptions`] lists; and events of history come once.

mod events;
mod exceptions;
mod import;
mod snapshot;

use super::deliver::Run;
use super::upstream::world;
use super::{Case, Mode};
use crate::clock::{DAY, HOUR, SECOND};
use crate::world::World;
use exceptions::{ONLY_IMPORTED, REPLAYED, explain, is_from_events};
use import::{Import, payment_of_a_stranger};
use lambda_runtime::Context;
use snapshot::{Differences, Snapshot};
use stand_ins::dodo_api::{Beyond, DodoApi, PageCap};

const SEEDS: [u64; 3] = [12, 21, 34];
const CUSTOMERS: usize = 40;

/// After everything has happened, in Unix milliseconds.
fn the_end(run: &Run) -> u64 {
    run.history.happenings.last().unwrap().at + 2 * DAY
}

/// All webhooks are delivered while both APIs fail; then Dodo's API knows everything and works.
async fn webhooks(case: Case, seed: u64) -> Run {
    let mut run = Run::of(case, seed, CUSTOMERS).await;
    run.world.customerio.state().faults.plan = None;
    run.dodo_api.state().faults.plan = None;
    run.world.clock.set(the_end(&run));
    run.tell_dodo();
    run
}

/// A Customer.io that knows nobody yet, with the function and the credentials of the run.
async fn empty_world(run: &Run) -> World {
    let world = world(run.case, &run.dodo_api).await;
    world.put(run.secret.as_str().into(), "customerio");
    world.accept("customerio");
    world.clock.set(the_end(run) + HOUR);
    world
}

/// Every webhook again, as from Dodo's dashboard, with the same ids.
async fn replay(run: &Run, world: &World) {
    let function = world.new_environment().await;
    let sent = run.history.happenings.iter().enumerate().filter(|(_, it)| it.is_sent);
    for (index, happening) in sent {
        let body = happening.event.to_string();
        let request = world.request(&run.ids[index], &body, &[&run.secret]);
        let status = function.handle(&request, &Context::default()).await.status_code;
        assert!(status == 200 || run.name(index).is_none(), "{status}: {body}");
    }
}

async fn all_ways_end_in_the_same_people(mode: Mode) {
    for seed in SEEDS {
        let run = webhooks(Case::with_key(mode), seed).await;
        let by_webhooks = Snapshot::of(&run.world);

        let world = empty_world(&run).await;
        Import::of(&world, &run.dodo_api).run().await;
        let imported = Snapshot::of(&world);
        assert_eq!(imported.events, 0, "people only");
        let differences = Differences::of(&imported, &by_webhooks);
        let differences = differences.except(|it| explain(ONLY_IMPORTED, &run, it));
        differences.assert_none(&run, "only imported");

        world.clock.set(the_end(&run) + 8 * HOUR);
        Import::of(&world, &run.dodo_api).run().await;
        let again = Snapshot::of(&world);
        Differences::of(&again, &imported).assert_none(&run, "imported again");
        Differences::of_objects(&again, &imported).assert_none(&run, "imported again");
        assert_eq!(again.events, 0);

        replay(&run, &world).await;
        let replayed = Snapshot::of(&world);
        assert_eq!(replayed.events, by_webhooks.events, "each event once");
        let differences = Differences::of(&replayed, &by_webhooks);
        let differences = differences.except(|it| explain(REPLAYED, &run, it));
        differences.assert_none(&run, "imported, then replayed");
        let differences = Differences::of_objects(&imported, &replayed);
        differences.except(|it| is_from_events(&run, it)).assert_none(&run, "objects");
    }
}

#[tokio::test]
async fn by_customer_id_all_ways_end_in_the_same_people() {
    all_ways_end_in_the_same_people(Mode::CustomerId).await;
}

#[tokio::test]
async fn by_email_all_ways_end_in_the_same_people() {
    all_ways_end_in_the_same_people(Mode::Email).await;
}

#[tokio::test]
async fn by_own_id_all_ways_end_in_the_same_people() {
    all_ways_end_in_the_same_people(Mode::Metadata).await;
}

/// Dodo's API as it was at a time in the past, and that time.
async fn earlier(run: &Run, time: u64) -> DodoApi {
    let dodo_api = DodoApi::start("key").await.unwrap();
    let mut dodo = dodo_api.state();
    run.history.introduce(&mut dodo);
    for happening in run.history.happenings.iter().take_while(|it| it.at <= time) {
        dodo.happened(&happening.event);
    }
    drop(dodo);
    dodo_api
}

/// What the lists said when they were read overwrites nothing that webhooks have said of people since. Updates
/// of objects have no time at Customer.io: there the last one to arrive counts.
#[tokio::test]
async fn an_import_of_what_was_read_days_ago_sets_nothing_back() {
    for mode in [Mode::CustomerId, Mode::Email, Mode::Metadata] {
        let run = webhooks(Case::with_key(mode), SEEDS[0]).await;
        let by_webhooks = Snapshot::of(&run.world);
        let middle = run.history.happenings[run.history.happenings.len() / 2].at;
        let dodo_api = earlier(&run, middle).await;
        run.world.clock.set(middle);
        Import::of(&run.world, &dodo_api).run().await;
        let differences = Differences::of(&Snapshot::of(&run.world), &by_webhooks);
        let differences = differences.except(|it| explain(REPLAYED, &run, it));
        differences.assert_none(&run, "imported late");
    }
}

/// However Dodo limits its lists, and whatever happens while they are read.
#[tokio::test]
async fn small_pages_and_new_objects_while_reading_change_nothing() {
    let run = webhooks(Case::with_key(Mode::CustomerId), SEEDS[1]).await;
    let imported = async || {
        let world = empty_world(&run).await;
        Import::of(&world, &run.dodo_api).run().await;
        Snapshot::of(&world)
    };
    let expected = imported().await;
    for beyond in [Beyond::Refused, Beyond::Empty, Beyond::Repeated] {
        for list in ["customers", "payments", "subscriptions", "refunds", "disputes"] {
            run.dodo_api.state().page_caps.insert(list, PageCap { last: 0, beyond });
        }
        let capped = Differences::of(&imported().await, &expected);
        capped.assert_none(&run, &format!("{beyond:?}"));
    }
    run.dodo_api.state().page_caps.clear();
    let (newest, mut number) = (the_end(&run) + HOUR - SECOND, 0);
    run.dodo_api.state().meanwhile = Some(Box::new(move |dodo| {
        number += 1;
        dodo.payments.push(payment_of_a_stranger(number, newest));
    }));
    let mut shifting = imported().await;
    shifting.people.retain(|name, _| !name.contains("stranger"));
    Differences::of(&shifting, &expected).assert_none(&run, "pages that shift");
}

//! The services around the function, and how both APIs fail.

use super::{Case, Mode};
use crate::clock::{Clock, DAY, HOUR, SECOND, START, at};
use crate::world::World;
use fastrand::Rng;
use stand_ins::clock;
use stand_ins::customerio::LateIdentify;
use stand_ins::dodo_api::DodoApi;
use stand_ins::fault::{Fault, Plan};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As which subscriptions are kept too.
pub const OBJECT_TYPE: &str = "7";

/// Dodo's API is down in the first window, and limits the rate of everything in the second.
pub const OUTAGES: [Range<u64>; 2] =
    [START + 9 * DAY..START + 9 * DAY + 20 * HOUR, START + 15 * DAY..START + 15 * DAY + 20 * HOUR];

/// Customer.io as unkind as the case wants it, and the settings of the case.
pub async fn world(case: Case, dodo_api: &DodoApi) -> World {
    let identifier = match case.mode {
        Mode::CustomerId => "customer_id",
        Mode::Email => "email",
        Mode::Metadata => "metadata.user_id",
    };
    let settings = vec![
        ("PERSON_IDENTIFIER", identifier.to_owned()),
        ("SUBSCRIPTION_OBJECT_TYPE", OBJECT_TYPE.to_owned()),
        ("SECRET_TTL_SECONDS", (DAY / SECOND).to_string()),
    ];
    let world = World::start(|_| false).await.with_settings(settings).patient();
    let world = if case.has_key { world.with_dodo_api(dodo_api.url()) } else { world };
    {
        let clock = world.clock.clone();
        let people = &mut world.customerio.state().people;
        people.late_identify = case.late;
        people.addresses_are_fixed = true;
        people.clock = clock::Clock::new(move || at(clock.now()));
    }
    world
}

/// The place of the outage that lasts at this time. During one the newest event's state is sent as it is,
/// which the next lookup puts right; if late updates are dropped it may stay, so then there is none.
pub fn outage_at(case: Case, now: u64) -> Option<usize> {
    let matters = case.has_key && case.late == LateIdentify::ByAttribute;
    OUTAGES.iter().position(|window| matters && window.contains(&now))
}

/// Outside of the outages so few requests of a delivery fail that the third attempt succeeds.
pub fn dodo_faults(case: Case, clock: Clock, left: Arc<AtomicUsize>, mut rng: Rng) -> Plan {
    let passing = [Fault::status(500), Fault::status(503), Fault::BreakBefore, Fault::Cut];
    Box::new(move || match outage_at(case, clock.now()) {
        Some(0) => Some(passing[rng.usize(..passing.len())].clone()),
        Some(_) => {
            let wait = vec![("retry-after", "60".to_owned())];
            Some(Fault::Response(429, wait, "{}".to_owned()))
        }
        None if rng.u8(..8) == 0 && left.load(Ordering::Relaxed) > 0 => {
            left.fetch_sub(1, Ordering::Relaxed);
            Some(passing[rng.usize(..passing.len())].clone())
        }
        None => None,
    })
}

/// One request in eight.
pub fn customerio_faults(mut rng: Rng) -> Plan {
    let faults = [
        Fault::status(429),
        Fault::status(500),
        Fault::status(503),
        Fault::BreakBefore,
        Fault::BreakAfter,
        Fault::Cut,
        Fault::Response(200, Vec::new(), "<html>".to_owned()),
    ];
    Box::new(move || (rng.u8(..8) == 0).then(|| faults[rng.usize(..faults.len())].clone()))
}

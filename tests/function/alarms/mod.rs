//! Every alarm of the transformed template, simulated at 1 to 400 webhooks a day: it goes off within a
//! day of what it is about, and not for what passes by itself.
//!
//! What the function logs is real ([`observed`]); Dodo's schedule ([`traffic`]) and CloudWatch
//! ([`cloudwatch`]) are simulated. [`queue`] does the same for a stack with a queue.

mod cloudwatch;
mod expression;
pub mod observed;
pub mod queue;
mod traffic;

use cloudwatch::{Alarm, DAY, Datapoints, HOUR, MINUTE};
use expression::Missing;
use fastrand::Rng;
use observed::Situation;
use stand_ins::template::resources;
use std::collections::{BTreeMap, BTreeSet};
use traffic::{Traffic, datapoints, happening};

/// Webhooks a day.
const RATES: [u64; 8] = [1, 2, 5, 10, 25, 50, 100, 400];
/// Different times of the day.
const SEEDS: u64 = 6;
/// When something begins to fail: after days on which all was well.
const BEGINS: u64 = 4 * DAY;
/// The end of the simulation.
const ENDS: u64 = 8 * DAY;

const WEEK: u64 = 168;

/// What fails, and the alarm that is about it.
const FAILURES: [(Situation, &str); 10] = [
    (Situation::CustomerIoDown, "UndeliveredAlarm"),
    (Situation::SignatureWrong, "SignatureAlarm"),
    (Situation::CredentialsWrong, "CredentialsAlarm"),
    (Situation::Rejected, "RejectedAlarm"),
    (Situation::Malformed, "MalformedAlarm"),
    (Situation::TransformFails, "TransformAlarm"),
    (Situation::LookupsFail, "LookupsAlarm"),
    (Situation::CustomerIoSlow, "SlowAlarm"),
    (Situation::Misconfigured, "ErrorsAlarm"),
    (Situation::Throttled, "ThrottlesAlarm"),
];

/// When an alarm first goes off, whatever CloudWatch makes of missing operands.
fn fires(alarm: &Alarm, data: &Datapoints, from: u64, until: u64) -> Option<u64> {
    let spreads = alarm.fires(data, from, until, Missing::Spreads);
    if alarm.is_computed() {
        assert_eq!(spreads, alarm.fires(data, from, until, Missing::IsZero));
    }
    spreads
}

/// The situation in which all is well, beside one that is about lookups or not.
fn well(failure: Situation) -> Situation {
    if failure == Situation::LookupsFail { Situation::WithLookups } else { Situation::Delivered }
}

/// How long after the first webhook that meets a failure its alarm goes off, in seconds.
fn delay(
    traffic: &Traffic,
    alarm: &Alarm,
    failure: Situation,
    per_day: u64,
    seed: u64,
) -> Option<u64> {
    let mut rng = Rng::with_seed(seed);
    let times = happening(per_day, 0..ENDS, &mut rng);
    let sent = traffic.send(&times, |_, at| if at < BEGINS { well(failure) } else { failure });
    let data = datapoints([sent, traffic.scanners(0..ENDS, &mut rng)]);
    assert_eq!(fires(alarm, &data, HOUR, BEGINS), None, "it was silent before");
    let first = *times.iter().find(|time| **time >= BEGINS).unwrap();
    Some(fires(alarm, &data, first, ENDS)? - first)
}

#[tokio::test]
async fn each_alarm_goes_off_within_a_day_at_every_rate() {
    let traffic = Traffic::new().await;
    let alarms = Alarm::all(&resources(), WEEK);
    let watched: BTreeSet<&str> = FAILURES.iter().map(|(_, alarm)| *alarm).collect();
    let watched = &watched | &queue::alarms();
    let named: BTreeSet<&str> = alarms.keys().map(String::as_str).collect();
    assert_eq!(&named - &watched, BTreeSet::from(["SilenceAlarm"]), "which has a test of its own");

    println!("slowest of {SEEDS} simulations, in minutes, at {RATES:?} webhooks a day");
    for (failure, name) in FAILURES {
        let slowest = RATES.map(|per_day| {
            let delays = (0..SEEDS).map(|seed| {
                delay(&traffic, &alarms[name], failure, per_day, seed)
                    .unwrap_or_else(|| panic!("{name} never goes off at {per_day} a day"))
            });
            delays.max().unwrap()
        });
        println!("{name}: {:?}", slowest.map(|seconds| seconds / MINUTE));
        assert!(slowest.iter().all(|seconds| *seconds <= DAY), "{name}: {slowest:?}");
    }
}

/// One that fails for good among others that arrive, as when only Dodo's API knows whom it is about.
#[tokio::test]
async fn a_single_webhook_that_is_stuck_is_heard_of_among_hundreds() {
    let traffic = Traffic::new().await;
    let alarm = &Alarm::all(&resources(), WEEK)["UndeliveredAlarm"];
    for (per_day, seed) in RATES.iter().flat_map(|rate| (0..SEEDS).map(|seed| (*rate, seed))) {
        let times = happening(per_day, 0..ENDS, &mut Rng::with_seed(seed));
        let stuck = times.iter().position(|time| *time >= BEGINS).unwrap();
        let sent = traffic.send(&times, |number, _| {
            if number == stuck { Situation::CustomerIoDown } else { Situation::Delivered }
        });
        let after =
            fires(alarm, &datapoints([sent]), times[stuck], ENDS).map(|at| at - times[stuck]);
        assert!(after.is_some_and(|after| after <= DAY), "{per_day} a day: {after:?}");
    }
}

/// Strangers at every rate, and twice a week an outage of Customer.io, or a peak that is throttled, which
/// ends by itself after ten minutes.
#[tokio::test]
async fn what_passes_by_itself_alarms_nobody() {
    let traffic = Traffic::new().await;
    let alarms = Alarm::all(&resources(), WEEK);
    let month = 28 * DAY;
    let passing =
        [("UndeliveredAlarm", Situation::CustomerIoDown), ("ThrottlesAlarm", Situation::Throttled)];
    for per_day in RATES {
        let mut rng = Rng::with_seed(per_day);
        let times = happening(per_day, 0..month, &mut rng);
        let scanners = || traffic.scanners(0..month, &mut Rng::with_seed(per_day));
        let quiet = datapoints([traffic.send(&times, |_, _| Situation::WithLookups), scanners()]);
        for (name, alarm) in &alarms {
            assert_eq!(fires(alarm, &quiet, 7 * DAY, month), None, "{name} at {per_day} a day");
        }
        let outages: Vec<u64> =
            (1..8).map(|half_week| half_week * 84 * HOUR + rng.u64(0..12 * HOUR)).collect();
        let within = |at| outages.iter().any(|start| (*start..start + 10 * MINUTE).contains(&at));
        for (name, situation) in passing {
            let sent = traffic
                .send(&times, |_, at| if within(at) { situation } else { Situation::Delivered });
            let data = datapoints([sent, scanners()]);
            assert_eq!(fires(&alarms[name], &data, DAY, month), None, "{name} at {per_day} a day");
        }
    }
}

/// Beside enough others to tell a moment from hours.
#[tokio::test]
async fn one_slow_or_incomplete_delivery_among_many_alarms_nobody() {
    let traffic = Traffic::new().await;
    let alarms = Alarm::all(&resources(), WEEK);
    for (failure, name) in
        [(Situation::CustomerIoSlow, "SlowAlarm"), (Situation::LookupsFail, "LookupsAlarm")]
    {
        for seed in 0..SEEDS {
            let times = happening(400, 0..ENDS, &mut Rng::with_seed(seed));
            let sent = traffic
                .send(&times, |number, _| if number == 1_000 { failure } else { well(failure) });
            assert_eq!(fires(&alarms[name], &datapoints([sent]), DAY, ENDS), None, "{name}");
        }
    }
}

#[tokio::test]
async fn silence_is_heard_of_after_as_many_hours_as_asked_for_though_scanners_go_on() {
    let traffic = Traffic::new().await;
    let hours: BTreeMap<u64, u64> = BTreeMap::from([(1, WEEK), (5, 72), (25, 24), (400, 6)]);
    for (per_day, hours) in hours {
        let alarm = &Alarm::all(&resources(), hours)["SilenceAlarm"];
        for seed in 0..SEEDS {
            let (stops, ends) = (14 * DAY, 28 * DAY);
            let mut rng = Rng::with_seed(seed);
            let times = happening(per_day, 0..stops, &mut rng);
            let sent = traffic.send(&times, |_, _| Situation::Delivered);
            let data = datapoints([sent, traffic.scanners(0..ends, &mut rng)]);
            let last = *times.last().unwrap();
            let fired = fires(alarm, &data, 7 * DAY, ends).expect("an alarm");
            let hours_after = (fired - last) / HOUR;
            assert!((hours..=hours + 1).contains(&hours_after), "{per_day} a day: {hours_after} h");
        }
    }
}

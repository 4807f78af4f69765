//! The alarms of a stack with a queue. What the queue function logs of a batch is real; the queue's pauses and
//! SQS's own metric are simulated.

use super::cloudwatch::{Alarm, DAY, HOUR, MINUTE, Name, name};
use super::traffic::{datapoints, happening};
use super::{BEGINS, ENDS, WEEK, fires};
use crate::metrics::announced;
use crate::queue::world::QueueWorld;
use fastrand::Rng;
use serde_json::Value;
use stand_ins::dodo::random_hex;
use stand_ins::fault::Fault;
use stand_ins::template::resources;
use std::collections::BTreeSet;
use std::time::Duration;

/// Webhooks a day.
const RATES: [u64; 4] = [1, 5, 25, 100];
/// Different times of the day.
const SEEDS: u64 = 3;

/// As in src/queue/visibility.rs: what is received more often comes again after the last of them.
const PAUSES: [u64; 5] = [30, 120, 300, 600, 1_800];
/// SQS no longer counts the age of what has been received more often.
const COUNTED_RECEIVES: usize = 3;
/// Between two values of a metric of SQS, as exactly as it matters here.
const TICK: u64 = 5 * MINUTE;

/// The metric of SQS.
const SQS_AGE: &str = "ApproximateAgeOfOldestMessage";

/// What a batch meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    Delivered,
    CustomerIoDown,
    CredentialsWrong,
    TransformFails,
    Rejected,
    /// The function ends with an error: Lambda says so, and the messages keep the queue's own pause.
    Crashes,
    /// Nobody takes messages out.
    Stalled,
}

use Situation::{
    Crashes, CredentialsWrong, CustomerIoDown, Delivered, Rejected, Stalled, TransformFails,
};

/// What fails, and the alarm that is about it.
const FAILURES: [(Situation, &str); 6] = [
    (CustomerIoDown, "QueueUndeliveredAlarm"),
    (CredentialsWrong, "QueueCredentialsAlarm"),
    (TransformFails, "QueueTransformAlarm"),
    (Rejected, "DeadLettersAlarm"),
    (Crashes, "QueueErrorsAlarm"),
    (Stalled, "QueueStalledAlarm"),
];

/// Those above, and the one that takes two days.
pub fn alarms() -> BTreeSet<&'static str> {
    FAILURES.iter().map(|(_, alarm)| *alarm).chain(["QueueAgeAlarm"]).collect()
}

impl Situation {
    fn comes_again(self) -> bool {
        !matches!(self, Delivered | Rejected)
    }
}

/// The line of a batch of one webhook in each situation that leaves one.
pub async fn observed() -> Vec<(Situation, Value)> {
    let mut all = Vec::new();
    for situation in [Delivered, CustomerIoDown, CredentialsWrong, Rejected] {
        all.push((situation, line(situation, &[]).await));
    }
    if cfg!(feature = "javascript") {
        let file = std::env::temp_dir().join(format!("{}.js", random_hex()));
        std::fs::write(&file, "function handler(webhook) { throw new Error('odd') }").unwrap();
        let settings = [("TRANSFORM_FILE", file.to_str().unwrap())];
        all.push((TransformFails, line(TransformFails, &settings).await));
        std::fs::remove_file(file).unwrap();
    }
    all
}

async fn line(situation: Situation, settings: &[(&'static str, &str)]) -> Value {
    let world = QueueWorld::with(settings).await;
    let rejection = r#"{"errors":[{"reason":"invalid","field":"name","message":"is odd"}]}"#;
    let faults = match situation {
        CustomerIoDown => vec![Fault::status(503); 3],
        CredentialsWrong => vec![Fault::status(401)],
        Rejected => vec![Fault::Response(400, vec![], rejection.into()); 2],
        _ => vec![],
    };
    world.world.customerio.fail(faults);
    world.queue("payment.succeeded").await;
    if situation == Delivered {
        // So that the age is not zero.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    world.poll().await;
    world.lines(1).await.0.remove(0)
}

/// What CloudWatch counts of a batch, without the age.
struct Batches(Vec<(Situation, Vec<(Name, f64)>)>);

impl Batches {
    async fn new() -> Self {
        let ours =
            |(metric, value): (String, f64)| (of_function("dodo-customerio", &metric), value);
        let lines = observed().await.into_iter();
        let mut all: Vec<_> = lines
            .map(|(situation, line)| {
                let metrics = announced(&line).into_iter();
                (situation, metrics.filter(|(name, _)| name != "OldestSeconds").map(ours).collect())
            })
            .collect();
        all.push((Crashes, vec![(of_function("AWS/Lambda", "Errors"), 1.0)]));
        if cfg!(not(feature = "javascript")) {
            let failures = of_function("dodo-customerio", "TransformFailures");
            all.push((TransformFails, vec![(failures, 1.0)]));
        }
        Self(all)
    }

    fn metrics(&self, situation: Situation) -> &[(Name, f64)] {
        &self.0.iter().find(|(it, _)| *it == situation).unwrap().1
    }

    /// What CloudWatch counts of webhooks that are put into the queue at these times. `situation` says what a
    /// batch meets at a time.
    fn of(
        &self,
        sent: &[u64],
        ends: u64,
        situation: impl Fn(u64) -> Situation,
    ) -> Vec<(u64, Name, f64)> {
        let mut all = Vec::new();
        let mut published = 0;
        for sent in sent {
            let (mut at, mut receives, mut counted_until) = (*sent, 0, ends);
            while at < ends {
                let met = situation(at);
                if met == Stalled {
                    at += TICK;
                    continue;
                }
                receives += 1;
                let metrics = self.metrics(met).iter();
                all.extend(metrics.map(|(name, value)| (at, name.clone(), *value)));
                // A function that ends with an error publishes no age.
                if met != Crashes && at > *sent {
                    let age = of_function("dodo-customerio", "OldestSeconds");
                    all.push((at, age, seconds(at - sent)));
                }
                if !met.comes_again() || receives == COUNTED_RECEIVES + 1 {
                    counted_until = counted_until.min(at);
                }
                if !met.comes_again() {
                    break;
                }
                let first = if met == Crashes { PAUSES.len() } else { receives };
                at += PAUSES[first.min(PAUSES.len()) - 1];
            }
            // The oldest message that counts says how old the oldest is.
            let start = published.max(sent.next_multiple_of(TICK));
            for tick in (start..counted_until).step_by(usize::try_from(TICK).unwrap()) {
                all.push((tick, name("Queue", "AWS/SQS", SQS_AGE), seconds(tick - sent)));
                published = tick + TICK;
            }
        }
        all
    }
}

fn of_function(namespace: &str, metric: &str) -> Name {
    name("QueueFunction", namespace, metric)
}

#[expect(clippy::cast_precision_loss, reason = "days")]
fn seconds(time: u64) -> f64 {
    time as f64
}

/// How long after the first webhook that meets a failure its alarm goes off, at most, in seconds.
fn slowest(batches: &Batches, alarm: &Alarm, failure: Situation, per_day: u64) -> u64 {
    let delays = (0..SEEDS).map(|seed| {
        let times = happening(per_day, 0..ENDS, &mut Rng::with_seed(seed));
        let met = |at| if at < BEGINS { Delivered } else { failure };
        let data = datapoints([batches.of(&times, ENDS, met)]);
        assert_eq!(fires(alarm, &data, HOUR, BEGINS), None, "it was silent before");
        let first = *times.iter().find(|time| **time >= BEGINS).unwrap();
        fires(alarm, &data, first, ENDS).expect("it goes off") - first
    });
    delays.max().unwrap()
}

#[tokio::test]
async fn each_alarm_of_the_queue_goes_off_in_time() {
    let batches = Batches::new().await;
    let alarms = Alarm::all(&resources(), WEEK);
    println!("slowest of {SEEDS} simulations, in minutes, at {RATES:?} webhooks a day");
    for (failure, name) in FAILURES {
        let slowest = RATES.map(|per_day| slowest(&batches, &alarms[name], failure, per_day));
        println!("{name}: {:?}", slowest.map(|seconds| seconds / MINUTE));
        assert!(slowest.iter().all(|seconds| *seconds <= 4 * HOUR), "{name}: {slowest:?}");
    }
    let name = "QueueAgeAlarm";
    let slowest = RATES.map(|per_day| slowest(&batches, &alarms[name], CustomerIoDown, per_day));
    println!("{name}: {:?}", slowest.map(|seconds| seconds / MINUTE));
    let range = 2 * DAY..=2 * DAY + HOUR;
    assert!(slowest.iter().all(|seconds| range.contains(seconds)), "{slowest:?}");
}

/// Twice a week Customer.io is down for ten minutes, or nobody takes messages out for as long.
#[tokio::test]
async fn what_passes_by_itself_alarms_nobody_in_queue_mode() {
    let batches = Batches::new().await;
    let all = Alarm::all(&resources(), WEEK);
    let month = 28 * DAY;
    for per_day in RATES {
        let mut rng = Rng::with_seed(per_day);
        let times = happening(per_day, 0..month, &mut rng);
        let outages: Vec<u64> =
            (1..8).map(|half_week| half_week * 84 * HOUR + rng.u64(0..12 * HOUR)).collect();
        let within = |at| outages.iter().any(|start| (*start..start + 10 * MINUTE).contains(&at));
        for situation in [CustomerIoDown, Stalled] {
            let met = |at| if within(at) { situation } else { Delivered };
            let data = datapoints([batches.of(&times, month, met)]);
            for name in alarms() {
                let fired = fires(&all[name], &data, DAY, month);
                assert_eq!(fired, None, "{name} at {per_day} a day, {situation:?}");
            }
        }
    }
}

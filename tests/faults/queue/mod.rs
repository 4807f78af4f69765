//! Queue mode beside direct mode: the same webhooks and the same failures, and those that only a queue has.
//!
//! Lambda's poller and the environments run in simulated time ([`consumer`]); the function itself and all
//! calls of SQS are real. A few hundred webhooks a run; `make faults FULL=1` runs it in full size.

mod consumer;
mod cost;
mod lambda;
mod plan;
mod poison;

pub use consumer::Consumer;
pub use lambda::Killer;
pub use plan::QueuePlan;

use crate::SEEDS;
use crate::clock::{DAY, HOUR, MINUTE, SECOND, START};
use crate::messages::Scenario;
use crate::plan::Plan;
use crate::report::{Report, duration};
use crate::sender::{run, run_with_queue};
use cost::{HEADER, Row};
use fastrand::Rng;

/// Webhooks of a run, and what else depends on its size.
struct Size {
    /// For each seed.
    failures: usize,
    burst: usize,
    outage: usize,
    /// Moments at which webhooks of the outage happen.
    moments: u64,
    /// Of how many batches the function gets one that it can only fail.
    one_of: u32,
    /// How long a batch is collected during the outage.
    window: u64,
}

const LEAN: Size =
    Size { failures: 100, burst: 200, outage: 150, moments: 10, one_of: 500, window: 30 * SECOND };

const FULL: Size = Size {
    failures: 2_000,
    burst: 100_000,
    outage: 100_000,
    moments: 240,
    one_of: 48,
    window: 5 * SECOND,
};

fn size() -> Size {
    if std::env::var("FULL").is_ok_and(|it| !it.is_empty()) { FULL } else { LEAN }
}

/// What must hold for every run with a queue.
fn assert_whole(report: &Report) {
    let seed = report.seed;
    assert_eq!((report.lost, report.duplicated), (0, 0), "seed {seed}");
    assert_eq!(report.once, report.webhooks, "seed {seed}");
    assert_eq!(report.stale_people, 0, "seed {seed}");
    assert_eq!(report.left, 0, "seed {seed}: the queue is not empty");
    assert_ne!(report.quantile(1_000), u64::MAX, "seed {seed}: the function never said so");
    assert_eq!(report.misplaced, Vec::<String>::new(), "seed {seed}");
    assert!(report.receives >= report.webhooks / 2, "seed {seed}: the queue was hardly used");
}

/// Webhooks of three days, half of them at four moments.
fn of_days(seed: u64, count: usize) -> Scenario {
    let mut rng = Rng::with_seed(seed);
    let plan = Plan::of(&mut rng);
    let happening = plan.happening.clone();
    let moments: Vec<_> = (0..4).map(|_| rng.u64(happening.clone())).collect();
    let time = move |rng: &mut Rng| {
        if rng.bool() {
            return moments[rng.usize(..moments.len())] + rng.u64(..2 * SECOND);
        }
        rng.u64(happening.clone())
    };
    Scenario::at_times(seed, plan, count, time)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_functions_and_a_queue() {
    let count = size().failures;
    println!("{HEADER}");
    let runs = SEEDS.map(|seed| {
        tokio::spawn(async move {
            let plan = of_days(seed, count).plan;
            let queue = run_with_queue(of_days(seed, count), QueuePlan::of(seed, &plan));
            tokio::join!(run(of_days(seed, count)), queue)
        })
    });
    for run in runs {
        let (direct, queue) = run.await.unwrap();
        let name = format!("failures, seed {}", direct.seed);
        println!("{}\n{}", Row(&name, "direct", &direct), Row(&name, "queue", &queue));
        assert_whole(&queue);
        let endings = [queue.killed, queue.hurried, queue.dead_letters];
        assert!(endings.iter().all(|count| *count > 0), "the plan has no faults: {endings:?}");
    }
}

/// Within ten seconds: ten times as much as Customer.io takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_delivered_within_minutes() {
    let count = size().burst;
    let scenario = || {
        let happening = START + HOUR..START + HOUR + 10 * SECOND;
        let plan = Plan { takes_a_second: count / 100, ..Plan::quiet(happening.clone()) };
        Scenario::at_times(1, plan, count, move |rng| rng.u64(happening.clone()))
    };
    let queue = run_with_queue(scenario(), QueuePlan::quiet()).await;
    let direct = run(scenario()).await;
    println!("{HEADER}\n{}\n{}", Row("burst", "direct", &direct), Row("burst", "queue", &queue));
    assert_whole(&queue);
    assert!(queue.quantile(1_000) < 10 * MINUTE, "{}", duration(queue.quantile(1_000)));
}

/// Ten days without Customer.io, with so many messages in flight at most.
///
/// The function is given all messages on their first receives, and later some batches; what it does with
/// the rest is the same: they were received, and come again after the queue's own pause.
async fn outage(name: &str, in_flight: usize) -> (Report, u64) {
    let Size { outage: count, moments, one_of, window, .. } = size();
    let outage = START + HOUR..START + HOUR + 10 * DAY;
    let (start, apart) = (outage.start, 10 * DAY / moments);
    let time = move |rng: &mut Rng| start + rng.u64(..moments) * apart + rng.u64(..SECOND);
    let plan = Plan { customerio_down: vec![outage.clone()], ..Plan::quiet(outage.clone()) };
    let end = outage.end;
    let queue_plan =
        QueuePlan { in_flight, outage: Some((outage, one_of)), window, ..QueuePlan::quiet() };
    let report = run_with_queue(Scenario::at_times(1, plan, count, time), queue_plan).await;
    let recovery = report.last - end;
    println!("{HEADER}\n{}", Row(name, "queue", &report));
    let late = report.late_events;
    println!("Delivered {} after the outage; {late} late events.", duration(recovery));
    assert_whole(&report);
    assert_eq!(report.late_events, report.too_late);
    assert!(report.late_events > report.webhooks as u64 / 2);
    assert_eq!(report.dead_letters, 0);
    (report, recovery)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ten_days_without_customer_io_everything_arrives_within_forty_minutes() {
    let no_limit = QueuePlan::quiet().in_flight;
    let (report, recovery) = outage("outage of ten days", no_limit).await;
    assert!(recovery <= 40 * MINUTE, "{}", duration(recovery));
    assert!(report.receives > 100 * report.webhooks, "it was received all the time");
    if size().outage == FULL.outage {
        // As a million at the real limit.
        outage("the same, a million at 1:10", no_limit / 10).await;
    }
}

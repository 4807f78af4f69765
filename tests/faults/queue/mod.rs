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
use plan::Outage;

/// Webhooks of a run, and what else depends on its size.
struct Size {
    /// For each seed.
    failures: usize,
    burst: usize,
    outage: usize,
    /// What stands for a million.
    million: usize,
    /// Moments at which webhooks of the outage happen.
    moments: u64,
    /// Of how many batches the function gets one that it can only fail.
    one_of: u32,
    /// How long a batch is collected during the outage.
    window: u64,
}

const LEAN: Size = Size {
    failures: 100,
    burst: 200,
    outage: 150,
    million: 500,
    moments: 10,
    one_of: 500,
    window: 30 * SECOND,
};

const FULL: Size = Size {
    failures: 2_000,
    burst: 100_000,
    outage: 100_000,
    million: 10_000,
    moments: 240,
    one_of: 48,
    window: 5 * SECOND,
};

fn size() -> Size {
    let is_full = std::env::var("FULL").is_ok_and(|it| !["", "0"].contains(&it.as_str()));
    if is_full { FULL } else { LEAN }
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
    let plan = QueuePlan { until: START + 4 * DAY, ..QueuePlan::quiet() };
    let queue = run_with_queue(scenario(), plan).await;
    println!("{HEADER}\n{}", Row("burst", "queue", &queue));
    let direct = run(scenario()).await;
    println!("{}", Row("burst", "direct", &direct));
    assert_whole(&queue);
    assert!(queue.quantile(1_000) < 10 * MINUTE, "{}", duration(queue.quantile(1_000)));
}

/// Ten days without Customer.io. Returns how long after them the last webhook was delivered.
///
/// The function is given all messages on their first receives, and later some batches; what it does with
/// the rest is the same: they were received, and come again after the queue's own pause.
async fn outage(name: &str, size: Size, plan: QueuePlan) -> u64 {
    let lasts = START + HOUR..START + HOUR + 10 * DAY;
    let (start, end, moments) = (lasts.start, lasts.end, size.moments);
    let time =
        move |rng: &mut Rng| start + rng.u64(..moments) * (10 * DAY / moments) + rng.u64(..SECOND);
    let around = Plan { customerio_down: vec![lasts.clone()], ..Plan::quiet(lasts.clone()) };
    let scenario = Scenario::at_times(1, around, size.outage, time);
    let outage = plan.outage.map(|outage| Outage { lasts, ..outage });
    let report = run_with_queue(scenario, QueuePlan { outage, ..plan }).await;
    let (recovery, late) = (report.last - end, report.late_events);
    println!("{HEADER}\n{}", Row(name, "queue", &report));
    println!("Delivered {} after the outage; {late} late events.", duration(recovery));
    assert_whole(&report);
    assert_eq!(late, report.too_late);
    assert!(late > report.webhooks as u64 / 2 && report.dead_letters == 0);
    assert!(report.receives > 10 * report.webhooks, "it was received all the time");
    recovery
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ten_days_without_customer_io_everything_arrives_within_forty_minutes() {
    let Size { one_of, window, .. } = size();
    // From then on the queue alone decides when a message comes again.
    let outage = |received| Some(Outage { lasts: 0..0, one_of, received });
    let plan = QueuePlan { outage: outage(5), window, ..QueuePlan::quiet() };
    let recovery = self::outage("outage of ten days", size(), plan.clone()).await;
    assert!(recovery <= 40 * MINUTE, "{}", duration(recovery));
}

/// Of a million some hundred thousand are in flight and the others wait, so that each is received less often.
/// The same at a smaller scale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_in_flight_waits_and_costs_less() {
    let Size { one_of, million, .. } = size();
    let in_flight = QueuePlan::quiet().in_flight * million / 1_000_000;
    let plan = QueuePlan { in_flight, window: MINUTE, ..QueuePlan::quiet() };
    let outage = Some(Outage { lasts: 0..0, one_of, received: 0 });
    let size = Size { outage: million, ..size() };
    self::outage("a million, scaled", size, QueuePlan { outage, ..plan }).await;
}

//! The fault bench: a sender that behaves like Dodo sends webhooks to the real function over days of
//! simulated time, while everything around it fails by a seeded plan.
//!
//! Between attempts time is simulated; within an invocation it is real, with shorter timeouts. HTTP goes
//! over sockets, to the local Customer.io and to a Secrets Manager that can be down.
//! `make faults` prints the report. [`history`] compares the people in the end with what happened to them.
//! [`queue`] does all of it in queue mode, beside direct mode.

mod clock;
mod history;
mod lifetime;
mod messages;
mod plan;
mod queue;
mod report;
mod rotation;
mod sender;
mod world;

use messages::Scenario;
use report::Report;

/// Each gives a different plan.
const SEEDS: [u64; 5] = [1, 2, 3, 5, 8];

/// Webhooks for each seed.
const WEBHOOKS: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_duplicated() {
    println!("{}", Report::HEADER);
    let runs = SEEDS.map(|seed| tokio::spawn(sender::run(Scenario::of_days(seed, WEBHOOKS))));
    for run in runs {
        let report = run.await.unwrap();
        println!("{report}");
        assert_eq!((report.lost, report.duplicated), (0, 0), "seed {}", report.seed);
        assert_eq!(report.once, report.webhooks, "seed {}", report.seed);
        assert_eq!(report.stale_people, 0, "seed {}", report.seed);
        assert!(report.late > 0 && report.requests > report.webhooks, "the plan has no faults");
    }
}

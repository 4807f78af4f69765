//! What fails around the queue, and when.

use crate::clock::{DAY, HOUR, MINUTE, SECOND, START};
use crate::plan::{Plan, within};
use fastrand::Rng;
use stand_ins::fault::Fault;
use stand_ins::sqs;
use std::ops::Range;

/// The share of SQS's responses that fail outside of any window.
const FAULTY: f64 = 0.08;

/// What Customer.io refuses whatever else is in the request, and what makes it fail until it is repaired.
pub const POISON: [&str; 2] = ["cus_poison", "cus_sick"];

/// What fails when, in Unix milliseconds.
#[derive(Debug, Clone)]
pub struct QueuePlan {
    /// When SQS does not respond, or responds with 503.
    pub down: Vec<Range<u64>>,
    /// The share of SQS's other responses that fail.
    pub faulty: f64,
    /// Of a hundred batches, how many end with the function killed, and how many have hardly any time.
    pub killed: u8,
    pub hurried: u8,
    /// Until then every batch has a message that is refused for good.
    pub poisonous_until: u64,
    /// When an event comes that Customer.io cannot cope with.
    pub sick: Vec<u64>,
    /// When Customer.io can.
    pub healed: u64,
    /// By then everything should have been delivered; Dodo sends some twice, up to three days later.
    pub until: u64,
    /// How many messages may be in flight: SQS's own limit, but for a run at a smaller scale.
    pub in_flight: usize,
    /// How long a batch is collected.
    pub window: u64,
    /// How many batches are delivered at the same time, and how long each takes.
    pub environments: usize,
    pub batch_takes: u64,
    /// While the function can do nothing.
    pub outage: Option<Outage>,
}

/// An outage that is too long for handing all batches to the function.
#[derive(Debug, Clone)]
pub struct Outage {
    pub lasts: Range<u64>,
    /// Meanwhile the function gets one of so many batches of messages that were received so often already.
    /// What it would do with the others is known: all of them fail.
    pub one_of: u32,
    pub received: u32,
}

impl QueuePlan {
    /// Nothing fails. The figures are the template's defaults, and what a batch takes is on the high side.
    pub fn quiet() -> Self {
        Self {
            down: Vec::new(),
            faulty: 0.0,
            killed: 0,
            hurried: 0,
            poisonous_until: 0,
            sick: Vec::new(),
            healed: 0,
            until: START + 15 * DAY,
            in_flight: sqs::Settings::default().in_flight,
            window: SECOND,
            environments: 5,
            batch_takes: 3 * SECOND,
            outage: None,
        }
    }

    /// Everything fails now and then, on top of a plan.
    pub fn of(seed: u64, plan: &Plan) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0xDEAD);
        let mut window = |length: u64| {
            let start = rng.u64(plan.happening.clone());
            start..start + length
        };
        // One of them when Customer.io is down as well.
        let both = plan.customerio_down[0].start + MINUTE;
        let down = vec![window(2 * HOUR), window(10 * MINUTE), both..both + HOUR];
        Self {
            down,
            faulty: FAULTY,
            killed: 6,
            hurried: 4,
            poisonous_until: plan.happening.end,
            sick: (0..3).map(|_| START + rng.u64(20 * HOUR..24 * HOUR)).collect(),
            healed: START + 30 * HOUR,
            until: plan.happening.end + 5 * DAY,
            ..Self::quiet()
        }
    }

    /// How the next call of SQS fails.
    pub fn fault(&self, now: u64, rng: &mut Rng) -> Option<Fault> {
        let unavailable = || sqs::error(503, "ServiceUnavailable");
        if within(&self.down, now) {
            return Some(if rng.bool() { Fault::BreakBefore } else { unavailable() });
        }
        let single = |rng: &mut Rng| match rng.u8(..5) {
            0 => unavailable(),
            1 => sqs::error(400, "ThrottlingException"),
            2 => Fault::BreakBefore,
            // It did what it was asked for, and nobody knows.
            3 => Fault::BreakAfter,
            _ => Fault::Cut,
        };
        (rng.f64() < self.faulty).then(|| single(rng))
    }

    /// When the queue can be asked, at this time or later.
    pub fn reachable(&self, time: u64) -> u64 {
        let ends = self.down.iter().filter(|window| window.contains(&time)).map(|it| it.end);
        ends.max().unwrap_or(time)
    }
}

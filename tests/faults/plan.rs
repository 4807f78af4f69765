//! What fails, and when: windows of simulated time in which something is down or rotated, and faults
//! that hit single requests.

use crate::clock::{HOUR, MINUTE, SECOND, START};
use fastrand::Rng;
use stand_ins::fault::Fault;
use std::ops::Range;
use std::time::Duration;

/// Longer than the bench's timeout of an attempt.
const TOO_SLOW: Duration = Duration::from_millis(160);

/// The share of Customer.io's responses that fail outside of any window.
const FAULTY: f64 = 0.25;

/// What fails when, in Unix milliseconds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The share of Customer.io's responses that fail at any other time.
    pub faulty: f64,
    /// How many requests Customer.io takes in a second.
    pub takes_a_second: usize,
    /// When webhooks happen.
    pub happening: Range<u64>,
    /// When Secrets Manager does not respond.
    pub secrets_manager_down: Vec<Range<u64>>,
    /// When Customer.io does not respond, or responds with 503.
    pub customerio_down: Vec<Range<u64>>,
    /// When Customer.io redirects to the other region.
    pub wrong_region: Range<u64>,
    /// When Customer.io rejects correct credentials.
    pub unauthorized: Range<u64>,
    /// When Dodo starts signing with a new secret; for 24 hours it signs with the old one too.
    pub dodo_rotates: u64,
    /// When the merchant puts Dodo's new secret into Secrets Manager, sometimes too early.
    pub dodo_secret_put: u64,
    /// Whether the merchant then lists both secrets, or the new one alone.
    pub lists_both: bool,
    /// When Customer.io starts to accept only a new key.
    pub customerio_rotates: u64,
    /// When the merchant puts that key into Secrets Manager, sometimes too early.
    pub customerio_key_put: u64,
}

/// How long Dodo signs with the old secret too.
pub const SIGNS_ALONG: u64 = 24 * HOUR;

impl Plan {
    pub fn of(rng: &mut Rng) -> Self {
        let happening = START + HOUR..START + 72 * HOUR;
        let dodo_rotates = rng.u64(happening.start + 12 * HOUR..START + 30 * HOUR);
        let customerio_rotates = rng.u64(START + 30 * HOUR..START + 60 * HOUR);
        let mut window = |length: u64| {
            let start = rng.u64(happening.clone());
            start..start + length
        };
        Self {
            faulty: FAULTY,
            takes_a_second: usize::MAX,
            // The first webhooks arrive before any secret was ever read.
            secrets_manager_down: vec![
                START..happening.start + 10 * MINUTE,
                window(2 * HOUR),
                window(HOUR),
            ],
            customerio_down: vec![window(2 * HOUR), window(HOUR), window(5 * MINUTE)],
            wrong_region: window(30 * MINUTE),
            unauthorized: window(20 * MINUTE),
            dodo_secret_put: dodo_rotates - HOUR + rng.u64(0..20 * HOUR),
            customerio_key_put: customerio_rotates - HOUR / 2 + rng.u64(0..3 * HOUR),
            lists_both: rng.bool(),
            happening,
            dodo_rotates,
            customerio_rotates,
        }
    }

    /// Nothing fails and nothing is rotated.
    pub fn quiet(happening: Range<u64>) -> Self {
        let never = u64::MAX;
        Self {
            faulty: 0.0,
            takes_a_second: usize::MAX,
            happening,
            secrets_manager_down: Vec::new(),
            customerio_down: Vec::new(),
            wrong_region: never..never,
            unauthorized: never..never,
            dodo_rotates: never - SIGNS_ALONG,
            dodo_secret_put: never,
            lists_both: false,
            customerio_rotates: never,
            customerio_key_put: never,
        }
    }

    pub fn is_secrets_manager_down(&self, now: u64) -> bool {
        within(&self.secrets_manager_down, now)
    }

    /// How the next request to Customer.io fails.
    fn fault(&self, now: u64, rng: &mut Rng) -> Option<Fault> {
        if within(&self.customerio_down, now) {
            return Some(if rng.bool() { Fault::BreakBefore } else { Fault::status(503) });
        }
        if self.wrong_region.contains(&now) {
            let elsewhere = ("location", "https://track-eu.customer.io/api/v2/batch".to_owned());
            return Some(Fault::Response(301, vec![elsewhere], String::new()));
        }
        if self.unauthorized.contains(&now) {
            return Some(Fault::status(401));
        }
        (rng.f64() < self.faulty).then(|| single_fault(rng))
    }
}

/// How Customer.io's requests fail, one after the other.
pub struct Faults {
    plan: Plan,
    rng: Rng,
    /// The present second, and how many requests it has taken.
    second: (u64, usize),
}

impl Faults {
    pub fn new(plan: &Plan, rng: Rng) -> Self {
        Self { plan: plan.clone(), rng, second: (0, 0) }
    }

    pub fn next(&mut self, now: u64) -> Option<Fault> {
        let fault = self.plan.fault(now, &mut self.rng);
        fault.or_else(|| self.is_too_much(now).then(|| Fault::status(429)))
    }

    fn is_too_much(&mut self, now: u64) -> bool {
        if self.second.0 != now / SECOND {
            self.second = (now / SECOND, 0);
        }
        self.second.1 += 1;
        self.second.1 > self.plan.takes_a_second
    }
}

pub fn within(windows: &[Range<u64>], now: u64) -> bool {
    windows.iter().any(|window| window.contains(&now))
}

fn single_fault(rng: &mut Rng) -> Fault {
    let retry_after = |value: &str| {
        Fault::Response(429, vec![("retry-after", value.to_owned())], "{}".to_owned())
    };
    match rng.u8(0..12) {
        0 => Fault::status(429),
        1 => retry_after("0"),
        2 => retry_after("60"),
        3 => Fault::status(500),
        4 => Fault::status(502),
        5 => Fault::status(503),
        6 => Fault::Slow(TOO_SLOW),
        7 => Fault::BreakBefore,
        8 | 9 => Fault::BreakAfter,
        10 => Fault::Cut,
        _ => Fault::Response(200, vec![], "<html>".to_owned()),
    }
}

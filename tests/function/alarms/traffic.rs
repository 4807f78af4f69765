//! A month of requests: webhooks of Dodo's on its schedule, and strangers.

use super::cloudwatch::{DAY, Datapoints, HOUR, MINUTE, Name, name};
use super::observed::{Observed, Situation};
use crate::metrics::announced;
use fastrand::Rng;
use std::ops::Range;

/// After how many seconds Dodo tries again, counted from the attempt before.
const SCHEDULE: [u64; 7] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/// Every situation with its line.
pub struct Traffic {
    observed: Vec<Observed>,
}

impl Traffic {
    pub async fn new() -> Self {
        Self { observed: Observed::all().await }
    }

    fn observed(&self, situation: Situation) -> &Observed {
        self.observed.iter().find(|it| it.situation == situation).unwrap()
    }

    /// What CloudWatch counts of one request.
    fn metrics(&self, second: u64, situation: Situation) -> Vec<(u64, Name, f64)> {
        let of_function = |namespace, metric: &str| name("Function", namespace, metric);
        let lambda = |metric: &str| (second, of_function("AWS/Lambda", metric), 1.0);
        match &self.observed(situation).line {
            None if situation == Situation::Throttled => vec![lambda("Throttles")],
            None => vec![lambda("Invocations"), lambda("Errors")],
            Some(line) => {
                let ours = announced(line).into_iter().map(|(metric, value)| {
                    (second, of_function("dodo-customerio", &metric), value)
                });
                ours.chain([lambda("Invocations")]).collect()
            }
        }
    }

    /// Sends webhooks that happen at these times. `situation` says what an attempt at a time meets, with
    /// the number of its webhook.
    pub fn send(
        &self,
        happening: &[u64],
        situation: impl Fn(usize, u64) -> Situation,
    ) -> Vec<(u64, Name, f64)> {
        let mut all = Vec::new();
        for (number, happened) in happening.iter().enumerate() {
            let mut second = *happened;
            let mut pauses = SCHEDULE.iter();
            loop {
                let met = situation(number, second);
                all.extend(self.metrics(second, met));
                match pauses.next().filter(|_| self.observed(met).comes_again) {
                    Some(pause) => second += pause,
                    None => break,
                }
            }
        }
        all
    }

    /// Strangers: two hundred requests a day that are no webhooks, and every three days a burst of five
    /// hundred with the headers of one, within ten minutes.
    pub fn scanners(&self, time: Range<u64>, rng: &mut Rng) -> Vec<(u64, Name, f64)> {
        let mut all = Vec::new();
        for days in time.step_by(usize::try_from(3 * DAY).unwrap()) {
            for _ in 0..600 {
                all.extend(self.metrics(rng.u64(days..days + 3 * DAY), Situation::Scanned));
            }
            let burst = rng.u64(days..days + DAY);
            for _ in 0..500 {
                let second = rng.u64(burst..burst + 10 * MINUTE);
                all.extend(self.metrics(second, Situation::SignatureWrong));
            }
        }
        all
    }
}

/// Times of webhooks, so many a day on average, each at random within its share of the time.
pub fn happening(per_day: u64, time: Range<u64>, rng: &mut Rng) -> Vec<u64> {
    let share = DAY / per_day;
    let starts = time.clone().step_by(usize::try_from(share).unwrap());
    starts.map(|start| rng.u64(start..start + share)).filter(|it| time.contains(it)).collect()
}

/// All of it as CloudWatch keeps it.
pub fn datapoints(all: impl IntoIterator<Item = Vec<(u64, Name, f64)>>) -> Datapoints {
    Datapoints::new(all.into_iter().flatten())
}

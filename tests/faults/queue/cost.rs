//! The table of the runs: both modes side by side.

use crate::report::{Report, duration};
use std::fmt;

/// In US dollars a million, by AWS's price list: requests of SQS of up to 64 kB, and requests of Lambda.
const SQS: f64 = 0.40;
const LAMBDA: f64 = 0.20;

pub const HEADER: &str = "\
| run | mode | webhooks | lost | duplicated | median | p99 | worst | receives | calls of SQS | a million |
|---|---|---|---|---|---|---|---|---|---|---|";

/// A line of the table.
pub struct Row<'a>(pub &'a str, pub &'static str, pub &'a Report);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(run, mode, report) = self;
        let Report { webhooks, lost, duplicated, .. } = report;
        let [median, p99, worst] = [500, 990, 1_000].map(|of| duration(report.quantile(of)));
        let [receives, calls] = [report.receives, report.aws_calls].map(|it| each(it, *webhooks));
        let cost = cost_of_a_million(report);
        write!(
            f,
            "| {run} | {mode} | {webhooks} | {lost} | {duplicated} | {median} | {p99} | {worst} | \
             {receives:.2} | {calls:.2} | {cost:.2} USD |"
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn each(count: usize, webhooks: usize) -> f64 {
    count as f64 / webhooks as f64
}

/// What requests of SQS and of both functions cost; not the time that Lambda computes.
pub fn cost_of_a_million(report: &Report) -> f64 {
    let Report { webhooks, billed, invocations, .. } = report;
    each(*billed, *webhooks) * SQS + each(*invocations, *webhooks) * LAMBDA
}

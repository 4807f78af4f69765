//! What a webhook costs in the built-in transform and in a JavaScript one, and what the engine costs at
//! start. Interleaved, medians: `make bench`.

#[path = "../examples/local/mod.rs"]
mod local;

use dodo_customerio::choice::Transform;
use dodo_customerio::script::{Scripts, engine::Limits};
use dodo_customerio::transform::Options;
use dodo_customerio::webhook::Envelope;
use local::dodo::{Webhook, random_secret, sample};
use local::secrets_manager::project_file;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 2_000;
const NOW: u64 = 1_796_083_200;

fn main() {
    let load = |name: &str| {
        let scripts =
            Scripts::load(&project_file(format!("transforms/{name}.js")), Limits::default());
        Transform::Scripts(scripts.expect("it compiles"))
    };
    let (first, segment) = timed(|| load("segment"));
    let failures = load("failures");
    let built_in = Transform::BuiltIn(Options::default());

    // Handled by each of the three.
    let (secret, body) = (random_secret(), sample("payment.failed").expect("a sample").body());
    let webhook = Webhook::sign(&secret, "msg_1", 1, body);
    let mut times = [const { Vec::new() }; 4];
    webhook.verified(&secret, |webhook| {
        let envelope = Envelope::parse(webhook).expect("an event");
        for _ in 0..ROUNDS {
            for (times, transform) in times.iter_mut().zip([&built_in, &failures, &segment]) {
                let calls = || black_box(transform.calls(webhook, &envelope, NOW).expect("a call"));
                times.push(timed(calls).0);
            }
            times[3].push(timed(|| black_box(load("segment"))).0);
        }
    });
    let [built_in, failures, segment, start] = times.map(median);
    let row = |what: &str, time: Duration| {
        println!("| {what} | {:.1} | {:.1} |", micros(time), micros(time) / micros(built_in));
    };
    println!("| what | µs | × built-in |\n|---|---|---|");
    row("built-in transform, a webhook", built_in);
    row("JavaScript, a short handler (failures.js), a webhook", failures);
    row("JavaScript, a long one (segment.js), a webhook", segment);
    row("JavaScript at start: the first file of the process", first);
    row("JavaScript at start: each further one", start);
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

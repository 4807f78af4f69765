//! Many webhooks back to back through one process: throughput, latency and memory.

use super::Load;
use crate::running::Running;
use serde_json::json;
use stand_ins::customerio::People;
use stand_ins::dodo::{self, Webhook, samples};
use std::process::Stdio;
use std::time::Instant;

/// How many rows the table has.
const STEPS: usize = 10;

pub(super) async fn load(load: &Load) -> Result<(), String> {
    let count = load.count;
    let running = Running::start(&load.program, load.transform(), Stdio::null()).await?;
    let Running { credentials, customerio, runtime, .. } = &running;
    println!(
        "| webhooks | a second | p50, ms | p99, ms | resident, kB | peak, kB |\n|---|---|---|---|---|---|"
    );
    let samples = samples();
    let step = (count / STEPS).max(1);
    let (mut served, mut since, mut times) = (0, Instant::now(), Vec::new());
    for sample in samples.iter().cycle().take(count) {
        let id = dodo::random_message_id();
        let webhook =
            Webhook::sign(&credentials.webhook_secret, &id, dodo::unix_now(), sample.body());
        let invoked = runtime.invoke_timed(webhook.function_url_event()).await;
        let status = invoked.as_ref().map(|invoked| invoked.response["statusCode"].clone());
        times.extend(invoked.map(|invoked| invoked.took));
        if status != Some(json!(200)) {
            return Err(format!("{} got {status:?}", sample.name));
        }
        served += 1;
        if served % step == 0 {
            let a_second = step as u128 * 1_000_000 / since.elapsed().as_micros().max(1);
            times.sort_unstable();
            let [p50, p99] = [50, 99].map(|percent| times[(step - 1) * percent / 100]);
            let [p50, p99] = [p50, p99].map(|time| time.as_secs_f64() * 1e3);
            let [resident, peak] = ["VmRSS", "VmHWM"].map(|field| running.memory(field));
            println!("| {served} | {a_second} | {p50:.2} | {p99:.2} | {resident} | {peak} |");
            times.clear();
            let mut state = customerio.state();
            (state.people, since) = (People::default(), Instant::now());
            state.arrivals.clear();
        }
    }
    Ok(())
}

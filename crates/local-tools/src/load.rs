//! `make load`: many webhooks back to back through one process: throughput, latency and memory.
//!
//! The release binary runs under a local Lambda Runtime API, with moto and the local Customer.io around it.

use serde_json::json;
use stand_ins::credentials::Credentials;
use stand_ins::customerio::{CustomerIo, People};
use stand_ins::dodo::{self, Webhook, samples};
use stand_ins::interrupt::until_interrupted;
use stand_ins::proc;
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::secrets_manager::Moto;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::{Child, Command};

/// How many rows the table has.
const STEPS: usize = 10;

pub async fn run(binary: &Path, count: usize, transform: Option<&Path>) -> Result<(), String> {
    until_interrupted(load(binary, count, transform)).await
}

async fn load(binary: &Path, count: usize, transform: Option<&Path>) -> Result<(), String> {
    let moto = Moto::start()?;
    let credentials = Credentials::random();
    moto.create("dodo", &credentials.secret()).await?;
    let Credentials { webhook_secret, site_id, api_key, .. } = credentials;
    let text = |error: std::io::Error| error.to_string();
    let customerio = CustomerIo::start(0, &site_id, &api_key).await.map_err(text)?;
    let runtime = RuntimeApi::start().await.map_err(text)?;
    let mut environment =
        vec![("SECRET_ID", "dodo".to_owned()), ("CUSTOMERIO_TRACK_URL", customerio.url())];
    let transform = transform.map(|path| ("TRANSFORM_FILE", path.display().to_string()));
    environment.extend(transform);
    environment.extend(moto.environment());
    environment.extend(runtime.environment());
    let function = Command::new(binary)
        .env_clear()
        .envs(environment)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", binary.display()))?;

    println!(
        "| webhooks | a second | p50, ms | p99, ms | resident, kB | peak, kB |\n|---|---|---|---|---|---|"
    );
    let samples = samples();
    let step = (count / STEPS).max(1);
    let (mut served, mut since, mut times) = (0, Instant::now(), Vec::new());
    for sample in samples.iter().cycle().take(count) {
        let id = dodo::random_message_id();
        let webhook = Webhook::sign(&webhook_secret, &id, dodo::unix_now(), sample.body());
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
            let [resident, peak] = ["VmRSS", "VmHWM"].map(|field| memory(&function, field));
            println!("| {served} | {a_second} | {p50:.2} | {p99:.2} | {resident} | {peak} |");
            times.clear();
            let mut state = customerio.state();
            (state.people, since) = (People::default(), Instant::now());
            state.arrivals.clear();
        }
    }
    Ok(())
}

/// Of the function and of the process that runs its JavaScript, in kB.
fn memory(function: &Child, field: &str) -> String {
    let family = proc::family(function.id().unwrap_or_default()).into_iter();
    let sizes = family.filter_map(|pid| proc::kilobytes(pid, field));
    sizes.map(|size| size.to_string()).collect::<Vec<_>>().join(" + ")
}

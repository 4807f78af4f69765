//! `make bench-backfill`: the backfill of a large business, with its time, CPU and memory.
//!
//! The release program reads a local Dodo API without a rate limit and sends to a [`receiver`] that counts;
//! both run in this process, on the same cores. What arrives is compared with what the business has.

mod measured;
mod receiver;

use measured::Measured;
use receiver::Receiver;
use stand_ins::dodo::{random_hex, unix_now};
use stand_ins::dodo_api::{Archive, Beyond, DodoApi, PageCap};
use stand_ins::interrupt::until_interrupted;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

/// How long the business exists, and how long ago its newest payment was, in seconds.
const PERIOD: i64 = 3 * 365 * DAY;
const PAUSE: i64 = 4 * DAY;
const DAY: i64 = 86_400;

/// It is good for the local services only.
const KEY: &str = "dodo_test_local";

const HEADER: &str = "| payments | customers | seconds | CPU, s | peak, MB | requests to Dodo \
    | requests to Customer.io | MB sent | people | events |\n|---|---|---|---|---|---|---|---|---|---|";

/// The last page of payments that Dodo shows; it does not publish it.
const PAGE_CAP: PageCap = PageCap { last: 99, beyond: Beyond::Refused };

/// Backfills a business with so many payments, and half as many customers; `events`: with its history.
pub async fn run(program: &Path, payments: u64, events: bool) -> Result<(), String> {
    until_interrupted(backfill(program, payments, events)).await
}

async fn backfill(program: &Path, payments: u64, events: bool) -> Result<(), String> {
    let archive = Archive::new(payments.div_ceil(2), payments, period());
    let expected = archive.totals();
    let customers = archive.count("customers");
    let dodo_api = DodoApi::start(KEY).await.map_err(|error| error.to_string())?;
    {
        let mut state = dodo_api.state();
        state.page_caps.insert("payments", PAGE_CAP);
        state.archive = Some(archive);
    }
    let customerio = Receiver::start().await.map_err(|error| error.to_string())?;
    let mut command = command(program, events);
    command.env("DODO_API_URL", dodo_api.url()).env("CUSTOMERIO_TRACK_URL", customerio.url());
    let measured = Measured::run(command, program).await?;
    let asked = dodo_api.state().requests.len();
    let received = customerio.received();
    println!("{HEADER}\n| {payments} | {customers} | {measured} | {asked} | {received} |");
    received.check(&expected)
}

fn command(program: &Path, events: bool) -> Command {
    let folder = std::env::temp_dir().join(format!("backfill-{}", random_hex()));
    let mut command = Command::new(program);
    command.args(["--yes", "--rate", "0", "--calls-a-minute", "0", "--folder"]).arg(&folder);
    if events {
        command.args(["--events", "--until", &unix_now().to_string()]);
    }
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    command.env("DODO_API_KEY", KEY);
    command.env("CUSTOMERIO_SITE_ID", "site").env("CUSTOMERIO_API_KEY", "key");
    command
}

fn period() -> Range<i64> {
    let end = unix_now() - PAUSE;
    end - PERIOD..end
}

//! `make flood`: what a request costs that the function refuses, and what a flood of them costs a day.
//!
//! CPU time and log are measured. Lambda's share of a CPU, its limit of a function URL and its prices are
//! what AWS publishes (us-east-1, arm64, November 2026).

use crate::running::Running;
use serde_json::Value;
use stand_ins::dodo::{self, Webhook, function_url_event};
use stand_ins::interrupt::until_interrupted;
use std::fs::{self, File};
use std::path::Path;

/// Requests of each kind, after a few that warm it up.
const COUNT: u32 = 100;
const WARM_UP: u32 = 20;

/// The share of a CPU that a function of 128 MB gets.
const SHARE: f64 = 128.0 / 1_769.0;
/// Requests a second that a function URL lets through, for each unit of reserved concurrency.
const URL_LIMIT: f64 = 10.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// USD for a request, a millisecond with 128 MB, and a byte of log.
const REQUEST: f64 = 0.20 / 1e6;
const MILLISECOND: f64 = 0.125 * 0.000_013_333_4 / 1e3;
const LOG_BYTE: f64 = 0.50 / 1e9;
/// What the log adds to each line, in bytes.
const LINE_OVERHEAD: f64 = 26.0;

const MEBIBYTE: usize = 1024 * 1024;

pub async fn run(binary: &Path) -> Result<(), String> {
    until_interrupted(flood(binary)).await
}

async fn flood(binary: &Path) -> Result<(), String> {
    let log = std::env::temp_dir().join(format!("flood-{}.log", dodo::random_hex()));
    let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let running = Running::start(binary, None, file.into()).await?;
    println!(
        "| request | status | CPU, ms | billed at 128 MB, ms | log, bytes | USD a million | \
         most a day for each unit of concurrency, USD |\n|---|---|---|---|---|---|---|"
    );
    for (name, event) in requests() {
        let measured = measure(&running, &event, &log).await;
        println!("| {name} | {} |", measured?.row());
    }
    drop(fs::remove_file(log));
    Ok(())
}

/// What anybody can send.
fn requests() -> [(&'static str, Value); 5] {
    let forged = |body: String| Webhook {
        id: dodo::random_message_id(),
        timestamp: dodo::unix_now().to_string(),
        signature: "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
        body,
    };
    let json = [("content-type", "application/json")];
    [
        ("not a POST", function_url_event("GET", &[], b"")),
        ("a POST without a webhook's headers", function_url_event("POST", &json, b"{}")),
        ("the same with 6 MB", function_url_event("POST", &json, &vec![b'a'; 6 * MEBIBYTE])),
        ("a wrong signature over 1.4 kB", forged("a".repeat(1_400)).function_url_event()),
        ("a wrong signature over 1 MiB", forged("a".repeat(MEBIBYTE)).function_url_event()),
    ]
}

struct Measured {
    status: u64,
    /// Milliseconds, for one request.
    cpu: f64,
    /// For one request.
    log_bytes: f64,
}

async fn measure(running: &Running, event: &Value, log: &Path) -> Result<Measured, String> {
    let size = || fs::metadata(log).map_or(0, |file| u32::try_from(file.len()).unwrap_or(u32::MAX));
    let send = async || running.runtime.invoke(event.clone()).await.ok_or("no response");
    for _ in 0..WARM_UP {
        send().await?;
    }
    let (cpu, bytes) = (running.cpu(), size());
    let mut status = 0;
    for _ in 0..COUNT {
        status = send().await?["statusCode"].as_u64().unwrap_or_default();
    }
    let cpu = running.cpu().saturating_sub(cpu).as_secs_f64() * 1e3 / f64::from(COUNT);
    Ok(Measured { status, cpu, log_bytes: f64::from(size() - bytes) / f64::from(COUNT) })
}

impl Measured {
    /// Lambda bills whole milliseconds.
    fn billed(&self) -> f64 {
        (self.cpu / SHARE).ceil().max(1.0)
    }

    /// USD for one request.
    fn cost(&self) -> f64 {
        REQUEST + self.billed() * MILLISECOND + (self.log_bytes + LINE_OVERHEAD) * LOG_BYTE
    }

    /// As many requests a day as one unit of concurrency can take.
    fn a_day(&self) -> f64 {
        URL_LIMIT.min(1e3 / self.billed()) * SECONDS_A_DAY * self.cost()
    }

    fn row(&self) -> String {
        let Self { status, cpu, log_bytes } = self;
        let (billed, million, day) = (self.billed(), self.cost() * 1e6, self.a_day());
        format!("{status} | {cpu:.2} | {billed:.0} | {log_bytes:.0} | {million:.2} | {day:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn a_day_is_limited_by_the_url_or_by_the_time_a_request_takes() {
        let quick = Measured { status: 401, cpu: 0.05, log_bytes: 274.0 };
        assert!((quick.billed() - 1.0).abs() < f64::EPSILON);
        // 0.20 for requests, 0.0017 for a second in all, 0.15 for 0.3 GB.
        assert!((quick.cost() * 1e6 - 0.351_7).abs() < 1e-3, "{}", quick.cost());
        assert!((quick.a_day() - 864_000.0 * quick.cost()).abs() < 1e-9);
        let slow = Measured { cpu: 100.0, ..quick };
        assert!(slow.a_day() < 86_400.0 * slow.cost(), "less than one a second");
    }
}

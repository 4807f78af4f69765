//! `make bench`: what the function costs to start and to run, as Lambda runs it, compared with others.
//!
//! Each candidate is a process under a local Lambda Runtime API, with a Secrets Manager and the local
//! Customer.io around it; once over HTTP, and once over TLS whose certificates are really
//! verified. Candidates take turns, so that load on the machine affects all of them alike; figures are
//! medians.
//!
//! Settings, in the environment: `SUITE` (`peers`, `profiles`, `binaries`), `ROUNDS`, `WEBHOOKS`, `ONLY` (a part of
//! candidates' names), `RECORD=1`.
#![expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]

mod authority;
mod build;
mod candidate;
mod chart;
mod environment;
mod report;
mod statistics;
mod world;

use candidate::Candidate;
use environment::Environment;
use report::Report;
use stand_ins::cpu_share::{self, SHARES, Share};
use stand_ins::interrupt::until_interrupted;
use statistics::{Figures, Sample};
use std::env;
use std::process::ExitCode;
use world::World;

/// Cold starts of each candidate at each share.
const ROUNDS: u32 = 15;

/// Webhooks after each cold start at full CPU; at a share, a tenth as many.
const WEBHOOKS: u32 = 1_000;

/// Webhooks before those that count.
const WARM_UP: u32 = 50;

#[tokio::main]
async fn main() -> ExitCode {
    match until_interrupted(bench()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench() -> Result<(), String> {
    let setting = |name| env::var(name).ok().filter(|value: &String| !value.is_empty());
    let world = World::start().await?;
    let mut candidates = candidate::suite(setting("SUITE").as_deref().unwrap_or("peers"), &world)?;
    if let Some(part) = setting("ONLY") {
        candidates.retain(|candidate| candidate.name == "echo" || candidate.name.contains(&part));
    }
    let shares: Vec<Option<Share>> = [None].into_iter().chain(cpu_share::available()).collect();
    let (rounds, webhooks) = (number("ROUNDS", ROUNDS)?, number("WEBHOOKS", WEBHOOKS)?);

    let mut figures = Figures::new(candidates.len(), shares.len());
    for round in 1..=rounds {
        eprintln!("==> round {round} of {rounds}");
        for (row, candidate) in candidates.iter().enumerate() {
            for (column, share) in shares.iter().enumerate() {
                let webhooks = if share.is_some() { webhooks / 10 } else { webhooks };
                let sample = measure(&world, candidate, share.as_ref(), webhooks)
                    .await
                    .map_err(|error| format!("{}: {error}", candidate.name))?;
                figures.add(row, column, sample);
            }
        }
    }
    let report = Report { candidates: &candidates, shares: &SHARES[..shares.len() - 1], figures };
    report.publish(setting("RECORD").is_some())
}

/// One cold start over HTTP with its warm webhooks, and one over TLS.
async fn measure(
    world: &World,
    candidate: &Candidate,
    share: Option<&Share>,
    webhooks: u32,
) -> Result<Sample, String> {
    let mut sample = cold(world, candidate, share, webhooks).await?;
    if let Some(tls) = &candidate.over_tls {
        sample.cold_tls = Some(cold(world, tls, share, 0).await?.cold());
    }
    Ok(sample)
}

async fn cold(
    world: &World,
    candidate: &Candidate,
    share: Option<&Share>,
    webhooks: u32,
) -> Result<Sample, String> {
    let (environment, start) = Environment::start(candidate, share).await?;
    let mut sample = Sample { start, first: environment.serve(world).await?, ..Sample::default() };
    if webhooks > 0 {
        for _ in 0..WARM_UP.min(webhooks) {
            environment.serve(world).await?;
        }
        let before = environment.cpu();
        for _ in 0..webhooks {
            sample.own.push(environment.serve(world).await?);
        }
        sample.cpu = environment.cpu().saturating_sub(before) / webhooks;
    }
    sample.peak = environment.peak_memory();
    world.forget();
    Ok(sample)
}

fn number(name: &str, default: u32) -> Result<u32, String> {
    match env::var(name).ok().filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name} must be a number, not {text:?}.")),
    }
}

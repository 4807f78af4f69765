//! The queue function at work, behind Lambda's poller, and what it uses.

use super::Load;
use super::environment::{Environment, Timed};
use super::measured::{a_second, each, ratio};
use super::services::{Services, Speed};
use stand_ins::cpu_share::Share;
use stand_ins::poller::{Poller, Settings};
use std::time::Duration;

/// What the template gives it, in MB.
pub const MEMORY: u32 = 256;

/// `BatchSize`.
pub const BATCH: usize = 1_000;

/// One environment of it.
pub struct Drain {
    speed: Speed,
    share: Option<Share>,
    pub environment: Environment,
    pub poller: Poller<Timed>,
    pub batches: usize,
    pub webhooks: usize,
    pub requests: usize,
    pub cpu: Duration,
}

impl Drain {
    /// Starts one; the share is its from then on.
    pub async fn start(
        load: &Load,
        services: &Services,
        speed: Speed,
        share: Option<Share>,
    ) -> Result<Self, String> {
        let environment = Environment::start(&load.program, &services.draining(speed)).await?;
        if let Some(share) = &share {
            environment.restrict(share)?;
        }
        let (endpoint, queue) = (services.sqs.url(), services.queue_url.clone());
        let settings = Settings { batch_size: BATCH, ..Settings::default() };
        let poller = Poller::new(&endpoint, queue, environment.function(), settings);
        let cpu = Duration::ZERO;
        Ok(Self { speed, share, environment, poller, batches: 0, webhooks: 0, requests: 0, cpu })
    }

    /// Takes a batch, of which nothing may come again.
    pub async fn poll(&mut self, services: &Services) -> Result<(), String> {
        let (cpu, requests) = (self.environment.cpu(), services.counted.requests());
        let polled = self.poller.poll().await;
        if !polled.kept.is_empty() {
            return Err(format!("{} webhooks of a batch would come again.", polled.kept.len()));
        }
        self.cpu += self.environment.cpu().saturating_sub(cpu);
        self.requests += services.counted.requests() - requests;
        self.webhooks += polled.received;
        self.batches += usize::from(polled.received > 0);
        Ok(())
    }

    /// A row of a table.
    pub fn report(&self) {
        let Self { speed, batches, webhooks, requests, .. } = self;
        let cpu = self.share.as_ref().map_or("full".to_owned(), |_| format!("of {MEMORY} MB"));
        println!(
            "| {speed} | {cpu} | {batches} | {webhooks} | {:.0} | {:.4} | {requests} | {:.0} | {} | {:.0} |",
            a_second(*webhooks, self.environment.times().iter().sum()),
            each(self.cpu, *webhooks),
            ratio(*webhooks, *requests),
            self.environment.peak(),
            ratio(self.environment.log_size(), *batches),
        );
    }
}

//! Queue mode under load: how long Dodo waits, what both functions manage, and whether each webhook arrives.

use super::Load;
use super::drain::{BATCH, Drain, MEMORY};
use super::environment::{Environment, Timed};
use super::measured::{a_second, each, percentile, ratio};
use super::services::{QUEUE, Services, Speed};
use super::traffic::{self, Pace, Traffic};
use futures_util::future::join_all;
use serde_json::json;
use stand_ins::cpu_share::Share;
use stand_ins::poller::Invoke;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Fewer webhooks only show whether each arrives.
const ENOUGH: usize = 10_000;

/// What a body of the memory's measurement has, in bytes.
const LARGE: usize = 2_000;

/// Batches of such bodies.
const LARGE_BATCHES: usize = 10;

/// At low traffic, between one webhook and the next: not in step with the window.
const GAP: Duration = Duration::from_millis(1_370);

/// A run, with the number of the next webhook.
struct Run<'a> {
    load: &'a Load,
    services: Services,
    traffic: Traffic,
    next: AtomicUsize,
}

/// Runs all phases and prints their tables.
pub(super) async fn load(load: &Load) -> Result<(), String> {
    let services = Services::start(load.transform()).await?;
    let traffic = Traffic::new(&services.credentials.webhook_secret);
    let run = Run { load, services, traffic, next: AtomicUsize::new(0) };
    println!("Bodies have {} bytes on average.", run.traffic.mean_size());
    run.compare().await?;
    run.fill().await?;
    run.drain().await?;
    run.fill_memory().await?;
    run.trickle().await?;
    run.check()
}

impl Run<'_> {
    /// How long Dodo waits in both modes, with a Customer.io that responds at once and with one that does not.
    async fn compare(&self) -> Result<(), String> {
        println!(
            "\nTime to respond, in both modes in turn\n\n\
             | mode | Customer.io | webhooks | p50, ms | p99, ms | CPU a webhook, ms |\n|---|---|---|---|---|---|"
        );
        self.compare_with(Speed::Quick, (self.load.count / 100).clamp(5, 2_000)).await?;
        self.compare_with(Speed::Slow, (self.load.count / 1_000).clamp(5, 200)).await
    }

    /// Webhook by webhook in turn, so that load on the machine affects both modes alike.
    async fn compare_with(&self, customerio: Speed, rounds: usize) -> Result<(), String> {
        let direct = self.start(&self.services.direct(customerio)).await?;
        let queue = self.start(&self.services.queueing(customerio)).await?;
        let mut cpu = [Duration::ZERO; 2];
        // The first of each opens its connections.
        for round in 0..=rounds {
            for (environment, cpu) in [&direct, &queue].into_iter().zip(&mut cpu) {
                let before = environment.cpu();
                self.send(&environment.function()).await?;
                if round > 0 {
                    *cpu += environment.cpu().saturating_sub(before);
                }
            }
        }
        for (name, environment, cpu) in [("direct", direct, cpu[0]), ("queue", queue, cpu[1])] {
            let mut times = environment.times().split_off(1);
            let [p50, p99] = [50, 99].map(|percent| percentile(&mut times, percent));
            let cpu = each(cpu, rounds);
            println!("| {name} | {customerio} | {rounds} | {p50:.2} | {p99:.2} | {cpu:.3} |");
        }
        Ok(())
    }

    /// Sends the webhooks through several environments of the webhook function.
    async fn fill(&self) -> Result<(), String> {
        let settings = self.services.queueing(Speed::Slow);
        let mut environments = Vec::new();
        for _ in 0..self.load.environments {
            environments.push(self.start(&settings).await?);
        }
        let pace = Pace::start(self.load.rate);
        let taken = Arc::new(AtomicUsize::new(0));
        let workers = environments.iter().map(|it| self.send_some(it.function(), &taken, pace));
        for result in join_all(workers).await {
            result?;
        }
        let count = self.load.count;
        let mut times: Vec<_> = environments.iter().flat_map(Environment::times).collect();
        let [p50, p99] = [50, 99].map(|percent| percentile(&mut times, percent));
        let cpu = environments.iter().map(Environment::cpu).sum();
        let peak = environments.iter().map(Environment::peak).max().unwrap_or_default();
        let log = environments.iter().map(Environment::log_size).sum();
        println!(
            "\nWebhook function: {count} webhooks into the queue\n\n\
             | environments | a second | a second of one, back to back | p50, ms | p99, ms | CPU a webhook, ms | \
             peak, kB | log, bytes a webhook |\n|---|---|---|---|---|---|---|---|\n\
             | {} | {:.0} | {:.0} | {p50:.2} | {p99:.2} | {:.3} | {peak} | {:.0} |",
            environments.len(),
            pace.achieved(count),
            a_second(times.len(), times.iter().sum()),
            each(cpu, count),
            ratio(log, count),
        );
        Ok(())
    }

    async fn send_some(
        &self,
        function: Timed,
        taken: &AtomicUsize,
        pace: Pace,
    ) -> Result<(), String> {
        loop {
            let number = taken.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.count {
                return Ok(());
            }
            pace.wait_for(number).await;
            self.send(&function).await?;
        }
    }

    /// Empties the full queue: functions with a Customer.io that responds at once and one that does not, and
    /// one with the CPU share that the function has, in turn.
    async fn drain(&self) -> Result<(), String> {
        let mut drains =
            vec![self.draining(Speed::Quick, None).await?, self.draining(Speed::Slow, None).await?];
        match Share::new(MEMORY) {
            // A short run would say nothing about it.
            _ if self.load.count < ENOUGH => {}
            Ok(share) => drains.push(self.draining(Speed::Slow, Some(share)).await?),
            Err(error) => {
                eprintln!("A share of a CPU is not measured: no quota can be set ({error}).");
            }
        }
        while self.services.depths()[0] > 0 {
            for drain in &mut drains {
                drain.poll(&self.services).await?;
            }
        }
        println!(
            "\nQueue function with a full queue\n\n\
             | Customer.io | CPU | batches | webhooks | a second of one environment | CPU a webhook, ms | requests | \
             webhooks a request | peak, kB | log, bytes a batch |\n|---|---|---|---|---|---|---|---|---|---|"
        );
        drains.iter().for_each(Drain::report);
        self.report_calls(drains.iter().map(|drain| drain.webhooks).sum());
        Ok(())
    }

    /// What SQS was asked for until now; `webhooks` have left the queue.
    fn report_calls(&self, webhooks: usize) {
        let calls = self.services.sqs.state().calls.clone();
        let each =
            calls.iter().map(|(action, count)| format!("{:.2} {action}", ratio(*count, webhooks)));
        println!("\nCalls of SQS a webhook: {}", each.collect::<Vec<_>>().join(", "));
    }

    /// Batches of large bodies through a fresh process, for its memory.
    async fn fill_memory(&self) -> Result<(), String> {
        if self.load.count < ENOUGH {
            return Ok(());
        }
        let batches = (self.load.count / ENOUGH).min(LARGE_BATCHES);
        let body = traffic::body_of(LARGE);
        let mut drain = self.draining(Speed::Slow, None).await?;
        for _ in 0..batches * BATCH {
            let id = traffic::id(self.take());
            self.services.sqs.put(QUEUE, &body, &[("webhook-id", &id)]);
        }
        while self.services.depths()[0] > 0 {
            drain.poll(&self.services).await?;
        }
        println!(
            "\nQueue function, {} batches of {BATCH} messages of {} bytes: peak {} kB, {:.3} ms of CPU a webhook, \
             {:.0} webhooks a request",
            drain.batches,
            body.len(),
            drain.environment.peak(),
            each(drain.cpu, drain.webhooks),
            ratio(drain.webhooks, drain.requests),
        );
        Ok(())
    }

    /// How much later webhooks arrive that come one at a time.
    async fn trickle(&self) -> Result<(), String> {
        let count = (self.load.count / ENOUGH).min(30);
        if self.load.count < ENOUGH {
            return Ok(());
        }
        let webhooks = self.start(&self.services.queueing(Speed::Quick)).await?;
        let drain = self.draining(Speed::Quick, None).await?;
        let window = drain.poller.settings.window;
        let poller = drain.poller.clone();
        let polling = tokio::spawn(async move { poller.run().await });
        let mut sent = Vec::new();
        for _ in 0..count {
            let number = self.send(&webhooks.function()).await?;
            sent.push((number, Instant::now()));
            tokio::time::sleep(GAP).await;
        }
        tokio::time::sleep(window * 2).await;
        polling.abort();
        let tally = self.services.counted.tally();
        let delays = sent.iter().filter_map(|(number, sent)| {
            Some(tally.arrival(*number)?.saturating_duration_since(*sent))
        });
        let mut delays: Vec<_> = delays.collect();
        println!(
            "\nAt low traffic, {count} webhooks one at a time, window {} ms: from the response to Dodo to \
             Customer.io p50 {:.0} ms, longest {:.0} ms",
            window.as_millis(),
            percentile(&mut delays, 50),
            percentile(&mut delays, 100),
        );
        Ok(())
    }

    /// Whether each webhook has arrived once.
    fn check(&self) -> Result<(), String> {
        let sent = self.next.load(Ordering::Relaxed);
        let tally = self.services.counted.tally();
        tally.check(sent).map_err(|wrong| format!("\nOf {sent} webhooks: {wrong}"))?;
        let [waiting, dead] = self.services.depths();
        println!(
            "\n{sent} ids sent, each is at Customer.io once; {} came again under the same event id; in the queue: \
             {waiting}, dead letters: {dead}",
            tally.repeats()
        );
        if waiting + dead > 0 { Err("The queues should be empty.".to_owned()) } else { Ok(()) }
    }

    /// Sends the next webhook, which must be accepted: its number.
    async fn send(&self, function: &Timed) -> Result<usize, String> {
        let number = self.take();
        let event = self.traffic.webhook(number).function_url_event();
        let response = function.invoke(event).await;
        let status = response.map(|response| response["statusCode"].clone());
        if status == Some(json!(200)) {
            Ok(number)
        } else {
            Err(format!("Webhook number {number} got {status:?} instead of 200."))
        }
    }

    fn take(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    async fn draining(&self, speed: Speed, share: Option<Share>) -> Result<Drain, String> {
        Drain::start(self.load, &self.services, speed, share).await
    }

    async fn start(&self, settings: &[(&'static str, String)]) -> Result<Environment, String> {
        Environment::start(&self.load.program, settings).await
    }
}

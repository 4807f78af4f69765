//! `make demo DELIVERY=queue`: the samples on their way through a queue, and that none is lost or counted
//! twice.

mod comparison;

use super::{Demo, line};
use crate::emulator::Emulated;
use crate::function::Function;
use crate::queues::{DeadLetter, FUNCTION_TIMEOUT, Queues};
use crate::services::{DodoKey, Services};
use aws_sdk_sqs::types::Message;
use stand_ins::customerio::Arrival;
use stand_ins::dodo::{self, Sample, Webhook, samples};
use stand_ins::fault::Fault;
use stand_ins::poller::Poller;
use stand_ins::project::project_file;
use std::fs;
use std::path::PathBuf;

/// The demo, with a queue between its webhook function and a queue function.
struct QueueDemo {
    demo: Demo,
    queues: Queues,
    poller: Poller,
    queued: usize,
    log: Log,
    _queue_function: Function,
}

/// Where processes that the demo itself starts write their log. Removed in the end.
struct Log(PathBuf);

impl Drop for Log {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Returns the number of things that were not as expected.
pub(super) async fn run() -> Result<usize, String> {
    let mut demo = QueueDemo::start().await?;
    let webhooks = demo.every_sample().await?;
    demo.compare_with_direct(&webhooks).await?;
    demo.tampered().await?;
    demo.repeated().await?;
    demo.refused().await?;
    demo.outage().await?;
    demo.total().await
}

impl QueueDemo {
    async fn start() -> Result<Self, String> {
        let progress = |step: &str| println!("starting: {step}");
        let services = Services::start(0, None, progress).await?;
        progress("SQS (moto): a queue, and one for dead letters");
        let queues = Queues::create(services.aws_endpoint()).await?;
        let mut environment = services.environment(DodoKey::Without);
        environment.extend(queues.environment());
        progress("webhook function under cargo lambda watch");
        let function = Emulated::start(environment.clone()).await?;
        progress("queue function, and a stand-in for Lambda's poller of the queue");
        environment.extend(queues.environment_of_queue_function());
        let log = Log(project_file(format!("target/local/demo-queue-{}.log", std::process::id())));
        let program = Function::program()?;
        let queue_function =
            Function::start(&program, &environment, &log.0, FUNCTION_TIMEOUT).await?;
        let poller = queues.poller(queue_function.runtime.clone());
        println!("function URL {}   Customer.io {}\n", function.url, services.customerio.url());
        let demo = Demo::of(services, function);
        Ok(Self { demo, queues, poller, queued: 0, log, _queue_function: queue_function })
    }

    async fn every_sample(&mut self) -> Result<Vec<Webhook>, String> {
        let samples = samples();
        println!("{} sample events, signed and posted as Dodo does:", samples.len());
        let mut webhooks = Vec::new();
        for sample in samples {
            webhooks.push(self.queue(&sample.name, &self.demo.signed(&sample)).await?);
        }
        let waiting = self.queues.depth().await?;
        // At least once: a call that took too long may have been made again.
        self.demo.expect(waiting[0] >= webhooks.len() && self.arrivals(0).is_empty());
        println!("{} wait in the queue. Customer.io has got nothing yet.\n", waiting[0]);
        println!(
            "Lambda's poller hands them to the queue function, which sends many in one request:"
        );
        self.deliver().await?;
        Ok(webhooks)
    }

    /// Delivers the same webhooks without a queue, to another Customer.io.
    async fn compare_with_direct(&mut self, webhooks: &[Webhook]) -> Result<(), String> {
        let services = &self.demo.services;
        let other = services.another_customerio().await?;
        comparison::deliver_directly(webhooks, services, &other, &self.log.0).await?;
        let (ours, theirs) = (services.customerio.state(), other.state());
        let differences = comparison::differences(&ours.people, &theirs.people);
        let requests = theirs.arrivals.len();
        let (people, events) = (theirs.people.profiles().len(), theirs.people.events().count());
        drop((ours, theirs));
        self.demo.expect(differences.is_empty() && events > 0);
        println!("The same webhooks delivered directly, without a queue, are {requests} requests.");
        if differences.is_empty() {
            println!(
                "Either way Customer.io knows the same {people} people and {events} events.\n"
            );
        } else {
            println!("What Customer.io knows differs:\n    {}\n", differences.join("\n    "));
        }
        Ok(())
    }

    async fn tampered(&mut self) -> Result<(), String> {
        self.demo.tampered().await?;
        let waiting = self.queues.depth().await?;
        self.demo.expect(waiting == [0, 0]);
        println!("None of them is in the queue.\n");
        Ok(())
    }

    /// Dodo sends a webhook again, and SQS hands out each message twice, as it may.
    async fn repeated(&mut self) -> Result<(), String> {
        println!(
            "The same webhook twice, as after a timeout, and SQS hands out each message twice:"
        );
        let webhook = self.demo.signed(&dodo::sample("payment.succeeded")?);
        let before = self.events();
        for attempt in 1..=2 {
            self.queue(&format!("attempt {attempt}"), &webhook).await?;
        }
        let messages = self.poller.collect().await;
        for messages in [messages.clone(), messages] {
            self.handle(messages, 0).await;
        }
        let counted = self.events() - before;
        self.demo.expect(counted == 1);
        println!("counted {counted} time{}\n", if counted == 1 { "" } else { "s" });
        Ok(())
    }

    /// One in the middle of a batch that nobody can deliver.
    async fn refused(&mut self) -> Result<(), String> {
        println!("A payment without its customer, between two webhooks that are fine:");
        let before = self.events();
        for (what, sample) in [
            ("refund.succeeded", dodo::sample("refund.succeeded")?),
            ("payment.succeeded, no customer", without_customer("payment.succeeded")?),
            ("subscription.renewed", dodo::sample("subscription.renewed")?),
        ] {
            self.queue(what, &self.demo.signed(&sample)).await?;
        }
        self.deliver().await?;
        let letters = self.queues.new_dead_letters().await?;
        let are_right = letters.iter().all(|it| it.reason.starts_with("no_customer: "));
        self.demo.expect(!letters.is_empty() && are_right && self.events() == before + 2);
        for DeadLetter { event_type, reason, .. } in letters {
            println!("  among the dead letters: {event_type}, because: {reason}");
        }
        println!("{} of the others delivered.\n", self.events() - before);
        Ok(())
    }

    /// What is not delivered stays in the queue.
    async fn outage(&mut self) -> Result<(), String> {
        println!("Customer.io is down:");
        let before = self.events();
        for name in ["payment.failed", "dispute.opened"] {
            self.queue(name, &self.demo.signed(&dodo::sample(name)?)).await?;
        }
        self.fails(true);
        let messages = self.poller.collect().await;
        self.handle(messages.clone(), messages.len()).await;
        let waiting = self.queues.depth().await?;
        let is_kept = waiting == [0, messages.len()] && messages.len() >= 2;
        self.demo.expect(is_kept && self.events() == before);
        println!(
            "{} wait in the queue, out of sight for 30 s, later for longer. The demo does not wait as long.",
            waiting[1]
        );
        println!("Customer.io is back:");
        self.fails(false);
        for message in &messages {
            self.queues.show(message).await?;
        }
        self.deliver().await?;
        self.demo.expect(self.events() == before + 2);
        println!("{} delivered.\n", self.events() - before);
        Ok(())
    }

    async fn total(mut self) -> Result<usize, String> {
        let waiting = self.queues.depth().await?;
        self.demo.expect(waiting == [0, 0]);
        let state = self.demo.services.customerio.state();
        println!(
            "In total: {} webhooks through the queue, {} requests to Customer.io, {} people, {} events, {} \
             repeated events ignored. The queue is {}.",
            self.queued,
            state.arrivals.len(),
            state.people.profiles().len(),
            state.people.events().count(),
            state.people.repeated,
            if waiting == [0, 0] { "empty" } else { "not empty" },
        );
        drop(state);
        println!("What a key for Dodo's API adds: make demo");
        Ok(self.demo.unexpected)
    }

    /// Posts a webhook, which must be queued.
    async fn queue(&mut self, what: &str, webhook: &Webhook) -> Result<Webhook, String> {
        let exchange = self.demo.post(webhook).await?;
        let outcome = (exchange.status, exchange.outcome());
        self.demo.expect(outcome == (200, "queued") && exchange.arrivals.is_empty());
        self.queued += usize::from(exchange.outcome() == "queued");
        println!("{}", line(what, &exchange));
        Ok(webhook.clone())
    }

    /// Hands over what is visible in the queue; all of it must be done with.
    async fn deliver(&mut self) -> Result<(), String> {
        while self.queues.depth().await?[0] > 0 {
            let messages = self.poller.collect().await;
            self.handle(messages, 0).await;
        }
        Ok(())
    }

    /// Hands over a batch, of which so many messages must come again.
    async fn handle(&mut self, messages: Vec<Message>, expected: usize) {
        let seen = self.arrivals(0).len();
        let polled = self.poller.handle(messages).await;
        let again = polled.kept.len();
        self.demo.expect(again == expected && polled.received > 0);
        let arrivals = self.arrivals(seen);
        println!(
            "  batch of {}: {} done, {again} to come again; {}",
            polled.received,
            polled.received.saturating_sub(again),
            requests(&arrivals),
        );
    }

    /// What Customer.io got, but for the first so many requests.
    fn arrivals(&self, seen: usize) -> Vec<Arrival> {
        self.demo.services.customerio.state().arrivals[seen..].to_vec()
    }

    fn events(&self) -> usize {
        self.demo.services.customerio.state().people.events().count()
    }

    /// Makes Customer.io fail until it is told not to.
    fn fails(&self, fails: bool) {
        let mut state = self.demo.services.customerio.state();
        state.faults.plan = None;
        if fails {
            state.faults.plan = Some(Box::new(|| Some(Fault::status(503))));
        }
    }
}

fn requests(arrivals: &[Arrival]) -> String {
    let items: usize = arrivals.iter().map(|arrival| arrival.items().len()).sum();
    match arrivals.len() {
        0 => "Customer.io has accepted no request".to_owned(),
        1 => format!("1 request to Customer.io with {items} items"),
        count => format!("{count} requests to Customer.io with {items} items"),
    }
}

/// A sample as if its customer had been deleted.
fn without_customer(name: &str) -> Result<Sample, String> {
    let mut sample = dodo::sample(name)?;
    if let Some(data) = sample.event["data"].as_object_mut() {
        data.remove("customer");
    }
    Ok(sample)
}

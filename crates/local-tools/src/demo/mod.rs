//! `make demo`: sends every sample event through the function on this machine; no account needed.

mod queue;
mod with_key;

use crate::delivery::Delivery;
use crate::emulator::Emulated;
use crate::services::{DodoKey, Services};
use reqwest::Client;
use serde_json::Value;
use stand_ins::customerio::{Arrival, People, describe};
use stand_ins::dodo::{self, Sample, Webhook, samples};
use stand_ins::interrupt::until_interrupted;

pub async fn run(delivery: Delivery) -> Result<(), String> {
    let demo = async {
        match delivery {
            Delivery::Direct => demo().await,
            Delivery::Queue => queue::run().await,
        }
    };
    match until_interrupted(demo).await {
        Ok(0) => Ok(()),
        Ok(unexpected) => Err(format!(
            "{unexpected} responses were not as expected: see the lines marked with !!"
        )),
        Err(error) => Err(format!("The demo failed. {error}")),
    }
}

/// Returns the number of responses that were not as expected.
async fn demo() -> Result<usize, String> {
    let services = Services::start(0, None, |step| println!("starting: {step}")).await?;
    println!("starting: function under cargo lambda watch");
    let function = Emulated::start(services.environment(DodoKey::Without)).await?;
    println!("function URL {}   Customer.io {}\n", function.url, services.customerio.url());
    let mut demo = Demo::of(services, function);
    demo.every_sample().await?;
    demo.tampered().await?;
    println!();
    demo.repeated().await?;
    demo.show_people();
    demo.with_key().await?;
    let state = demo.services.customerio.state();
    println!(
        "In total: {} requests to Customer.io, {} people, {} events, {} repeated events ignored.",
        state.arrivals.len(),
        state.people.profiles().len(),
        state.people.events().count(),
        state.people.repeated,
    );
    Ok(demo.unexpected)
}

struct Demo {
    client: Client,
    services: Services,
    function: Emulated,
    unexpected: usize,
}

/// The function's response, and what Customer.io got.
struct Exchange {
    status: u16,
    response: Value,
    arrivals: Vec<Arrival>,
}

impl Exchange {
    fn outcome(&self) -> &str {
        self.response["outcome"].as_str().unwrap_or("?")
    }
}

impl Demo {
    fn of(services: Services, function: Emulated) -> Self {
        Self { client: dodo_customerio::http::client(), services, function, unexpected: 0 }
    }

    async fn every_sample(&mut self) -> Result<(), String> {
        let samples = samples();
        println!("{} sample events, signed and posted as Dodo does:", samples.len());
        let (mut delivered, mut ignored) = (0, 0);
        for sample in samples {
            let exchange = self.post(&self.signed(&sample)).await?;
            let expected =
                if sample.event_type().starts_with("payout.") { "ignored" } else { "delivered" };
            let sent = exchange.arrivals.len() == usize::from(expected == "delivered");
            let known =
                exchange.arrivals.iter().all(|arrival| knows_the_payload_only(arrival, &sample));
            self.expect(exchange.status == 200 && exchange.outcome() == expected && sent && known);
            delivered += usize::from(exchange.outcome() == "delivered");
            ignored += usize::from(exchange.outcome() == "ignored");
            println!("{}", line(&sample.name, &exchange));
        }
        println!("{delivered} delivered, {ignored} ignored because they have no customer.\n");
        Ok(())
    }

    async fn tampered(&mut self) -> Result<(), String> {
        println!("Tampered webhooks:");
        let genuine = self.signed(&dodo::sample("payment.succeeded")?);
        let an_hour = 3600;
        let old = dodo::unix_now() - an_hour;
        let secret = &self.services.webhook_secret;
        let cases = [
            (
                "body altered",
                Webhook { body: genuine.body.replace("2900", "1"), ..genuine.clone() },
            ),
            ("id altered", Webhook { id: "msg_other".into(), ..genuine.clone() }),
            ("time altered", Webhook { timestamp: old.to_string(), ..genuine.clone() }),
            ("signature altered", Webhook { signature: "v1,AAAA".into(), ..genuine.clone() }),
            ("an hour old", Webhook::sign(secret, &genuine.id, old, genuine.body.clone())),
        ];
        for (what, webhook) in cases {
            let exchange = self.post(&webhook).await?;
            self.expect(exchange.status == 401 && exchange.arrivals.is_empty());
            println!("{}", line(what, &exchange));
        }
        Ok(())
    }

    async fn repeated(&mut self) -> Result<(), String> {
        println!("The same webhook three times, as after a timeout:");
        let webhook = self.signed(&dodo::sample("payment.succeeded")?);
        let before = self.services.customerio.state().people.events().count();
        for attempt in 1..=3 {
            let exchange = self.post(&webhook).await?;
            self.expect(exchange.outcome() == "delivered");
            println!("{}", line(&format!("attempt {attempt}"), &exchange));
        }
        let counted = self.services.customerio.state().people.events().count() - before;
        self.expect(counted == 1);
        println!("counted {counted} time{}\n", if counted == 1 { "" } else { "s" });
        Ok(())
    }

    fn signed(&self, sample: &Sample) -> Webhook {
        let id = dodo::random_message_id();
        Webhook::sign(&self.services.webhook_secret, &id, dodo::unix_now(), sample.body())
    }

    async fn post(&self, webhook: &Webhook) -> Result<Exchange, String> {
        let seen = self.services.customerio.state().arrivals.len();
        let posted = webhook.post(&self.client, &self.function.url).await;
        let (status, response) = posted.map_err(|error| format!("The function URL: {error}"))?;
        let response = serde_json::from_str(&response).unwrap_or_default();
        let arrivals = self.services.customerio.state().arrivals[seen..].to_vec();
        Ok(Exchange { status, response, arrivals })
    }

    fn show_people(&self) {
        show_people(&self.services.customerio.state().people);
    }

    fn expect(&mut self, holds: bool) {
        if !holds {
            print!("!! ");
            self.unexpected += 1;
        }
    }
}

/// A line for each webhook: type, response, and what Customer.io got or why it got nothing.
fn line(what: &str, exchange: &Exchange) -> String {
    let items: Vec<_> = exchange.arrivals.iter().flat_map(Arrival::items).collect();
    let got = match items.as_slice() {
        [] => exchange.response["reason"].as_str().unwrap_or_default().to_owned(),
        [.., event] => {
            let with_identify = if items.len() > 1 { "identify + " } else { "" };
            format!("{with_identify}{}", describe::item(event))
        }
    };
    format!("  {what:<38} {} {:<12} {got}", exchange.status, exchange.outcome())
}

/// Without a key, the address is that of the payload, and there are no sums.
fn knows_the_payload_only(arrival: &Arrival, sample: &Sample) -> bool {
    let has_email = sample.body().contains("\"email\"");
    arrival.items().iter().all(|item| {
        let attributes = &item["attributes"];
        attributes.get("total_spent").is_none() && (has_email || attributes.get("email").is_none())
    })
}

fn show_people(people: &People) {
    println!("What Customer.io now knows:");
    for person in people.profiles() {
        println!(
            "  {} ({} events)",
            person.id.as_deref().unwrap_or("no id"),
            person.activity.len()
        );
        for (name, value) in &person.attributes {
            println!("      {name:<28} {}", describe::plain(value));
        }
    }
}

//! `make demo`: sends every sample event through the function on this machine; no account needed.

use crate::stack::{Choices, Stack};
use dodo_customerio::transform::built_in::{Options, transform};
use reqwest::Client;
use serde_json::{Value, json};
use stand_ins::customerio::{Arrival, People, describe};
use stand_ins::dodo::{self, Sample, Webhook, samples};
use stand_ins::interrupt::until_interrupted;

pub async fn run() -> Result<(), String> {
    match until_interrupted(demo()).await {
        Ok(0) => Ok(()),
        Ok(unexpected) => Err(format!(
            "{unexpected} responses were not as expected: see the lines marked with !!"
        )),
        Err(error) => Err(format!("The demo failed. {error}")),
    }
}

/// Returns the number of responses that were not as expected.
async fn demo() -> Result<usize, String> {
    let stack = Stack::start(Choices::default(), |step| println!("starting: {step}")).await?;
    println!("function URL {}   Customer.io {}\n", stack.url, stack.customerio.url());
    let mut demo = Demo { client: dodo_customerio::http::client(), stack, unexpected: 0 };
    demo.every_sample().await?;
    demo.tampered().await?;
    demo.repeated().await?;
    demo.regular_customer().await?;
    demo.two_plans().await?;
    let state = demo.stack.customerio.state();
    show_people(&state.people);
    println!(
        "\nIn total: {} requests to Customer.io, {} people, {} events, {} repeated events ignored.",
        state.arrivals.len(),
        state.people.profiles().len(),
        state.people.events().count(),
        state.people.repeated,
    );
    Ok(demo.unexpected)
}

/// What a person has of the subscription that describes them.
const SUBSCRIBED: [&str; 3] =
    ["subscription_product_name", "subscription_status", "active_subscriptions"];

struct Demo {
    client: Client,
    stack: Stack,
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
    async fn every_sample(&mut self) -> Result<(), String> {
        let samples = samples();
        println!("{} sample events, signed and posted as Dodo does:", samples.len());
        let (mut delivered, mut ignored) = (0, 0);
        for sample in samples {
            let exchange = self.post(&self.signed(&sample)).await?;
            let expected =
                if sample.event_type().starts_with("payout.") { "ignored" } else { "delivered" };
            let sent = exchange.arrivals.len() == usize::from(expected == "delivered");
            self.expect(exchange.status == 200 && exchange.outcome() == expected && sent);
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
        let secret = &self.stack.webhook_secret;
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
        println!("\nThe same webhook three times, as after a timeout:");
        let webhook = self.signed(&dodo::sample("payment.succeeded")?);
        let before = self.stack.customerio.state().people.events().count();
        for attempt in 1..=3 {
            let exchange = self.post(&webhook).await?;
            self.expect(exchange.outcome() == "delivered");
            println!("{}", line(&format!("attempt {attempt}"), &exchange));
        }
        let counted = self.stack.customerio.state().people.events().count() - before;
        self.expect(counted == 1);
        println!("counted {counted} time{}\n", if counted == 1 { "" } else { "s" });
        Ok(())
    }

    /// With a key for Dodo's API, the person has attributes that the payload lacks.
    async fn regular_customer(&mut self) -> Result<(), String> {
        println!(
            "A customer pays three times and gets one refund; the totals come from Dodo's API:"
        );
        let customer = json!({
            "customer_id": "cus_regular",
            "email": "rosa@example.com",
            "name": "Rosa Muster",
        });
        let steps = [
            ("payment.succeeded", 1, "29.00"),
            ("payment.succeeded", 2, "58.00"),
            ("payment.succeeded", 3, "87.00"),
            ("refund.succeeded", 2, "58.00"),
        ];
        for (name, number, expected) in steps {
            let mut sample = dodo::sample(name)?.of_now();
            let data = &mut sample.event["data"];
            data["customer"] = customer.clone();
            data["payment_id"] = format!("pay_regular_{number}").into();
            if name == "refund.succeeded" {
                data["amount"] = 2900.into();
            }
            self.stack.dodo_api.state().happened(&sample.event);
            let exchange = self.post(&self.signed(&sample)).await?;
            let person = exchange.arrivals.first().map(|arrival| arrival.items()[0].clone());
            let attributes = person.map(|item| item["attributes"].clone()).unwrap_or_default();
            let facts = ["total_spent", "payments_count", "customer_since"]
                .map(|name| format!("{name}={}", describe::plain(&attributes[name])));
            self.expect(attributes["total_spent"] == expected);
            println!(
                "  {name:<38} {} {:<12} {}",
                exchange.status,
                exchange.outcome(),
                facts.join(" ")
            );
        }
        println!();
        Ok(())
    }

    /// With a key, the person has the state of the subscription that runs; a payload knows its own only.
    async fn two_plans(&mut self) -> Result<(), String> {
        println!(
            "A customer moves from Basic to Pro; the old plan ends, and an add-on is declined:"
        );
        for (plan, name) in [("basic", "Basic"), ("pro", "Pro"), ("add_on", "Add-on")] {
            self.stack.dodo_api.state().sell(&format!("pdt_{plan}"), Some(name));
        }
        let steps = [
            ("subscription.active", "basic", ["Basic", "active", "1"], "active"),
            ("subscription.active", "pro", ["Pro", "active", "2"], "active"),
            ("subscription.cancelled", "basic", ["Pro", "active", "1"], "cancelled"),
            ("subscription.failed", "add_on", ["Pro", "active", "1"], "nothing"),
        ];
        for (number, (name, plan, expected, without_key)) in (1..).zip(steps) {
            let webhook = self.subscription(name, plan, number)?;
            let exchange = self.post(&webhook).await?;
            let known = self.known_of("cus_two_plans", SUBSCRIBED);
            let by_payload = self.status_in_payload(&webhook)?;
            self.expect(known == expected && by_payload == without_key);
            let known = known.join(" ");
            println!(
                "  {:<38} {} {:<12} with a key: {known}   without: {by_payload}",
                format!("{name} {plan}"),
                exchange.status,
                exchange.outcome(),
            );
        }
        println!("  (plan, its state, active subscriptions)\n");
        Ok(())
    }

    /// A webhook of the customer's `number`th subscription event, which Dodo's API knows about too.
    fn subscription(&self, name: &str, plan: &str, number: u8) -> Result<Webhook, String> {
        let mut sample = dodo::sample(name)?.of_now();
        let data = &mut sample.event["data"];
        data["customer"] = json!({
            "customer_id": "cus_two_plans",
            "email": "mira@example.com",
            "name": "Mira Muster",
        });
        data["subscription_id"] = format!("sub_{plan}").into();
        data["product_id"] = format!("pdt_{plan}").into();
        data["created_at"] = format!("2026-11-{number:02}T10:00:00Z").into();
        self.stack.dodo_api.state().happened(&sample.event);
        Ok(self.signed(&sample))
    }

    /// What Customer.io knows of a person.
    fn known_of(&self, id: &str, attributes: [&str; 3]) -> [String; 3] {
        let state = self.stack.customerio.state();
        let person = state.people.find(id);
        attributes.map(|name| {
            let value = person.and_then(|person| person.attributes.get(name));
            value.map(describe::plain).unwrap_or_default()
        })
    }

    /// The state that a payload by itself gives to the person.
    fn status_in_payload(&self, webhook: &Webhook) -> Result<String, String> {
        let now = dodo::unix_now().unsigned_abs();
        let batch = webhook.event(&self.stack.webhook_secret, |event| {
            transform(event, None, now, &Options::default())
        });
        let batch =
            batch.map_err(|error| error.to_string())?.map_err(|unsent| unsent.to_string())?;
        let items = serde_json::to_value(batch).map_err(|error| error.to_string())?;
        let status = &items["batch"][0]["attributes"]["subscription_status"];
        Ok(status.as_str().unwrap_or("nothing").to_owned())
    }

    fn signed(&self, sample: &Sample) -> Webhook {
        let id = dodo::random_message_id();
        Webhook::sign(&self.stack.webhook_secret, &id, dodo::unix_now(), sample.body())
    }

    async fn post(&self, webhook: &Webhook) -> Result<Exchange, String> {
        let seen = self.stack.customerio.state().arrivals.len();
        let posted = webhook.post(&self.client, &self.stack.url).await;
        let (status, response) = posted.map_err(|error| format!("The function URL: {error}"))?;
        let response = serde_json::from_str(&response).unwrap_or_default();
        let arrivals = self.stack.customerio.state().arrivals[seen..].to_vec();
        Ok(Exchange { status, response, arrivals })
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

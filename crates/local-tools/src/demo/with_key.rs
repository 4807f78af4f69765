//! What a key for Dodo's API adds: the part of the demo that is not the default.

use super::Demo;
use crate::emulator::Emulated;
use crate::services::DodoKey;
use dodo_customerio::transform::built_in::{Options, transform};
use serde_json::json;
use stand_ins::customerio::{Arrival, describe};
use stand_ins::dodo::{self, Webhook};

/// What a person has of the subscription that describes them.
const SUBSCRIBED: [&str; 3] =
    ["subscription_product_name", "subscription_status", "active_subscriptions"];

/// Events that name their customer by the id alone.
const ID_ONLY: [&str; 3] =
    ["abandoned_checkout.detected", "dunning.started", "license_key.created"];

impl Demo {
    /// Starts the function again, with the key, and shows what is different.
    pub(super) async fn with_key(&mut self) -> Result<(), String> {
        println!(
            "\n--- Only with a key for Dodo's API (dodo_api_key in the secret; optional) ---\n"
        );
        self.function = Emulated::start(self.services.environment(DodoKey::With)).await?;
        self.addresses().await?;
        self.regular_customer().await?;
        self.two_plans().await
    }

    /// The address of somebody whom the payload names by the id alone.
    async fn addresses(&mut self) -> Result<(), String> {
        println!("Events that carry only the customer's id get an address:");
        for name in ID_ONLY {
            let webhook = self.signed(&dodo::sample(name)?);
            let exchange = self.post(&webhook).await?;
            let mut items = exchange.arrivals.iter().flat_map(Arrival::items);
            let address = items.find_map(|item| item["attributes"]["email"].as_str());
            self.expect(exchange.outcome() == "delivered" && address.is_some());
            println!(
                "  {name:<38} {} {:<12} email={}",
                exchange.status,
                exchange.outcome(),
                address.unwrap_or_default(),
            );
        }
        println!();
        Ok(())
    }

    /// The person has attributes that the payload lacks.
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
            self.services.dodo_api.state().happened(&sample.event);
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

    /// The person has the state of the subscription that runs; a payload knows its own only.
    async fn two_plans(&mut self) -> Result<(), String> {
        println!(
            "A customer moves from Basic to Pro; the old plan ends, and an add-on is declined:"
        );
        for (plan, name) in [("basic", "Basic"), ("pro", "Pro"), ("add_on", "Add-on")] {
            self.services.dodo_api.state().sell(&format!("pdt_{plan}"), Some(name));
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
        self.services.dodo_api.state().happened(&sample.event);
        Ok(self.signed(&sample))
    }

    /// What Customer.io knows of a person.
    fn known_of(&self, id: &str, attributes: [&str; 3]) -> [String; 3] {
        let state = self.services.customerio.state();
        let person = state.people.find(id);
        attributes.map(|name| {
            let value = person.and_then(|person| person.attributes.get(name));
            value.map(describe::plain).unwrap_or_default()
        })
    }

    /// The state that a payload by itself gives to the person.
    fn status_in_payload(&self, webhook: &Webhook) -> Result<String, String> {
        let now = dodo::unix_now().unsigned_abs();
        let batch = webhook.event(&self.services.webhook_secret, |event| {
            transform(event, None, now, &Options::default())
        });
        let batch =
            batch.map_err(|error| error.to_string())?.map_err(|unsent| unsent.to_string())?;
        let items = serde_json::to_value(batch).map_err(|error| error.to_string())?;
        let status = &items["batch"][0]["attributes"]["subscription_status"];
        Ok(status.as_str().unwrap_or("nothing").to_owned())
    }
}

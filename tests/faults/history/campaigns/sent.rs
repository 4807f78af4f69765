//! What the function sends for a history, in the order in which it happened.

use super::super::generate::History;
use super::super::subscriptions::PRODUCTS;
use super::super::upstream;
use super::Case;
use crate::clock::SECOND;
use crate::world::World;
use dodo_customerio::handler::Function;
use lambda_runtime::Context;
use recipes::Arrived;
use serde_json::Value;
use stand_ins::dodo;
use stand_ins::dodo_api::DodoApi;

/// How many webhooks an environment serves: a purchase's lookups may be remembered, not for ever.
const LIFETIME: usize = 500;

/// Items of people, with their time of arrival.
pub struct Sent {
    pub items: Vec<Arrived>,
}

/// The function with the services around it.
pub struct Sender {
    pub world: World,
    pub dodo_api: DodoApi,
    function: Function,
    secret: String,
    served: usize,
}

impl Sender {
    pub async fn start(case: Case, environment: &str) -> Self {
        let dodo_api = DodoApi::start("key").await.unwrap();
        let world = upstream::world(case, &dodo_api).await;
        let world = world.and_setting("DODO_ENVIRONMENT", environment);
        let secret = dodo::random_secret();
        world.put(secret.as_str().into(), "customerio");
        world.accept("customerio");
        for (product, name) in PRODUCTS {
            dodo_api.state().sell(product, name);
        }
        let function = world.new_environment().await;
        Self { world, dodo_api, function, secret, served: 0 }
    }

    /// Sends a webhook at this time, in Unix milliseconds; returns what reaches Customer.io.
    pub async fn send(&mut self, at: u64, event: &Value) -> Vec<Value> {
        self.world.clock.set(at);
        self.served += 1;
        if self.served.is_multiple_of(LIFETIME) {
            self.function = self.world.new_environment().await;
        }
        let before = self.world.customerio.state().arrivals.len();
        let id = dodo::random_message_id();
        let request = self.world.request(&id, &event.to_string(), &[&self.secret]);
        let status = self.function.handle(&request, &Context::default()).await.status_code;
        assert!([200, 422].contains(&status), "{status}: {event}");
        let state = self.world.customerio.state();
        state.arrivals[before..].iter().flat_map(|it| it.items().to_vec()).collect()
    }
}

/// Nothing is late and nothing fails.
pub async fn everything_sent(case: Case, history: &History, environment: &str) -> Sent {
    let mut sender = Sender::start(case, environment).await;
    for customer in history.groups.iter().flatten() {
        customer.sign_up(&mut sender.dodo_api.state());
    }
    let (mut items, mut told) = (Vec::new(), 0);
    for happening in &history.happenings {
        while let Some(known) = history.happenings.get(told).filter(|it| it.at <= happening.at) {
            sender.dodo_api.state().happened(&known.event);
            told += 1;
        }
        if happening.is_sent {
            let at = happening.at / SECOND;
            let sent = sender.send(happening.at, &happening.event).await;
            items.extend(sent.into_iter().map(|item| Arrived { item, at }));
        }
    }
    Sent { items }
}

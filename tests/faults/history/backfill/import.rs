//! Runs the backfill within this process, in simulated time.

use crate::clock::rfc3339;
use crate::world::World;
use backfill::{Arguments, Options, Quiet, Summary};
use serde_json::{Value, json};
use stand_ins::dodo;
use stand_ins::dodo_api::DodoApi;
use std::path::PathBuf;

/// One import, from a local Dodo API to the Customer.io of a world.
pub struct Import<'a> {
    world: &'a World,
    dodo_api: &'a DodoApi,
    arguments: Arguments,
    folder: PathBuf,
}

impl<'a> Import<'a> {
    /// As fast as possible, without a question.
    pub fn of(world: &'a World, dodo_api: &'a DodoApi) -> Self {
        let folder = std::env::temp_dir().join(format!("backfill-test-{}", dodo::random_hex()));
        let arguments =
            Arguments { yes: true, folder: Some(folder.clone()), ..Arguments::default() };
        Self { world, dodo_api, arguments, folder }
    }

    /// With the events of history, up to a time in Unix milliseconds.
    pub fn with_events(mut self, until: u64) -> Self {
        self.arguments.events = true;
        self.arguments.until = Some(rfc3339(until));
        self
    }

    /// Runs it to its end.
    pub async fn run(self) -> Summary {
        let mut options = Options::read(&self.arguments, |name| self.variable(name)).unwrap();
        options.clock = self.world.clock.of_function();
        let summary = backfill::run(&options, &mut Quiet).await.unwrap();
        assert_eq!((summary.sent, summary.refused), (true, 0));
        assert!(!self.folder.exists(), "what was read is removed after success");
        summary
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "DODO_API_KEY" => Some("key".to_owned()),
            "DODO_API_URL" => Some(self.dodo_api.url()),
            "CUSTOMERIO_TRACK_URL" => Some(self.world.customerio.url()),
            "CUSTOMERIO_SITE_ID" => Some(self.world.site_id().to_owned()),
            "CUSTOMERIO_API_KEY" => Some("customerio".to_owned()),
            _ => self.world.setting(name),
        }
    }
}

/// Somebody whom the history does not know pays, at this time in Unix milliseconds.
pub fn payment_of_a_stranger(number: usize, at: u64) -> Value {
    let mut payment = dodo::sample("payment.succeeded").unwrap().event["data"].clone();
    payment["payment_id"] = format!("pay_stranger_{number}").into();
    payment["created_at"] = rfc3339(at).into();
    payment["customer"] = json!({
        "customer_id": format!("cus_stranger_{number}"),
        "email": format!("stranger{number}@example.com"),
        "name": "Pat Stranger",
    });
    payment
}

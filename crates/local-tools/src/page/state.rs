//! What the page asks for again and again: what runs, and whether there is something new.

use super::{Page, locked};
use crate::delivery::Delivery;
use crate::transform_path::from_project;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a request waits for something new.
const PATIENCE: Duration = Duration::from_secs(20);

impl Page {
    /// The state, once it is no longer that of the revision `since`.
    pub(super) async fn state(&self, since: Option<String>) -> Value {
        let since = since.and_then(|since| since.parse().ok());
        let setup = self.setup();
        let (mut changed, begun) = (setup.board.revision(), setup.journal.begun());
        if since == Some(self.revision()) {
            let next_event = async {
                match begun {
                    Some(mut begun) => drop(begun.changed().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = next_event => {}
                () = tokio::time::sleep(PATIENCE) => {}
            }
        }
        self.state_now()
    }

    fn revision(&self) -> u64 {
        let begun = self.setup().journal.begun().map_or(0, |begun| *begun.borrow());
        *self.setup().board.revision().borrow() + begun
    }

    fn state_now(&self) -> Value {
        let setup = self.setup();
        let in_progress = setup.journal.in_progress().into_iter().filter_map(|(since, event)| {
            let body: Value = serde_json::from_str(event["body"].as_str()?).unwrap_or_default();
            let event_type = body["type"].as_str().unwrap_or("?");
            let id = &event["headers"]["webhook-id"];
            Some(json!({"type": event_type, "webhook_id": id, "since": since}))
        });
        let people = setup.services.customerio.state().people.profiles().len();
        json!({
            "revision": self.revision(),
            "function": self.function(),
            "webhooks": self.history().len(),
            "people": people,
            "in_progress": in_progress.collect::<Vec<_>>(),
            "faults": locked(&self.0.faults).switches(&setup.services),
        })
    }

    fn function(&self) -> Value {
        let setup = self.setup();
        let running = setup.board.running();
        let settings: Value = running
            .settings
            .iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        json!({
            "transform": running.transform.as_deref().map(from_project),
            "settings": settings,
            "key": setup.has_key,
            "since": running.since,
            "problem": running.problem,
            "log": format!("target/local/function-{}.log", setup.port),
            "url": format!("http://127.0.0.1:{}/", setup.port),
            "customerio": setup.services.customerio.url(),
            "delivery": match setup.delivery {
                Delivery::Direct => "direct",
                Delivery::Queue => "queue",
            },
        })
    }
}

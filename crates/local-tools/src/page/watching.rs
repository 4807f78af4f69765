//! Makes a record of each webhook once the function has responded, and keeps it.

use super::record::{self, Known};
use super::{Page, batches, locked, lookups};
use crate::explained::{Explained, explain};
use crate::transform_path::from_project;
use dodo_customerio::dodo::Enrichment;
use serde_json::{Value, json};
use stand_ins::clock::Clock;
use stand_ins::customerio::People;
use stand_ins::dodo::unix_milliseconds;
use stand_ins::journal::Invocation;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::mpsc::UnboundedReceiver;

impl Page {
    /// Keeps what the function did, until nothing can come any more.
    pub(super) fn watch(
        &self,
        mut invocations: UnboundedReceiver<Invocation>,
    ) -> impl Future<Output = ()> + use<> {
        let page = self.clone();
        async move {
            while let Some(invocation) = invocations.recv().await {
                let page = page.clone();
                // A JavaScript file may run for a while.
                let kept = tokio::task::spawn_blocking(move || page.keep_invocation(&invocation));
                drop(kept.await);
            }
        }
    }

    fn keep_invocation(&self, invocation: &Invocation) {
        if invocation.event["Records"].is_array() {
            self.keep_batch(invocation);
        } else if record::is_webhook(invocation) {
            let known = self.known(invocation);
            let mut history = self.history();
            let number = history.next_number();
            history.add(&record::of(invocation, &Known { number, ..known }));
        }
        self.setup().board.changed();
    }

    /// What the page knows of a webhook beside what was seen.
    fn known(&self, invocation: &Invocation) -> Known {
        let id = invocation.event["headers"]["webhook-id"].as_str().unwrap_or_default();
        let sent = locked(&self.0.sent).remove(id);
        self.learn(invocation);
        Known {
            replay_of: sent.flatten(),
            is_from_page: sent.is_some(),
            ..self.known_of(id, record::body(invocation), invocation.at)
        }
    }

    /// Takes what was looked up.
    pub(super) fn learn(&self, invocation: &Invocation) {
        locked(&self.0.remembered).learn(invocation);
    }

    /// What the transform makes of an event, with what Dodo's API has said so far; `at` is in Unix milliseconds.
    fn known_of(&self, id: &str, body: &str, at: u64) -> Known {
        let (transform, mode) = {
            let running = self.setup().board.running();
            let mode = running.settings.get("PERSON_IDENTIFIER").map(|it| it.trim().to_owned());
            (running.transform.as_deref().map(from_project), mode.filter(|mode| !mode.is_empty()))
        };
        let found = locked(&self.0.remembered).about(body);
        Known {
            mode: mode.unwrap_or_else(|| "customer_id".to_owned()),
            has_key: self.setup().has_key,
            transform,
            explained: self.explained(id, body, self.enrichment(&found, at).as_ref()),
            found,
            ..Known::default()
        }
    }

    /// In queue mode the queue function may have looked something up since the webhook came.
    pub(super) fn explain_again(&self, record: &mut Value, at: u64) {
        if !self.setup().has_key {
            return;
        }
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let (id, body) = (text("webhook_id"), text("body"));
        let known = self.known_of(&id, &body, at);
        let event = serde_json::from_str(&body).unwrap_or_default();
        record["person"] = record::person(&event, &[], &known);
        record["transform"] = record::transform(&known, true);
    }

    /// What lookups would bring now, as far as Dodo's API has said it so far; `None` without a key.
    pub(super) fn found(&self, body: &str) -> Option<Enrichment> {
        let found = locked(&self.0.remembered).about(body);
        self.enrichment(&found, unix_milliseconds())
    }

    fn enrichment(&self, found: &lookups::Found, at: u64) -> Option<Enrichment> {
        self.setup().has_key.then(|| lookups::enrichment(found, at / 1000))
    }

    /// `None` if the body is no event.
    fn explained(
        &self,
        webhook_id: &str,
        body: &str,
        found: Option<&Enrichment>,
    ) -> Option<Explained> {
        let transform = self.setup().board.explainer().ok()?;
        explain(&transform, webhook_id, body, found).ok()
    }

    /// What Customer.io accepted in earlier runs it knows again.
    pub(super) fn restore(&self) {
        let records: Vec<Value> = self.history().records().collect();
        for record in records.iter().filter(|it| batches::waits(it)) {
            self.history().add(&batches::lost(record.clone()));
        }
        let mut state = self.setup().services.customerio.state();
        for record in records {
            for request in batches::all_requests(&record) {
                if !batches::is_applied(request) {
                    continue;
                }
                let at =
                    UNIX_EPOCH + Duration::from_millis(request["at"].as_u64().unwrap_or_default());
                state.people.clock = Clock::new(move || at);
                let refused = batches::refused(request);
                let text = |name: &str| request[name].as_str().unwrap_or_default();
                state.restore(text("method"), text("path"), &request["body"], &refused);
            }
        }
        state.people.clock = Clock::default();
    }

    /// Forgets all webhooks and all people.
    pub(super) fn forget(&self) -> Value {
        self.history().clear();
        self.setup().services.customerio.state().people = People::default();
        self.setup().board.changed();
        json!({})
    }
}

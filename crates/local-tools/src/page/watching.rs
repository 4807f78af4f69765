//! Makes a record of each webhook once the function has responded, and keeps it.

use super::record::{self, Known};
use super::{Page, batches, locked, lookups};
use crate::explained::{Explained, explain};
use crate::transform_path::from_project;
use dodo_customerio::dodo::Enrichment;
use serde_json::{Value, json};
use stand_ins::clock::Clock;
use stand_ins::customerio::People;
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
        let (transform, mode) = {
            let running = self.setup().board.running();
            let mode = running.settings.get("PERSON_IDENTIFIER").map(|it| it.trim().to_owned());
            (running.transform.as_deref().map(from_project), mode.filter(|mode| !mode.is_empty()))
        };
        let found = if self.setup().has_key {
            let mut remembered = locked(&self.0.remembered);
            remembered.learn(invocation);
            remembered.about(record::body(invocation))
        } else {
            Vec::new()
        };
        let enrichment = lookups::enrichment(&found, invocation.at / 1000);
        let enrichment = self.setup().has_key.then_some(enrichment);
        Known {
            number: 0,
            replay_of: sent.flatten(),
            is_from_page: sent.is_some(),
            mode: mode.unwrap_or_else(|| "customer_id".to_owned()),
            has_key: self.setup().has_key,
            transform,
            explained: self.explained(id, record::body(invocation), enrichment.as_ref()),
            found,
        }
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
        let mut state = self.setup().services.customerio.state();
        for record in records {
            for request in batches::all_requests(&record) {
                let is_accepted = request["changes"].is_object()
                    && request["status"].as_u64().is_none_or(|status| (200..300).contains(&status));
                if !is_accepted {
                    continue;
                }
                let at =
                    UNIX_EPOCH + Duration::from_millis(request["at"].as_u64().unwrap_or_default());
                state.people.clock = Clock::new(move || at);
                let errors = request["response"]["errors"].as_array().into_iter().flatten();
                let refused: Vec<u64> =
                    errors.filter_map(|error| error["batch_index"].as_u64()).collect();
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

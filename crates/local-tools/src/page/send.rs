//! Sending events, and webhooks of the history again.

use super::{Page, Reply, locked};
use serde_json::{Value, json};
use stand_ins::dodo::{self, Webhook};
use std::time::Duration;

/// Well formed, and nobody's.
const WRONG_SIGNATURE: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// How long the record of a webhook may take, in steps of 10 ms.
const STEPS: usize = 500;

impl Page {
    /// Signs a body as of now and sends it.
    pub(super) async fn send(&self, request: &Value) -> Reply {
        let Some(body) = request["body"].as_str() else {
            return Err((400, "\"body\" must be a string: what Dodo would post.".to_owned()));
        };
        let id = request["id"].as_str().filter(|id| !id.trim().is_empty());
        let id = id.map_or_else(dodo::random_message_id, str::to_owned);
        let mut webhook = self.signed(&id, body)?;
        if request["signature"] == "wrong" {
            WRONG_SIGNATURE.clone_into(&mut webhook.signature);
        }
        self.post(&webhook, request["replay_of"].as_u64()).await
    }

    /// Sends a webhook of the history again: as Dodo retries it, or exactly as it was.
    pub(super) async fn replay(&self, number: &str, request: &Value) -> Reply {
        let record = self.record(number)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, body) = (text(&record["webhook_id"]), text(&record["body"]));
        let headers = &record["headers"];
        let webhook = match request["how"].as_str() {
            Some("retry") => self.signed(&id, &body)?,
            Some("exact") => Webhook {
                id,
                timestamp: text(&headers["webhook-timestamp"]),
                signature: text(&headers["webhook-signature"]),
                body,
            },
            _ => return Err((400, "\"how\" must be \"retry\" or \"exact\".".to_owned())),
        };
        self.post(&webhook, record["number"].as_u64()).await
    }

    /// The record of a webhook.
    pub(super) fn record(&self, number: &str) -> Reply {
        let record = number.parse().ok().and_then(|number| self.history().record(number));
        record.ok_or_else(|| (404, "This webhook is not in the history any more.".to_owned()))
    }

    fn signed(&self, id: &str, body: &str) -> Result<Webhook, (u16, String)> {
        let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
        if id.len() > 200 || !is_plain {
            return Err((
                400,
                "A webhook's id has no spaces and at most 200 characters.".to_owned(),
            ));
        }
        let secret = locked(&self.0.faults).webhook_secret().to_owned();
        Ok(Webhook::sign(&secret, id, dodo::unix_now(), body.to_owned()))
    }

    /// Sends it and waits for its record.
    async fn post(&self, webhook: &Webhook, replay_of: Option<u64>) -> Reply {
        let last = self.history().next_number() - 1;
        locked(&self.0.sent).insert(webhook.id.clone(), replay_of);
        let (status, response) = self.setup().front.post(webhook).await;
        let response: Value = serde_json::from_str(&response).unwrap_or_else(|_| response.into());
        let number = self.recorded(&webhook.id, last).await;
        Ok(json!({
            "number": number, "webhook_id": webhook.id, "status": status, "response": response,
        }))
    }

    async fn recorded(&self, webhook_id: &str, last: u64) -> Option<u64> {
        for _ in 0..STEPS {
            let number = self.history().newest(webhook_id, last);
            if number.is_some() {
                return number;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }
}

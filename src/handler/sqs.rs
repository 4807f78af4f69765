//! Handles a batch of a queue: secret, relay, and then dead letters and pauses for what was not delivered.

use super::batch::{Fate, fate, waves};
use super::batch_line::{Invocation, Report};
use super::http::{Clock, Dependencies};
use super::sqs_event::{BatchResponse, SqsEvent, SqsMessage};
use crate::http;
use crate::queue::{Message, Queue, QueueError, QueueUrl, REASON, WEBHOOK_ID, attribute};
use crate::relay::batch::{Batch, Cost, Processed, Queued};
use crate::relay::{Moment, Outcome, Relay, RelaySettings, deadline};
use futures_util::{StreamExt, stream};
use lambda_runtime::Context;
use tokio::time::{Instant, timeout_at};

/// Copies to the dead letters at the same time.
const COPIES_AT_ONCE: usize = 8;

/// The queue function, with what it keeps from one batch to the next.
pub struct QueueFunction {
    relay: Relay,
    queue: Queue,
    dead_letters: Queue,
    clock: Clock,
    output: fn(&str),
}

impl QueueFunction {
    /// Builds the clients; no request is made yet.
    pub(super) fn new(
        settings: RelaySettings,
        queue: QueueUrl,
        dead_letters: QueueUrl,
        dependencies: Dependencies,
    ) -> Self {
        let Dependencies { clock, policy, output } = dependencies;
        let http = http::client();
        let queue = Queue::new(&settings.aws, http.clone(), queue);
        let dead_letters = Queue::new(&settings.aws, http.clone(), dead_letters);
        Self { relay: Relay::new(settings, http, policy), queue, dead_letters, clock, output }
    }

    /// Does in the init phase what the first batch would otherwise wait for. It may fail; the batch will
    /// try again.
    pub async fn warm_up(&self) {
        self.relay.warm_up((self.clock)()).await;
    }

    /// Handles a batch and writes its lines in the log.
    pub async fn handle(&self, event: SqsEvent, context: &Context) -> BatchResponse {
        let (arrival, now) = (Instant::now(), (self.clock)());
        let invocation = Invocation::start(context, now);
        let (delivery, whole) = deadline::time_for_batch(now, context.deadline());
        let moment = Moment { now, arrival, deadline: arrival + delivery };
        let messages = event.records;
        if messages.is_empty() {
            tracing::error!(
                "This is not an SQS event with messages. The queue function takes nothing else."
            );
        }
        let (processed, cost) = self.process(&messages, moment).await;
        let fates = fates(&messages, &processed);
        let end = arrival + whole;
        let copied = self.copy_dead_letters(&messages, &fates, end).await;
        self.shorten_pauses(&messages, &fates, end).await;
        let dead_letters = copied.iter().filter(|copied| **copied).count();
        let report = Report { messages: &messages, processed: &processed, cost, dead_letters };
        (self.output)(&invocation.lines(&report));
        response(messages, &fates, &copied)
    }

    /// What became of each message, and what that cost.
    async fn process(&self, messages: &[SqsMessage], moment: Moment) -> (Vec<Processed>, Cost) {
        let secret = match self.relay.secret(moment).await {
            Ok(secret) => secret,
            Err(error) => {
                let outcome = Outcome::from(error);
                let each = messages.iter().map(|it| Processed::at_once(it.webhook_id(), &outcome));
                return (each.collect(), Cost::default());
            }
        };
        let batch = Batch::new(&self.relay, secret, moment);
        let receives: Vec<_> = messages.iter().map(SqsMessage::receives).collect();
        let mut all: Vec<(usize, Processed)> = Vec::with_capacity(messages.len());
        for wave in waves(&receives) {
            let webhook = |index: &usize| {
                let message = &messages[*index];
                Queued { id: message.webhook_id(), body: &message.body }
            };
            let webhooks: Vec<_> = wave.iter().map(webhook).collect();
            all.extend(wave.into_iter().zip(batch.process(&webhooks).await));
        }
        all.sort_unstable_by_key(|(index, _)| *index);
        (all.into_iter().map(|(_, processed)| processed).collect(), batch.cost())
    }

    /// Copies what was refused for good to the dead letters: whether there is a copy of each message.
    async fn copy_dead_letters(
        &self,
        messages: &[SqsMessage],
        fates: &[Fate],
        end: Instant,
    ) -> Vec<bool> {
        let each: Vec<_> =
            messages.iter().zip(fates).map(|(it, fate)| self.copy(it, fate)).collect();
        let mut copied = vec![false; messages.len()];
        let mut failure = None;
        let mut results = stream::iter(each).buffered(COPIES_AT_ONCE).enumerate();
        while let Ok(Some((index, result))) = timeout_at(end, results.next()).await {
            copied[index] = matches!(result, Some(Ok(())));
            failure = failure.or(result.and_then(Result::err));
        }
        if let Some(error) = failure {
            tracing::error!(
                reason = error.code(),
                "{error} Refused events stay in the queue meanwhile."
            );
        }
        copied
    }

    /// `None` if the message is no dead letter.
    async fn copy(&self, message: &SqsMessage, fate: &Fate) -> Option<Result<(), QueueError>> {
        let Fate::DeadLetter(reason) = fate else { return None };
        let (id, reason) = (message.webhook_id(), attribute(reason));
        let attributes = [(REASON, reason.as_str()), (WEBHOOK_ID, id)];
        let attributes = if id.is_empty() { &attributes[..1] } else { &attributes };
        let copy = Message { body: &message.body, attributes };
        Some(self.dead_letters.send(copy, (self.clock)()).await)
    }

    async fn shorten_pauses(&self, messages: &[SqsMessage], fates: &[Fate], end: Instant) {
        let mut pauses = Vec::new();
        for (message, fate) in messages.iter().zip(fates) {
            if let Fate::Again(Some(pause)) = fate {
                pauses.push((message.receipt_handle.as_str(), *pause));
            }
        }
        if let Err(error) = self.queue.shorten(&pauses, end).await {
            let reason = error.code();
            tracing::warn!(reason, "{error} What failed comes again later than it could.");
        }
    }
}

fn fates(messages: &[SqsMessage], processed: &[Processed]) -> Vec<Fate> {
    let each = messages.iter().zip(processed);
    each.map(|(message, it)| fate(&it.outcome, message.receives(), fastrand::f64())).collect()
}

/// What must come again: what was not delivered, and what was refused but has no copy.
fn response(messages: Vec<SqsMessage>, fates: &[Fate], copied: &[bool]) -> BatchResponse {
    let comes_again = |fate: &Fate, copied: bool| match fate {
        Fate::Done => false,
        Fate::DeadLetter(_) => !copied,
        Fate::Again(_) => true,
    };
    let each = messages.into_iter().zip(fates).zip(copied);
    let again = each.filter(|((_, fate), copied)| comes_again(fate, **copied));
    BatchResponse::again(again.map(|((message, _), _)| message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(id: &str) -> SqsMessage {
        serde_json::from_value(json!({"messageId": id})).unwrap()
    }

    #[test]
    fn only_what_is_not_done_comes_again() {
        let messages = ["done", "again", "copied", "not copied"].map(message).into();
        let dead = || Fate::DeadLetter(String::new());
        let fates = [Fate::Done, Fate::Again(None), dead(), dead()];
        let response = response(messages, &fates, &[false, false, true, false]);
        let failures = json!([{"itemIdentifier": "again"}, {"itemIdentifier": "not copied"}]);
        assert_eq!(serde_json::to_value(response).unwrap(), json!({"batchItemFailures": failures}));
    }
}

//! The AWS JSON protocol of SQS.

use super::State;
use super::queue::{Message, Queue};
use crate::serve::{self, ResponseBody};
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// A message with its attributes, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Messages that one call gives.
const MAX_RECEIVED: u64 = 10;

type Refused = (u16, &'static str);

const NO_QUEUE: Refused = (400, "QueueDoesNotExist");

/// Such as `SendMessage`.
pub(super) fn action(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|it| it.to_str().ok());
    target.and_then(|it| it.split('.').nth(1)).unwrap_or_default().to_owned()
}

impl State {
    pub(super) fn process(&mut self, action: &str, request: &Value) -> Response<ResponseBody> {
        let response = match action {
            "SendMessage" => self.send(request),
            "ReceiveMessage" => self.receive(request),
            "DeleteMessageBatch" => self.each(request, |queue, entry, _| {
                queue.delete(text(entry, "ReceiptHandle"));
                true
            }),
            "ChangeMessageVisibilityBatch" => self.each(request, |queue, entry, now| {
                let seconds = entry["VisibilityTimeout"].as_u64().unwrap_or_default();
                let timeout = Duration::from_secs(seconds);
                queue.change_visibility(text(entry, "ReceiptHandle"), timeout, now)
            }),
            "GetQueueAttributes" => self.attributes(request),
            _ => Err((400, "UnsupportedOperation")),
        };
        response.map_or_else(
            |(status, code)| {
                let kind = format!("com.amazonaws.sqs#{code}");
                serve::json(status, &json!({"__type": kind, "message": "Refused."}))
            },
            |response| serve::json(200, &response),
        )
    }

    pub(super) fn has_visible(&self, request: &Value) -> bool {
        let now = self.clock.since_1970();
        let next = self.queues.get(name(request)).and_then(Queue::next_visible);
        next.is_some_and(|next| next <= now)
    }

    fn queue(&mut self, request: &Value) -> Result<&mut Queue, Refused> {
        self.queues.get_mut(name(request)).ok_or(NO_QUEUE)
    }

    fn send(&mut self, request: &Value) -> Result<Value, Refused> {
        let now = self.clock.since_1970();
        let (body, attributes) = (text(request, "MessageBody"), &request["MessageAttributes"]);
        if !body.chars().all(is_character) {
            return Err((400, "InvalidMessageContents"));
        }
        if body.is_empty() || body.len() + size(attributes) > MAX_MESSAGE {
            return Err((400, "InvalidParameterValue"));
        }
        self.messages += 1;
        let id = format!("message-{}", self.messages);
        let message = Message {
            id: id.clone(),
            body: body.to_owned(),
            attributes: attributes.clone(),
            sent: Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
            receives: 0,
            first_received: None,
            visible_from: now,
        };
        self.queue(request)?.add(message);
        Ok(json!({"MessageId": id}))
    }

    fn receive(&mut self, request: &Value) -> Result<Value, Refused> {
        let now = self.clock.since_1970();
        let most = request["MaxNumberOfMessages"].as_u64().unwrap_or(1).min(MAX_RECEIVED);
        let queue = self.queue(request)?;
        let given = queue.receive(usize::try_from(most).unwrap_or(1), now);
        let (received, moved) = given.ok_or((403, "OverLimit"))?;
        let target = queue.settings().redrive.as_ref().map(|(_, target)| target.clone());
        if let Some(target) = target.and_then(|target| self.queues.get_mut(&target)) {
            for message in moved {
                target.add(message);
            }
        }
        let described = received.iter().map(|(handle, message)| described(handle, message));
        let messages: Vec<_> = described.collect();
        Ok(json!({"Messages": messages}))
    }

    /// Does something with each entry of a batch; those for which it says no have failed.
    fn each(
        &mut self,
        request: &Value,
        mut work: impl FnMut(&mut Queue, &Value, Duration) -> bool,
    ) -> Result<Value, Refused> {
        let now = self.clock.since_1970();
        let queue = self.queue(request)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in request["Entries"].as_array().into_iter().flatten() {
            if work(queue, entry, now) {
                successful.push(json!({"Id": entry["Id"]}));
            } else {
                let code = "MessageNotInflight";
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": true}));
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    fn attributes(&mut self, request: &Value) -> Result<Value, Refused> {
        let now = self.clock.since_1970();
        let queue = self.queue(request)?;
        let (all, visible) = (queue.len(), queue.visible(now));
        Ok(json!({"Attributes": {
            "ApproximateNumberOfMessages": visible.to_string(),
            "ApproximateNumberOfMessagesNotVisible": (all - visible).to_string(),
        }}))
    }
}

fn described(receipt_handle: &str, message: &Message) -> Value {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    json!({
        "MessageId": message.id,
        "ReceiptHandle": receipt_handle,
        "Body": message.body,
        "Attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": milliseconds(message.sent),
            "ApproximateFirstReceiveTimestamp": message.first_received.map(milliseconds),
        },
        "MessageAttributes": message.attributes,
    })
}

/// The last part of the URL.
fn name(request: &Value) -> &str {
    text(request, "QueueUrl").rsplit('/').next().unwrap_or_default()
}

fn text<'a>(json: &'a Value, field: &str) -> &'a str {
    json[field].as_str().unwrap_or_default()
}

/// Names, types and values of attributes.
fn size(attributes: &Value) -> usize {
    let each = attributes.as_object().into_iter().flatten();
    each.map(|(name, it)| name.len() + text(it, "DataType").len() + text(it, "StringValue").len())
        .sum()
}

/// The characters that SQS accepts, by its documentation.
fn is_character(char: char) -> bool {
    let code = u32::from(char);
    [0x9, 0xA, 0xD].contains(&code)
        || (0x20..=0xD7FF).contains(&code)
        || (0xE000..=0xFFFD).contains(&code)
        || (0x10000..=0x0010_FFFF).contains(&code)
}

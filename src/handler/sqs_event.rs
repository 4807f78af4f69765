//! What Lambda gives the queue function, and what it wants to know in return.

use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// What Lambda takes out of a queue at once.
#[derive(Debug, Default, Deserialize)]
pub struct SqsEvent {
    #[serde(rename = "Records", default)]
    pub(super) records: Vec<SqsMessage>,
}

/// A message with what the function needs to know of it. What is missing counts as empty, so that a strange
/// message disturbs no other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqsMessage {
    message_id: String,
    #[serde(default)]
    pub(super) receipt_handle: String,
    #[serde(default)]
    pub(super) body: String,
    #[serde(default)]
    attributes: SystemAttributes,
    #[serde(default)]
    message_attributes: MessageAttributes,
}

/// What SQS says of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SystemAttributes {
    #[serde(default)]
    approximate_receive_count: String,
    /// In Unix milliseconds.
    #[serde(default)]
    sent_timestamp: String,
}

/// What the webhook function says of a message.
#[derive(Debug, Default, Deserialize)]
struct MessageAttributes {
    #[serde(rename = "webhook-id", default)]
    webhook_id: StringAttribute,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StringAttribute {
    #[serde(default)]
    string_value: String,
}

/// The messages that must come again; Lambda deletes the others.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

impl SqsMessage {
    /// The webhook's; empty if the message has none.
    pub(super) fn webhook_id(&self) -> &str {
        &self.message_attributes.webhook_id.string_value
    }

    /// How often it has been received, this time included; 0 if nobody knows.
    pub(super) fn receives(&self) -> u32 {
        self.attributes.approximate_receive_count.parse().unwrap_or_default()
    }

    /// How long it has been in the queue.
    pub(super) fn age(&self, now: SystemTime) -> Duration {
        let sent = self.attributes.sent_timestamp.parse().map(Duration::from_millis);
        let sent = sent.map_or(now, |sent| SystemTime::UNIX_EPOCH + sent);
        now.duration_since(sent).unwrap_or_default()
    }
}

impl BatchResponse {
    /// That these messages must come again.
    pub(super) fn again(messages: impl Iterator<Item = SqsMessage>) -> Self {
        let failure = |message: SqsMessage| ItemFailure { item_identifier: message.message_id };
        Self { batch_item_failures: messages.map(failure).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn message(value: Value) -> SqsMessage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_message_is_read_as_lambda_gives_it() {
        let event: SqsEvent = serde_json::from_value(json!({"Records": [{
            "messageId": "19dd0b57", "receiptHandle": "MessageReceiptHandle", "body": "{}",
            "attributes": {
                "ApproximateReceiveCount": "3", "SentTimestamp": "1793450000000",
                "SenderId": "123456789012", "ApproximateFirstReceiveTimestamp": "1793450000100",
            },
            "messageAttributes": {
                "webhook-id": {
                    "stringValue": "msg_1", "stringListValues": [], "binaryListValues": [], "dataType": "String",
                },
            },
            "md5OfBody": "7b270e59", "eventSource": "aws:sqs", "awsRegion": "eu-central-1",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:webhooks",
        }]}))
        .unwrap();
        let message = &event.records[0];
        assert_eq!((message.webhook_id(), message.receives()), ("msg_1", 3));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_450_060);
        assert_eq!(message.age(now), Duration::from_mins(1));
    }

    #[test]
    fn what_is_missing_from_a_message_disturbs_no_other() {
        let strange = message(json!({"messageId": "strange"}));
        assert_eq!((strange.webhook_id(), strange.receives()), ("", 0));
        assert_eq!(strange.age(SystemTime::now()), Duration::ZERO);
        let event: SqsEvent = serde_json::from_value(json!({"key": "value"})).unwrap();
        assert!(event.records.is_empty());
    }
}

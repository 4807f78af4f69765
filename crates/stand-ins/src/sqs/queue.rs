use serde_json::Value;
use std::time::Duration;

/// How a queue behaves. The defaults are those of `template.yaml`, which differ from SQS's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a message that was received stays out of sight.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// After so many receives a message moves to the queue of this name.
    pub redrive: Option<(u32, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        let retention = Duration::from_hours(14 * 24);
        Self { visibility_timeout: Duration::from_mins(30), retention, redrive: None }
    }
}

/// A message in a queue. Times are since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What SQS calls it.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// What was sent with it, as in the request.
    pub attributes: Value,
    /// When it was sent; moving to another queue does not change it.
    pub sent: Duration,
    /// How often it was received.
    pub receives: u32,
    /// When it was received first.
    pub first_received: Option<Duration>,
    /// From when on it can be received.
    pub visible_from: Duration,
}

impl Message {
    /// What deletes it, until it is received again.
    pub(super) fn receipt_handle(&self) -> String {
        format!("{}#{}", self.id, self.receives)
    }
}

/// A standard queue.
#[derive(Debug)]
pub struct Queue {
    settings: Settings,
    messages: Vec<Message>,
    /// How many messages it has given up, by age.
    pub expired: usize,
}

impl Queue {
    /// An empty queue.
    pub fn new(settings: Settings) -> Self {
        Self { settings, messages: Vec::new(), expired: 0 }
    }

    /// Everything in it, in flight or not.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// How many can be received now.
    pub fn visible(&self, now: Duration) -> usize {
        self.messages.iter().filter(|message| message.visible_from <= now).count()
    }

    /// When the next message can be received, if there is one; at once, if it is in the past.
    pub fn next_visible(&self) -> Option<Duration> {
        self.messages.iter().map(|message| message.visible_from).min()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn add(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// Gives at most so many messages, and those that must move to the queue of dead letters instead.
    pub(super) fn receive(&mut self, most: usize, now: Duration) -> (Vec<Message>, Vec<Message>) {
        let before = self.messages.len();
        self.messages.retain(|message| now < message.sent + self.settings.retention);
        self.expired += before - self.messages.len();
        let (mut received, mut moved) = (Vec::new(), Vec::new());
        let most_receives = self.settings.redrive.as_ref().map_or(u32::MAX, |(most, _)| *most);
        self.messages.retain_mut(|message| {
            if received.len() >= most || message.visible_from > now {
                return true;
            }
            if message.receives >= most_receives {
                moved.push(message.clone());
                return false;
            }
            message.receives += 1;
            message.first_received.get_or_insert(now);
            message.visible_from = now + self.settings.visibility_timeout;
            received.push(message.clone());
            true
        });
        (received, moved)
    }

    /// Deletes a message by the handle of its last receive; any other deletes nothing.
    pub(super) fn delete(&mut self, receipt_handle: &str) {
        self.messages.retain(|message| message.receipt_handle() != receipt_handle);
    }

    /// Makes a message in flight visible after this time. Returns whether it is in flight.
    pub(super) fn change_visibility(
        &mut self,
        receipt_handle: &str,
        timeout: Duration,
        now: Duration,
    ) -> bool {
        let in_flight = |message: &&mut Message| {
            message.receipt_handle() == receipt_handle && message.visible_from > now
        };
        let found = self.messages.iter_mut().find(in_flight);
        let is_found = found.is_some();
        if let Some(message) = found {
            message.visible_from = now + timeout;
        }
        is_found
    }
}

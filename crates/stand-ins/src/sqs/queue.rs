use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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

/// What deletes a message, until it is received again: its key in the queue, and which receive it was.
fn receipt_handle(key: u64, receives: u32) -> String {
    format!("{key}#{receives}")
}

/// A standard queue. All that it does takes the same time whether it holds ten messages or a million.
#[derive(Debug)]
pub struct Queue {
    settings: Settings,
    messages: BTreeMap<u64, Message>,
    /// From when on each can be received.
    order: BTreeSet<(Duration, u64)>,
    next_key: u64,
    /// How many messages it has given up, by age, when they would have been received.
    pub expired: usize,
}

impl Queue {
    /// An empty queue.
    pub fn new(settings: Settings) -> Self {
        let (messages, order) = (BTreeMap::new(), BTreeSet::new());
        Self { settings, messages, order, next_key: 0, expired: 0 }
    }

    /// Everything in it, in flight or not, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// How many are in it, in flight or not.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether it is empty, in flight included.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many can be received now.
    pub fn visible(&self, now: Duration) -> usize {
        self.order.range(..=(now, u64::MAX)).count()
    }

    /// When the next message can be received, if there is one; it may be in the past.
    pub fn next_visible(&self) -> Option<Duration> {
        self.order.first().map(|(time, _)| *time)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn add(&mut self, message: Message) {
        self.next_key += 1;
        self.order.insert((message.visible_from, self.next_key));
        self.messages.insert(self.next_key, message);
    }

    /// Gives at most so many messages, each with its receipt handle, and those that must move to the queue
    /// of dead letters instead.
    pub(super) fn receive(
        &mut self,
        most: usize,
        now: Duration,
    ) -> (Vec<(String, Message)>, Vec<Message>) {
        let (mut received, mut moved) = (Vec::new(), Vec::new());
        let most_receives = self.settings.redrive.as_ref().map_or(u32::MAX, |(most, _)| *most);
        while received.len() < most {
            let first = self.order.first().copied();
            let Some((_, key)) = first.filter(|(visible_from, _)| *visible_from <= now) else {
                break;
            };
            self.order.pop_first();
            let message = self.messages.get_mut(&key).expect("a message for each key");
            if message.sent + self.settings.retention <= now {
                self.expired += 1;
                self.messages.remove(&key);
            } else if message.receives >= most_receives {
                moved.extend(self.messages.remove(&key));
            } else {
                message.receives += 1;
                message.first_received.get_or_insert(now);
                message.visible_from = now + self.settings.visibility_timeout;
                self.order.insert((message.visible_from, key));
                received.push((receipt_handle(key, message.receives), message.clone()));
            }
        }
        (received, moved)
    }

    /// Deletes a message by the handle of its last receive; any other deletes nothing.
    pub(super) fn delete(&mut self, receipt_handle: &str) {
        if let Some(key) = self.find(receipt_handle)
            && let Some(message) = self.messages.remove(&key)
        {
            self.order.remove(&(message.visible_from, key));
        }
    }

    /// Makes a message in flight visible after this time. Returns whether it is in flight.
    pub(super) fn change_visibility(
        &mut self,
        receipt_handle: &str,
        timeout: Duration,
        now: Duration,
    ) -> bool {
        let key = self.find(receipt_handle);
        let message = key.and_then(|key| self.messages.get_mut(&key));
        let (Some(key), Some(message)) = (key, message.filter(|it| it.visible_from > now)) else {
            return false;
        };
        self.order.remove(&(message.visible_from, key));
        message.visible_from = now + timeout;
        self.order.insert((message.visible_from, key));
        true
    }

    /// The key of a message by the handle of its last receive.
    fn find(&self, handle: &str) -> Option<u64> {
        let key = handle.split('#').next()?.parse().ok()?;
        let message = self.messages.get(&key)?;
        (receipt_handle(key, message.receives) == handle).then_some(key)
    }
}

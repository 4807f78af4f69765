use fastrand::Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Messages that may be in flight, by the documentation of standard queues: "approximately".
const IN_FLIGHT: usize = 120_000;

/// What a standard queue promises little about, at its worst.
#[derive(Debug, Clone)]
pub struct Disorder(Rng);

impl Disorder {
    /// Another for each seed.
    pub fn with_seed(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// Something rare: a server that holds a copy of a message did not notice that it was received, or
    /// deleted.
    fn is_missed(&mut self) -> bool {
        self.0.u8(..50) == 0
    }
}

/// How a queue behaves. The defaults are those of `template.yaml`, which differ from SQS's own.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a message that was received stays out of sight.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// After so many receives a message moves to the queue of this name.
    pub redrive: Option<(u32, String)>,
    /// How many messages may be in flight; then none is given.
    pub in_flight: usize,
    /// `None` gives everything in its order, once, and as much as was asked for.
    pub disorder: Option<Disorder>,
}

impl Default for Settings {
    fn default() -> Self {
        let retention = Duration::from_hours(14 * 24);
        let visibility_timeout = Duration::from_mins(30);
        Self { visibility_timeout, retention, redrive: None, in_flight: IN_FLIGHT, disorder: None }
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
    /// Out of sight, by when each can be received.
    hidden: BTreeSet<(Duration, u64)>,
    /// Those that can be received, in the order in which they will be.
    ready: BTreeSet<(u64, u64)>,
    next_key: u64,
    /// How many messages it has given up, by age, when they would have been received.
    pub expired: usize,
    /// How many messages it has given to receivers.
    pub received: usize,
}

/// What a receiver gets, each with its receipt handle, and what must move to the dead letters instead.
pub(super) type Given = (Vec<(String, Message)>, Vec<Message>);

impl Queue {
    /// An empty queue.
    pub fn new(settings: Settings) -> Self {
        let (hidden, ready, messages) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { settings, messages, hidden, ready, next_key: 0, expired: 0, received: 0 }
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
        self.ready.len() + self.hidden.range(..=(now, u64::MAX)).count()
    }

    /// When the next message can be received, if there is one; it may be in the past.
    pub fn next_visible(&self) -> Option<Duration> {
        let ready = self.ready.first().and_then(|(_, key)| self.messages.get(key));
        ready.map(|it| it.visible_from).or_else(|| self.hidden.first().map(|(time, _)| *time))
    }

    /// How many more may be in flight, besides so many.
    pub fn in_flight_left(&self, in_flight: usize) -> usize {
        self.settings.in_flight.saturating_sub(in_flight)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn add(&mut self, message: Message) {
        self.next_key += 1;
        self.hidden.insert((message.visible_from, self.next_key));
        self.messages.insert(self.next_key, message);
    }

    /// Gives at most so many messages; `None` if too many are in flight.
    pub(super) fn receive(&mut self, most: usize, now: Duration) -> Option<Given> {
        self.reveal(now);
        let most = match &mut self.settings.disorder {
            Some(disorder) => disorder.0.usize(1..=most.max(1)),
            None => most,
        };
        let (mut received, mut moved) = (Vec::new(), Vec::new());
        while received.len() < most
            && let Some((rank, key)) = self.ready.first().copied()
        {
            if self.hidden.len() >= self.settings.in_flight {
                let is_nothing = received.is_empty() && moved.is_empty();
                return (!is_nothing).then_some((received, moved));
            }
            match self.take(rank, key, now) {
                Some(Taken::Given(key)) => {
                    let message = &self.messages[&key];
                    received.push((receipt_handle(key, message.receives), message.clone()));
                }
                Some(Taken::Moved(message)) => moved.push(message),
                None => {}
            }
        }
        Some((received, moved))
    }

    /// What becomes of the messages that are visible and were received so often already, if a function
    /// takes all of them and names all of them as failed: they were received once more. Returns how many.
    pub fn fail_all(&mut self, now: Duration, receives: u32) -> usize {
        self.reveal(now);
        let was_received = |(_, key): &&(u64, u64)| self.messages[key].receives >= receives;
        let room = self.in_flight_left(self.hidden.len());
        let due: Vec<_> = self.ready.iter().filter(was_received).take(room).copied().collect();
        let failed = due.into_iter().filter_map(|(rank, key)| self.take(rank, key, now));
        failed.count()
    }

    /// Puts what can be received into the order in which it will be.
    fn reveal(&mut self, now: Duration) {
        while let Some((visible_from, key)) = self.hidden.first().copied()
            && visible_from <= now
        {
            self.hidden.pop_first();
            let rank = match &mut self.settings.disorder {
                Some(disorder) => disorder.0.u64(..),
                None => u64::try_from(visible_from.as_micros()).unwrap_or(u64::MAX),
            };
            self.ready.insert((rank, key));
        }
    }

    /// `None` if it was given up.
    fn take(&mut self, rank: u64, key: u64, now: Duration) -> Option<Taken> {
        self.ready.remove(&(rank, key));
        let most_receives = self.settings.redrive.as_ref().map_or(u32::MAX, |(most, _)| *most);
        let message = self.messages.get_mut(&key)?;
        if message.sent + self.settings.retention <= now {
            self.expired += 1;
            self.messages.remove(&key);
            return None;
        }
        if message.receives >= most_receives {
            return self.messages.remove(&key).map(Taken::Moved);
        }
        message.receives += 1;
        message.first_received.get_or_insert(now);
        let is_missed = self.settings.disorder.as_mut().is_some_and(Disorder::is_missed);
        let timeout =
            if is_missed { Duration::from_secs(1) } else { self.settings.visibility_timeout };
        message.visible_from = now + timeout;
        self.hidden.insert((message.visible_from, key));
        self.received += 1;
        Some(Taken::Given(key))
    }

    /// Deletes a message by the handle of its last receive; any other deletes nothing.
    pub(super) fn delete(&mut self, receipt_handle: &str) {
        if self.settings.disorder.as_mut().is_some_and(Disorder::is_missed) {
            return;
        }
        if let Some(key) = self.find(receipt_handle)
            && let Some(message) = self.messages.remove(&key)
            && !self.hidden.remove(&(message.visible_from, key))
        {
            self.ready.retain(|(_, other)| *other != key);
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
        self.hidden.remove(&(message.visible_from, key));
        message.visible_from = now + timeout;
        self.hidden.insert((message.visible_from, key));
        true
    }

    /// The key of a message by the handle of its last receive.
    fn find(&self, handle: &str) -> Option<u64> {
        let key = handle.split('#').next()?.parse().ok()?;
        let message = self.messages.get(&key)?;
        (receipt_handle(key, message.receives) == handle).then_some(key)
    }
}

/// What becomes of a message whose turn it is.
enum Taken {
    /// To the receiver, by its key.
    Given(u64),
    /// To the dead letters.
    Moved(Message),
}

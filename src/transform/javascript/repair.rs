//! Repairs of what the published snippets get wrong: an action that Track v2 does not know, an event
//! without an id or a time. Everything else is sent as the handler made it.

use crate::customerio::event_id;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What Track v2 can do with a person.
const ACTIONS: [&str; 12] = [
    "identify",
    "delete",
    "event",
    "screen",
    "page",
    "add_relationships",
    "delete_relationships",
    "add_device",
    "delete_device",
    "merge",
    "suppress",
    "unsuppress",
];

/// One thing that was repaired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Repair {
    /// The action became `event`.
    #[error("action \"{0}\" does not exist in Track v2: sent as an event")]
    Action(String),
    /// The event got a name.
    #[error("the event had no name: it is called like its action, \"{0}\"")]
    Name(String),
    /// The event got an id.
    #[error("the event had no id: one was added, so that a retry is counted once")]
    Id,
    /// The event got a timestamp.
    #[error("the event had no timestamp: the webhook's own was added")]
    Timestamp,
}

/// A repair, and the file that needed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Which file.
    pub file: String,
    /// What was repaired.
    pub repair: Repair,
}

/// Repairs the items of one webhook.
#[derive(Debug)]
pub(super) struct Repairer {
    webhook_id: String,
    timestamp_ms: Option<u64>,
    /// Unix seconds, not in the future.
    timestamp: Option<u64>,
}

impl Repairer {
    pub(super) fn new(webhook_id: &str, timestamp_ms: Option<u64>, now: u64) -> Self {
        let timestamp = timestamp_ms.map(|milliseconds| (milliseconds / 1000).min(now));
        let webhook_id = webhook_id.to_owned();
        Self { webhook_id, timestamp_ms, timestamp }
    }

    /// Repairs what one file made. Two events of one name in it are two events and get ids of their own;
    /// what two files call by one name is the same event, and Customer.io counts it once.
    pub(super) fn repair(&self, items: &mut [Map<String, Value>]) -> Vec<Repair> {
        let ids = items.iter().filter_map(|item| Some(item.get("id")?.as_str()?.to_owned()));
        let mut ids = ids.collect();
        items.iter_mut().flat_map(|item| self.repair_one(item, &mut ids)).collect()
    }

    /// Repairs one item, if it is about a person.
    fn repair_one(&self, item: &mut Map<String, Value>, ids: &mut HashSet<String>) -> Vec<Repair> {
        let mut repairs = Vec::new();
        if item.get("type").is_some_and(|kind| kind != "person") {
            return repairs;
        }
        if let Some(action) = unknown_action(item) {
            item.insert("action".to_owned(), "event".into());
            if item.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                item.insert("name".to_owned(), action.as_str().into());
                repairs.push(Repair::Name(action.clone()));
            }
            repairs.insert(0, Repair::Action(action));
        }
        if item.get("action").is_some_and(|action| action == "event") {
            self.date(item, ids, &mut repairs);
        }
        repairs
    }

    fn date(
        &self,
        item: &mut Map<String, Value>,
        ids: &mut HashSet<String>,
        repairs: &mut Vec<Repair>,
    ) {
        let is_missing = |item: &Map<_, _>, field| item.get(field).is_none_or(Value::is_null);
        if is_missing(item, "id") {
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            let id = self.next_id(name, ids);
            item.insert("id".to_owned(), id.into());
            repairs.push(Repair::Id);
        }
        if is_missing(item, "timestamp")
            && let Some(timestamp) = self.timestamp
        {
            item.insert("timestamp".to_owned(), timestamp.into());
            repairs.push(Repair::Timestamp);
        }
    }

    /// The id of an event of this name; a second one counts by its number too.
    fn next_id(&self, name: &str, ids: &mut HashSet<String>) -> String {
        let numbered = (2..).map(|number: usize| format!("{name}\u{0}{number}"));
        let names = std::iter::once(name.to_owned()).chain(numbered);
        let mut candidates = names.map(|name| event_id(self.timestamp_ms, &self.webhook_id, &name));
        // Never absent: there are more numbers than items.
        let id = candidates.find(|id| !ids.contains(id)).unwrap_or_default();
        ids.insert(id.clone());
        id
    }
}

/// The action, if Track v2 does not know it.
fn unknown_action(item: &Map<String, Value>) -> Option<String> {
    let action = item.get("action")?.as_str()?;
    (!action.is_empty() && !ACTIONS.contains(&action)).then(|| action.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn repaired(item: Value) -> (Value, Vec<Repair>) {
        let (items, repairs) = repaired_all(vec![item]);
        (items.into_iter().next().unwrap(), repairs)
    }

    fn repaired_all(items: Vec<Value>) -> (Vec<Value>, Vec<Repair>) {
        let mut items: Vec<_> =
            items.iter().map(|item| item.as_object().unwrap().clone()).collect();
        let repairs = repairer().repair(&mut items);
        (items.into_iter().map(Value::Object).collect(), repairs)
    }

    fn repairer() -> Repairer {
        Repairer::new("msg_2abc", Some(1_793_450_000_123), u64::MAX)
    }

    #[test]
    fn an_unknown_action_becomes_an_event_of_its_name() {
        let item = json!({"type": "person", "action": "payment_completed"});
        let (item, repairs) = repaired(item);
        let action = "payment_completed".to_owned();
        assert_eq!(
            item,
            json!({
                "type": "person",
                "action": "event",
                "name": "payment_completed",
                "id": event_id(Some(1_793_450_000_123), "msg_2abc", "payment_completed"),
                "timestamp": 1_793_450_000,
            })
        );
        let expected =
            [Repair::Action(action.clone()), Repair::Name(action), Repair::Id, Repair::Timestamp];
        assert_eq!(repairs, expected);
    }

    #[test]
    fn a_name_stays() {
        let item =
            json!({"type": "person", "action": "payment_completed", "name": "Payment Completed"});
        assert_eq!(repaired(item).0["name"], "Payment Completed");
    }

    #[test]
    fn what_is_right_is_left_alone() {
        for item in [
            json!({"type": "person", "action": "event", "name": "a", "id": "x", "timestamp": 1}),
            json!({"type": "person", "action": "identify", "attributes": {}}),
            json!({"type": "person", "action": "delete"}),
            json!({"type": "object", "action": "anything"}),
            json!({"type": "person", "action": 7}),
            json!({"type": "person"}),
        ] {
            assert_eq!(repaired(item.clone()), (item, vec![]));
        }
    }

    #[test]
    fn two_events_of_one_name_are_two_events_each_time() {
        let ids = |items| {
            let (items, _) = repaired_all(items);
            items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let item = json!({"type": "person", "action": "event", "name": "Item Sold"});
        let twice = || ids(vec![item.clone(), item.clone()]);
        assert_ne!(twice()[0], twice()[1]);
        assert_eq!(twice(), twice());
        // What another file, or the built-in transform, calls by the name is the first of them.
        let of_name = event_id(Some(1_793_450_000_123), "msg_2abc", "Item Sold");
        assert_eq!(ids(vec![item.clone()]), [of_name.as_str()]);
        let beside = json!({"type": "person", "action": "event", "name": "Other", "id": of_name});
        assert_eq!(ids(vec![item.clone(), beside]), [twice()[1].as_str(), &of_name]);
    }
}

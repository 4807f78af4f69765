//! One person at Customer.io, as the events of their objects left them.

use dodo_customerio::customerio::{
    Action, Attributes, Identifier, Item, Subject, SubjectType, Weight,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// On an object, these would say what the import made up: they tell of an event, not of a subscription.
const MADE_UP: [&str; 4] = ["dodo_webhook_id", "dodo_event_type", "payment_id", "is_first_billing"];

/// Their attributes are those of the last event that set them, each for itself.
#[derive(Debug)]
pub struct Person {
    identifier: Identifier,
    attributes: BTreeMap<String, (Option<u64>, Value)>,
    /// Subscriptions, if they are kept as objects.
    objects: BTreeMap<String, (Option<u64>, Item)>,
    events: Vec<Item>,
    /// Of those, what is not sent.
    pub held: Held,
    /// When the oldest and the newest of their events happened, in Unix milliseconds.
    pub span: Option<(u64, u64)>,
    /// Whether any of them lies in the time that was chosen.
    pub is_in_range: bool,
    /// Whether they are to be left out.
    pub is_excluded: bool,
}

/// Events of history that are not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Those of the time in which webhooks have brought them, or that `--until` leaves out.
    pub after_bound: u64,
    /// Those so young that they would start campaigns.
    pub recent: u64,
    /// When the newest of the young ones happened, in Unix seconds.
    pub newest: Option<u64>,
}

impl Held {
    /// Adds those of somebody else.
    pub fn add(&mut self, other: &Self) {
        self.after_bound += other.after_bound;
        self.recent += other.recent;
        self.newest = self.newest.max(other.newest);
    }
}

/// What is sent of a person: items of a batch, as JSON.
#[derive(Debug, Default)]
pub struct Items {
    /// The update of the person, then the objects, then the events.
    pub json: Vec<Vec<u8>>,
    /// How many of them are objects.
    pub objects: u64,
    /// How many of them are events.
    pub events: u64,
}

impl Person {
    pub fn new(identifier: Identifier) -> Self {
        let (attributes, objects, events, held, span) = Default::default();
        let (is_in_range, is_excluded) = (false, false);
        Self { identifier, attributes, objects, events, held, span, is_in_range, is_excluded }
    }

    /// The id or address that identifies them.
    pub fn name(&self) -> &str {
        let (Identifier::Id(name) | Identifier::Email(name)) = &self.identifier;
        name
    }

    /// Applies an item of an event that happened then (Unix milliseconds).
    pub fn apply(&mut self, at: Option<u64>, item: Item) {
        match (&item.action, &item.identifiers) {
            (Action::Event { .. }, _) => self.events.push(item),
            (Action::Identify, Subject::Object { object_id, .. }) => {
                let known = self.objects.get(object_id);
                if known.is_none_or(|(known, _)| at >= *known) {
                    self.objects.insert(object_id.clone(), (at, item));
                }
            }
            (Action::Identify, Subject::Person(_)) => self.update(at, &item.attributes),
        }
    }

    fn update(&mut self, at: Option<u64>, attributes: &Attributes) {
        let attributes = serde_json::to_value(attributes).unwrap_or_default();
        let Value::Object(attributes) = attributes else { return };
        for (name, value) in attributes {
            if self.attributes.get(&name).is_none_or(|(known, _)| at >= *known) {
                self.attributes.insert(name, (at, value));
            }
        }
    }

    /// Something happened to them then (Unix milliseconds).
    pub fn note(&mut self, at: Option<u64>, is_in_range: bool) {
        self.is_in_range |= is_in_range;
        if let Some(at) = at {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
    }

    /// What to send of them, true since `time` (Unix seconds; `None`: since it arrives).
    pub fn into_items(self, time: Option<u64>) -> Items {
        let mut attributes = Attributes::default();
        for (name, (_, value)) in self.attributes {
            attributes.add(name, value, Weight::Essential);
        }
        let update = Item {
            subject_type: SubjectType::Person,
            identifiers: Subject::Person(self.identifier),
            action: Action::Identify,
            timestamp: time,
            attributes,
            cio_relationships: Vec::new(),
        };
        let objects = self.objects.into_values().map(|(_, mut object)| {
            object.timestamp = time;
            object.attributes.retain(|name, _| !MADE_UP.contains(&name));
            object
        });
        let objects: Vec<_> = objects.collect();
        let mut items = Items {
            json: Vec::new(),
            objects: objects.len() as u64,
            events: self.events.len() as u64,
        };
        let update = Some(update).filter(|update| !update.attributes.is_empty());
        let all = update.into_iter().chain(objects).chain(self.events);
        let json =
            all.map(|item| serde_json::to_vec(&item).expect("strings and numbers serialise"));
        items.json = json.collect();
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn update(pairs: &[(&'static str, Value)]) -> Item {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.add(*name, value.clone(), Weight::Essential);
        }
        Item {
            subject_type: SubjectType::Person,
            identifiers: Subject::Person(Identifier::Id("cus_1".into())),
            action: Action::Identify,
            timestamp: Some(1),
            attributes,
            cio_relationships: Vec::new(),
        }
    }

    #[test]
    fn each_attribute_is_that_of_the_last_event_that_set_it() {
        let mut person = Person::new(Identifier::Id("cus_1".into()));
        person.apply(Some(2), update(&[("a", json!("new")), ("b", json!(1))]));
        person.apply(Some(1), update(&[("a", json!("old")), ("c", json!(2))]));
        person.apply(Some(2), update(&[("b", json!(3))]));
        let items = person.into_items(Some(9));
        let [item] = items.json.as_slice() else { panic!("{items:?}") };
        let item: Value = serde_json::from_slice(item).unwrap();
        assert_eq!(item["attributes"], json!({"a": "new", "b": 3, "c": 2}));
        assert_eq!(item["timestamp"], 9);
    }
}

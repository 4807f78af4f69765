//! Objects, such as subscriptions, and the people who are related to them.

use super::People;
use super::profile::{Name, is_empty};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Type id and object id.
pub(super) type Key = (String, String);

/// One object. Its updates have no order but that of their arrival.
#[derive(Debug, Default, Clone)]
pub struct Object {
    /// What is known of it.
    pub attributes: BTreeMap<String, Value>,
    /// The `cio_id` of each related person, with the attributes of the relationship.
    pub people: BTreeMap<String, BTreeMap<String, Value>>,
}

/// All objects.
#[derive(Debug, Default)]
pub struct Objects(BTreeMap<Key, Object>);

impl Objects {
    /// The object with this type id and this object id.
    pub fn find(&self, type_id: &str, object_id: &str) -> Option<&Object> {
        self.0.get(&(type_id.to_owned(), object_id.to_owned()))
    }

    /// All objects with their type ids and object ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Object)> {
        self.0.iter().map(|((type_id, id), object)| (type_id.as_str(), id.as_str(), object))
    }

    /// Forgets a person, or gives their relationships to another person.
    pub(super) fn replace_person(&mut self, old: &str, new: Option<&str>) {
        for object in self.0.values_mut() {
            if let (Some(attributes), Some(new)) = (object.people.remove(old), new) {
                object.people.entry(new.to_owned()).or_insert(attributes);
            }
        }
    }

    fn relate(&mut self, key: Key, cio_id: &str, attributes: &Value) {
        let people = &mut self.0.entry(key).or_default().people;
        set(people.entry(cio_id.to_owned()).or_default(), attributes);
    }
}

impl People {
    /// Applies a valid item of the type `object`.
    pub(super) fn apply_to_object(&mut self, item: &Value) {
        let Some(key) = key(&item["identifiers"]) else { return };
        match item["action"].as_str() {
            Some("identify") => {
                let object = self.objects.0.entry(key.clone()).or_default();
                set(&mut object.attributes, &item["attributes"]);
                self.relate_people(&key, item);
            }
            Some("add_relationships") => self.relate_people(&key, item),
            Some("delete_relationships") => {
                for name in relationships(item).filter_map(|it| Name::of(&it["identifiers"])) {
                    self.unrelate(&key, &name);
                }
            }
            Some("delete") => drop(self.objects.0.remove(&key)),
            _ => {}
        }
    }

    /// The relationships in an item of a person.
    pub(super) fn relate_objects(&mut self, cio_id: &str, item: &Value) {
        for relationship in relationships(item) {
            if let Some(key) = key(&relationship["identifiers"]) {
                self.objects.relate(key, cio_id, &relationship["relationship_attributes"]);
            }
        }
    }

    pub(super) fn unrelate_objects(&mut self, name: &Name, item: &Value) {
        for key in relationships(item).filter_map(|it| key(&it["identifiers"])) {
            self.unrelate(&key, name);
        }
    }

    /// A person whom nobody knows is created.
    fn relate_people(&mut self, key: &Key, item: &Value) {
        for relationship in relationships(item) {
            let Some(name) = Name::of(&relationship["identifiers"]) else { continue };
            let Some(index) = self.find_or_create(&name) else { continue };
            let cio_id = self.profiles[index].cio_id.clone();
            self.objects.relate(key.clone(), &cio_id, &relationship["relationship_attributes"]);
        }
    }

    fn unrelate(&mut self, key: &Key, name: &Name) {
        let cio_id = self.position(name).map(|index| self.profiles[index].cio_id.clone());
        if let (Some(object), Some(cio_id)) = (self.objects.0.get_mut(key), cio_id) {
            object.people.remove(&cio_id);
        }
    }
}

fn relationships(item: &Value) -> impl Iterator<Item = &Value> {
    item["cio_relationships"].as_array().into_iter().flatten()
}

pub(super) fn key(identifiers: &Value) -> Option<Key> {
    let text = |name| Some(identifiers.get(name)?.as_str()?.to_owned());
    Some((text("object_type_id")?, text("object_id")?))
}

fn set(known: &mut BTreeMap<String, Value>, attributes: &Value) {
    let none = Map::new();
    for (name, value) in attributes.as_object().unwrap_or(&none) {
        if is_empty(value) {
            known.remove(name);
        } else {
            known.insert(name.clone(), value.clone());
        }
    }
}

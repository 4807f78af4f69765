use super::limits::MAX_ATTRIBUTES;
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// How much an attribute matters when an item is too large for Customer.io, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The merchant's own `metadata`: of any size, and the first to go.
    Metadata,
    /// Lists: go next, longest first.
    List,
    /// Other values that are not essential: go next, longest first.
    Optional,
    /// Ids, money, dates, numbers and flags.
    Essential,
}

/// One attribute of a person or an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    /// Its name at Customer.io.
    pub name: Cow<'static, str>,
    /// A string, number or flag, a list, or the nested `metadata`.
    pub value: Value,
    /// Whether it may go when the item is too large.
    pub weight: Weight,
}

/// Attributes in the order in which they were added, every name once, at most [`MAX_ATTRIBUTES`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Adds an attribute, unless its name is taken or there is no room: what comes first counts.
    pub fn add(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
        weight: Weight,
    ) {
        let name = name.into();
        if !self.is_full() && self.get(&name).is_none() {
            self.0.push(Attribute { name, value: value.into(), weight });
        }
    }

    /// Adds all attributes of another, which replace those of the same name.
    pub(crate) fn extend(&mut self, other: Self) {
        for attribute in other.0 {
            match self.0.iter().position(|own| own.name == attribute.name) {
                Some(own) => self.0[own] = attribute,
                None => self.add(attribute.name, attribute.value, attribute.weight),
            }
        }
    }

    /// Keeps those for which `keep` says so; it may change their values.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|attribute| keep(&attribute.name, &mut attribute.value));
    }

    /// Whether there is no room for another.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_ATTRIBUTES
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of one attribute.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }

    /// All of them, in order, for the limits, which cut and drop.
    pub(super) fn list_mut(&mut self) -> &mut Vec<Attribute> {
        &mut self.0
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|attribute| (&attribute.name, &attribute.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attributes(pairs: &[(&'static str, i32)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            attributes.add(*name, *value, Weight::Optional);
        }
        attributes
    }

    #[test]
    fn what_is_added_first_counts_but_what_extends_replaces() {
        assert!(Attributes::default().is_empty());
        let mut known = attributes(&[("a", 1), ("b", 2), ("a", 3)]);
        assert!(!known.is_empty());
        known.extend(attributes(&[("b", 4), ("c", 5)]));
        assert_eq!(serde_json::to_value(&known).unwrap(), json!({"a": 1, "b": 4, "c": 5}));
    }

    #[test]
    fn a_full_one_takes_no_new_name() {
        let mut full = Attributes::default();
        for number in 0..MAX_ATTRIBUTES {
            assert!(!full.is_full());
            full.add(number.to_string(), number, Weight::Optional);
        }
        assert!(full.is_full());
        full.extend(attributes(&[("0", 7), ("one more", 8)]));
        assert_eq!((full.get("0"), full.get("one more")), (Some(&json!(7)), None));
    }
}

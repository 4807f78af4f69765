//! Objects of one kind: payments, refunds, disputes or subscriptions.

use super::query::Window;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::ops::{Index, IndexMut};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// In the order in which they became known.
#[derive(Debug)]
pub struct List {
    /// The field that holds the id.
    id: &'static str,
    items: Vec<Item>,
    by_id: HashMap<String, usize>,
    of_customer: HashMap<String, Vec<usize>>,
    of_payment: HashMap<String, Vec<usize>>,
    /// All of them by the time at which they were created.
    by_time: BTreeSet<Place>,
}

/// When an object was created, and its index.
type Place = (Option<OffsetDateTime>, usize);

#[derive(Debug)]
struct Item {
    value: Value,
    created: Option<OffsetDateTime>,
    /// When the event happened that told of it.
    updated: Option<OffsetDateTime>,
}

impl List {
    pub(super) fn new(id: &'static str) -> Self {
        let (by_id, of_customer, of_payment, by_time) = Default::default();
        Self { id, items: Vec::new(), by_id, of_customer, of_payment, by_time }
    }

    /// Adds an object, also one that is there already.
    pub fn push(&mut self, value: Value) {
        self.add(value, None);
    }

    /// Adds an object as an event of this time shows it, or replaces what an older event said of it.
    pub fn learn(&mut self, value: Value, timestamp: &Value) {
        let updated = date(timestamp);
        let known = value[self.id].as_str().and_then(|id| self.by_id.get(id));
        match known.map(|index| &mut self.items[*index]) {
            None => self.add(value, updated),
            Some(known) if updated >= known.updated || updated.is_none() => {
                (known.value, known.updated) = (value, updated);
            }
            Some(_) => {}
        }
    }

    /// The object with this id.
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.by_id.get(id).map(|index| &self.items[*index].value)
    }

    /// All of them, in the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.items.iter().map(|item| &item.value)
    }

    /// Those of a payment, oldest first.
    pub(super) fn of_payment(&self, payment_id: &str) -> impl Iterator<Item = &Value> {
        self.sorted(self.of_payment.get(payment_id).into_iter().flatten().copied()).into_iter()
    }

    /// Those of a customer, or of all customers, that were created within the window, newest first.
    pub(super) fn newest_first<'a>(
        &'a self,
        customer_id: Option<&str>,
        window: &Window,
    ) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
        let value = |place: &Place| &self.items[place.1].value;
        let Some(id) = customer_id else {
            return match window.range() {
                Some(range) => Box::new(self.by_time.range(range).rev().map(value)),
                None => Box::new(std::iter::empty()),
            };
        };
        let own = self.of_customer.get(id).into_iter().flatten();
        let places = own.map(|index| (self.items[*index].created, *index));
        let mut places: Vec<_> = places.filter(|(created, _)| window.holds(*created)).collect();
        places.sort_unstable();
        Box::new(places.into_iter().rev().map(move |(_, index)| &self.items[index].value))
    }

    fn sorted(&self, indices: impl Iterator<Item = usize>) -> Vec<&Value> {
        let mut found: Vec<_> = indices.map(|index| (&self.items[index], index)).collect();
        found.sort_by_key(|(item, index)| (item.created, *index));
        found.into_iter().map(|(item, _)| &item.value).collect()
    }

    fn add(&mut self, value: Value, updated: Option<OffsetDateTime>) {
        let index = self.items.len();
        if let Some(id) = value[self.id].as_str() {
            self.by_id.insert(id.to_owned(), index);
        }
        if let Some(customer) = value["customer"]["customer_id"].as_str() {
            self.of_customer.entry(customer.to_owned()).or_default().push(index);
        }
        if let Some(payment) = value["payment_id"].as_str() {
            self.of_payment.entry(payment.to_owned()).or_default().push(index);
        }
        let created = date(&value["created_at"]);
        self.by_time.insert((created, index));
        self.items.push(Item { value, created, updated });
    }
}

impl Index<usize> for List {
    type Output = Value;

    fn index(&self, index: usize) -> &Value {
        &self.items[index].value
    }
}

impl IndexMut<usize> for List {
    fn index_mut(&mut self, index: usize) -> &mut Value {
        &mut self.items[index].value
    }
}

/// An RFC 3339 date.
pub(super) fn date(value: &Value) -> Option<OffsetDateTime> {
    parse_date(value.as_str()?)
}

pub(super) fn parse_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

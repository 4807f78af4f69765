//! Which webhooks have arrived at Customer.io, as it counts: each event id once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::Instant;

/// What was counted, by the number of the webhook.
#[derive(Debug, Default)]
pub struct Tally {
    /// Which webhook an event id stands for.
    webhooks: HashMap<String, usize>,
    /// When each webhook was counted first.
    arrivals: HashMap<usize, Instant>,
    /// Webhooks that were counted twice, under different event ids.
    twice: Vec<usize>,
    /// Webhooks whose event Customer.io would drop, since another has the same id.
    dropped: Vec<usize>,
    /// Events that came once more under the same id, which counts nothing.
    repeats: usize,
    /// Events that do not say which webhook they are of.
    nameless: usize,
}

/// What is wrong; the numbers of webhooks.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    missing: Vec<usize>,
    twice: Vec<usize>,
    dropped: Vec<usize>,
    unknown: usize,
}

impl Tally {
    /// Takes note of an event; `webhook` is the number of its webhook, if it has one.
    pub fn count(&mut self, id: &str, webhook: Option<usize>) {
        let Some(webhook) = webhook else {
            self.nameless += 1;
            return;
        };
        match self.webhooks.entry(id.to_owned()) {
            Entry::Occupied(known) if *known.get() == webhook => self.repeats += 1,
            Entry::Occupied(_) => self.dropped.push(webhook),
            Entry::Vacant(free) => {
                free.insert(webhook);
                if self.arrivals.insert(webhook, Instant::now()).is_some() {
                    self.twice.push(webhook);
                }
            }
        }
    }

    /// When a webhook arrived, if it has.
    pub fn arrival(&self, webhook: usize) -> Option<Instant> {
        self.arrivals.get(&webhook).copied()
    }

    /// How many events came more than once, under the same id.
    pub fn repeats(&self) -> usize {
        self.repeats
    }

    /// Checks that the first `sent` webhooks have arrived, each once, and no other.
    ///
    /// # Errors
    /// Which have not.
    pub fn check(&self, sent: usize) -> Result<(), Wrong> {
        let missing = (0..sent).filter(|webhook| !self.arrivals.contains_key(webhook)).collect();
        let unknown = self.arrivals.keys().filter(|webhook| **webhook >= sent).count();
        let (twice, dropped) = (self.twice.clone(), self.dropped.clone());
        let wrong = Wrong { missing, twice, dropped, unknown: unknown + self.nameless };
        if wrong.is_nothing() { Ok(()) } else { Err(wrong) }
    }
}

impl Wrong {
    fn is_nothing(&self) -> bool {
        let lists = [&self.missing, &self.twice, &self.dropped];
        lists.iter().all(|list| list.is_empty()) && self.unknown == 0
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { missing, twice, dropped, unknown } = self;
        let first = |list: &[usize]| match list.first() {
            Some(first) => format!("{} (the first is number {first})", list.len()),
            None => "0".to_owned(),
        };
        let (missing, twice, dropped) = (first(missing), first(twice), first(dropped));
        write!(
            f,
            "Missing at Customer.io: {missing}. Counted twice: {twice}. Dropped for the id of another: \
             {dropped}. Of no webhook that was sent: {unknown}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(events: &[(&str, Option<usize>)]) -> Tally {
        let mut tally = Tally::default();
        for (id, webhook) in events {
            tally.count(id, *webhook);
        }
        tally
    }

    fn wrong() -> Wrong {
        Wrong { missing: vec![], twice: vec![], dropped: vec![], unknown: 0 }
    }

    #[test]
    fn each_webhook_once_is_right_and_a_repeat_counts_nothing() {
        let tally = tally(&[("a", Some(0)), ("b", Some(1)), ("a", Some(0))]);
        assert_eq!((tally.check(2), tally.repeats()), (Ok(()), 1));
        assert!(tally.arrival(1).is_some() && tally.arrival(2).is_none());
    }

    #[test]
    fn every_way_to_go_wrong_is_found() {
        let missing = tally(&[("a", Some(0)), ("b", Some(2))]).check(3);
        assert_eq!(missing, Err(Wrong { missing: vec![1], ..wrong() }));
        let twice = tally(&[("a", Some(0)), ("b", Some(0))]).check(1);
        assert_eq!(twice, Err(Wrong { twice: vec![0], ..wrong() }));
        let clash = tally(&[("a", Some(0)), ("a", Some(1))]).check(2);
        assert_eq!(clash, Err(Wrong { missing: vec![1], dropped: vec![1], ..wrong() }));
        let unknown = tally(&[("a", Some(0)), ("b", Some(7)), ("c", None)]).check(1);
        assert_eq!(unknown, Err(Wrong { unknown: 2, ..wrong() }));
    }

    #[test]
    fn what_is_missing_is_said_with_its_number() {
        let sentence = tally(&[("a", Some(0))]).check(3).unwrap_err().to_string();
        assert!(sentence.starts_with("Missing at Customer.io: 2 (the first is number 1)."));
    }
}

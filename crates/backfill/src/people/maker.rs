//! Takes what happened to a group of customers to the people whom it is about.

use super::customer::{Customer, Known};
use super::happenings::{self, Happening};
use super::index::Index;
use super::person::{Held, Items, Person};
use super::{LeftOut, lookups};
use crate::reading::{Charges, Dodo};
use crate::{Error, Options};
use dodo_customerio::customerio::{Action, Identifier, Item, Subject};
use dodo_customerio::dodo::MAX_SAME_ADDRESS;
use dodo_customerio::event::Event;
use dodo_customerio::transform::built_in::{self, IdentifyTime, PersonIdentifier};
use dodo_customerio::transform::{Ignored, Unsent};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Events of so long before the lists were read would start campaigns at Customer.io, in seconds.
pub const STARTS_CAMPAIGNS: u64 = 72 * 3_600;

/// Makes people of groups of customers.
pub struct Maker<'a> {
    pub index: &'a Index,
    pub options: &'a Options,
    pub dodo: &'a Dodo,
    pub charges: Charges,
    /// In Unix seconds.
    pub read_at: u64,
    pub left_out: LeftOut,
    /// The lines of the file of those to leave out that name somebody.
    pub found: BTreeSet<usize>,
}

/// A person, as they are sent.
#[derive(Debug)]
pub struct Made {
    pub items: Items,
    /// Their events that are not sent.
    pub held: Held,
    /// In Unix milliseconds.
    pub span: Option<(u64, u64)>,
}

/// What becomes of an event of history.
enum Fate {
    Sent,
    /// Customer.io has it, or nobody wants it.
    AfterBound,
    /// It happened then (Unix seconds), so it would start campaigns.
    Recent(u64),
    LeftOut,
}

/// The people of one group.
#[derive(Default)]
struct People {
    all: Vec<Person>,
    positions: HashMap<String, usize>,
    /// All names of the customers who are to be left out, addresses in lower case.
    excluded: BTreeSet<String>,
}

impl People {
    fn get(&mut self, identifier: &Identifier) -> &mut Person {
        let (Identifier::Id(name) | Identifier::Email(name)) = identifier;
        let kind = if matches!(identifier, Identifier::Id(_)) { 'i' } else { 'e' };
        let position = *self.positions.entry(format!("{kind}{name}")).or_insert_with(|| {
            self.all.push(Person::new(identifier.clone()));
            self.all.len() - 1
        });
        &mut self.all[position]
    }
}

impl Maker<'_> {
    /// The people of a group of customers.
    ///
    /// # Errors
    /// If a file, or Dodo's API for the question whether a payment updates a card, cannot be used.
    pub async fn people(&mut self, group: &[u32]) -> Result<Vec<Made>, Error> {
        let mut people = People::default();
        if self.options.transform.identifier == PersonIdentifier::Email {
            let mut customers = Vec::new();
            for number in group {
                customers.push(self.customer(*number).await?);
            }
            let known = self.known_by_address(&customers);
            for customer in &customers {
                self.take(customer, &known[&customer.address()], &mut people);
            }
        } else {
            for number in group {
                let customer = self.customer(*number).await?;
                let known = self.known(&[&customer]);
                self.take(&customer, &known, &mut people);
            }
        }
        let People { all, excluded, .. } = people;
        Ok(all.into_iter().filter_map(|person| self.finish(person, &excluded)).collect())
    }

    async fn customer(&mut self, number: u32) -> Result<Customer, Error> {
        let identifier = &self.options.transform.identifier;
        let mut customer = Customer::read(self.index, number, &self.charges, identifier)?;
        while let Some(id) = customer.unclear_payment(identifier) {
            let is_update = self.charges.ask(self.dodo, &id).await?;
            customer.note_card_update(&id, is_update);
        }
        Ok(customer)
    }

    fn known(&mut self, customers: &[&Customer]) -> Known {
        let (known, failure) = Known::of(customers);
        self.left_out.without_sums += u64::from(failure.is_some());
        known
    }

    /// All customers with one address are one person; the lists of as many count as for a webhook, those of the
    /// customers with the newest purchases.
    fn known_by_address(&mut self, customers: &[Customer]) -> BTreeMap<Option<String>, Known> {
        let mut by_address: BTreeMap<Option<String>, Vec<&Customer>> = BTreeMap::new();
        for customer in customers {
            by_address.entry(customer.address()).or_default().push(customer);
        }
        let known = |(address, mut same): (Option<String>, Vec<&Customer>)| {
            let since = same.iter().filter_map(|customer| customer.created()).min();
            same.sort_by_key(|customer| Reverse(customer.newest()));
            same.truncate(MAX_SAME_ADDRESS);
            (address, Known { customer_since: since, ..self.known(&same) })
        };
        by_address.into_iter().map(known).collect()
    }

    /// Takes everything that happened to a customer to the people whom it is about.
    fn take(&mut self, customer: &Customer, known: &Known, people: &mut People) {
        let with_renewals =
            matches!(self.options.transform.identifier, PersonIdentifier::Metadata(_));
        let happenings = happenings::of(customer, with_renewals);
        let is_excluded = self.is_excluded(customer);
        if is_excluded {
            people.excluded.extend(customer.names.iter().map(|name| name.to_lowercase()));
        }
        if happenings.is_empty() {
            self.left_out.without_events += 1;
        }
        let mut is_identified = happenings.is_empty();
        for happening in happenings {
            is_identified |= self.apply(happening, customer, known, is_excluded, people);
        }
        self.left_out.unidentified += u64::from(!is_identified);
    }

    /// Whether it is about somebody.
    fn apply(
        &self,
        happening: Happening,
        customer: &Customer,
        known: &Known,
        is_excluded: bool,
        people: &mut People,
    ) -> bool {
        let Happening { event_type, id, at, data, is_history } = happening;
        let event = Event { id: &id, event_type, timestamp_ms: at, data, raw: "" };
        let needs = built_in::needs(&event, &self.options.transform);
        let found = lookups::found(&event, &needs, customer, known, self.read_at);
        let batch =
            built_in::transform(&event, Some(&found), self.read_at, &self.options.transform);
        let batch = match batch {
            Ok(batch) => batch,
            Err(unsent) => return unsent == Unsent::Ignored(Ignored::EventOff),
        };
        for item in batch.items {
            let Some(identifier) = owner(&item).cloned() else { continue };
            let is_event = matches!(item.action, Action::Event { .. });
            let person = people.get(&identifier);
            person.note(at, self.is_in_range(at));
            person.is_excluded |= is_excluded;
            let fate = if is_event { self.fate(at, is_history) } else { Fate::Sent };
            match fate {
                Fate::Sent => person.apply(at, item),
                Fate::AfterBound => person.held.after_bound += 1,
                Fate::Recent(at) => {
                    person.held.add(&Held { recent: 1, newest: Some(at), ..Held::default() });
                }
                Fate::LeftOut => {}
            }
        }
        true
    }

    /// What becomes of an event of then: one that is sent belongs to history, and mails nobody.
    fn fate(&self, at: Option<u64>, is_history: bool) -> Fate {
        let Options { since, events, .. } = *self.options;
        let seconds = at.map(|milliseconds| milliseconds / 1000);
        let Some(at) = seconds.filter(|at| since.is_none_or(|since| *at >= since)) else {
            return Fate::LeftOut;
        };
        if !events || !is_history {
            Fate::LeftOut
        } else if self.options.end_of_events().is_some_and(|end| at >= end) {
            Fate::AfterBound
        } else if at + STARTS_CAMPAIGNS >= self.read_at {
            Fate::Recent(at)
        } else {
            Fate::Sent
        }
    }

    /// Whether it lies between `--since` and `--until`; without a time, only if neither is given.
    fn is_in_range(&self, at: Option<u64>) -> bool {
        let Options { since, until, .. } = self.options;
        let at = at.map(|milliseconds| milliseconds / 1000);
        since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && until.is_none_or(|until| at.is_some_and(|at| at < until))
    }

    /// Whether any name of a customer is in the file of those to leave out. Notes which lines were of use.
    fn is_excluded(&mut self, customer: &Customer) -> bool {
        let exclusion = &self.options.exclusion;
        let before = customer.names.iter().filter_map(|name| exclusion.line(name));
        let lines: Vec<_> = before.collect();
        self.found.extend(&lines);
        !lines.is_empty()
    }

    /// The lines of the file of those to leave out that name nobody.
    pub fn not_found(&self) -> Vec<usize> {
        let lines = self.options.exclusion.lines().filter(|line| !self.found.contains(line));
        lines.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// `excluded` are names that lead to people who are to be left out.
    fn finish(&mut self, person: Person, excluded: &BTreeSet<String>) -> Option<Made> {
        if person.is_excluded || excluded.contains(&person.name().to_lowercase()) {
            self.left_out.excluded += 1;
            return None;
        }
        let (span, held) = (person.span, person.held.clone());
        if !person.is_in_range {
            self.left_out.out_of_range += 1;
            return None;
        }
        let has_time = self.options.transform.identify_time == IdentifyTime::Event;
        let items = person.into_items(Some(self.read_at).filter(|_| has_time));
        (!items.json.is_empty()).then_some(Made { items, held, span })
    }
}

/// The person that an item is about, or that its object belongs to.
fn owner(item: &Item) -> Option<&Identifier> {
    match &item.identifiers {
        Subject::Person(identifier) => Some(identifier),
        Subject::Object { .. } => item.cio_relationships.first().map(|it| &it.identifiers),
    }
}

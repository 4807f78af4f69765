//! Whose each object is, and where it stands in the files.

use super::groups::Groups;
use crate::Error;
use crate::reading::{LISTS, Pages};
use dodo_customerio::dodo::Object;
use dodo_customerio::event::{lenient, own_id};
use dodo_customerio::transform::built_in::PersonIdentifier;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Positions in [`LISTS`].
pub const CUSTOMERS: usize = 0;
pub const SUBSCRIPTIONS: usize = 1;
pub const PAYMENTS: usize = 2;
pub const REFUNDS: usize = 3;
pub const DISPUTES: usize = 4;

/// Where an object stands.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Which of [`LISTS`].
    pub list: u8,
    length: u32,
    offset: u64,
}

/// All customers, and which objects are theirs: some 100 bytes a customer and 24 an object.
#[derive(Debug)]
pub struct Index {
    files: Vec<(File, PathBuf)>,
    /// By the numbers of the customers.
    records: Vec<Option<Place>>,
    /// Sorted by customer, then in the order in which they were read.
    objects: Vec<(u32, Place)>,
    /// Customers who may share a person, by their numbers.
    pub groups: Vec<Vec<u32>>,
    /// Objects of nobody who is known.
    pub ownerless: u64,
}

/// What the index needs of an object.
#[derive(Debug, Deserialize)]
struct Head {
    #[serde(default)]
    customer_id: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    customer: Value,
    #[serde(default)]
    payment_id: Value,
    #[serde(default)]
    metadata: Value,
}

impl Index {
    /// Goes through all that was read.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn of(pages: &Pages, identifier: &PersonIdentifier) -> Result<Self, Error> {
        let mut builder = Builder::new(identifier);
        // Refunds and disputes name no customer, but a payment: which payments these are is known first.
        for list in [REFUNDS, DISPUTES] {
            pages.journals[list].objects(&pages.windows[list], |item, offset| {
                builder.of_payment(item, place(list, item, offset));
            })?;
        }
        for list in [CUSTOMERS, SUBSCRIPTIONS, PAYMENTS] {
            pages.journals[list].objects(&pages.windows[list], |item, offset| {
                builder.of_customer(item, place(list, item, offset));
            })?;
        }
        let file = |list: usize| {
            let journal = &pages.journals[list];
            Ok((journal.reopen()?, PathBuf::from(LISTS[list])))
        };
        let files = (0..LISTS.len()).map(file).collect::<Result<_, Error>>()?;
        Ok(builder.finish(files))
    }

    /// A customer as the list of customers has them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn record(&self, customer: u32) -> Result<Option<Object>, Error> {
        self.records[customer as usize].map(|place| self.object(place)).transpose()
    }

    /// All objects of a customer, with their lists, in the order in which they were read.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn objects(&self, customer: u32) -> Result<Vec<(usize, Object)>, Error> {
        let start = self.objects.partition_point(|(owner, _)| *owner < customer);
        let theirs = self.objects[start..].iter().take_while(|(owner, _)| *owner == customer);
        theirs.map(|(_, place)| Ok((usize::from(place.list), self.object(*place)?))).collect()
    }

    fn object(&self, place: Place) -> Result<Object, Error> {
        let (file, path) = &self.files[usize::from(place.list)];
        let mut bytes = vec![0; place.length as usize];
        file.read_exact_at(&mut bytes, place.offset).map_err(Error::at(path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::at(path)(error.into()))
    }
}

fn place(list: usize, item: &RawValue, offset: u64) -> Place {
    let length = u32::try_from(item.get().len()).expect("a response is smaller");
    Place { list: u8::try_from(list).expect("five lists"), length, offset }
}

struct Builder<'a> {
    identifier: &'a PersonIdentifier,
    numbers: HashMap<Box<str>, u32>,
    records: Vec<Option<Place>>,
    objects: Vec<(u32, Place)>,
    /// Refunds and disputes by payment, with the person that their own metadata names.
    of_payments: HashMap<Box<str>, Vec<(Place, Option<String>)>>,
    groups: Groups,
    ownerless: u64,
}

impl<'a> Builder<'a> {
    fn new(identifier: &'a PersonIdentifier) -> Self {
        let (numbers, records, objects, of_payments) = Default::default();
        let (groups, ownerless) = (Groups::default(), 0);
        Self { identifier, numbers, records, objects, of_payments, groups, ownerless }
    }

    fn of_payment(&mut self, item: &RawValue, place: Place) {
        let Ok(head) = serde_json::from_str::<Head>(item.get()) else { return };
        if let Some(payment) = lenient::string(&head.payment_id) {
            let own_id = self.own_id(&head.metadata);
            self.of_payments.entry(payment.into()).or_default().push((place, own_id));
        }
    }

    fn own_id(&self, metadata: &Value) -> Option<String> {
        let PersonIdentifier::Metadata(key) = self.identifier else { return None };
        own_id(Some(metadata), key)
    }

    fn of_customer(&mut self, item: &RawValue, place: Place) {
        let Ok(head) = serde_json::from_str::<Head>(item.get()) else { return };
        let customer = |field: &str| head.customer.get(field);
        let id = customer("customer_id").or(Some(&head.customer_id)).and_then(lenient::string);
        let Some(id) = id else {
            self.ownerless += 1;
            return;
        };
        let number = self.number(&id);
        let email = customer("email").or(Some(&head.email)).and_then(lenient::string);
        if usize::from(place.list) == CUSTOMERS {
            self.records[number as usize] = Some(place);
        } else {
            self.objects.push((number, place));
        }
        if usize::from(place.list) == PAYMENTS
            && let Some(payment) = lenient::string(&head.payment_id)
        {
            // A payment that was read twice must not bring them twice.
            for (place, own_id) in self.of_payments.remove(payment.as_str()).unwrap_or_default() {
                self.objects.push((number, place));
                if let Some(id) = own_id {
                    self.groups.name(number, &id);
                }
            }
        }
        self.group(number, &head, customer("metadata"), email);
    }

    /// Notes by which names the customer's people may be known.
    fn group(
        &mut self,
        number: u32,
        head: &Head,
        of_customer: Option<&Value>,
        email: Option<String>,
    ) {
        if *self.identifier == PersonIdentifier::CustomerId {
            return;
        }
        if let Some(email) = email {
            self.groups.name(number, &email.to_lowercase());
        }
        for metadata in [Some(&head.metadata), of_customer].into_iter().flatten() {
            if let Some(id) = self.own_id(metadata) {
                self.groups.name(number, &id);
            }
        }
    }

    fn number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = u32::try_from(self.records.len()).expect("fewer than four billion customers");
        self.numbers.insert(id.into(), number);
        self.records.push(None);
        self.groups.add();
        number
    }

    fn finish(mut self, files: Vec<(File, PathBuf)>) -> Index {
        let of_unknown_payments: usize = self.of_payments.values().map(Vec::len).sum();
        self.objects.sort_by_key(|(customer, place)| (*customer, place.list, place.offset));
        Index {
            files,
            records: self.records,
            objects: self.objects,
            groups: self.groups.finish(),
            ownerless: self.ownerless + of_unknown_payments as u64,
        }
    }
}

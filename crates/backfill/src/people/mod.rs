//! From objects to people: each object's events go through the built-in transform, with what lookups would
//! have found, and what they leave at a person is sent as one update.

mod customer;
mod groups;
mod happenings;
mod index;
mod lookups;
mod maker;
mod person;

pub use index::Index;
pub use maker::{Made, Maker, STARTS_CAMPAIGNS};
pub use person::Held;

use serde::{Deserialize, Serialize};

/// Who is not sent, or not whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Customers to whom nothing happened that a webhook tells.
    pub without_events: u64,
    /// People in the file of `--exclude`.
    pub excluded: u64,
    /// Lines of that file that name nobody whom Dodo knows.
    pub not_found: Vec<usize>,
    /// People to whom nothing happened between `--since` and `--until`.
    pub out_of_range: u64,
    /// Customers whom `PERSON_IDENTIFIER` cannot identify.
    pub unidentified: u64,
    /// Objects of nobody who is known.
    pub ownerless: u64,
    /// People whose sums cannot be computed with certainty.
    pub without_sums: u64,
}

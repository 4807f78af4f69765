//! What Dodo's API knows and a payload does not hold: who somebody is, what they have paid in total,
//! which of their subscriptions runs, what a product is called. Asked only if the secret has a
//! `dodo_api_key`.
//!
//! `Enricher` looks up what an event [`Needs`] and gathers it as an [`Enrichment`]; what follows from
//! the lists (`lifetime`, `subscriptions`) is pure.

mod cache;
mod client;
mod enricher;
mod enrichment;
mod error;
mod lifetime;
mod memo;
mod person_lists;
mod subscriptions;

pub(crate) use client::{Access, Api};
pub use client::{Object, endpoint};
pub use enricher::named_subscription;
pub(crate) use enricher::{Enricher, is_fresh};
pub use enrichment::{Enrichment, Lookup, Needs};
pub use error::{LookupError, SumError};
pub use lifetime::{History, LifetimeValue, Sum};
pub(crate) use memo::Memo;
pub use person_lists::MAX_SAME_ADDRESS;
pub use subscriptions::Subscriptions;

//! What Dodo's API knows and a payload does not hold: a customer's address, and what they have paid in
//! total. Asked only if the secret has a `dodo_api_key`.
//!
//! [`Enricher`] decides what an event needs and gathers it as an [`Enrichment`]; the sums are pure.

mod cache;
mod client;
mod enricher;
mod enrichment;
mod lifetime;

pub use client::LookupError;
pub(crate) use client::{Access, Api};
pub(crate) use enricher::Enricher;
pub use enrichment::Enrichment;

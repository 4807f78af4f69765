//! What Dodo's API knows and a payload does not hold: a customer's address, and what they have paid in
//! all. Only asked if the secret has a `dodo_api_key`.
//!
//! [`Lookups`] decides what a webhook needs and gathers it as [`Facts`]; the reckoning is pure.

mod api;
mod cache;
mod facts;
mod history;
mod lookups;

pub use api::{Access, Api, LookupError};
pub use cache::Profile;
pub use facts::{Facts, Lifetime};
pub use history::History;
pub use lookups::Lookups;

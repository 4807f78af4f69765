//! Customer.io's Track API v2: what is sent and how large it may be.

mod attributes;
mod event_id;
mod item;
pub mod limits;

pub use attributes::{Attributes, Weight};
pub use event_id::event_id;
pub use item::{Action, Batch, Identifier, Item};

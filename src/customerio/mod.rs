//! Customer.io's Track API v2: what is sent, how large it may be, and what the responses mean.

mod attributes;
mod client;
mod event_id;
mod fitting;
mod item;
pub mod limits;
mod packing;
mod rejection;
mod request;
mod response;
mod retry;

pub use attributes::{Attributes, Weight};
pub use client::{Attempts, Credentials, TrackApi};
pub(crate) use event_id::event_id;
pub(crate) use fitting::fit;
pub use item::{Action, Batch, Identifier, Item, Relationship, Subject, SubjectType};
pub use packing::{OutgoingRequests, pack};
pub use rejection::Known;
pub use request::Request;
pub use response::{ItemError, Later, LaterReason, Verdict};

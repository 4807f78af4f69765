//! A webhook on its way from bytes that anybody could have sent to an event of Dodo's.
//!
//! [`Unverified`] → ([`signature`]) → [`Verified`] → [`Envelope`]: each step is a type of its own, so
//! that code which needs a genuine event cannot be handed anything else.

mod envelope;
mod headers;
pub mod signature;

pub use envelope::{Envelope, NotAnEnvelope};
pub use headers::{HeaderError, Unverified};
pub use signature::{Refused, SigningKey, SigningKeyError, Verified};

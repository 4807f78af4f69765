//! From bytes that anybody could have sent to a webhook that Dodo sent.
//!
//! [`Unverified`] → (`signature`) → [`Verified`]: each step is a type of its own, so that code which
//! needs a genuine webhook cannot be given anything else.

mod headers;
mod signature;

pub use headers::{HeaderError, Unverified};
pub use signature::{SignatureError, SigningKey, SigningKeyError, Verified};

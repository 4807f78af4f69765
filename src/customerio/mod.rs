//! Customer.io's Track API v2: what is sent, how large it may be, and what the answers mean.

mod answer;
mod attributes;
mod call;
mod client;
mod event_id;
mod item;
pub mod limits;
mod retry;

pub use answer::{Later, LaterReason, Refusal, Verdict, retry_after};
pub use attributes::{Attributes, Weight};
pub use call::Call;
pub use client::{Credentials, Effort, Track};
pub use event_id::event_id;
pub use item::{Action, Batch, Identifier, Item};
pub use retry::{MAX_ATTEMPTS, Pace};

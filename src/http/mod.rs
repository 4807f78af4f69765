//! HTTP for everything: the one client of the process, and when a failed request is repeated.

mod client;
mod retry;

pub(crate) use client::warm_up;
pub use client::{client, read_body};
pub(crate) use retry::MAX_ATTEMPTS;
pub use retry::{RetryPolicy, retry_after};

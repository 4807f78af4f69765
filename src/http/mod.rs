//! HTTP for everything: the one client of the process, and when a failed request is repeated.

mod client;
mod retry;

pub use client::client;
pub(crate) use client::read_body;
pub use retry::RetryPolicy;
pub(crate) use retry::{MAX_ATTEMPTS, parse_retry_after};

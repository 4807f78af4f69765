//! What triggers the function: today its URL.

mod http;
mod log_line;
mod response;

pub use http::{Clock, Dependencies, Function, MAX_BODY};

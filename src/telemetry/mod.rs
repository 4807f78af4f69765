//! What the process says of itself: log, metrics, and the redaction of both.

pub mod log;
pub(crate) mod metrics;
pub mod redaction;

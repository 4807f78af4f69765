//! Handlers run in a process of their own: this program in another role. Inside a built-in function
//! (`new Array(4294967295).join()`) the engine asks nobody whether it may go on, and a thread cannot be
//! ended; a process can, and another takes its place.
//!
//! The process gets files and webhooks over a socket and nothing else: no environment, no arguments but
//! its role, no credentials. It limits itself (`cage`) before it reads the first file.

mod cage;
mod channel;
mod child;
mod parent;

pub use child::run_if_asked;
pub use parent::{PATIENCE, PATIENCE_WITH_ALL};
pub(super) use parent::{Problem, Process};

use super::engine::{Limits, Source};
use serde::{Deserialize, Serialize};

/// The argument that gives this program its other role.
const ROLE: &str = "run-handlers";

/// The first message to the process. It answers with an [`engine::Answer`](super::engine::Answer) a file
/// for each webhook after it, up to the first failure.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Start {
    sources: Vec<Source>,
    limits: Limits,
    keep_notes: bool,
    /// Whether to run the top level of each file now, and to answer for each file how that went.
    check: bool,
}

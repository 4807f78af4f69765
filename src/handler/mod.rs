//! What triggers the function: its URL, or a queue.

mod batch;
mod batch_line;
mod http;
mod http_event;
mod line;
mod log_line;
mod response;
mod sqs;
mod sqs_event;

pub use http::{Clock, Dependencies, Function};
pub use http_event::{HttpEvent, HttpResponse, ResponseHeaders};
pub use sqs::QueueFunction;
pub use sqs_event::{BatchResponse, SqsEvent};

use crate::config::{Role, Settings};
use crate::http::RetryPolicy;

/// One of the two functions that this program can be.
pub enum Service {
    /// Takes webhooks.
    Webhooks(Function),
    /// Delivers what is in the queue.
    Queue(QueueFunction),
}

impl Service {
    /// The function that the settings describe. No request is made yet.
    pub fn new(settings: Settings) -> Self {
        let policy = match settings.role {
            Role::Webhooks { .. } => RetryPolicy::default(),
            Role::Queue { .. } => RetryPolicy::of_batches(),
        };
        Self::with(settings, Dependencies { policy, ..Dependencies::default() })
    }

    /// The same with other dependencies.
    pub fn with(settings: Settings, dependencies: Dependencies) -> Self {
        let Settings { relay, tolerance, role, .. } = settings;
        match role {
            Role::Webhooks { queue } => {
                Self::Webhooks(Function::new(relay, tolerance, queue, dependencies))
            }
            Role::Queue { queue, dead_letters } => {
                Self::Queue(QueueFunction::new(relay, queue, dead_letters, dependencies))
            }
        }
    }
}

//! What leads to the function while its processes change: its URL and, in queue mode, the queue.

use super::queue::Queue;
use crate::function::Function;
use stand_ins::front::Front;
use stand_ins::runtime_api::FUNCTION_TIMEOUT;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Both entrances. Each leads to one process after the other.
pub struct Entrances {
    pub front: Front,
    /// In queue mode.
    pub queue: Option<Arc<Queue>>,
}

/// The processes of one version: the function that takes webhooks and, in queue mode, the one that delivers
/// them. They end when this is dropped.
pub struct Functions {
    webhooks: Function,
    queue: Option<Function>,
}

impl Entrances {
    /// Starts the function, or both, and leads to them what arrives from now on.
    ///
    /// # Errors
    /// Why one is not ready; then everything goes on as before.
    pub async fn start(
        &self,
        program: &Path,
        environment: &[(&'static str, String)],
        log: &Path,
    ) -> Result<Functions, String> {
        let webhooks = Function::start(program, environment, log, FUNCTION_TIMEOUT);
        let queue = async {
            match &self.queue {
                Some(queue) => queue.start(program, environment).await.map(Some),
                None => Ok(None),
            }
        };
        let (webhooks, queue_function) = tokio::try_join!(webhooks, queue)?;
        self.front.lead_to(webhooks.runtime.clone());
        if let (Some(queue), Some(function)) = (&self.queue, &queue_function) {
            function.runtime.record(&self.front.journal());
            queue.lead_to(function.runtime.clone());
        }
        Ok(Functions { webhooks, queue: queue_function })
    }

    /// What was refused before may be accepted by what runs now.
    pub async fn redrive(&self) {
        if let Some(queue) = &self.queue {
            Box::pin(queue.redrive()).await;
        }
    }
}

impl Functions {
    /// Waits until one ends by itself. Returns which, and its log.
    pub async fn ended(&mut self) -> (&'static str, PathBuf) {
        let queue = async {
            match &mut self.queue {
                Some(queue) => queue.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            log = self.webhooks.ended() => ("The function", log),
            log = queue => ("The queue function", log),
        }
    }

    /// Others have taken their place: lets them finish what they are working on, then ends them.
    pub async fn retire(self) {
        let queue = async {
            if let Some(queue) = self.queue {
                queue.retire().await;
            }
        };
        tokio::join!(self.webhooks.retire(), queue);
    }
}

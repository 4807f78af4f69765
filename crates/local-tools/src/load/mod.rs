//! `make load`: many webhooks through real processes of the release program, under a local Lambda Runtime API.
//!
//! `direct` sends them back to back through one process. `queue` sends them through both functions of queue
//! mode and then checks each id at the receiver; `drain` is the second of them, `environment` one process,
//! `receiver` the Customer.io that counts, `tally` what it counted, `services` what stands around, `traffic` the
//! webhooks.

mod direct;
mod drain;
mod environment;
mod measured;
mod queue;
mod receiver;
mod services;
mod tally;
mod traffic;

use crate::delivery::Delivery;
use stand_ins::interrupt::until_interrupted;
use std::path::{Path, PathBuf};

/// What is sent, and through what.
#[derive(Debug)]
pub struct Load {
    /// The function's program.
    pub program: PathBuf,
    /// How many webhooks.
    pub count: usize,
    /// Perhaps a JavaScript transform.
    pub transform: Option<PathBuf>,
    /// The mode.
    pub delivery: Delivery,
    /// In queue mode, webhooks a second; back to back without.
    pub rate: Option<u32>,
    /// In queue mode, processes of the webhook function.
    pub environments: usize,
}

impl Load {
    /// Runs it until it is done or Ctrl-C, and prints tables.
    ///
    /// # Errors
    /// A sentence that says what did not start, or did not come to what it should.
    pub async fn run(&self) -> Result<(), String> {
        match self.delivery {
            Delivery::Direct => until_interrupted(direct::load(self)).await,
            Delivery::Queue => until_interrupted(queue::load(self)).await,
        }
    }

    fn transform(&self) -> Option<&Path> {
        self.transform.as_deref()
    }
}

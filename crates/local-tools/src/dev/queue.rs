//! `make dev DELIVERY=queue`: Lambda's poller hands the queue to the queue function, and what became of each
//! batch is said, with the dead letters and their reasons.

use crate::function::Function;
use crate::queues::{DeadLetter, FUNCTION_TIMEOUT, Queues};
use serde_json::Value;
use stand_ins::poller::{Invoke, Polled};
use stand_ins::project::project_file;
use stand_ins::runtime_api::RuntimeApi;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// The lines of the requests to Customer.io come first; they are looked for ten times a second.
const AFTER_REQUESTS: Duration = Duration::from_millis(150);

/// The queues, and the queue function behind them.
pub struct Queue {
    queues: Queues,
    function: Current,
    dead_letters: Mutex<Vec<DeadLetter>>,
    log: PathBuf,
}

/// The process of the queue function that runs now.
#[derive(Clone, Default)]
struct Current(Arc<Mutex<Option<Arc<RuntimeApi>>>>);

impl Queue {
    /// Creates the queues; the log of the queue function is named after the port of the other one.
    ///
    /// # Errors
    /// What SQS says against it.
    pub async fn create(endpoint: &str, port: u16) -> Result<Self, String> {
        let log = project_file(format!("target/local/queue-function-{port}.log"));
        drop(fs::remove_file(&log));
        let queues = Queues::create(endpoint).await?;
        Ok(Self { queues, function: Current::default(), dead_letters: Mutex::default(), log })
    }

    /// The environment variables that lead both functions here.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        self.queues.environment()
    }

    /// Starts the queue function, with the environment of the webhook function.
    ///
    /// # Errors
    /// Why it is not ready.
    pub async fn start(
        &self,
        program: &Path,
        environment: &[(&'static str, String)],
    ) -> Result<Function, String> {
        let environment = [environment, &self.queues.environment_of_queue_function()].concat();
        Function::start(program, &environment, &self.log, FUNCTION_TIMEOUT).await
    }

    /// Hands batches to this process from now on. One on its way stays where it is.
    pub fn lead_to(&self, function: Arc<RuntimeApi>) {
        *self.function.lock() = Some(function);
    }

    /// What to know about it.
    pub fn in_words(&self) -> String {
        format!(
            "queue          webhooks wait in it for about a second, then go out together\n\
             queue's log    {}",
            self.log.display()
        )
    }

    /// Polls, and says what became of each batch.
    pub async fn follow(&self) {
        let poller = self.queues.poller(self.function.clone());
        loop {
            let batch = poller.poll().await;
            if batch.received > 0 {
                sleep(AFTER_REQUESTS).await;
                println!("{}", in_words(&batch));
                self.show_dead_letters().await;
            }
        }
    }

    async fn show_dead_letters(&self) {
        match self.queues.new_dead_letters().await {
            Ok(new) => {
                for letter in &new {
                    println!("{}", dead_letter(letter));
                }
                self.letters().extend(new);
            }
            Err(problem) => println!("{problem}"),
        }
    }

    /// Puts all dead letters back into the queue.
    pub async fn redrive(&self) {
        let letters = std::mem::take(&mut *self.letters());
        if letters.is_empty() {
            return;
        }
        let count = webhooks(letters.len());
        println!("    From the dead letters {count} back into the queue.");
        for letter in letters {
            if let Err(problem) = self.queues.redrive(&letter).await {
                println!("{problem}");
                self.letters().push(letter);
            }
        }
    }

    fn letters(&self) -> MutexGuard<'_, Vec<DeadLetter>> {
        self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<RuntimeApi>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Invoke for Current {
    async fn invoke(&self, event: Value) -> Option<Value> {
        let function = self.lock().clone();
        function?.invoke(event).await
    }
}

fn in_words(batch: &Polled) -> String {
    let Polled { received, kept } = batch;
    let done = received.saturating_sub(kept.len());
    let text = format!("batch of {received} from the queue: {done} done");
    match kept.len() {
        0 => text,
        again => format!(
            "{text}, {again} to come again, after 30 s the first time and then after longer pauses. The \
             queue's log says why."
        ),
    }
}

fn dead_letter(letter: &DeadLetter) -> String {
    let DeadLetter { event_type, id, reason, .. } = letter;
    format!(
        "dead letter: {event_type} {id}\n    {reason}\n    It goes back into the queue when you have changed \
         the transform, the settings or the code."
    )
}

fn webhooks(count: usize) -> String {
    if count == 1 { "1 webhook goes".to_owned() } else { format!("{count} webhooks go") }
}

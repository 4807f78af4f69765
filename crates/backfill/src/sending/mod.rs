//! Sends the batches, several at a time, and reads the responses item by item.

mod log;
mod pair;

pub use log::Log;
pub use pair::check_pair;

use crate::folder::Folder;
use crate::pace::Pace;
use crate::patience::{Patience, watched};
use crate::plan::{BATCHES, Plan};
use crate::{Error, Options, Terminal};
use dodo_customerio::customerio::{
    Attempts, Credentials, ItemError, Later, LaterReason, TrackApi, Verdict, pack,
};
use dodo_customerio::http::{RetryPolicy, client};
use futures_util::stream::{FuturesUnordered, StreamExt};
use log::Refused;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Requests that are under way at the same time.
const AT_ONCE: usize = 4;

/// Within this, the Track client tries again by itself. Longer waits are said, so they are made here.
const DELIVERY: Duration = Duration::from_secs(12);

const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// What is said while it is asked again.
const UNREACHABLE: &str = "Customer.io does not accept requests for now";

/// Sends what an earlier run has not sent.
///
/// # Errors
/// Why it cannot go on; what was accepted is kept.
pub async fn send(
    folder: &Folder,
    plan: &Plan,
    options: &Options,
    credentials: &Credentials,
    log: &mut Log,
    terminal: &mut dyn Terminal,
) -> Result<(), Error> {
    let sender = Sender::new(options, credentials);
    let mut batches = Batches::open(folder)?;
    terminal.begin("Sending to Customer.io", plan.requests);
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((number, body)) = batches.next_to_send(log)?
        {
            running.push(sender.batch(number, body));
        }
        let ended = watched(running.next(), &sender.patience, terminal).await;
        let Some(ended) = ended else { break };
        let (number, refused) = ended?;
        log.note(number, &refused)?;
        terminal.advance(log.len(), &format!("{} items refused", log.refused()));
    }
    terminal.end();
    Ok(())
}

/// The batches in their file.
struct Batches {
    reader: BufReader<File>,
    path: std::path::PathBuf,
    next: u64,
}

impl Batches {
    fn open(folder: &Folder) -> Result<Self, Error> {
        let path = folder.path(BATCHES);
        let file = File::open(&path).map_err(Error::at(&path))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 20, file), path, next: 0 })
    }

    fn next_to_send(&mut self, log: &Log) -> Result<Option<(u64, Vec<u8>)>, Error> {
        loop {
            let mut line = Vec::new();
            self.reader.read_until(b'\n', &mut line).map_err(Error::at(&self.path))?;
            if line.is_empty() {
                return Ok(None);
            }
            let number = self.next;
            self.next += 1;
            if !log.is_sent(number) {
                return Ok(Some((number, line)));
            }
        }
    }
}

struct Sender<'a> {
    track: TrackApi,
    credentials: &'a Credentials,
    pace: Pace,
    patience: Patience,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
}

impl<'a> Sender<'a> {
    fn new(options: &Options, credentials: &'a Credentials) -> Self {
        Self {
            track: TrackApi::new(client(), options.track_url.clone(), RetryPolicy::of_batches()),
            credentials,
            pace: Pace::new(options.rate, Duration::from_secs(1)),
            patience: Patience::new(options.patience),
        }
    }

    async fn batch(&self, number: u64, body: Vec<u8>) -> Result<(u64, Vec<Refused>), Error> {
        let batch: Batch = serde_json::from_slice(&body).expect("it was written whole");
        let items: Vec<Vec<u8>> =
            batch.batch.iter().map(|item| item.get().as_bytes().to_vec()).collect();
        let mut refused = Vec::new();
        let mut parts = vec![items];
        while let Some(items) = parts.pop() {
            let (errors, is_whole) = match self.deliver(&items).await? {
                Verdict::Accepted => continue,
                Verdict::PartlyRejected(errors) => (errors, false),
                Verdict::Rejected(errors) => (errors, true),
                Verdict::Later(later) => return Err(give_up(&later)),
            };
            let names_items =
                !errors.is_empty() && errors.iter().all(|it| it.batch_index.is_some());
            if items.len() > 1 && (is_whole || !names_items) {
                // Nothing says which item is at fault, or what became of the others: divided, it shows.
                parts.extend(items.chunks(items.len().div_ceil(2)).map(<[_]>::to_vec));
            } else {
                refused.extend(by_item(&items, errors));
            }
        }
        Ok((number, refused))
    }

    /// Sends items until Customer.io says something that will not change.
    async fn deliver(&self, items: &[Vec<u8>]) -> Result<Verdict, Error> {
        // Each with a position of its own, by which its errors are known.
        let single = items.iter().map(std::slice::from_ref).enumerate();
        let [request] = &pack(single, &HeaderMap::new())[..] else {
            unreachable!("items of one request fit into one");
        };
        let mut failures = 0;
        loop {
            self.pace.turn().await;
            let began = Instant::now();
            let mut attempts = Attempts { deadline: began + DELIVERY, made: 0 };
            let known = |_: &[usize]| Value::Null;
            let verdict =
                self.track.deliver(request, self.credentials, &mut attempts, &known).await;
            let Verdict::Later(later) = &verdict else {
                self.patience.succeeded();
                return Ok(verdict);
            };
            failures += 1;
            let pause = backoff(failures).max(later.retry_after.unwrap_or_default());
            let is_over = || self.patience.failed(began, pause, UNREACHABLE).is_err();
            if !may_change(later.reason) || is_over() {
                return Ok(verdict);
            }
            if matches!(later.reason, LaterReason::RateLimited) {
                self.pace.pause(pause);
            }
            sleep(pause).await;
        }
    }
}

/// Each item that errors name, with its errors; those that name none are about the only item there is.
fn by_item(items: &[Vec<u8>], errors: Vec<ItemError>) -> Vec<Refused> {
    let mut all: BTreeMap<usize, Vec<ItemError>> = BTreeMap::new();
    for error in errors {
        let index = error.batch_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        all.entry(index.min(items.len() - 1)).or_default().push(error);
    }
    let item = |index: usize| serde_json::from_slice(&items[index]).unwrap_or(Value::Null);
    all.into_iter().map(|(index, errors)| Refused { item: item(index), errors }).collect()
}

/// Whether it may be otherwise without anybody changing a setting.
fn may_change(reason: LaterReason) -> bool {
    !matches!(
        reason,
        LaterReason::WrongRegion(_)
            | LaterReason::CredentialsRefused(_)
            | LaterReason::Unexpected(_)
    )
}

fn give_up(later: &Later) -> Error {
    match later.reason {
        LaterReason::CredentialsRefused(status) => Error::PairRefused(status),
        reason => Error::CustomerIo(reason),
    }
}

/// From a second on, twice as long each time.
fn backoff(failures: u32) -> Duration {
    Duration::from_millis(500).saturating_mul(1 << failures.min(10)).min(LONGEST_BACKOFF)
}

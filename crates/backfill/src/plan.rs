//! What will be sent: the batches, in a file, and what a person should know before they leave.

use crate::folder::Folder;
use crate::patience::watched;
use crate::people::{Held, LeftOut, Made, Maker};
use crate::reading::{LISTS, Pages};
use crate::{Error, Options, Terminal};
use dodo_customerio::customerio::limits::MAX_BATCH;
use dodo_customerio::customerio::pack;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

const FILE: &str = "plan.json";

/// Where the batches are, one a line.
pub const BATCHES: &str = "batches.jsonl";

/// As many people are shown.
const EXAMPLES: usize = 3;

/// What will be sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Stands for everything that decides what is in the batches.
    choices: String,
    /// In Unix seconds.
    pub read_at: u64,
    /// Objects by list.
    pub read: BTreeMap<String, u64>,
    pub people: u64,
    pub objects: u64,
    pub events: u64,
    pub requests: u64,
    /// When the oldest and the newest thing happened, in Unix milliseconds.
    pub span: Option<(u64, u64)>,
    pub left_out: LeftOut,
    /// Events of those who are sent.
    pub held: Held,
    /// Updates of some people.
    pub examples: Vec<Value>,
}

impl Plan {
    /// The plan of an earlier run, if it was made by the same choices of lists read since `oldest`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn kept(folder: &Folder, options: &Options, oldest: u64) -> Result<Option<Self>, Error> {
        let plan = folder.read(FILE)?.and_then(|file| serde_json::from_slice::<Self>(&file).ok());
        let is_usable = |plan: &Self| plan.choices == choices(options) && plan.read_at >= oldest;
        Ok(plan.filter(is_usable))
    }

    /// Makes the people and their batches.
    ///
    /// # Errors
    /// If files, or Dodo's API, cannot be used.
    pub async fn make(
        folder: &Folder,
        options: &Options,
        pages: &Pages,
        maker: &mut Maker<'_>,
        terminal: &mut dyn Terminal,
    ) -> Result<Self, Error> {
        folder.remove(FILE)?;
        folder.remove(BATCHES)?;
        let read = LISTS.iter().zip(&pages.objects);
        let mut plan = Self {
            choices: choices(options),
            read_at: pages.read_at,
            read: read.map(|(list, count)| ((*list).to_owned(), *count)).collect(),
            ..Self::default()
        };
        let mut batches = Batches::new(folder)?;
        let index = maker.index;
        terminal.begin("Making people", index.groups.len() as u64);
        for (done, group) in index.groups.iter().enumerate() {
            let patience = &maker.dodo.patience;
            for made in watched(maker.people(group), patience, terminal).await? {
                plan.add(&made);
                batches.add(made.items.json).map_err(Error::at(folder.path(BATCHES)))?;
            }
            if done % 1_000 == 0 {
                terminal.advance(done as u64, &format!("{} people", plan.people));
            }
        }
        terminal.end();
        plan.requests = batches.finish().map_err(Error::at(folder.path(BATCHES)))?;
        plan.left_out = LeftOut { not_found: maker.not_found(), ..maker.left_out.clone() };
        folder.write(FILE, &serde_json::to_vec(&plan).expect("strings and numbers serialise"))?;
        Ok(plan)
    }

    fn add(&mut self, made: &Made) {
        self.people += 1;
        self.objects += made.items.objects;
        self.events += made.items.events;
        self.held.add(&made.held);
        if self.examples.len() < EXAMPLES {
            let update = made.items.json.first();
            self.examples.extend(update.and_then(|item| serde_json::from_slice(item).ok()));
        }
        if let Some((first, last)) = made.span {
            let (oldest, newest) = self.span.unwrap_or((first, last));
            self.span = Some((oldest.min(first), newest.max(last)));
        }
    }
}

/// What two runs must have in common to send the same.
fn choices(options: &Options) -> String {
    let Options { transform, since, until, events_until, events, exclusion, .. } = options;
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{version} {transform:?} {since:?} {until:?} {events_until:?} {events} {exclusion:?} {}",
        options.track_url
    )
}

/// The file of batches, each as large as Customer.io accepts.
struct Batches {
    file: BufWriter<File>,
    /// The items of people that wait for their batch.
    waiting: Vec<Vec<Vec<u8>>>,
    size: usize,
    requests: u64,
}

impl Batches {
    fn new(folder: &Folder) -> Result<Self, Error> {
        let file = BufWriter::with_capacity(1 << 20, folder.append(BATCHES)?);
        Ok(Self { file, waiting: Vec::new(), size: 0, requests: 0 })
    }

    fn add(&mut self, items: Vec<Vec<u8>>) -> std::io::Result<()> {
        /// Of a request, beside its items and their commas.
        const FRAME: usize = 16;
        let size: usize = items.iter().map(|item| item.len() + 1).sum();
        if self.size + size + FRAME > MAX_BATCH {
            self.flush()?;
        }
        self.size += size;
        self.waiting.push(items);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let people = self.waiting.iter().map(Vec::as_slice).enumerate();
        for request in pack(people, &HeaderMap::new()) {
            self.file.write_all(&request.body)?;
            self.file.write_all(b"\n")?;
            self.requests += 1;
        }
        self.waiting.clear();
        self.size = 0;
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<u64> {
        self.flush()?;
        self.file.flush()?;
        Ok(self.requests)
    }
}

//! Reads Dodo's lists as a whole, window by window, and keeps the pages.

mod cap;
mod charges;
mod client;
mod journal;
mod progress;
mod reader;
mod roots;
mod window;

pub use charges::Charges;
pub use client::Dodo;
pub use journal::Journal;
pub use roots::{Roots, fingerprint};
pub use window::Window;

use crate::folder::Folder;
use crate::patience::watched;
use crate::{Error, Options, Terminal};
use futures_util::stream::{FuturesUnordered, StreamExt};
use progress::{Progress, STEPS};
use reader::{Ended, Reader};

/// The lists, in the order in which they are shown.
pub const LISTS: [&str; 5] = ["customers", "subscriptions", "payments", "refunds", "disputes"];

/// Lists older than this are read again, in seconds.
const KEPT_FOR: u64 = 6 * 3_600;

/// Windows that are read at the same time.
const AT_ONCE: usize = 8;

/// Everything that was read.
#[derive(Debug)]
pub struct Pages {
    /// One for each of [`LISTS`].
    pub journals: Vec<Journal>,
    /// The windows of each that count.
    pub windows: Vec<Vec<Window>>,
    /// When the first of them was asked for, in Unix seconds: what they say is true since then.
    pub read_at: u64,
    /// How many objects each has.
    pub objects: Vec<u64>,
}

/// Reads all lists, except for what an earlier run has read within [`KEPT_FOR`].
///
/// # Errors
/// Why Dodo's API or the files cannot be read; what was read is kept.
pub async fn read(
    dodo: &Dodo,
    folder: &Folder,
    roots: &Roots,
    options: &Options,
    terminal: &mut dyn Terminal,
) -> Result<Pages, Error> {
    let reader = Reader::open(dodo, folder, options)?;
    let mut open = reader.open_windows(roots);
    let mut progress = Progress::new(roots, &open, reader.objects(roots));
    if !open.is_empty() {
        terminal.begin("Reading Dodo's lists", STEPS);
        read_windows(&reader, &mut open, &mut progress, terminal).await?;
        terminal.end();
    }
    Ok(reader.finish(roots))
}

async fn read_windows(
    reader: &Reader<'_>,
    open: &mut Vec<(usize, Window)>,
    progress: &mut Progress,
    terminal: &mut dyn Terminal,
) -> Result<(), Error> {
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((list, window)) = open.pop()
        {
            running.push(reader.window(list, window));
        }
        let ended = watched(running.next(), reader.patience(), terminal).await;
        let Some(ended) = ended else { return Ok(()) };
        match ended? {
            Ended::Done(window, objects) => progress.done(window, objects),
            Ended::Split(list, parts) => open.extend(parts.map(|part| (list, part))),
        }
        terminal.advance(progress.steps(), &progress.note());
    }
}

/// What was read before is too old, in Unix seconds.
pub fn oldest(options: &Options) -> u64 {
    options.now().saturating_sub(KEPT_FOR)
}

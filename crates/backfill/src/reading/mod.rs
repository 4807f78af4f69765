//! Reads Dodo's lists as a whole, window by window, and keeps the pages.

mod cap;
mod charges;
mod client;
mod journal;
mod roots;
mod window;

pub use charges::Charges;
pub use client::{Dodo, Reply};
pub use journal::Journal;
pub use roots::{Roots, fingerprint};
pub use window::Window;

use crate::folder::Folder;
use crate::{Error, Options, Terminal};
use cap::Cap;
use dodo_customerio::event::date;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lists, in the order in which they are shown.
pub const LISTS: [&str; 5] = ["customers", "subscriptions", "payments", "refunds", "disputes"];

/// Lists older than this are read again, in seconds.
const KEPT_FOR: u64 = 6 * 3_600;

/// Items of a page; Dodo gives no more.
const PAGE_SIZE: usize = 100;

/// After so many pages of a moment that cannot be divided, Dodo must be repeating them.
const ENDLESS: usize = 1_000;

/// Windows that are read at the same time.
const AT_ONCE: usize = 8;

/// Of a progress bar.
const STEPS: u64 = 10_000;

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
    let journals: Vec<_> =
        LISTS.iter().map(|list| Journal::open(folder, list)).collect::<Result<_, _>>()?;
    let reader = Reader {
        dodo,
        options,
        oldest: oldest(options),
        cap: Cap::default(),
        journals: journals.into_iter().map(Mutex::new).collect(),
    };
    let mut open = reader.open_windows(roots);
    let mut progress = Progress::new(&reader, roots, &open);
    if !open.is_empty() {
        terminal.begin("Reading Dodo's lists", STEPS);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some((list, window)) = open.pop()
            {
                running.push(reader.window(list, window));
            }
            let Some(ended) = running.next().await else { break };
            match ended? {
                Ended::Done(window, objects) => progress.done(window, objects),
                Ended::Split(list, parts) => open.extend(parts.map(|part| (list, part))),
            }
            terminal.advance(progress.steps(), &progress.note());
        }
        terminal.end();
    }
    Ok(reader.finish(roots))
}

struct Reader<'a> {
    dodo: &'a Dodo,
    options: &'a Options,
    oldest: u64,
    cap: Cap,
    journals: Vec<Mutex<Journal>>,
}

/// What became of a window.
enum Ended {
    Done(Window, u64),
    Split(usize, [Window; 2]),
}

/// What a page turned out to be.
enum Page {
    Items(Vec<u8>, usize),
    Refused(u16),
}

#[derive(Deserialize)]
struct Created {
    created_at: Option<Value>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

impl Reader<'_> {
    fn journal(&self, list: usize) -> MutexGuard<'_, Journal> {
        self.journals[list].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_windows(&self, roots: &Roots) -> Vec<(usize, Window)> {
        let mut all = Vec::new();
        for list in (0..LISTS.len()).rev() {
            let (mut done, mut open) = Default::default();
            for root in roots.windows() {
                self.journal(list).sort(root, self.oldest, &mut done, &mut open);
            }
            all.extend(open.into_iter().map(|window| (list, window)));
        }
        all
    }

    /// Reads a window to its end, or finds that it must be divided.
    async fn window(&self, list: usize, window: Window) -> Result<Ended, Error> {
        let mut number = self.journal(list).pages_to_keep(window, self.oldest);
        let mut found = Vec::new();
        if number == 0 {
            self.journal(list).begin(window, self.options.now())?;
        }
        loop {
            let ended = match self.page(list, window, number).await? {
                Page::Refused(status) if number == 0 => {
                    return Err(Error::DodoStatus { list: LISTS[list].to_owned(), status });
                }
                Page::Refused(_) => {
                    self.cap.lower(number);
                    let split = self.split(list, window, &mut [])?;
                    return split.ok_or(Error::TooFull(LISTS[list]));
                }
                // A full page was the last one, or Dodo shows no more of them.
                Page::Items(_, 0) if number > 0 => {
                    self.cap.suspect(number);
                    let split = self.split(list, window, &mut found)?;
                    return split.map_or_else(|| self.done(list, window), Ok);
                }
                Page::Items(..) if number >= ENDLESS => return Err(Error::TooFull(LISTS[list])),
                Page::Items(_, PAGE_SIZE..)
                    if window.width() > 1 && self.is_too_full(list, window, number).await? =>
                {
                    self.split(list, window, &mut [])?
                }
                Page::Items(body, count) => {
                    self.keep(list, window, &body, &mut found)?;
                    (count < PAGE_SIZE).then(|| self.done(list, window)).transpose()?
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            number += 1;
        }
    }

    /// Keeps a page, and when its objects were created.
    fn keep(
        &self,
        list: usize,
        window: Window,
        body: &[u8],
        found: &mut Vec<u64>,
    ) -> Result<(), Error> {
        let body: Body = serde_json::from_slice(body).expect("it was read before");
        found.extend(body.items.iter().filter_map(|item| created(item)));
        self.journal(list).page(window, body.items)
    }

    /// Whether a window whose page `number` is full reaches beyond the pages that it may have.
    async fn is_too_full(&self, list: usize, window: Window, number: usize) -> Result<bool, Error> {
        if number > 0 {
            return Ok(number >= self.cap.pages());
        }
        loop {
            let farthest = self.cap.pages() - 1;
            if farthest == 0 {
                return Ok(true);
            }
            match self.page(list, window, farthest).await? {
                Page::Items(_, count) => return Ok(count > 0),
                // It says nothing about this window: nearer pages will.
                Page::Refused(_) => self.cap.lower(farthest.div_ceil(2)),
            }
        }
    }

    fn done(&self, list: usize, window: Window) -> Result<Ended, Error> {
        let mut journal = self.journal(list);
        journal.done(window)?;
        Ok(Ended::Done(window, journal.state(window).objects))
    }

    /// `None` if it cannot be divided. `found` are the times of all that was found in it.
    fn split(
        &self,
        list: usize,
        window: Window,
        found: &mut [u64],
    ) -> Result<Option<Ended>, Error> {
        let Some(middle) = window.middle(found) else { return Ok(None) };
        self.journal(list).split(window, middle)?;
        Ok(Some(Ended::Split(list, window.parts(middle))))
    }

    async fn page(&self, list: usize, window: Window, number: usize) -> Result<Page, Error> {
        let [from, to] = window.filters();
        let page = [("page_size", PAGE_SIZE.to_string()), ("page_number", number.to_string())];
        let query: Vec<_> = page.into_iter().chain([from, to]).collect();
        match self.dodo.get(&[LISTS[list]], &query).await? {
            Reply::Refused(status) => Ok(Page::Refused(status)),
            Reply::Found(body) => {
                let count = serde_json::from_slice(&body).map(|body: Body| body.items.len());
                // It has no items: not what Dodo documents.
                let count = count
                    .map_err(|_| Error::DodoStatus { list: LISTS[list].to_owned(), status: 200 })?;
                Ok(Page::Items(body, count))
            }
        }
    }

    fn finish(self, roots: &Roots) -> Pages {
        let unlock =
            |journal: Mutex<Journal>| journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        let journals: Vec<_> = self.journals.into_iter().map(unlock).collect();
        let (mut windows, mut objects, mut read_at) = (Vec::new(), Vec::new(), self.options.now());
        for journal in &journals {
            let (mut done, mut open) = (Vec::new(), Vec::new());
            for root in roots.windows() {
                journal.sort(root, self.oldest, &mut done, &mut open);
            }
            let states = || done.iter().map(|window| journal.state(*window));
            read_at = states().map(|state| state.begun_at).fold(read_at, u64::min);
            objects.push(states().map(|state| state.objects).sum());
            windows.push(done);
        }
        Pages { journals, windows, read_at, objects }
    }
}

/// When an object was created, in Unix milliseconds.
fn created(item: &RawValue) -> Option<u64> {
    let created: Created = serde_json::from_str(item.get()).ok()?;
    date::unix_milliseconds(&created.created_at?)
}

/// How much of the time that the lists cover has been read.
struct Progress {
    total: u64,
    left: u64,
    objects: u64,
}

impl Progress {
    fn new(reader: &Reader<'_>, roots: &Roots, open: &[(usize, Window)]) -> Self {
        let total: u64 = roots.windows().map(Window::width).sum();
        let left = open.iter().map(|(_, window)| window.width()).sum();
        let (mut done, mut rest, mut objects) = (Vec::new(), Vec::new(), 0);
        for list in 0..LISTS.len() {
            let journal = reader.journal(list);
            done.clear();
            roots
                .windows()
                .for_each(|root| journal.sort(root, reader.oldest, &mut done, &mut rest));
            objects += done.iter().map(|window| journal.state(*window).objects).sum::<u64>();
        }
        Self { total: total * LISTS.len() as u64, left, objects }
    }

    fn done(&mut self, window: Window, objects: u64) {
        self.left = self.left.saturating_sub(window.width());
        self.objects += objects;
    }

    fn steps(&self) -> u64 {
        let done = u128::from(self.total - self.left.min(self.total));
        let steps = done * u128::from(STEPS) / u128::from(self.total.max(1));
        u64::try_from(steps).unwrap_or(STEPS)
    }

    fn note(&self) -> String {
        format!("{} objects", self.objects)
    }
}

/// What was read before is too old, in Unix seconds.
pub fn oldest(options: &Options) -> u64 {
    options.now().saturating_sub(KEPT_FOR)
}

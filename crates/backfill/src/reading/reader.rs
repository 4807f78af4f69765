//! Reads one window: to its end, or until it turns out to hold more than pages can show.

use super::cap::Cap;
use super::client::{Dodo, Reply};
use super::journal::Journal;
use super::roots::Roots;
use super::window::Window;
use super::{LISTS, Pages};
use crate::folder::Folder;
use crate::patience::Patience;
use crate::{Error, Options};
use dodo_customerio::event::date;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Items of a page; Dodo gives no more.
const PAGE_SIZE: usize = 100;

/// After so many pages of a moment that cannot be divided, Dodo must be repeating them.
const ENDLESS: usize = 1_000;

/// Reads windows, several at the same time.
pub struct Reader<'a> {
    dodo: &'a Dodo,
    options: &'a Options,
    oldest: u64,
    cap: Cap,
    journals: Vec<Mutex<Journal>>,
}

/// What became of a window.
pub enum Ended {
    /// It was read, and holds so many objects.
    Done(Window, u64),
    /// Its parts are to be read in its place.
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

impl<'a> Reader<'a> {
    /// Opens the files of all lists.
    ///
    /// # Errors
    /// If one cannot be used.
    pub fn open(dodo: &'a Dodo, folder: &Folder, options: &'a Options) -> Result<Self, Error> {
        let journal = |list: &&str| Journal::open(folder, list).map(Mutex::new);
        let journals = LISTS.iter().map(journal).collect::<Result<_, _>>()?;
        Ok(Self { dodo, options, oldest: super::oldest(options), cap: Cap::default(), journals })
    }

    /// With Dodo's API.
    pub fn patience(&self) -> &Patience {
        &self.dodo.patience
    }

    fn journal(&self, list: usize) -> MutexGuard<'_, Journal> {
        self.journals[list].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The windows of each list that are to be read, those to begin with last.
    pub fn open_windows(&self, roots: &Roots) -> Vec<(usize, Window)> {
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
    ///
    /// # Errors
    /// Why Dodo's API or a file cannot be used.
    pub async fn window(&self, list: usize, window: Window) -> Result<Ended, Error> {
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
                    return match self.split(list, window, &mut found)? {
                        Some(split) => Ok(split),
                        None if self.is_capped(list, window, number).await? => {
                            Err(Error::TooFull(LISTS[list]))
                        }
                        None => self.done(list, window),
                    };
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

    /// Whether a window that shows nothing after so many full pages has more: pages of half the size reach less
    /// far, so the last of them is empty only if pages are counted.
    async fn is_capped(&self, list: usize, window: Window, number: usize) -> Result<bool, Error> {
        let reached = self.page_of(list, window, 2 * number - 1, PAGE_SIZE / 2).await?;
        Ok(!matches!(reached, Page::Items(_, 1..)))
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
        self.page_of(list, window, number, PAGE_SIZE).await
    }

    async fn page_of(
        &self,
        list: usize,
        window: Window,
        number: usize,
        size: usize,
    ) -> Result<Page, Error> {
        let [from, to] = window.filters();
        let page = [("page_size", size.to_string()), ("page_number", number.to_string())];
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

    /// How many objects have been read, in all lists together.
    pub fn objects(&self, roots: &Roots) -> u64 {
        (0..LISTS.len()).map(|list| Read::of(&self.journal(list), roots, self.oldest).objects).sum()
    }

    /// Everything that was read.
    pub fn finish(self, roots: &Roots) -> Pages {
        let unlock =
            |journal: Mutex<Journal>| journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        let journals: Vec<_> = self.journals.into_iter().map(unlock).collect();
        let read: Vec<_> =
            journals.iter().map(|journal| Read::of(journal, roots, self.oldest)).collect();
        Pages {
            read_at: read.iter().map(|it| it.begun_at).min().unwrap_or_default(),
            objects: read.iter().map(|it| it.objects).collect(),
            windows: read.into_iter().map(|it| it.windows).collect(),
            journals,
        }
    }
}

/// What has been read of one list.
struct Read {
    windows: Vec<Window>,
    objects: u64,
    begun_at: u64,
}

impl Read {
    fn of(journal: &Journal, roots: &Roots, oldest: u64) -> Self {
        let (mut windows, mut open) = (Vec::new(), Vec::new());
        roots.windows().for_each(|root| journal.sort(root, oldest, &mut windows, &mut open));
        let states = || windows.iter().map(|window| journal.state(*window));
        let objects = states().map(|state| state.objects).sum();
        let begun_at = states().map(|state| state.begun_at).min().unwrap_or(u64::MAX);
        Self { windows, objects, begun_at }
    }
}

/// When an object was created, in Unix milliseconds.
fn created(item: &RawValue) -> Option<u64> {
    let created: Created = serde_json::from_str(item.get()).ok()?;
    date::unix_milliseconds(&created.created_at?)
}

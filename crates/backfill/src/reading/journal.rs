//! The pages of one list, in a file to which they are only appended: a run that is killed at any moment loses
//! no more than the line that it was writing.

use super::window::Window;
use crate::Error;
use crate::folder::Folder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// The file of one list, and what is in it.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    length: u64,
    windows: HashMap<Window, State>,
}

/// How far a window is.
#[derive(Debug, Default, Clone)]
pub struct State {
    /// When its first page was asked for, in Unix seconds.
    pub begun_at: u64,
    /// Where the lines of its pages begin, by page number.
    pub pages: Vec<u64>,
    /// How many objects they hold.
    pub objects: u64,
    /// Whether there is no further page.
    pub is_done: bool,
    /// Where it was divided, if its parts are read in its place.
    pub split_at: Option<u64>,
}

/// A line of the file: one of these, and a page with its items.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Line<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begin: Option<Window>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    done: Option<Window>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Window>,
    /// Where it is split, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    middle: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Window>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    items: Option<Vec<&'a RawValue>>,
}

impl Journal {
    /// Opens a list's file and reads what is in it. A last line that was not written whole is cut off.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open(folder: &Folder, list: &str) -> Result<Self, Error> {
        let name = format!("{list}.jsonl");
        let (file, path) = (folder.append(&name)?, folder.path(&name));
        let mut journal = Self { file, path, length: 0, windows: HashMap::new() };
        journal.load().map_err(Error::at(&journal.path))?;
        Ok(journal)
    }

    fn load(&mut self) -> std::io::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, self.file.try_clone()?);
        reader.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            reader.read_until(b'\n', &mut bytes)?;
            let whole = bytes.last() == Some(&b'\n');
            let line = serde_json::from_slice::<Line>(&bytes);
            let Some(line) = line.ok().filter(|_| whole) else { break };
            self.note(&line);
            self.length += bytes.len() as u64;
        }
        self.file.set_len(self.length)
    }

    fn note(&mut self, line: &Line<'_>) {
        if let (Some(window), Some(at)) = (line.begin, line.at) {
            self.windows.insert(window, State { begun_at: at, ..State::default() });
        }
        if let (Some(window), Some(items)) = (line.page, &line.items) {
            let state = self.windows.entry(window).or_default();
            state.pages.push(self.length);
            state.objects += items.len() as u64;
        }
        if let Some(window) = line.done {
            self.windows.entry(window).or_default().is_done = true;
        }
        if let Some(window) = line.split {
            self.windows.entry(window).or_default().split_at = line.middle;
        }
    }

    fn append(&mut self, line: &Line<'_>) -> Result<(), Error> {
        let mut bytes = serde_json::to_vec(line).expect("strings, numbers and JSON serialise");
        // Only between the tokens of an object: within strings JSON escapes it.
        bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(Error::at(&self.path))?;
        self.note(line);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// What is known of a window; nothing of one that was never begun.
    pub fn state(&self, window: Window) -> State {
        self.windows.get(&window).cloned().unwrap_or_default()
    }

    /// How many pages of a window that is not done need not be read again, if it was begun since `oldest`.
    pub fn pages_to_keep(&self, window: Window, oldest: u64) -> usize {
        let state = self.windows.get(&window);
        let state = state.filter(|state| !state.is_done && state.begun_at >= oldest);
        state.map_or(0, |state| state.pages.len())
    }

    /// Begins to read a window, at this time in Unix seconds. Earlier pages of it no longer count.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(&mut self, window: Window, at: u64) -> Result<(), Error> {
        self.append(&Line { begin: Some(window), at: Some(at), ..Line::default() })
    }

    /// Keeps the next page of a window.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn page(&mut self, window: Window, items: Vec<&RawValue>) -> Result<(), Error> {
        self.append(&Line { page: Some(window), items: Some(items), ..Line::default() })
    }

    /// A window has no further page.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn done(&mut self, window: Window) -> Result<(), Error> {
        self.append(&Line { done: Some(window), ..Line::default() })
    }

    /// The parts of a window before and after `middle` are to be read in its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn split(&mut self, window: Window, middle: u64) -> Result<(), Error> {
        self.append(&Line { split: Some(window), middle: Some(middle), ..Line::default() })
    }

    /// Sorts the windows below `root` into those that are done since `oldest`, and those to be read.
    pub fn sort(&self, root: Window, oldest: u64, done: &mut Vec<Window>, open: &mut Vec<Window>) {
        let state = self.windows.get(&root);
        match state {
            Some(State { split_at: Some(middle), .. }) => {
                for part in root.parts(*middle) {
                    self.sort(part, oldest, done, open);
                }
            }
            Some(state) if state.is_done && state.begun_at >= oldest => done.push(root),
            _ => open.push(root),
        }
    }

    /// Calls `each` with every object in a window that was read: its JSON, and where in the file it is.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn objects(
        &self,
        windows: &[Window],
        mut each: impl FnMut(&RawValue, u64),
    ) -> Result<(), Error> {
        let mut pages: Vec<u64> = Vec::new();
        for window in windows {
            pages.extend(&self.windows[window].pages);
        }
        // In the order in which they were read, so that of two versions of an object the last is the newer.
        pages.sort_unstable();
        let read = || -> std::io::Result<()> {
            let mut reader = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
            let (mut bytes, mut position) = (Vec::new(), 0);
            for page in pages {
                reader.seek_relative(i64::try_from(page - position).unwrap_or(i64::MAX))?;
                bytes.clear();
                reader.read_until(b'\n', &mut bytes)?;
                position = page + bytes.len() as u64;
                let line: Line = serde_json::from_slice(&bytes)?;
                let start = bytes.as_ptr().addr();
                for item in line.items.into_iter().flatten() {
                    each(item, page + (item.get().as_ptr().addr() - start) as u64);
                }
            }
            Ok(())
        };
        read().map_err(Error::at(&self.path))
    }

    /// The file, to read single objects.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn reopen(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(Error::at(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    /// A folder of its own, which is removed.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("backfill-journal-{name}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn open(&self) -> Journal {
            Journal::open(&Folder::open(&self.0).unwrap(), "payments").unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    const WHOLE: Window = Window(0, 8);

    fn page(journal: &mut Journal, window: Window, items: &[&str]) {
        let items: Vec<Box<RawValue>> =
            items.iter().map(|it| RawValue::from_string((*it).to_owned()).unwrap()).collect();
        journal.page(window, items.iter().map(|it| &**it).collect()).unwrap();
    }

    fn objects(journal: &Journal, windows: &[Window]) -> Vec<String> {
        let content = std::fs::read_to_string(&journal.path).unwrap();
        let mut found = Vec::new();
        journal
            .objects(windows, |item, offset| {
                let start = usize::try_from(offset).unwrap();
                assert_eq!(&content[start..start + item.get().len()], item.get());
                found.push(item.get().to_owned());
            })
            .unwrap();
        found
    }

    #[test]
    fn pages_are_found_again_and_objects_where_they_stand() {
        let place = Place::new("pages");
        let mut journal = place.open();
        journal.begin(WHOLE, 7).unwrap();
        page(&mut journal, WHOLE, &["{\"a\":1}", "{\n\"b\": \"\u{fc}\"}"]);
        page(&mut journal, WHOLE, &["3"]);
        drop(journal);
        let mut journal = place.open();
        assert_eq!((journal.pages_to_keep(WHOLE, 7), journal.pages_to_keep(WHOLE, 8)), (2, 0));
        journal.done(WHOLE).unwrap();
        assert_eq!(objects(&place.open(), &[WHOLE]), ["{\"a\":1}", "{ \"b\": \"\u{fc}\"}", "3"]);
    }

    #[test]
    fn a_line_that_was_not_written_whole_is_cut_off() {
        let place = Place::new("torn");
        let mut journal = place.open();
        journal.begin(WHOLE, 7).unwrap();
        page(&mut journal, WHOLE, &["1"]);
        page(&mut journal, WHOLE, &["2"]);
        let length = journal.length;
        drop(journal);
        let file = OpenOptions::new().write(true).open(place.0.join("payments.jsonl")).unwrap();
        file.set_len(length - 1).unwrap();
        let mut journal = place.open();
        assert_eq!(journal.pages_to_keep(WHOLE, 0), 1);
        page(&mut journal, WHOLE, &["3"]);
        assert_eq!(objects(&journal, &[WHOLE]), ["1", "3"]);
    }

    #[test]
    fn parts_count_in_place_of_what_was_split_and_the_old_is_read_again() {
        let place = Place::new("windows");
        let mut journal = place.open();
        let [left, right] = WHOLE.parts(3);
        journal.begin(WHOLE, 1).unwrap();
        page(&mut journal, WHOLE, &["1"]);
        journal.split(WHOLE, 3).unwrap();
        for (window, at) in [(left, 5), (right, 9)] {
            journal.begin(window, at).unwrap();
            page(&mut journal, window, &["2"]);
            journal.done(window).unwrap();
        }
        let sorted = |journal: &Journal, oldest| {
            let (mut done, mut open) = (Vec::new(), Vec::new());
            journal.sort(WHOLE, oldest, &mut done, &mut open);
            (done, open)
        };
        assert_eq!(sorted(&journal, 5), (vec![left, right], vec![]));
        assert_eq!(sorted(&journal, 6), (vec![right], vec![left]));
        journal.begin(left, 10).unwrap();
        page(&mut journal, left, &["4"]);
        assert_eq!(sorted(&journal, 6), (vec![right], vec![left]), "not done yet");
        journal.done(left).unwrap();
        let journal = place.open();
        assert_eq!(objects(&journal, &sorted(&journal, 6).0), ["2", "4"]);
    }
}

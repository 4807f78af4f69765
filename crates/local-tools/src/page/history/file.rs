//! A file of JSON lines that its owner alone may read. What cannot be written is only remembered until the end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where it is, and its length in bytes.
pub struct File {
    path: PathBuf,
    length: usize,
}

impl File {
    pub fn new(path: PathBuf) -> Self {
        Self { path, length: 0 }
    }

    /// Its lines, without what is not UTF-8. A line that was cut off gets an end.
    pub fn read(&mut self) -> Vec<String> {
        let text = fs::read(&self.path).unwrap_or_default();
        self.length = text.len();
        if text.last().is_some_and(|last| *last != b'\n') {
            self.append("");
        }
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// Adds a line. Returns the length of the file.
    pub fn append(&mut self, line: &str) -> usize {
        let written = open(&self.path, false).and_then(|mut file| writeln!(file, "{line}"));
        if written.is_ok() {
            self.length += line.len() + 1;
        }
        self.length
    }

    /// Replaces all lines.
    pub fn write<'l>(&mut self, lines: impl Iterator<Item = &'l str>) {
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        if open(&self.path, true).and_then(|mut file| file.write_all(text.as_bytes())).is_ok() {
            self.length = text.len();
        }
    }
}

fn open(path: &Path, empty: bool) -> io::Result<fs::File> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if empty {
        options.write(true).truncate(true)
    } else {
        options.append(true)
    };
    options.open(path)
}

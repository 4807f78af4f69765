//! Where a run keeps its files. They hold personal data: only their owner may read them.

use crate::Error;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

/// The files that a run makes, all of which are removed after success. Those of refused items stay.
const FILES: [&str; 12] = [
    "run.json",
    "customers.jsonl",
    "subscriptions.jsonl",
    "payments.jsonl",
    "refunds.jsonl",
    "disputes.jsonl",
    "charges.jsonl",
    "batches.jsonl",
    "plan.json",
    "sent.jsonl",
    "refused.jsonl",
    LOCK,
];

/// The folder of one run; nobody else works in it while this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder unless it is there, and locks it.
    ///
    /// # Errors
    /// If it cannot be used, others may read it, or another run works in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(Error::at(path))?;
        let permissions = fs::metadata(path).map_err(Error::at(path))?.permissions();
        if permissions.mode() & 0o077 != 0 {
            return Err(Error::OpenFolder(path.to_owned()));
        }
        let lock = options().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = lock.map_err(Error::at(path.join(LOCK)))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(Error::at(path.join(LOCK))(error)),
        }
    }

    /// The path of one of its files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// A file's content, if there is such a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(self.path(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::at(self.path(name))(error)),
        }
    }

    /// Writes a file at once: whoever reads it sees the old content or the new.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let new = self.path(&new(name));
        let write = || {
            options().create(true).truncate(true).write(true).open(&new)?.write_all(content)?;
            fs::rename(&new, self.path(name))
        };
        write().map_err(Error::at(&new))
    }

    /// Opens a file to read it and to append to it; it is made if need be.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn append(&self, name: &str) -> Result<File, Error> {
        let file = options().create(true).append(true).read(true).open(self.path(name));
        file.map_err(Error::at(self.path(name)))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::at(self.path(name))(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes all files of a run but the lock.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn clear(&self) -> Result<(), Error> {
        for name in FILES.into_iter().filter(|name| *name != LOCK) {
            self.remove(name)?;
            self.remove(&new(name))?;
        }
        Ok(())
    }

    /// Removes all files of a run, and the folder if nothing else is in it.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn finish(self) -> Result<(), Error> {
        self.clear()?;
        self.remove(LOCK)?;
        // It stays if something is in it.
        drop(fs::remove_dir(&self.path));
        Ok(())
    }
}

/// The file that becomes another once it is whole.
fn new(name: &str) -> String {
    format!("{name}.new")
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

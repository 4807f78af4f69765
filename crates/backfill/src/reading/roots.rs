//! The time that the lists cover, kept from run to run.

use super::window::Window;
use crate::folder::Folder;
use crate::{Error, Options};
use ring::digest::{Context, SHA256};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

const FILE: &str = "run.json";

/// 2020: Dodo Payments is younger.
const BEGINNING: u64 = 1_577_836_800_000;

/// Which lists these are, and what they cover: from the beginning to the first run, from there to the next, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roots {
    /// Stands for the address of the API and the key; says neither.
    source: String,
    /// In Unix milliseconds.
    bounds: Vec<u64>,
}

impl Roots {
    /// Goes on where an earlier run stopped if it read from the same place; otherwise what is in the folder is
    /// removed.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(folder: &Folder, options: &Options) -> Result<Self, Error> {
        let source = source(options);
        let kept = folder.read(FILE)?.and_then(|file| serde_json::from_slice::<Self>(&file).ok());
        let kept = kept.filter(|kept| kept.source == source);
        let mut roots = if let Some(kept) = kept {
            kept
        } else {
            folder.clear()?;
            Self { source, bounds: vec![BEGINNING] }
        };
        let now = options.now() * 1000;
        if roots.bounds.last().is_none_or(|last| *last < now) {
            roots.bounds.push(now);
        }
        Ok(roots)
    }

    /// Keeps them for the next run.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn keep(&self, folder: &Folder) -> Result<(), Error> {
        folder.write(FILE, &serde_json::to_vec(self).expect("strings and numbers serialise"))
    }

    /// What they cover together.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        self.bounds.windows(2).map(|pair| Window(pair[0], pair[1]))
    }
}

fn source(options: &Options) -> String {
    fingerprint([options.dodo_url.as_str(), options.dodo_key.expose_secret()])
}

/// Stands for strings, and says none of them.
pub fn fingerprint(parts: [&str; 2]) -> String {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    hash.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

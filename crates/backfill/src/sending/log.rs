//! Which batches Customer.io has accepted, and what of them it has refused.

use crate::Error;
use crate::folder::Folder;
use dodo_customerio::customerio::ItemError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

const SENT: &str = "sent.jsonl";
const REFUSED: &str = "refused.jsonl";

/// Both files. What was refused of a batch is written before the batch counts as sent.
#[derive(Debug)]
pub struct Log {
    sent: File,
    refused: File,
    paths: [PathBuf; 2],
    /// Stands for the workspace.
    workspace: String,
    /// How many items of each batch were refused.
    batches: BTreeMap<u64, u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    batch: u64,
    refused: u64,
    workspace: String,
}

/// An item that Customer.io does not accept.
#[derive(Debug)]
pub struct Refused {
    /// As it was sent.
    pub item: Value,
    /// Customer.io's reasons.
    pub errors: Vec<ItemError>,
}

impl Log {
    /// Goes on with what an earlier run has sent of the same batches to the same workspace.
    ///
    /// # Errors
    /// If the files cannot be used.
    pub fn open(folder: &Folder, workspace: String) -> Result<Self, Error> {
        let sent: Vec<Sent> = whole_lines(folder, SENT)?;
        let sent = sent.into_iter().filter(|it| it.workspace == workspace);
        let batches: BTreeMap<_, _> = sent.map(|it| (it.batch, it.refused)).collect();
        // What was refused of a batch that does not count as sent is refused again.
        let refused: Vec<Value> = whole_lines(folder, REFUSED)?;
        let counts =
            |line: &Value| line["batch"].as_u64().is_some_and(|it| batches.contains_key(&it));
        let kept: Vec<u8> = refused.iter().filter(|line| counts(line)).flat_map(line).collect();
        folder.write(REFUSED, &kept)?;
        let paths = [folder.path(SENT), folder.path(REFUSED)];
        let (sent, refused) = (folder.append(SENT)?, folder.append(REFUSED)?);
        Ok(Self { sent, refused, paths, workspace, batches })
    }

    /// Forgets everything: the batches are others.
    ///
    /// # Errors
    /// If the files cannot be removed.
    pub fn forget(folder: &Folder) -> Result<(), Error> {
        folder.remove(SENT)?;
        folder.remove(REFUSED)
    }

    /// Whether Customer.io has accepted a batch, as far as it ever will.
    pub fn is_sent(&self, batch: u64) -> bool {
        self.batches.contains_key(&batch)
    }

    /// How many batches it has.
    pub fn len(&self) -> u64 {
        self.batches.len() as u64
    }

    /// How many items were refused.
    pub fn refused(&self) -> u64 {
        self.batches.values().sum()
    }

    /// Customer.io has accepted a batch, but for these items.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note(&mut self, batch: u64, refused: &[Refused]) -> Result<(), Error> {
        let lines: Vec<u8> = refused.iter().flat_map(|it| line(&it.to_json(batch))).collect();
        self.refused.write_all(&lines).map_err(Error::at(&self.paths[1]))?;
        let (refused, workspace) = (refused.len() as u64, self.workspace.clone());
        let sent = Sent { batch, refused, workspace };
        let sent = serde_json::to_value(sent).expect("numbers serialise");
        self.sent.write_all(&line(&sent)).map_err(Error::at(&self.paths[0]))?;
        self.batches.insert(batch, refused);
        Ok(())
    }

    /// Keeps the refused items under a name of their own, and returns it; `None` if there are none.
    ///
    /// # Errors
    /// If the file cannot be renamed.
    pub fn keep_refused(&self, folder: &Folder, now: u64) -> Result<Option<PathBuf>, Error> {
        if self.refused() == 0 {
            return Ok(None);
        }
        let path = folder.path(&format!("refused-{now}.jsonl"));
        fs::rename(&self.paths[1], &path).map_err(Error::at(&path))?;
        Ok(Some(path))
    }
}

impl Refused {
    fn to_json(&self, batch: u64) -> Value {
        json!({"batch": batch, "errors": self.errors, "item": self.item})
    }
}

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

/// The lines of a file; one that was not written whole, and what follows it, is cut off.
fn whole_lines<T: for<'de> Deserialize<'de>>(folder: &Folder, name: &str) -> Result<Vec<T>, Error> {
    let content = folder.read(name)?.unwrap_or_default();
    let (mut lines, mut length) = (Vec::new(), 0);
    for bytes in content.split_inclusive(|byte| *byte == b'\n') {
        let read = serde_json::from_slice(bytes).ok().filter(|_| bytes.ends_with(b"\n"));
        let Some(read) = read else { break };
        lines.push(read);
        length += bytes.len() as u64;
    }
    let file = folder.append(name)?;
    file.set_len(length).map_err(Error::at(folder.path(name)))?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_known_again_and_what_was_not_is_refused_again() {
        let path = std::env::temp_dir().join(format!("backfill-log-{}", std::process::id()));
        let folder = Folder::open(&path).unwrap();
        let refused = |id: u64| Refused { item: json!({ "id": id }), errors: Vec::new() };
        let open = |workspace: &str| Log::open(&folder, workspace.to_owned()).unwrap();
        let mut log = open("a");
        log.note(3, &[refused(1)]).unwrap();
        log.note(0, &[]).unwrap();
        // Killed after the refused item was written, and in the middle of the line that the batch was sent.
        log.refused.write_all(&line(&refused(2).to_json(1))).unwrap();
        log.sent.write_all(b"{\"batch\":1,\"ref").unwrap();
        drop(log);
        let mut log = open("a");
        assert_eq!([0, 1, 2, 3].map(|it| log.is_sent(it)), [true, false, false, true]);
        log.note(1, &[refused(2)]).unwrap();
        assert_eq!((open("a").refused(), log.len()), (2, 3));
        let log = open("a");
        let file = log.keep_refused(&folder, 9).unwrap().unwrap();
        assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 2);
        assert_eq!(open("b").len(), 0, "another workspace has got nothing");
        fs::remove_dir_all(&path).unwrap();
    }
}

//! Payments that may only update a card: no list says so, the payment itself does.

use super::client::{Dodo, Reply};
use crate::Error;
use crate::folder::Folder;
use dodo_customerio::event::lenient;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

const FILE: &str = "charges.jsonl";

/// What single payments say of themselves. It never changes, so it is asked for once.
#[derive(Debug)]
pub struct Charges {
    file: File,
    path: PathBuf,
    known: HashMap<String, bool>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    payment_id: String,
    is_update: bool,
}

impl Charges {
    /// Reads what an earlier run has asked.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(folder: &Folder) -> Result<Self, Error> {
        let content = folder.read(FILE)?.unwrap_or_default();
        let lines = content.split_inclusive(|byte| *byte == b'\n');
        let lines = lines.map_while(|line| serde_json::from_slice::<Line>(line).ok());
        let known: HashMap<_, _> = lines.map(|line| (line.payment_id, line.is_update)).collect();
        let (file, path) = (folder.append(FILE)?, folder.path(FILE));
        // A line that was not written whole would take the next with it.
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(Error::at(&path))?;
        Ok(Self { file, path, known })
    }

    /// Whether a payment only updates a card, if it was asked.
    pub fn is_update(&self, payment_id: &str) -> Option<bool> {
        self.known.get(payment_id).copied()
    }

    /// Asks `GET /payments/{id}`. A payment that Dodo does not know counts as a purchase.
    ///
    /// # Errors
    /// If Dodo's API or the file cannot be used.
    pub async fn ask(&mut self, dodo: &Dodo, payment_id: &str) -> Result<bool, Error> {
        let payment = match dodo.get(&["payments", payment_id], &[]).await? {
            Reply::Found(body) => serde_json::from_slice::<Map<String, Value>>(&body).ok(),
            Reply::Refused(_) => None,
        };
        let flag = payment.and_then(|it| lenient::flag(it.get("is_update_payment_method")?));
        let line = Line { payment_id: payment_id.to_owned(), is_update: flag == Some(true) };
        let mut bytes = serde_json::to_vec(&line).expect("a string and a flag serialise");
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(Error::at(&self.path))?;
        self.known.insert(line.payment_id, line.is_update);
        Ok(line.is_update)
    }
}

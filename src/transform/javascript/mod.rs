//! JavaScript transforms: `function handler(webhook)` as Dodo's dashboard runs it, instead of the
//! built-in transform.
//!
//! [`engine`] runs a file under limits, `shipment` makes requests of what the handlers made.

pub mod engine;
mod repair;
mod shipment;

pub use repair::{Repair, Repaired};
pub use shipment::{Made, Shipment, Unsendable};

use crate::telemetry::redaction::Words;
use crate::event::Envelope;
use crate::webhook::Verified;
use engine::{Input, Limits, Run, Source, Thrown};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What `webhook.url` begins with. A handler that only changes the payload sends it there.
const FIRST_URL: &str = "https://track.customer.io/api/v2/entity";

/// The merchant's handlers, in the order of their files' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripts {
    sources: Vec<Source>,
    limits: Limits,
}

/// Why a webhook came to nothing in the handlers. Sending it again would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A handler failed.
    #[error("{place}: {message}.")]
    Failed {
        /// Which file, and which line.
        place: String,
        /// Why.
        message: String,
    },
    /// What a handler made cannot be sent.
    #[error("{place}: {why}")]
    Unsendable {
        /// Which file, and the line of its handler.
        place: String,
        /// Why not.
        why: Unsendable,
    },
}

fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// Why the handlers have nothing to send, which is nobody's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unhandled {
    /// Neither `url` nor `payload` changed.
    #[error("No handler in TRANSFORM_FILE handles this event type.")]
    Untouched,
    /// The merchant's wish.
    #[error("A handler in TRANSFORM_FILE set webhook.cancel.")]
    Cancelled,
}

impl Unhandled {
    /// A short code for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Untouched => "not_handled",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Scripts {
    /// Reads a JavaScript file or a folder of them, and runs each once to see that it compiles and has
    /// a `handler`.
    ///
    /// # Errors
    /// Every file that does not, with its line.
    pub fn load(path: &Path, limits: Limits) -> Result<Self, Vec<String>> {
        let paths = files(path)
            .map_err(|error| vec![format!("cannot be read: {} ({error})", path.display())])?;
        if paths.is_empty() {
            return Err(vec![format!("names a folder without a .js file: {}", path.display())]);
        }
        let (mut sources, mut problems) = (Vec::new(), Vec::new());
        for path in paths {
            match source(&path, limits) {
                Ok(source) => sources.push(source),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self { sources, limits }) } else { Err(problems) }
    }

    /// Lets every handler see the webhook, and puts together what they made. `now` is in Unix seconds.
    ///
    /// # Errors
    /// The first handler that fails: then nothing is sent.
    pub fn ship(
        &self,
        webhook: &Verified<'_>,
        envelope: &Envelope,
        now: u64,
    ) -> Result<Result<Shipment, Unhandled>, ScriptError> {
        let body = String::from_utf8_lossy(webhook.body());
        let customer = envelope.facts.as_ref().map(|facts| facts.to_json().to_string());
        let input = Input {
            event_type: &envelope.event_type,
            url: FIRST_URL,
            payload: &body,
            customer: customer.as_deref(),
        };
        let mut shipment = Shipment::new(webhook.id(), envelope, now);
        let mut unhandled = Unhandled::Untouched;
        for source in &self.sources {
            let run = engine::run(source, self.limits, &input);
            let run = run.map_err(|thrown| failed(source, &thrown, &input))?;
            write_console(&run, &source.name, &input);
            if run.cancelled {
                unhandled = Unhandled::Cancelled;
            } else if !run.untouched {
                let add = shipment.add(&source.name, &run);
                let place = || place_of_handler(source);
                add.map_err(|why| ScriptError::Unsendable { place: place(), why })?;
            }
        }
        Ok(if shipment.is_empty() { Err(unhandled) } else { Ok(shipment) })
    }
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return fs::metadata(path).map(|_| vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let is_script = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "js");
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).filter(is_script).collect();
    paths.sort();
    Ok(paths)
}

fn source(path: &Path, limits: Limits) -> Result<Source, String> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot be read: {} ({error})", path.display()))?;
    let source = Source { name, text };
    engine::check(&source, limits).map_err(|thrown| problem(&source, &thrown))?;
    Ok(source)
}

/// File, line, what is wrong, and the offending text.
fn problem(source: &Source, thrown: &Thrown) -> String {
    let line = thrown.line.and_then(|line| source.text.lines().nth(line - 1));
    let text = line.map(|line| format!(" in `{}`", line.trim())).unwrap_or_default();
    format!("is not usable: {}: {}{text}", place(&source.name, thrown.line), thrown.message)
}

/// A handler may throw what it was given. What arises after it has returned has no line of its own.
fn failed(source: &Source, thrown: &Thrown, input: &Input<'_>) -> ScriptError {
    let known = thrown.line.map(|line| place(&source.name, Some(line)));
    let message = words(input).blot_out(thrown.message.trim_end_matches('.'));
    ScriptError::Failed { place: known.unwrap_or_else(|| place_of_handler(source)), message }
}

fn place_of_handler(source: &Source) -> String {
    let line = source.text.lines().position(|line| line.contains("handler"));
    place(&source.name, line.map(|index| index + 1))
}

/// What is personal in that which a handler gets.
fn words(input: &Input<'_>) -> Words {
    let json = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let customer = input.customer.map(json);
    Words::of(&json!({"payload": json(input.payload), "customer": customer}), [])
}

/// Only at the level `debug`, and without what is personal in the payload.
fn write_console(run: &Run, file: &str, input: &Input<'_>) {
    if run.console.is_empty() || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let words = words(input);
    for line in &run.console {
        tracing::debug!(file, "{}", words.blot_out(line));
    }
}

//! JavaScript transforms: `function handler(webhook)` as Dodo's dashboard runs it, instead of the
//! built-in transform.
//!
//! [`engine`] runs a file under limits, `requests` turns what the handlers made into requests.

pub mod engine;
mod repair;
mod requests;

pub use repair::{Repair, Repaired};
pub use requests::{HandlerRequests, InvalidRequest, Made};

use super::{Ignored, Unsent};
use crate::dodo::{Enrichment, Needs};
use crate::event::{Customer, Event};
use crate::telemetry::redaction::Redactor;
use engine::{Failure, Input, Limits, Run, Source};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The initial `webhook.url`. A handler that changes only the payload sends it there.
const INITIAL_URL: &str = "https://track.customer.io/api/v2/entity";

/// The merchant's handlers, in the order of their files' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handlers {
    sources: Vec<Source>,
    limits: Limits,
}

fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// What handlers find in `webhook.customer`: the customer and, where it has just changed, what they have
/// paid in total.
pub(super) fn needs(event: &Event<'_>) -> Needs {
    let lifetime = super::built_in::changes_lifetime(event);
    let customer = Customer::of(&event.data);
    let is_known = customer.customer_id.is_some();
    let customer = is_known && (lifetime || customer.email.is_none());
    Needs { customer, lifetime: is_known && lifetime, ..Needs::default() }
}

impl Handlers {
    /// Reads a JavaScript file or a folder of them, and runs each once to check that it compiles and
    /// has a `handler`.
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

    /// Runs every handler on an event and collects what they made. `now` is in Unix seconds.
    ///
    /// # Errors
    /// That none made anything, or the first handler that failed: then nothing is sent.
    pub fn run(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
        now: u64,
    ) -> Result<HandlerRequests, Unsent> {
        let customer = enrichment.map(|enrichment| enrichment.to_json().to_string());
        let input = Input {
            event_type: &event.event_type,
            url: INITIAL_URL,
            payload: event.raw,
            customer: customer.as_deref(),
        };
        let mut requests = HandlerRequests::new(event, now);
        let mut ignored = Ignored::NotHandled;
        for source in &self.sources {
            let run = engine::run(source, self.limits, &input);
            let run = run.map_err(|failure| failed(source, &failure, &input))?;
            write_console(&run, &source.name, &input);
            if run.cancelled {
                ignored = Ignored::Cancelled;
            } else if !run.untouched {
                let added = requests.add(&source.name, &run);
                added.map_err(|why| {
                    Unsent::Failed(format!("{}: {why}", place_of_handler(source)))
                })?;
            }
        }
        if requests.is_empty() { Err(Unsent::Ignored(ignored)) } else { Ok(requests) }
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
    engine::check(&source, limits).map_err(|failure| problem(&source, &failure))?;
    Ok(source)
}

/// File, line, what is wrong, and the offending line.
fn problem(source: &Source, failure: &Failure) -> String {
    let line = failure.line.and_then(|line| source.text.lines().nth(line - 1));
    let text = line.map(|line| format!(" in `{}`", line.trim())).unwrap_or_default();
    format!("is not usable: {}: {}{text}", place(&source.name, failure.line), failure.message)
}

/// A handler may throw what it was given. A failure after it has returned has no line of its own.
fn failed(source: &Source, failure: &Failure, input: &Input<'_>) -> Unsent {
    let known = failure.line.map(|line| place(&source.name, Some(line)));
    let message = redactor(input).redact(failure.message.trim_end_matches('.'));
    Unsent::Failed(format!("{}: {message}.", known.unwrap_or_else(|| place_of_handler(source))))
}

fn place_of_handler(source: &Source) -> String {
    let line = source.text.lines().position(|line| line.contains("handler"));
    place(&source.name, line.map(|index| index + 1))
}

/// Redacts the personal data that a handler was given.
fn redactor(input: &Input<'_>) -> Redactor {
    let json = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let customer = input.customer.map(json);
    Redactor::new(&json!({"payload": json(input.payload), "customer": customer}), [])
}

/// Writes only at the level `debug`, and redacted.
fn write_console(run: &Run, file: &str, input: &Input<'_>) {
    if run.console.is_empty() || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let redactor = redactor(input);
    for line in &run.console {
        tracing::debug!(file, "{}", redactor.redact(line));
    }
}

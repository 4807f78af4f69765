//! JavaScript transforms: `function handler(webhook)` as Dodo's dashboard runs it, instead of the
//! built-in transform.
//!
//! [`engine`] runs a file under limits, [`process`] does so in a process of its own, and `requests` turns
//! what the handlers made into requests.

pub mod engine;
pub mod process;
mod repair;
mod requests;
mod sources;

pub use repair::{Repair, Repaired};
pub use requests::{HandlerRequests, InvalidRequest, Made};

use super::{Ignored, Unsent};
use crate::dodo::{Enrichment, Needs};
use crate::event::{Customer, Event};
use crate::telemetry::redaction::Redactor;
use engine::{Answer, Failure, Input, Limits, Run, Source};
use process::{Problem, Process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The initial `webhook.url`. A handler that changes only the payload sends it there.
const INITIAL_URL: &str = "https://track.customer.io/api/v2/entity";

/// The merchant's handlers, in the order of their files' names, and the process that runs them.
#[derive(Debug)]
pub struct Handlers {
    sources: Vec<Source>,
    process: Process,
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
    /// Reads a JavaScript file or a folder of them, starts this program again as the process that runs
    /// them, and lets it check that each compiles and has a `handler`.
    ///
    /// # Errors
    /// Every file that does not, with its line.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| vec![format!("cannot be run: {error}")])?;
        Self::load_with(program, path, Limits::default())
    }

    /// The same with another program, which must begin with [`process::run_if_asked`], and other limits.
    ///
    /// # Errors
    /// The same.
    pub fn load_with(program: PathBuf, path: &Path, limits: Limits) -> Result<Self, Vec<String>> {
        let sources = sources::read(path)?;
        match Process::start(program, &sources, limits) {
            Ok(process) => Ok(Self { sources, process }),
            Err(problems) => Err(problems.iter().map(|it| problem(&sources, it)).collect()),
        }
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
            event_type: (&*event.event_type).into(),
            url: INITIAL_URL.into(),
            payload: event.raw.into(),
            customer: customer.map(Into::into),
        };
        let mut requests = HandlerRequests::new(event, now);
        let mut ignored = Ignored::NotHandled;
        for (source, Answer { result, console }) in
            self.sources.iter().zip(self.process.run(&input))
        {
            write_console(&console, &source.name, &input);
            match result.map_err(|failure| failed(source, &failure, &input))? {
                Run::Untouched => {}
                Run::Cancelled => ignored = Ignored::Cancelled,
                Run::Made(outgoing) => requests.add(&source.name, &outgoing).map_err(|why| {
                    Unsent::Failed(format!("{}: {why}", place_of_handler(source)))
                })?,
            }
        }
        if requests.is_empty() { Err(Unsent::Ignored(ignored)) } else { Ok(requests) }
    }
}

/// File, line, what is wrong, and the offending line.
fn problem(sources: &[Source], (index, failure): &Problem) -> String {
    let Some(source) = index.and_then(|index| sources.get(index)) else {
        return failure.message.clone();
    };
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
    let customer = input.customer.as_deref().map(json);
    Redactor::new(&json!({"payload": json(&input.payload), "customer": customer}), [])
}

/// Writes only at the level `debug`, and redacted.
fn write_console(lines: &[String], file: &str, input: &Input<'_>) {
    if lines.is_empty() {
        return;
    }
    let redactor = redactor(input);
    for line in lines {
        tracing::debug!(file, "{}", redactor.redact(line));
    }
}

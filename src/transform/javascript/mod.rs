//! JavaScript transforms: `function extend(request, webhook)` changes what the built-in transform made,
//! and `function handler(webhook)`, as Dodo's dashboard runs it, makes requests of its own.
//!
//! [`engine`] runs a file under limits, [`process`] does so in a process of its own, and `requests` turns
//! what the files made into requests.

mod advice;
pub mod engine;
mod parts;
pub mod process;
mod repair;
mod requests;
mod sources;

pub use parts::InvalidRequest;
pub use repair::{Repair, Repaired};
pub use requests::{HandlerRequests, Made};

use super::built_in::{self, Options};
use super::{Ignored, Unsent, looked_up};
use crate::dodo::{Enrichment, Needs};
use crate::event::{Customer, Event};
use crate::telemetry::redaction::Redactor;
use engine::{Answer, Failure, Input, Kind, Limits, Run, Source};
use process::{Problem, Process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The initial `webhook.url`. A handler that changes only the payload sends it there.
const INITIAL_URL: &str = "https://track.customer.io/api/v2/entity";

/// The merchant's files, in the order of their names, and the process that runs them.
#[derive(Debug)]
pub struct Handlers {
    files: Vec<File>,
    process: Process,
    /// Of the built-in request, which is made if a file extends it.
    options: Options,
}

/// A file and which function it defines.
#[derive(Debug)]
struct File {
    source: Source,
    kind: Kind,
}

impl Handlers {
    /// Reads a JavaScript file or a folder of them, starts this program again as the process that runs
    /// them, and lets it check that each compiles and defines a function. `options` are those of the
    /// built-in request.
    ///
    /// # Errors
    /// Every file that does not, with its line.
    pub fn load(path: &Path, options: Options) -> Result<Self, Vec<String>> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| vec![format!("cannot be run: {error}")])?;
        Self::load_with(program, path, Limits::default(), options)
    }

    /// The same with another program, which must begin with [`process::run_if_asked`], and other limits.
    ///
    /// # Errors
    /// The same.
    pub fn load_with(
        program: PathBuf,
        path: &Path,
        limits: Limits,
        options: Options,
    ) -> Result<Self, Vec<String>> {
        let sources = sources::read(path)?;
        let (process, kinds) = Process::start(program, &sources, limits)
            .map_err(|all| all.iter().map(|it| problem(&sources, it)).collect::<Vec<_>>())?;
        let files = sources.into_iter().zip(kinds).map(|(source, kind)| File { source, kind });
        Ok(Self { files: files.collect(), process, options })
    }

    /// The files by name, and which function each defines.
    pub fn files(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.files.iter().map(|file| (&*file.source.name, file.kind))
    }

    /// What to look up for an event: what the built-in request needs, if a file extends it, and what
    /// functions find in `webhook.customer`: the customer and, where it has just changed, what they have
    /// paid in total.
    pub(super) fn needs(&self, event: &Event<'_>) -> Needs {
        let built_in = self.has_extend().then(|| built_in::needs(event, &self.options));
        let built_in = built_in.unwrap_or_default();
        let lifetime = built_in::changes_lifetime(event);
        let customer = Customer::of(&event.data);
        let is_known = customer.customer_id.is_some();
        let customer = is_known && (lifetime || customer.email.is_none());
        Needs {
            customer: built_in.customer || customer,
            lifetime: built_in.lifetime || is_known && lifetime,
            ..built_in
        }
    }

    /// Keeps notes of each run from now on: [`Answer::notes`]. For tools; it takes time.
    pub fn keep_notes(&mut self) {
        self.process.keep_notes();
    }

    /// Whether a file extends the built-in request.
    fn has_extend(&self) -> bool {
        self.files.iter().any(|file| file.kind == Kind::Extend)
    }

    /// Runs every file on an event and collects what they made. `now` is in Unix seconds.
    ///
    /// # Errors
    /// That none made anything, why the built-in request that they extend must not be sent yet, or the
    /// first file that failed: then nothing is sent.
    pub fn run(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
        now: u64,
    ) -> Result<HandlerRequests, Unsent> {
        self.run_watched(event, enrichment, now, &mut |_, _, _| {})
    }

    /// The same; `watch` is called for each file with what it was given first of all and its answer.
    ///
    /// # Errors
    /// The same.
    pub fn run_watched(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
        now: u64,
        watch: &mut dyn FnMut(&str, &Input<'_>, &Answer),
    ) -> Result<HandlerRequests, Unsent> {
        let (built_in, mut ignored) = match self.built_in(event, enrichment, now)? {
            Ok(request) => (Some(request), Ignored::Dropped),
            Err(why) => (None, why),
        };
        let input = input(event, enrichment, built_in.as_deref());
        let mut requests = HandlerRequests::new(event, now, built_in.clone());
        for (file, answer) in self.files.iter().zip(self.process.run(&input)) {
            let name = &file.source.name;
            watch(name, &input, &answer);
            let Answer { result, notes, .. } = answer;
            write_console(&notes.console, name, &input);
            let refused = |why| file.refused(&why);
            match result.map_err(|failure| file.failed(&failure, &input))? {
                Run::Untouched => {}
                Run::Cancelled => ignored = Ignored::Cancelled,
                Run::Dropped => requests.drop_extended(),
                Run::Made(outgoing) => requests.add(name, outgoing).map_err(refused)?,
                Run::Extended(request) => requests.extend(name, &request).map_err(refused)?,
            }
        }
        if requests.is_empty() { Err(Unsent::Ignored(ignored)) } else { Ok(requests) }
    }

    /// The request that files extend, as JSON, or why there is none.
    fn built_in(
        &self,
        event: &Event<'_>,
        enrichment: Option<&Enrichment>,
        now: u64,
    ) -> Result<Result<String, Ignored>, Unsent> {
        if !self.has_extend() {
            return Ok(Err(Ignored::NotHandled));
        }
        match built_in::transform(event, enrichment, now, &self.options) {
            Ok(batch) => Ok(Ok(batch.to_json())),
            Err(Unsent::Ignored(why)) => Ok(Err(why)),
            Err(unsent) => Err(unsent),
        }
    }
}

fn input<'a>(
    event: &'a Event<'_>,
    enrichment: Option<&Enrichment>,
    request: Option<&'a str>,
) -> Input<'a> {
    let customer = enrichment.map(|enrichment| looked_up::customer(enrichment).to_string());
    Input {
        event_type: (&*event.event_type).into(),
        url: INITIAL_URL.into(),
        payload: event.raw.into(),
        customer: customer.map(Into::into),
        request: request.map(Into::into),
    }
}

impl File {
    /// A function may throw what it was given. A failure after it has returned has no line of its own.
    fn failed(&self, failure: &Failure, input: &Input<'_>) -> Unsent {
        let known = failure.line.map(|line| place(&self.source.name, Some(line)));
        let message = redactor(input).redact(failure.message.trim_end_matches('.'));
        let message = advised(&message, &failure.message);
        Unsent::Failed(format!("{}: {message}.", known.unwrap_or_else(|| self.place())))
    }

    /// What it made cannot be sent.
    fn refused(&self, why: &InvalidRequest) -> Unsent {
        Unsent::Failed(format!("{}: {why}", self.place()))
    }

    /// Where its function begins.
    fn place(&self) -> String {
        let name = match self.kind {
            Kind::Handler => "handler",
            Kind::Extend => "extend",
        };
        let is_function = |line: &str| line.contains(name) && !line.trim_start().starts_with("//");
        let line = self.source.text.lines().position(is_function);
        place(&self.source.name, line.map(|index| index + 1))
    }
}

fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// File, line, what is wrong, and the offending line.
fn problem(sources: &[Source], (index, failure): &Problem) -> String {
    let Some(source) = index.and_then(|index| sources.get(index)) else {
        return failure.message.clone();
    };
    let place = place(&source.name, failure.line);
    let message = match failure.line.and_then(|line| source.text.lines().nth(line - 1)) {
        Some(line) => advice::on(&source.name, &failure.message, line).unwrap_or_else(|| {
            advised(&format!("{} in `{}`", failure.message, line.trim()), &failure.message)
        }),
        None => advised(&failure.message, &failure.message),
    };
    format!("is not usable: {place}: {message}")
}

/// The text, with what to know about the failure behind it.
fn advised(text: &str, failure: &str) -> String {
    advice::on_missing(failure)
        .map_or_else(|| text.to_owned(), |advice| format!("{text}: {advice}"))
}

/// Redacts the personal data that a function was given.
fn redactor(input: &Input<'_>) -> Redactor {
    let json = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let [customer, request] = [&input.customer, &input.request].map(|it| it.as_deref().map(json));
    Redactor::new(&json!([json(&input.payload), customer, request]), [])
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

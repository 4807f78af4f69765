use super::call::{stringify, text};
use super::{Answer, Limits, Notes, Source};
use crate::telemetry::redaction::cut;
use nix::time::{ClockId, clock_gettime};
use rquickjs::{CatchResultExt, CaughtError, Ctx, Value};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// As much of a message as is kept, in bytes: a handler may throw all that it was given.
const MAX_MESSAGE: usize = 4_096;

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// In the engine's words, or ours for a limit.
    pub message: String,
}

/// When a run must end, in CPU time of this thread, and whether it was ended for that. The clock on the
/// wall would count the time in which a small function has no CPU.
#[derive(Debug, Clone, Default)]
pub(super) struct Deadline {
    at: Rc<Cell<Duration>>,
    missed: Rc<Cell<bool>>,
}

/// Of this thread.
pub(super) fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

impl Deadline {
    pub(super) fn start(&self, limit: Duration) {
        self.at.set(cpu_time() + limit);
    }

    pub(super) fn has_passed(&self) -> bool {
        let passed = cpu_time() >= self.at.get();
        self.missed.set(self.missed.get() || passed);
        passed
    }
}

impl Failure {
    /// One that belongs to no line.
    pub(in super::super) fn saying(message: impl Into<String>) -> Self {
        Self::at(None, message.into())
    }

    fn at(line: Option<usize>, mut message: String) -> Self {
        cut(&mut message, MAX_MESSAGE);
        message.shrink_to_fit();
        if message.trim().is_empty() {
            "it threw a string that is empty, or one long word".clone_into(&mut message);
        }
        Self { line, message }
    }

    /// That a run needed more than its time.
    pub(in super::super) fn too_slow(limits: Limits) -> Self {
        Self::saying(format!("it took more than {} ms of CPU", limits.time.as_millis()))
    }

    /// That a run needed more than its memory.
    pub(in super::super) fn too_large(limits: Limits) -> Self {
        Self::saying(format!("it used more than {} MiB of memory", limits.memory / 1024 / 1024))
    }

    /// Says which limit was hit, where one was.
    pub(super) fn within(self, limits: Limits, deadline: &Deadline) -> Self {
        let of_limit = if deadline.missed.get() {
            Self::too_slow(limits)
        } else if self.message.contains("out of memory") {
            Self::too_large(limits)
        } else {
            return self;
        };
        Self { line: self.line, ..of_limit }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self { result: Err(failure), notes: Notes::default(), cpu: Duration::ZERO }
    }
}

/// Why work in an engine ends early.
pub(super) enum Stop {
    /// The engine says so.
    Engine(rquickjs::Error),
    /// We do.
    Known(Failure),
}

impl From<rquickjs::Error> for Stop {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Known(failure)
    }
}

impl Stop {
    /// An engine's error in words, with the line of the file where it arose.
    pub(super) fn in_words(self, ctx: &Ctx<'_>, source: &Source) -> Failure {
        let error = match self {
            Self::Engine(error) => error,
            Self::Known(failure) => return failure,
        };
        match Err::<(), _>(error).catch(ctx) {
            Err(CaughtError::Exception(exception)) => {
                let field = |name| text(ctx, &exception.get(name).ok()?);
                let name = field("name").unwrap_or_else(|| "Error".to_owned());
                let message = field("message").filter(|message| !message.trim().is_empty());
                let message = message.unwrap_or_else(|| "without a message".to_owned());
                let stack = field("stack").unwrap_or_default();
                Failure::at(line_in(&stack, &source.name), format!("{name}: {message}"))
            }
            Err(CaughtError::Value(value)) => Failure::saying(thrown(ctx, &value)),
            Err(CaughtError::Error(rquickjs::Error::Allocation)) => {
                Failure::saying("out of memory")
            }
            Err(CaughtError::Error(error)) => Failure::saying(error.to_string()),
            Ok(()) => Failure::saying(""),
        }
    }
}

/// What `throw` was given, if not an error.
fn thrown<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    let text =
        text(ctx, value).or_else(|| stringify(ctx, value).ok().filter(|text| text != "null"));
    text.unwrap_or_else(|| match value.type_name() {
        "null" => "it threw null, or there was no memory left to say more".to_owned(),
        name => format!("it threw {name} instead of an error"),
    })
}

/// The first `name:line` in a stack trace.
fn line_in(stack: &str, name: &str) -> Option<usize> {
    let (_, rest) = stack.split_once(&format!("{name}:"))?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

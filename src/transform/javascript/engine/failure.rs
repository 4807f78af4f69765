use super::{Limits, Source, stringify};
use rquickjs::{CatchResultExt, CaughtError, Ctx};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// In the engine's words, or ours for a limit.
    pub message: String,
}

/// When a run must end, in CPU time of this thread, and whether it was ended for that. The clock on the
/// wall would count the time in which a small function has no CPU.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    at: Duration,
    missed: Rc<Cell<bool>>,
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self { at: cpu_time() + limit, missed: Rc::default() }
    }

    pub(super) fn has_passed(&self) -> bool {
        let passed = cpu_time() >= self.at;
        self.missed.set(self.missed.get() || passed);
        passed
    }
}

/// Says which limit was hit, where one was.
pub(super) fn within(limits: Limits, failure: Failure, deadline: &Deadline) -> Failure {
    let message = if deadline.missed.get() {
        format!("it took more than {} ms of CPU", limits.time.as_millis())
    } else if failure.message.contains("out of memory") {
        format!("it used more than {} MiB of memory", limits.memory / 1024 / 1024)
    } else {
        failure.message
    };
    Failure { message, ..failure }
}

/// An engine's error in words, with the line of the file where it arose.
pub(super) fn failure(ctx: &Ctx<'_>, error: rquickjs::Error, source: &Source) -> Failure {
    match Err::<(), _>(error).catch(ctx) {
        Err(CaughtError::Exception(exception)) => {
            let name = exception.get::<_, String>("name").unwrap_or_else(|_| "Error".to_owned());
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            Failure { line: line_in(&stack, &source.name), message: format!("{name}: {message}") }
        }
        // `throw "text"`. Without a value, there was no memory left to make one.
        Err(CaughtError::Value(value)) => {
            let text = value.as_string().and_then(|text| text.to_string().ok());
            let message =
                text.or_else(|| stringify(ctx, &value).ok().filter(|text| text != "null"));
            Failure { line: None, message: message.unwrap_or_else(|| "out of memory".to_owned()) }
        }
        Err(CaughtError::Error(rquickjs::Error::Allocation)) => {
            Failure { line: None, message: "out of memory".to_owned() }
        }
        Err(CaughtError::Error(error)) => Failure { line: None, message: error.to_string() },
        Ok(()) => Failure { line: None, message: String::new() },
    }
}

/// The first `name:line` in a stack trace.
fn line_in(stack: &str, name: &str) -> Option<usize> {
    let (_, rest) = stack.split_once(&format!("{name}:"))?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

use super::call::{stringify, text};
use crate::telemetry::redaction::cut;
use rquickjs::function::Rest;
use rquickjs::{Ctx, Function, Object, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// As many lines as are kept of what a run writes to the console.
pub(super) const MAX_LINES: usize = 20;

/// As much of a line as is kept, in bytes: more than is ever logged of it.
pub(super) const MAX_LINE: usize = 4_096;

/// What a run has written to its `console`.
pub(super) struct Console {
    lines: Rc<RefCell<Vec<String>>>,
    is_kept: bool,
}

impl Console {
    pub(super) fn new(is_kept: bool) -> Self {
        Self { lines: Rc::default(), is_kept }
    }

    /// Gives the engine its `console`.
    pub(super) fn install(&self, ctx: &Ctx<'_>) -> rquickjs::Result<()> {
        let console = Object::new(ctx.clone())?;
        for level in ["log", "info", "debug", "warn", "error"] {
            let (lines, is_kept) = (self.lines.clone(), self.is_kept);
            let write = move |values: Rest<Value<'_>>| {
                if is_kept && lines.borrow().len() < MAX_LINES {
                    // Not yet borrowed: `toJSON` may write to the console too.
                    let line = line(&values.0);
                    lines.borrow_mut().push(line);
                }
            };
            console.set(level, Function::new(ctx.clone(), write)?)?;
        }
        ctx.globals().set("console", console)
    }

    pub(super) fn take(&self) -> Vec<String> {
        self.lines.take()
    }
}

/// A line of the console, cut as it is taken: what a run writes must not outlive its memory limit.
fn line(values: &[Value<'_>]) -> String {
    let mut line = String::new();
    for value in values {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&in_words(value));
        cut(&mut line, MAX_LINE);
        line.shrink_to_fit();
    }
    line
}

fn in_words(value: &Value<'_>) -> String {
    let json = || stringify(value.ctx(), value).unwrap_or_else(|_| value.type_name().to_string());
    text(value.ctx(), value).unwrap_or_else(json)
}

use super::call::{stringify, text};
use crate::telemetry::redaction::cut;
use rquickjs::function::Rest;
use rquickjs::{Coerced, Ctx, Function, Object, Type, Value};
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
                    let line = line(&values.0)?;
                    lines.borrow_mut().push(line);
                }
                Ok::<_, rquickjs::Error>(())
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
fn line(values: &[Value<'_>]) -> rquickjs::Result<String> {
    let mut line = String::new();
    for value in values {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&in_words(value)?);
        cut(&mut line, MAX_LINE);
        line.shrink_to_fit();
    }
    Ok(line)
}

/// A value as consoles write it: what JSON has no word for in words of its own, all else as JSON. Nothing is
/// converted by a `toString` of the file's; a getter or `toJSON` of its is within the limits of the run.
fn in_words(value: &Value<'_>) -> rquickjs::Result<String> {
    let ctx = value.ctx();
    Ok(match value.type_of() {
        Type::Undefined => "undefined".to_owned(),
        Type::BigInt => format!("{}n", plain(value)?),
        Type::Int | Type::Float => plain(value)?,
        Type::Symbol => format!("Symbol({})", property(value, "description")?),
        _ if value.is_function() => joined("function", " ", &property(value, "name")?),
        _ if value.is_error() => error(value)?,
        _ => match text(ctx, value) {
            Some(text) => text,
            None => caught(ctx, stringify(ctx, value))?.unwrap_or_else(|| said(value)),
        },
    })
}

/// Of a number: the engine's own conversion, which calls nothing.
fn plain(value: &Value<'_>) -> rquickjs::Result<String> {
    let text = caught(value.ctx(), value.get::<Coerced<String>>())?;
    Ok(text.map_or_else(|| said(value), |text| text.0))
}

fn error(value: &Value<'_>) -> rquickjs::Result<String> {
    let name = property(value, "name")?;
    let name = if name.is_empty() { "Error" } else { &name };
    Ok(joined(name, ": ", &property(value, "message")?))
}

/// All that is left to say of a value.
fn said(value: &Value<'_>) -> String {
    value.type_name().to_owned()
}

fn joined(first: &str, between: &str, second: &str) -> String {
    let between = if second.is_empty() { "" } else { between };
    format!("{first}{between}{second}")
}

/// One that is a string, cut as a line is; empty if there is none.
fn property(value: &Value<'_>, name: &str) -> rquickjs::Result<String> {
    let ctx = value.ctx();
    let found = match (value.as_symbol(), value.as_object()) {
        (Some(symbol), _) => caught(ctx, symbol.description())?,
        (_, Some(object)) => caught(ctx, object.get::<_, Value<'_>>(name))?,
        _ => None,
    };
    let mut text = found.and_then(|it| text(ctx, &it)).unwrap_or_default();
    cut(&mut text, MAX_LINE);
    Ok(text)
}

/// What a file's own code throws is of no interest here, but that it has reached a limit.
fn caught<T>(ctx: &Ctx<'_>, result: rquickjs::Result<T>) -> rquickjs::Result<Option<T>> {
    if let Err(rquickjs::Error::Exception) = result {
        let thrown = ctx.catch();
        if thrown.is_uncatchable_error() {
            return Err(ctx.throw(thrown));
        }
    }
    Ok(result.ok())
}

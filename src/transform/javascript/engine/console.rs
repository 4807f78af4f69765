use super::stringify;
use crate::customerio::limits::cut;
use rquickjs::function::Rest;
use rquickjs::{Ctx, Function, Object, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// As many lines as are kept of what a run writes to the console.
pub(super) const MAX_LINES: usize = 20;

/// As much of a line as is kept, in bytes: more than is ever logged of it.
pub(super) const MAX_LINE: usize = 4_096;

/// Gives the engine a `console` whose lines are kept, if the log wants them.
pub(super) fn install(ctx: &Ctx<'_>) -> rquickjs::Result<Rc<RefCell<Vec<String>>>> {
    let lines: Rc<RefCell<Vec<String>>> = Rc::default();
    let is_wanted = tracing::enabled!(tracing::Level::DEBUG) || cfg!(test);
    let console = Object::new(ctx.clone())?;
    for level in ["log", "info", "debug", "warn", "error"] {
        let kept = lines.clone();
        let write = move |values: Rest<Value<'_>>| {
            let mut kept = kept.borrow_mut();
            if is_wanted && kept.len() < MAX_LINES {
                kept.push(line(&values.0));
            }
        };
        console.set(level, Function::new(ctx.clone(), write)?)?;
    }
    ctx.globals().set("console", console)?;
    Ok(lines)
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
    match value.as_string() {
        Some(text) => text.to_string().unwrap_or_default(),
        None => stringify(value.ctx(), value).unwrap_or_else(|_| value.type_name().to_string()),
    }
}

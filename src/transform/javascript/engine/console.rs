use super::stringify;
use rquickjs::function::Rest;
use rquickjs::{Ctx, Function, Object, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// The most that is kept of what a run writes to the console.
pub(super) const MAX_LINES: usize = 20;

/// Gives the engine a `console` whose lines are kept.
pub(super) fn install(ctx: &Ctx<'_>) -> rquickjs::Result<Rc<RefCell<Vec<String>>>> {
    let lines: Rc<RefCell<Vec<String>>> = Rc::default();
    let console = Object::new(ctx.clone())?;
    for level in ["log", "info", "debug", "warn", "error"] {
        let kept = lines.clone();
        let write = move |values: Rest<Value<'_>>| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MAX_LINES {
                let words = values.0.iter().map(in_words);
                kept.push(words.collect::<Vec<_>>().join(" "));
            }
        };
        console.set(level, Function::new(ctx.clone(), write)?)?;
    }
    ctx.globals().set("console", console)?;
    Ok(lines)
}

fn in_words(value: &Value<'_>) -> String {
    match value.as_string() {
        Some(text) => text.to_string().unwrap_or_default(),
        None => stringify(value.ctx(), value).unwrap_or_else(|_| value.type_name().to_string()),
    }
}

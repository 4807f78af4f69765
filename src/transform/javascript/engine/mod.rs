//! The `QuickJS` engine, a fresh one for each run: nothing is carried from one webhook to the next, and a
//! handler that uses up its memory or its time harms no other. One costs about a tenth of a
//! millisecond.

mod console;
mod failure;
#[cfg(test)]
mod tests;

pub use failure::Failure;

use failure::{Deadline, failure, within};
use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Coerced, Context, Ctx, Function, Object, Runtime, Value};
use std::time::Duration;

/// What one run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time, from the first line of the file to the returned webhook.
    pub time: Duration,
    /// Heap, in bytes.
    pub memory: usize,
    /// Request stack, in bytes.
    pub stack: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_millis(100), memory: 16 * 1024 * 1024, stack: 256 * 1024 }
    }
}

/// A JavaScript file that defines `handler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A webhook as a handler gets it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Dodo's.
    pub event_type: &'a str,
    /// What `webhook.url` begins with.
    pub url: &'a str,
    /// JSON.
    pub payload: &'a str,
    /// JSON; what Dodo's API says of the customer, if it was asked.
    pub customer: Option<&'a str>,
}

/// What a handler made of a webhook, and what it wrote to the console.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// Whether it set `cancel`.
    pub cancelled: bool,
    /// Whether it left `url` and `payload` as they were.
    pub untouched: bool,
    /// Where it wants to send something.
    pub url: String,
    /// With which method.
    pub method: String,
    /// Further headers, as a JSON object.
    pub headers: String,
    /// What to send, as JSON.
    pub payload: String,
    /// A line a call of `console`.
    pub console: Vec<String>,
}

/// The language, without what belongs to browsers (`performance`, `DOMException`).
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// Heap from which garbage is collected, in bytes: most runs stay below and are dropped whole.
const GC_THRESHOLD: usize = 4 * 1024 * 1024;

/// The method that a webhook begins with.
pub const METHOD: &str = "POST";

/// Makes the object that a handler gets. Evaluated before the file, so that nothing in it can interfere.
const PRELUDE: &str = r#"
(function (method, url, payload, eventType, customer) {
  const webhook = { method, url, payload, headers: {}, env: Object.freeze({}), cancel: false };
  if (customer !== undefined) webhook.customer = customer;
  Object.defineProperty(webhook, "eventType", { value: eventType, enumerable: true });
  return webhook;
})
"#;

/// Runs a file's top level and looks for its `handler`.
///
/// # Errors
/// Why it does not compile or run, or that it has no `handler`.
pub fn check(source: &Source, limits: Limits) -> Result<(), Failure> {
    in_fresh_engine(limits, |ctx, _| {
        console::install(ctx).map_err(|error| failure(ctx, error, source))?;
        handler(ctx, source).map(drop)
    })
}

/// Runs a file and its `handler` on a webhook.
///
/// # Errors
/// Why it failed.
pub fn run(source: &Source, limits: Limits, input: &Input<'_>) -> Result<Run, Failure> {
    let Input { event_type, url, payload, customer } = *input;
    in_fresh_engine(limits, |ctx, deadline| {
        let console = console::install(ctx).map_err(|error| failure(ctx, error, source))?;
        let run = (|| {
            let make: Function = ctx.eval(PRELUDE)?;
            let payload = ctx.json_parse(payload)?;
            let before = stringify(ctx, &payload)?;
            let customer = customer.map(|json| ctx.json_parse(json)).transpose()?;
            let customer = customer.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
            let webhook: Object = make.call((METHOD, url, payload, event_type, customer))?;
            Ok((before, webhook))
        })();
        let (before, webhook) = run.map_err(|error| failure(ctx, error, source))?;
        let handler = handler(ctx, source)?;
        let returned: Value =
            handler.call((webhook,)).map_err(|error| failure(ctx, error, source))?;
        let returned = settled(ctx, returned, deadline, source)?;
        let Some(returned) = returned.as_object() else {
            return Err(Failure {
                line: None,
                message: "handler returned no webhook; it must end with `return webhook`"
                    .to_owned(),
            });
        };
        let run = read(ctx, returned, url, &before).map_err(|error| failure(ctx, error, source))?;
        Ok(Run { console: console.take(), ..run })
    })
}

/// The fields of the returned webhook. Reading them may run code of the handler's.
fn read<'js>(
    ctx: &Ctx<'js>,
    webhook: &Object<'js>,
    url: &str,
    payload: &str,
) -> rquickjs::Result<Run> {
    let text = |name: &str, default: &str| -> rquickjs::Result<String> {
        let value: Value = webhook.get(name)?;
        Ok(value
            .as_string()
            .map(rquickjs::String::to_string)
            .transpose()?
            .unwrap_or(default.to_owned()))
    };
    let run = Run {
        cancelled: webhook.get::<_, Coerced<bool>>("cancel")?.0,
        url: text("url", url)?,
        method: text("method", METHOD)?,
        headers: stringify(ctx, &webhook.get("headers")?)?,
        payload: stringify(ctx, &webhook.get("payload")?)?,
        ..Run::default()
    };
    Ok(Run { untouched: run.url == url && run.payload == payload, ..run })
}

/// A value as JSON; what JSON has no word for is `null`.
fn stringify<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    let text = ctx.json_stringify(value.clone())?;
    text.map_or_else(|| Ok("null".to_owned()), |text| text.to_string())
}

/// Evaluates a file and finds its `handler`, however it is declared.
fn handler<'js>(ctx: &Ctx<'js>, source: &Source) -> Result<Function<'js>, Failure> {
    let options = |name: &str| {
        let mut options = EvalOptions::default();
        // As in Dodo's dashboard: a variable that nobody declared is no error.
        options.strict = false;
        options.filename = Some(name.to_owned());
        options
    };
    let evaluated = ctx.eval_with_options::<Value, _>(source.text.as_str(), options(&source.name));
    evaluated.map_err(|error| failure(ctx, error, source))?;
    let found = ctx.eval_with_options::<Value, _>(
        "typeof handler === 'function' ? handler : undefined",
        options("handler"),
    );
    let found = found.map_err(|error| failure(ctx, error, source))?;
    found.into_function().ok_or_else(|| Failure {
        line: None,
        message: "there is no `function handler(webhook)`".to_owned(),
    })
}

/// What an `async` handler's promise comes to; there is nothing to wait for but its own jobs.
fn settled<'js>(
    ctx: &Ctx<'js>,
    value: Value<'js>,
    deadline: &Deadline,
    source: &Source,
) -> Result<Value<'js>, Failure> {
    let Some(promise) = value.as_promise() else { return Ok(value) };
    loop {
        if let Some(result) = promise.result::<Value>() {
            return result.map_err(|error| failure(ctx, error, source));
        }
        if deadline.has_passed() {
            return Err(Failure { line: None, message: String::new() });
        }
        if !ctx.execute_pending_job() {
            return Err(Failure {
                line: None,
                message: "handler returned a promise that nothing will settle".to_owned(),
            });
        }
    }
}

fn in_fresh_engine<T>(
    limits: Limits,
    work: impl for<'js> FnOnce(&Ctx<'js>, &Deadline) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let no_engine = |error: rquickjs::Error| Failure { line: None, message: error.to_string() };
    let runtime = Runtime::new().map_err(no_engine)?;
    runtime.set_memory_limit(limits.memory);
    runtime.set_max_stack_size(limits.stack);
    let deadline = Deadline::after(limits.time);
    let interrupt = deadline.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || interrupt.has_passed())));
    runtime.set_gc_threshold(GC_THRESHOLD);
    let context = Context::custom::<Language>(&runtime).map_err(no_engine)?;
    let result = context.with(|ctx| work(&ctx, &deadline));
    result.map_err(|failure| within(limits, failure, &deadline))
}

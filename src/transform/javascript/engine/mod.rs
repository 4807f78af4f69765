//! The `QuickJS` engine, a fresh one for each run: nothing is carried from one webhook to the next, and a
//! handler that uses up its memory or its time harms no other. What takes longest, the engine itself and
//! the compiled file, can be made before there is a webhook.
//!
//! The limit of time holds where JavaScript runs. Inside a built-in function the engine asks nobody; the
//! process that runs it must have a limit of its own ([`super::process`]).

mod call;
mod console;
mod failure;
#[cfg(test)]
mod tests;
mod undefined;

pub use failure::Failure;

use call::{FOUND, defined};
use console::Console;
use failure::{Deadline, Stop, cpu_time};
use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Context, Ctx, Function, Object, Persistent, Runtime, Value};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// What one run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// CPU time, from the first line of the file to the returned webhook.
    pub time: Duration,
    /// Heap, in bytes.
    pub memory: usize,
    /// Call stack, in bytes.
    pub stack: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_millis(100), memory: 16 * 1024 * 1024, stack: 256 * 1024 }
    }
}

/// The most that a function may return, in bytes of URL, headers and payload: far more than Customer.io
/// takes, and little enough to be read in a function of 128 MB.
const MAX_MADE: usize = 1024 * 1024;

/// A JavaScript file that defines `handler` or `extend`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Which function a file defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `handler(webhook)`, which makes requests of its own.
    Handler,
    /// `extend(request, webhook)`, which changes the built-in request.
    Extend,
}

/// A webhook as a function gets it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input<'a> {
    /// Dodo's.
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    /// What `webhook.url` begins with.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// JSON.
    #[serde(borrow)]
    pub payload: Cow<'a, str>,
    /// JSON; what Dodo's API says of the customer, if it was asked.
    #[serde(borrow)]
    pub customer: Option<Cow<'a, str>>,
    /// JSON; the request that an `extend` changes. Without one, it is not called.
    #[serde(borrow)]
    pub request: Option<Cow<'a, str>>,
}

/// What a function made of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// A handler left `url` and `payload` as they were, or there was no request to extend.
    Untouched,
    /// A handler set `cancel`.
    Cancelled,
    /// A handler wants something sent.
    Made(Outgoing),
    /// An `extend` returned the request, as JSON.
    Extended(String),
    /// An `extend` returned `null`.
    Dropped,
}

/// What a handler wants to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// With which method.
    pub method: String,
    /// Further headers, as a JSON object.
    pub headers: String,
    /// JSON.
    pub payload: String,
}

/// How a run ended, and what else is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What the handler made, or why it failed.
    pub result: Result<Run, Failure>,
    /// Empty unless they are kept.
    pub notes: Notes,
    /// The CPU time that it took; zero for a run that was killed.
    pub cpu: Duration,
}

/// What somebody who tries a file wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notes {
    /// A line a call of `console`.
    pub console: Vec<String>,
    /// Properties of what the function made that came out `undefined`, such as
    /// `batch[1].attributes.plan`: JSON leaves them out.
    pub undefined: Vec<String>,
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
const METHOD: &str = "POST";

/// Makes the object that a function gets. Evaluated before the file, so that nothing in it can interfere.
const PRELUDE: &str = r#"
(function (method, url, payload, eventType, customer) {
  const webhook = { method, url, payload, headers: {}, env: Object.freeze({}), cancel: false };
  if (customer !== undefined) webhook.customer = customer;
  Object.defineProperty(webhook, "eventType", { value: eventType, enumerable: true });
  return webhook;
})
"#;

/// An engine for one run of one file.
pub struct Engine<'s> {
    // What an engine made must be dropped before it.
    file: Persistent<Function<'static>>,
    new_webhook: Persistent<Function<'static>>,
    bare: Bare<'s>,
}

/// An engine before it has seen its file.
struct Bare<'s> {
    console: Console,
    context: Context,
    deadline: Deadline,
    source: &'s Source,
    limits: Limits,
    keep_notes: bool,
}

/// Runs a file's top level and looks for its function.
///
/// # Errors
/// Why it does not compile or run, or that it does not define one function.
pub fn check(source: &Source, limits: Limits) -> Result<Kind, Failure> {
    Bare::new(source, limits, false)?.within_limits(|ctx| {
        let _: Value = ctx.eval_with_options(&*source.text, options(&source.name))?;
        let (kind, _) = defined(&ctx.eval_with_options(FOUND, options(&source.name))?)?;
        compiled(ctx, source)?;
        Ok(kind)
    })
}

impl<'s> Engine<'s> {
    /// Makes an engine and compiles a file in it. Notes are kept if `keep_notes`.
    ///
    /// # Errors
    /// Why the file does not compile.
    pub fn new(source: &'s Source, limits: Limits, keep_notes: bool) -> Result<Self, Failure> {
        let bare = Bare::new(source, limits, keep_notes)?;
        let (file, new_webhook) = bare.within_limits(|ctx| {
            let new_webhook: Function = ctx.eval(PRELUDE)?;
            let file = compiled(ctx, source)?;
            Ok((Persistent::save(ctx, file), Persistent::save(ctx, new_webhook)))
        })?;
        Ok(Self { file, new_webhook, bare })
    }

    /// Runs the file and its function on a webhook, once. Dropping the engine takes a while, which the
    /// caller can spend when nobody waits.
    pub fn run(&mut self, input: &Input<'_>) -> Answer {
        let Self { file, new_webhook, bare } = self;
        let start = cpu_time();
        let mut undefined = Vec::new();
        let result = bare.within_limits(|ctx| {
            let payload = ctx.json_parse(input.payload.as_bytes())?;
            let customer =
                input.customer.as_deref().map(|json| ctx.json_parse(json)).transpose()?;
            let customer = customer.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
            let arguments = (METHOD, &*input.url, payload, &*input.event_type, customer);
            let webhook: Object = new_webhook.clone().restore(ctx)?.call(arguments)?;
            let undefined = bare.keep_notes.then_some(&mut undefined);
            let call = call::Call { ctx, webhook, deadline: &bare.deadline, undefined };
            match defined(&file.clone().restore(ctx)?.call(())?)? {
                (Kind::Handler, handler) => call.handler(handler, &input.url, &input.payload),
                (Kind::Extend, extend) => call.extend(extend, input.request.as_deref()),
            }
        });
        let cpu = cpu_time().saturating_sub(start);
        Answer { result, notes: Notes { console: bare.console.take(), undefined }, cpu }
    }
}

impl<'s> Bare<'s> {
    fn new(source: &'s Source, limits: Limits, keep_notes: bool) -> Result<Self, Failure> {
        let no_engine = |error: rquickjs::Error| Failure::saying(error.to_string());
        let runtime = Runtime::new().map_err(no_engine)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        runtime.set_gc_threshold(GC_THRESHOLD);
        let deadline = Deadline::default();
        let interrupt = deadline.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || interrupt.has_passed())));
        let context = Context::custom::<Language>(&runtime).map_err(no_engine)?;
        let console = Console::new(keep_notes);
        context.with(|ctx| console.install(&ctx)).map_err(no_engine)?;
        Ok(Self { console, context, deadline, source, limits, keep_notes })
    }

    /// Does something in the engine, from now on against the clock; an error is put into words.
    fn within_limits<T>(
        &self,
        work: impl for<'js> FnOnce(&Ctx<'js>) -> Result<T, Stop>,
    ) -> Result<T, Failure> {
        self.deadline.start(self.limits.time);
        let result = self.context.with(|ctx| {
            let result = work(&ctx);
            result.map_err(|stop| stop.in_words(&ctx, self.source))
        });
        result.map_err(|failure| failure.within(self.limits, &self.deadline))
    }
}

/// A file as the body of a function, on the same lines, so that it can be compiled before there is a
/// webhook and is evaluated, `Date.now()` included, when there is one.
fn compiled<'js>(ctx: &Ctx<'js>, source: &Source) -> rquickjs::Result<Function<'js>> {
    let body = ["(function () {", &source.text, "\n;return ", FOUND, "; })"].concat();
    ctx.eval_with_options(body, options(&source.name))
}

fn options(file: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    // As in Dodo's dashboard: a variable that nobody declared is no error.
    options.strict = false;
    options.filename = Some(file.to_owned());
    options
}

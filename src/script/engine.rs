//! The `QuickJS` engine, a fresh one for each run: nothing is carried from one webhook to the next, and a
//! handler that eats its memory or its time takes nobody along. One costs about a tenth of a
//! millisecond.

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::function::Rest;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Object, Runtime, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What one run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first line of the file to the returned webhook.
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

/// A JavaScript file that defines `handler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// In the engine's words, or ours for a limit.
    pub message: String,
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

/// The most that is kept of what a run writes to the console.
const MAX_CONSOLE_LINES: usize = 20;

/// The method that a webhook begins with.
pub const METHOD: &str = "POST";

/// Makes the object that a handler gets. Evaluated before the file, so that nothing in it can interfere.
const PRELUDE: &str = r#"
(function (method, url, payload, eventType) {
  const webhook = { method, url, payload, headers: {}, env: Object.freeze({}), cancel: false };
  Object.defineProperty(webhook, "eventType", { value: eventType, enumerable: true });
  return webhook;
})
"#;

/// Runs a file's top level and looks for its `handler`.
///
/// # Errors
/// Why it does not compile or run, or that it has no `handler`.
pub fn check(source: &Source, limits: Limits) -> Result<(), Thrown> {
    in_fresh_engine(limits, |ctx, _| handler(ctx, source).map(drop))
}

/// Runs a file and its `handler` on a webhook. `url` is what `webhook.url` begins with; `payload` is
/// JSON.
///
/// # Errors
/// Why it failed.
pub fn run(
    source: &Source,
    limits: Limits,
    event_type: &str,
    url: &str,
    payload: &str,
) -> Result<Run, Thrown> {
    in_fresh_engine(limits, |ctx, deadline| {
        let console = install_console(ctx).map_err(|error| thrown(ctx, error, source))?;
        let run = (|| {
            let make: Function = ctx.eval(PRELUDE)?;
            let payload = ctx.json_parse(payload)?;
            let before = stringify(ctx, &payload)?;
            let webhook: Object = make.call((METHOD, url, payload, event_type))?;
            Ok((before, webhook))
        })();
        let (before, webhook) = run.map_err(|error| thrown(ctx, error, source))?;
        let handler = handler(ctx, source)?;
        let returned: Value =
            handler.call((webhook,)).map_err(|error| thrown(ctx, error, source))?;
        let returned = settled(ctx, returned, deadline, source)?;
        let Some(returned) = returned.as_object() else {
            return Err(Thrown {
                line: None,
                message: "handler returned no webhook; it must end with `return webhook`"
                    .to_owned(),
            });
        };
        let run = read(ctx, returned, url, &before).map_err(|error| thrown(ctx, error, source))?;
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
    let cancel: Value = webhook.get("cancel")?;
    let truthy = |value: &Value| {
        !(value.is_undefined() || value.is_null() || value.as_bool() == Some(false))
    };
    let text = |name: &str, default: &str| -> rquickjs::Result<String> {
        let value: Value = webhook.get(name)?;
        Ok(value
            .as_string()
            .map(rquickjs::String::to_string)
            .transpose()?
            .unwrap_or(default.to_owned()))
    };
    let run = Run {
        cancelled: truthy(&cancel),
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
fn handler<'js>(ctx: &Ctx<'js>, source: &Source) -> Result<Function<'js>, Thrown> {
    let options = |name: &str| {
        let mut options = EvalOptions::default();
        // As in Dodo's dashboard: a variable that nobody declared is no error.
        options.strict = false;
        options.filename = Some(name.to_owned());
        options
    };
    let evaluated = ctx.eval_with_options::<Value, _>(source.text.as_str(), options(&source.name));
    evaluated.map_err(|error| thrown(ctx, error, source))?;
    let found = ctx.eval_with_options::<Value, _>(
        "typeof handler === 'function' ? handler : undefined",
        options("handler"),
    );
    let found = found.map_err(|error| thrown(ctx, error, source))?;
    found.into_function().ok_or_else(|| Thrown {
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
) -> Result<Value<'js>, Thrown> {
    let Some(promise) = value.as_promise() else { return Ok(value) };
    loop {
        if let Some(result) = promise.result::<Value>() {
            return result.map_err(|error| thrown(ctx, error, source));
        }
        if deadline.has_passed() {
            return Err(Thrown { line: None, message: String::new() });
        }
        if !ctx.execute_pending_job() {
            return Err(Thrown {
                line: None,
                message: "handler returned a promise that nothing will settle".to_owned(),
            });
        }
    }
}

/// When a run must end, and whether it was ended for that.
#[derive(Debug, Clone)]
struct Deadline {
    at: Instant,
    missed: Rc<Cell<bool>>,
}

impl Deadline {
    fn has_passed(&self) -> bool {
        let passed = Instant::now() >= self.at;
        self.missed.set(self.missed.get() || passed);
        passed
    }
}

fn in_fresh_engine<T>(
    limits: Limits,
    work: impl for<'js> FnOnce(&Ctx<'js>, &Deadline) -> Result<T, Thrown>,
) -> Result<T, Thrown> {
    let no_engine = |error: rquickjs::Error| Thrown { line: None, message: error.to_string() };
    let runtime = Runtime::new().map_err(no_engine)?;
    runtime.set_memory_limit(limits.memory);
    runtime.set_max_stack_size(limits.stack);
    let deadline = Deadline { at: Instant::now() + limits.time, missed: Rc::default() };
    let interrupt = deadline.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || interrupt.has_passed())));
    runtime.set_gc_threshold(GC_THRESHOLD);
    let context = Context::custom::<Language>(&runtime).map_err(no_engine)?;
    let result = context.with(|ctx| work(&ctx, &deadline));
    result.map_err(|thrown| within(limits, thrown, &deadline))
}

/// Says which limit was hit, where one was.
fn within(limits: Limits, thrown: Thrown, deadline: &Deadline) -> Thrown {
    let message = if deadline.missed.get() {
        format!("it took longer than {} ms", limits.time.as_millis())
    } else if thrown.message.contains("out of memory") {
        format!("it used more than {} MiB of memory", limits.memory / 1024 / 1024)
    } else {
        thrown.message
    };
    Thrown { message, ..thrown }
}

/// An engine's error in words, with the line of the file where it arose.
fn thrown(ctx: &Ctx<'_>, error: rquickjs::Error, source: &Source) -> Thrown {
    match Err::<(), _>(error).catch(ctx) {
        Err(CaughtError::Exception(exception)) => {
            let name = exception.get::<_, String>("name").unwrap_or_else(|_| "Error".to_owned());
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            Thrown { line: line_in(&stack, &source.name), message: format!("{name}: {message}") }
        }
        // `throw "text"`. Without a value, there was no memory left to make one.
        Err(CaughtError::Value(value)) => {
            let text = value.as_string().and_then(|text| text.to_string().ok());
            let message =
                text.or_else(|| stringify(ctx, &value).ok().filter(|text| text != "null"));
            Thrown { line: None, message: message.unwrap_or_else(|| "out of memory".to_owned()) }
        }
        Err(CaughtError::Error(rquickjs::Error::Allocation)) => {
            Thrown { line: None, message: "out of memory".to_owned() }
        }
        Err(CaughtError::Error(error)) => Thrown { line: None, message: error.to_string() },
        Ok(()) => Thrown { line: None, message: String::new() },
    }
}

/// The first `name:line` in a stack trace.
fn line_in(stack: &str, name: &str) -> Option<usize> {
    let (_, rest) = stack.split_once(&format!("{name}:"))?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// Gives the engine a `console` whose lines are kept.
fn install_console(ctx: &Ctx<'_>) -> rquickjs::Result<Rc<RefCell<Vec<String>>>> {
    let lines: Rc<RefCell<Vec<String>>> = Rc::default();
    let console = Object::new(ctx.clone())?;
    for level in ["log", "info", "debug", "warn", "error"] {
        let kept = lines.clone();
        let write = move |values: Rest<Value<'_>>| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MAX_CONSOLE_LINES {
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

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://track.customer.io/api/v2/entity";

    fn source(text: &str) -> Source {
        Source { name: "handler.js".to_owned(), text: text.to_owned() }
    }

    fn run_body(body: &str) -> Result<Run, Thrown> {
        let text = format!("function handler(webhook) {{\n{body}\n}}");
        let payload = r#"{"type":"a.b","data":{"n":1}}"#;
        run(&source(&text), Limits::default(), "a.b", URL, payload)
    }

    fn message(body: &str) -> String {
        run_body(body).unwrap_err().message
    }

    #[test]
    fn a_handler_sees_the_webhook_and_may_change_it() {
        let made = run_body(
            "webhook.payload = { was: webhook.payload.data.n, type: webhook.eventType,
                                 method: webhook.method, env: webhook.env };
             webhook.url = 'https://track.customer.io/api/v2/batch';
             webhook.method = 'PUT';
             webhook.headers['x-a'] = 'b';
             return webhook;",
        )
        .unwrap();
        assert_eq!(made.payload, r#"{"was":1,"type":"a.b","method":"POST","env":{}}"#);
        assert_eq!(made.url, "https://track.customer.io/api/v2/batch");
        assert_eq!((made.method.as_str(), made.headers.as_str()), ("PUT", r#"{"x-a":"b"}"#));
        assert!(!made.cancelled && !made.untouched);
    }

    #[test]
    fn what_it_leaves_alone_is_untouched() {
        assert!(run_body("return webhook").unwrap().untouched);
        assert!(run_body("webhook.headers.a = 1; return webhook").unwrap().untouched);
        assert!(!run_body("webhook.payload.data.n = 2; return webhook").unwrap().untouched);
        assert!(!run_body("webhook.url += '?x'; return webhook").unwrap().untouched);
        assert!(run_body("webhook.cancel = true; return webhook").unwrap().cancelled);
    }

    #[test]
    fn the_event_type_is_read_only() {
        let made = run_body(
            "webhook.eventType = 'x'; webhook.payload = webhook.eventType; return webhook",
        );
        assert_eq!(made.unwrap().payload, r#""a.b""#);
    }

    #[test]
    fn another_object_will_do() {
        let made = run_body("return { url: 'https://x.example.com', payload: [1] }").unwrap();
        assert_eq!((made.url.as_str(), made.payload.as_str()), ("https://x.example.com", "[1]"));
        assert!(run_body("return { payload: webhook.payload }").unwrap().untouched);
    }

    #[test]
    fn a_handler_may_be_declared_in_any_way() {
        for text in [
            "function handler(webhook) { return webhook }",
            "const handler = (webhook) => webhook",
            "handler = function (webhook) { return webhook }",
            "async function handler(webhook) { await null; return webhook }",
            "var handler = async (webhook) => Promise.resolve(webhook)",
        ] {
            let made = run(&source(text), Limits::default(), "a.b", URL, "{}");
            assert!(made.unwrap().untouched, "{text}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        let thrown = run_body("\nreturn webhook.payload.nothing.there").unwrap_err();
        assert_eq!(thrown.line, Some(3));
        assert!(thrown.message.starts_with("TypeError: "), "{}", thrown.message);

        let thrown = run_body("throw new RangeError('too far')").unwrap_err();
        assert_eq!((thrown.line, thrown.message.as_str()), (Some(2), "RangeError: too far"));
        assert_eq!(message("throw 'plain text'"), "plain text");
        assert_eq!(message("throw { code: 7 }"), r#"{"code":7}"#);
        assert_eq!(message("return Promise.reject(new Error('later'))"), "Error: later");
    }

    #[test]
    fn a_file_that_does_not_compile_names_the_line() {
        let thrown =
            check(&source("function handler(webhook) {\n  return webhook\n"), Limits::default());
        assert!(thrown.clone().unwrap_err().message.starts_with("SyntaxError: "), "{thrown:?}");
        let thrown = check(&source("let a = 1;\nlet b = ;\n"), Limits::default()).unwrap_err();
        assert_eq!(thrown.line, Some(2));
        let thrown = check(&source("function handle(webhook) {}"), Limits::default()).unwrap_err();
        assert_eq!(thrown.message, "there is no `function handler(webhook)`");
    }

    #[test]
    fn returning_nothing_is_an_error() {
        for body in ["", "return", "return null", "return 7", "return 'x'"] {
            assert!(message(body).contains("return webhook"), "{body}");
        }
        assert!(message("return new Promise(() => {})").contains("promise"));
    }

    #[test]
    fn values_that_json_has_no_word_for_have_a_defined_outcome() {
        let payload = |value: &str| {
            run_body(&format!("webhook.payload = {value}; return webhook")).map(|made| made.payload)
        };
        assert_eq!(payload("NaN").unwrap(), "null");
        assert_eq!(payload("{ a: NaN, b: Infinity }").unwrap(), r#"{"a":null,"b":null}"#);
        assert_eq!(payload("{ a: Symbol('x'), b: undefined, c() {} }").unwrap(), "{}");
        assert_eq!(payload("undefined").unwrap(), "null");
        assert_eq!(payload("new Date(0)").unwrap(), r#""1970-01-01T00:00:00.000Z""#);
        assert!(payload("10n").unwrap_err().message.starts_with("TypeError: "));
        assert!(
            message("webhook.payload.me = webhook.payload; return webhook").contains("circular")
        );
        assert_eq!(
            message(
                "Object.defineProperty(webhook, 'url', { get() { throw 'gotcha' } }); return webhook"
            ),
            "gotcha"
        );
    }

    #[test]
    fn time_memory_and_stack_are_limited() {
        let start = Instant::now();
        assert_eq!(message("for (;;) {}"), "it took longer than 100 ms");
        assert_eq!(
            message("try { for (;;) {} } catch { for (;;) {} }"),
            "it took longer than 100 ms"
        );
        assert!(start.elapsed() < Duration::from_secs(2));
        let eats = "const all = []; for (;;) all.push('x'.repeat(100000) + all.length);";
        assert_eq!(message(eats), "it used more than 16 MiB of memory");
        assert!(message("(function f() { f() })()").contains("stack"));
        let endless = "async function f() { for (;;) await null } return f();";
        assert_eq!(message(endless), "it took longer than 100 ms");
    }

    #[test]
    fn nothing_is_carried_to_the_next_webhook() {
        let counts = source(
            "globalThis.count = (globalThis.count || 0) + 1; Object.prototype.stain = (Object.prototype.stain || 0) + 1;
             function handler(webhook) { webhook.payload = [count, ({}).stain]; return webhook }",
        );
        for _ in 0..3 {
            let made = run(&counts, Limits::default(), "a.b", URL, "{}").unwrap();
            assert_eq!(made.payload, "[1,1]");
        }
    }

    #[test]
    fn there_is_no_way_out() {
        for name in
            ["require", "fetch", "process", "std", "os", "XMLHttpRequest", "setTimeout", "Deno"]
        {
            let made = run_body(&format!("webhook.payload = typeof {name}; return webhook"));
            assert_eq!(made.unwrap().payload, r#""undefined""#, "{name}");
        }
        assert!(run_body("return import('fs')").is_err());
    }

    #[test]
    fn the_console_is_kept_within_bounds() {
        let made = run_body(
            "console.log('a', 1, { b: [2] }); console.error(10n, Symbol('x'), undefined);
             for (let i = 0; i < 1000; i++) console.warn(i);
             return webhook",
        )
        .unwrap();
        assert_eq!(made.console[0], r#"a 1 {"b":[2]}"#);
        assert_eq!(made.console.len(), MAX_CONSOLE_LINES);
    }

    #[test]
    fn what_people_reach_for_works() {
        let made = run_body(
            "const p = { amount: 2900, date: '2026-11-20T09:15:03.182629Z', name: 'Ada Beispiel' };
             webhook.payload = {
               money: (p.amount / 100).toFixed(2),
               day: new Date(p.date).toISOString().slice(0, 10),
               seconds: Math.floor(new Date(p.date).getTime() / 1000),
               first: p.name.split(' ')[0], chain: p.none?.x ?? 'default',
               match: /\\d+/.exec('abc42')[0], set: [...new Set([1, 1, 2])],
               entries: Object.fromEntries([['a', 1]]), at: [1, 2].at(-1), sorted: [3, 1].toSorted(),
             };
             return webhook",
        );
        assert_eq!(
            made.unwrap().payload,
            r#"{"money":"29.00","day":"2026-11-20","seconds":1795166103,"first":"Ada","chain":"default","match":"42","set":[1,2],"entries":{"a":1},"at":2,"sorted":[1,3]}"#
        );
    }
}

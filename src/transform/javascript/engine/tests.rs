//! Each thing that a handler may do has a defined outcome.

use super::console::{MAX_LINE, MAX_LINES};
use super::*;
use std::time::Instant;

const URL: &str = "https://track.customer.io/api/v2/entity";

fn input(payload: &str) -> Input<'_> {
    Input { event_type: "a.b", url: URL, payload, customer: None }
}

fn source(text: &str) -> Source {
    Source { name: "handler.js".to_owned(), text: text.to_owned() }
}

fn run_body(body: &str) -> Result<Run, Failure> {
    let text = format!("function handler(webhook) {{\n{body}\n}}");
    let payload = r#"{"type":"a.b","data":{"n":1}}"#;
    run(&source(&text), Limits::default(), &input(payload))
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
    for (value, cancelled) in
        [("true", true), ("'yes'", true), ("0", false), ("''", false), ("null", false)]
    {
        let made = run_body(&format!("webhook.cancel = {value}; return webhook")).unwrap();
        assert_eq!(made.cancelled, cancelled, "{value}");
    }
    assert!(!run_body("delete webhook.cancel; return webhook").unwrap().cancelled);
}

#[test]
fn the_event_type_is_read_only() {
    let made =
        run_body("webhook.eventType = 'x'; webhook.payload = webhook.eventType; return webhook");
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
        let made = run(&source(text), Limits::default(), &input("{}"));
        assert!(made.unwrap().untouched, "{text}");
    }
}

#[test]
fn errors_name_the_line() {
    let failure = run_body("\nreturn webhook.payload.nothing.there").unwrap_err();
    assert_eq!(failure.line, Some(3));
    assert!(failure.message.starts_with("TypeError: "), "{}", failure.message);

    let failure = run_body("throw new RangeError('too far')").unwrap_err();
    assert_eq!((failure.line, failure.message.as_str()), (Some(2), "RangeError: too far"));
    assert_eq!(message("throw 'plain text'"), "plain text");
    assert_eq!(message("throw { code: 7 }"), r#"{"code":7}"#);
    assert_eq!(message("return Promise.reject(new Error('later'))"), "Error: later");
}

#[test]
fn a_file_that_does_not_compile_names_the_line() {
    let failure =
        check(&source("function handler(webhook) {\n  return webhook\n"), Limits::default());
    assert!(failure.clone().unwrap_err().message.starts_with("SyntaxError: "), "{failure:?}");
    let failure = check(&source("let a = 1;\nlet b = ;\n"), Limits::default()).unwrap_err();
    assert_eq!(failure.line, Some(2));
    let failure = check(&source("function handle(webhook) {}"), Limits::default()).unwrap_err();
    assert_eq!(failure.message, "there is no `function handler(webhook)`");
}

#[test]
fn the_top_level_may_use_the_console() {
    let text = "console.log('loaded'); function handler(webhook) { return webhook }";
    assert_eq!(check(&source(text), Limits::default()), Ok(()));
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
    assert!(message("webhook.payload.me = webhook.payload; return webhook").contains("circular"));
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
    assert_eq!(message("for (;;) {}"), "it took more than 100 ms of CPU");
    assert_eq!(
        message("try { for (;;) {} } catch { for (;;) {} }"),
        "it took more than 100 ms of CPU"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
    let eats = "const all = []; for (;;) all.push('x'.repeat(100000) + all.length);";
    assert_eq!(message(eats), "it used more than 16 MiB of memory");
    assert!(message("(function f() { f() })()").contains("stack"));
    let endless = "async function f() { for (;;) await null } return f();";
    assert_eq!(message(endless), "it took more than 100 ms of CPU");
}

#[test]
fn nothing_is_carried_to_the_next_webhook() {
    let counts = source(
        "globalThis.count = (globalThis.count || 0) + 1; Object.prototype.stain = (Object.prototype.stain || 0) + 1;
         function handler(webhook) { webhook.payload = [count, ({}).stain]; return webhook }",
    );
    for _ in 0..3 {
        let made = run(&counts, Limits::default(), &input("{}")).unwrap();
        assert_eq!(made.payload, "[1,1]");
    }
}

#[test]
fn there_is_no_way_out() {
    for name in ["require", "fetch", "process", "std", "os", "XMLHttpRequest", "setTimeout", "Deno"]
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
    assert_eq!(made.console.len(), MAX_LINES);
}

/// On a busy machine, or at a small share of a CPU, a handler of a few milliseconds takes longer.
#[test]
fn time_in_which_the_thread_does_not_run_does_not_count() {
    let deadline = Deadline::after(Duration::from_millis(20));
    std::thread::sleep(Duration::from_millis(60));
    assert!(!deadline.has_passed());
    while !deadline.has_passed() {
        std::hint::black_box([0_u8; 4096]);
    }
}

#[test]
fn a_line_of_the_console_is_cut_as_it_is_taken() {
    let made = run_body("console.log('x'.repeat(1e6), 'ü'.repeat(1e6)); return webhook").unwrap();
    assert_eq!(made.console[0].len(), MAX_LINE);
    let made = run_body("console.log('ü'.repeat(1e6)); return webhook").unwrap();
    assert_eq!(made.console[0], "ü".repeat(MAX_LINE / 2));
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

//! Each thing that a handler may do has a defined outcome.

use super::console::{MAX_LINE, MAX_LINES};
use super::*;
use crate::telemetry::redaction::Redactor;
use std::time::{Instant, SystemTime};

const URL: &str = "https://track.customer.io/api/v2/entity";

fn input(payload: &str) -> Input<'_> {
    Input {
        event_type: "a.b".into(),
        url: URL.into(),
        payload: payload.into(),
        customer: None,
        request: None,
    }
}

fn source(text: &str) -> Source {
    Source { name: "handler.js".to_owned(), text: text.to_owned() }
}

fn answer(text: &str) -> Answer {
    let payload = r#"{"type":"a.b","data":{"n":1}}"#;
    match Engine::new(&source(text), Limits::default(), true) {
        Ok(mut engine) => engine.run(&input(payload)),
        Err(failure) => failure.into(),
    }
}

fn run(text: &str) -> Result<Run, Failure> {
    answer(text).result
}

fn body(body: &str) -> String {
    format!("function handler(webhook) {{\n{body}\n}}")
}

fn run_body(text: &str) -> Result<Run, Failure> {
    run(&body(text))
}

fn made(text: &str) -> Outgoing {
    match run_body(text) {
        Ok(Run::Made(made)) => made,
        other => panic!("{other:?}"),
    }
}

fn console(text: &str) -> Vec<String> {
    let answer = answer(&body(text));
    assert!(answer.result.is_ok(), "{answer:?}");
    answer.notes.console
}

fn message(body: &str) -> String {
    run_body(body).unwrap_err().message
}

#[test]
fn a_handler_sees_the_webhook_and_may_change_it() {
    let made = made(
        "webhook.payload = { was: webhook.payload.data.n, type: webhook.eventType,
                             method: webhook.method, env: webhook.env };
         webhook.url = 'https://track.customer.io/api/v2/batch';
         webhook.method = 'PUT';
         webhook.headers['x-a'] = 'b';
         return webhook;",
    );
    assert_eq!(made.payload, r#"{"was":1,"type":"a.b","method":"POST","env":{}}"#);
    assert_eq!(made.url, "https://track.customer.io/api/v2/batch");
    assert_eq!((made.method.as_str(), made.headers.as_str()), ("PUT", r#"{"x-a":"b"}"#));
}

#[test]
fn what_it_leaves_alone_is_untouched() {
    assert_eq!(run_body("return webhook"), Ok(Run::Untouched));
    assert_eq!(run_body("webhook.headers.a = 1; return webhook"), Ok(Run::Untouched));
    assert_eq!(
        made("webhook.payload.data.n = 2; return webhook").payload,
        r#"{"type":"a.b","data":{"n":2}}"#
    );
    assert_eq!(made("webhook.url += '?x'; return webhook").url, format!("{URL}?x"));
    for (value, cancelled) in
        [("true", true), ("'yes'", true), ("0", false), ("''", false), ("null", false)]
    {
        let run = run_body(&format!("webhook.cancel = {value}; return webhook"));
        assert_eq!(run, Ok(if cancelled { Run::Cancelled } else { Run::Untouched }), "{value}");
    }
    assert_eq!(run_body("delete webhook.cancel; return webhook"), Ok(Run::Untouched));
}

#[test]
fn the_event_type_is_read_only() {
    let made = made("webhook.eventType = 'x'; webhook.payload = webhook.eventType; return webhook");
    assert_eq!(made.payload, r#""a.b""#);
}

#[test]
fn another_object_will_do() {
    let made = made("return { url: 'https://x.example.com', payload: [1] }");
    assert_eq!((made.url.as_str(), made.payload.as_str()), ("https://x.example.com", "[1]"));
    assert_eq!(run_body("return { payload: webhook.payload }"), Ok(Run::Untouched));
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
        assert_eq!(run(text), Ok(Run::Untouched), "{text}");
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
    let neither =
        "there is no `function handler(webhook)` and no `function extend(request, webhook)`";
    assert_eq!(failure.message, neither);
}

#[test]
fn the_top_level_may_use_the_console() {
    let text = "console.log('loaded'); function handler(webhook) { return webhook }";
    assert_eq!(check(&source(text), Limits::default()), Ok(Kind::Handler));
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
    let payload =
        |value: &str| match run_body(&format!("webhook.payload = {value}; return webhook"))? {
            Run::Made(made) => Ok::<_, Failure>(made.payload),
            other => panic!("{other:?}"),
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
    let counts = "globalThis.count = (globalThis.count || 0) + 1; Object.prototype.stain = (Object.prototype.stain || 0) + 1;
         function handler(webhook) { webhook.payload = [count, ({}).stain]; return webhook }";
    for _ in 0..3 {
        let Ok(Run::Made(made)) = run(counts) else { panic!() };
        assert_eq!(made.payload, "[1,1]");
    }
}

#[test]
fn there_is_no_way_out() {
    for name in ["require", "fetch", "process", "std", "os", "XMLHttpRequest", "setTimeout", "Deno"]
    {
        let made = made(&format!("webhook.payload = typeof {name}; return webhook"));
        assert_eq!(made.payload, r#""undefined""#, "{name}");
    }
    assert!(run_body("return import('fs')").is_err());
}

#[test]
fn the_console_is_kept_within_bounds() {
    let lines = console(
        "console.log('a', 1, { b: [2] }); console.error(10n, Symbol('x'), undefined);
         for (let i = 0; i < 1000; i++) console.warn(i);
         return webhook",
    );
    assert_eq!(lines[0], r#"a 1 {"b":[2]}"#);
    assert_eq!(lines.len(), MAX_LINES);
}

#[test]
fn the_console_says_what_json_has_no_word_for() {
    let lines = console(
        "console.log(undefined, null, 5n, -(2n ** 70n), NaN, -Infinity, 1.5, true);
         console.log(function named() {}, () => 1, class A {}, Symbol('x'), Symbol());
         console.log(new TypeError('no'), new Error(), [undefined, 1]);
         return webhook",
    );
    assert_eq!(lines[0], "undefined null 5n -1180591620717411303424n NaN -Infinity 1.5 true");
    assert_eq!(lines[1], "function named function function A Symbol(x) Symbol()");
    assert_eq!(lines[2], "TypeError: no Error [null,1]");
}

#[test]
fn the_console_calls_no_conversion_and_a_hostile_value_stays_within_limits() {
    let lines = console(
        "const evil = { toString() { throw 1 }, valueOf() { throw 1 }, [Symbol.toPrimitive]() { throw 1 } };
         const error = new Error('x');
         error.message = evil; error.name = evil;
         Error.prototype.toString = BigInt.prototype.toString = evil.toString;
         Symbol.prototype.toString = Function.prototype.toString = evil.toString;
         const nameless = () => 1;
         Object.defineProperty(nameless, 'name', { get() { throw 1 } });
         console.log(evil, error, 1n, nameless, Symbol('s'), new Proxy(class B {}, {}));
         const round = {}; round.round = round;
         console.log(round, { toJSON() { throw 1 } });
         console.log('after');
         return webhook",
    );
    assert_eq!(lines[0], "{} Error 1n function Symbol(s) function B");
    assert_eq!(lines[1..], ["object object", "after"]);
    for endless in ["new Proxy(() => 1, { get() { for (;;); } })", "{ toJSON() { for (;;); } }"] {
        let text = format!("try {{ console.log({endless}) }} catch {{}} return webhook");
        assert!(message(&text).contains("CPU"), "{endless}");
    }
}

/// On a busy machine, or at a small share of a CPU, a handler of a few milliseconds takes longer.
#[test]
fn time_in_which_the_thread_does_not_run_does_not_count() {
    let deadline = Deadline::default();
    deadline.start(Duration::from_millis(20));
    std::thread::sleep(Duration::from_millis(60));
    assert!(!deadline.has_passed());
    while !deadline.has_passed() {
        std::hint::black_box([0_u8; 4096]);
    }
}

#[test]
fn a_line_of_the_console_is_cut_as_it_is_taken() {
    let lines = console("console.log('x '.repeat(1e6), 'ü'.repeat(1e6)); return webhook");
    assert_eq!(lines[0].len(), MAX_LINE);
    let lines = console("console.log('ü '.repeat(1e6)); return webhook");
    assert_eq!(lines[0].trim_end(), "ü ".repeat(MAX_LINE / 3).trim_end());
    let lines = console("console.log({ toJSON() { console.log('in') } }, 'out'); return webhook");
    assert_eq!(lines, ["in", "null out"]);
}

#[test]
fn what_people_reach_for_works() {
    let made = made(
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
        made.payload,
        r#"{"money":"29.00","day":"2026-11-20","seconds":1795166103,"first":"Ada","chain":"default","match":"42","set":[1,2],"entries":{"a":1},"at":2,"sorted":[1,3]}"#
    );
}

#[test]
fn what_is_thrown_is_cut() {
    assert_eq!(message("throw 'x '.repeat(1e6)").len(), 4_096);
    assert_eq!(message("throw new Error('x'.repeat(1e6))"), "Error: ");
}

#[test]
fn what_is_thrown_need_not_be_an_error() {
    for (thrown, message) in [
        ("undefined", "it threw undefined instead of an error"),
        ("10n", "it threw big_int instead of an error"),
        ("Symbol('x')", "it threw symbol instead of an error"),
        ("NaN", "it threw float instead of an error"),
    ] {
        let failure = run_body(&format!("throw {thrown}")).unwrap_err();
        assert_eq!(failure.message, message);
    }
    assert!(message("throw null").starts_with("it threw null"));
}

#[test]
fn what_is_returned_has_a_limit() {
    let message = message("webhook.payload = 'x'.repeat(2e6); return webhook");
    assert!(message.starts_with("it made 2000"), "{message}");
}

/// The engine is made ahead; what a file does at its top level belongs to the run.
#[test]
fn the_top_level_runs_with_the_webhook() {
    let source = source("const at = Date.now(); function handler(w) { w.payload = at; return w }");
    let mut engine = Engine::new(&source, Limits::default(), false).unwrap();
    let made_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let Ok(Run::Made(made)) = engine.run(&input("{}")).result else { panic!() };
    assert!(made.payload.parse::<u128>().unwrap() >= made_at.as_millis() + 20);
}

#[test]
fn a_file_may_begin_with_a_directive_and_end_with_a_comment() {
    assert_eq!(run("'use strict'; function handler(w) { return w } // done"), Ok(Run::Untouched));
    let undeclared = "'use strict';\nfunction handler(w) { x = 1; return w }";
    assert_eq!(run(undeclared).unwrap_err().line, Some(2));
    assert_eq!(run("function handler(w) { x = 1; return w }"), Ok(Run::Untouched));
}

const REQUEST: &str = r#"{"batch":[{"name":"Paid","attributes":{"amount_minor":2900}}]}"#;

fn extended(text: &str) -> Result<Run, Failure> {
    let source = source(text);
    let input = Input { request: Some(REQUEST.into()), ..input(r#"{"data":{"plan":"pro"}}"#) };
    Engine::new(&source, Limits::default(), true)?.run(&input).result
}

fn extended_by(body: &str) -> Result<Run, Failure> {
    extended(&format!("function extend(request, webhook) {{\n{body}\n}}"))
}

#[test]
fn an_extend_gets_the_request_and_the_webhook_and_returns_it_changed() {
    let body = "for (const item of request.batch) item.attributes.plan = webhook.payload.data.plan;
                return request";
    let with_plan = REQUEST.replace("2900", r#"2900,"plan":"pro""#);
    assert_eq!(extended_by(body), Ok(Run::Extended(with_plan)));
    assert_eq!(extended_by("return request"), Ok(Run::Extended(REQUEST.to_owned())));
    let text = "const extend = async (request) => { await null; return { batch: [] } }";
    assert_eq!(extended(text), Ok(Run::Extended(r#"{"batch":[]}"#.to_owned())));
}

#[test]
fn an_extend_that_returns_null_or_cancels_drops_the_request() {
    for body in ["return null", "webhook.cancel = true; return request"] {
        assert_eq!(extended_by(body), Ok(Run::Dropped), "{body}");
    }
}

#[test]
fn without_a_request_an_extend_is_not_called() {
    let text = "function extend(request) { throw 'called' }";
    assert_eq!(run(text), Ok(Run::Untouched));
}

#[test]
fn an_extend_is_held_to_the_same_limits_and_errors() {
    let message = |body| extended_by(body).unwrap_err().message;
    for body in ["", "return", "return 7", "return 'x'"] {
        assert!(message(body).contains("it must end with: return request"), "{body}");
    }
    assert_eq!(message("for (;;) {}"), "it took more than 100 ms of CPU");
    let eats = "const all = []; for (;;) all.push('x'.repeat(100000) + all.length);";
    assert_eq!(message(eats), "it used more than 16 MiB of memory");
    assert!(message("request.batch = 'x'.repeat(2e6); return request").starts_with("it made 2000"));
    let failure = extended_by("\nreturn request.nothing.there").unwrap_err();
    assert_eq!(failure.line, Some(3));
}

#[test]
fn a_file_defines_one_function() {
    let kind = |text| check(&source(text), Limits::default());
    assert_eq!(kind("function extend(request) { return request }"), Ok(Kind::Extend));
    assert_eq!(kind("let handler = w => w, extend = 7"), Ok(Kind::Handler));
    let both = kind("const extend = r => r; function handler(w) { return w }").unwrap_err();
    assert!(both.message.contains("both `handler` and `extend`"), "{both:?}");
    let both = run("const extend = r => r; function handler(w) { return w }").unwrap_err();
    assert!(both.message.contains("both `handler` and `extend`"), "{both:?}");
}

/// JSON drops them without a word; who tries a file is told.
#[test]
fn what_came_out_undefined_is_noted_by_its_path() {
    let text = body(
        "webhook.payload = {a: undefined, b: {c: null, d: webhook.payload.data.plna}, e: [1, undefined],
                            when: new Date(0), f: () => 1};
         return webhook;",
    );
    let noted = answer(&text).notes.undefined;
    assert_eq!(noted, ["a", "b.d", "e[1]"]);

    let text = "const extend = (r) => { r.batch[0].attributes.plan = r.nothing; return r }";
    let request = r#"{"batch":[{"attributes":{"amount":"29.00"}}]}"#;
    let input = Input { request: Some(request.into()), ..input("{}") };
    let run = |keep_notes| {
        let source = source(text);
        Engine::new(&source, Limits::default(), keep_notes).unwrap().run(&input)
    };
    assert_eq!(run(true).notes.undefined, ["batch[0].attributes.plan"]);
    assert_eq!(run(false).notes, Notes::default(), "nobody looks where speed counts");
    assert_eq!(run(true).result, run(false).result);
}

/// What a handler that shortens a name at the wrong place makes of an emoji.
#[test]
fn half_a_character_becomes_a_replacement_character() {
    let cut = "'abc😀'.slice(0, 4)";
    let body_of = |code: &str| format!("{code}; return webhook");
    let payload = made(&body_of(&format!(r#"webhook.payload = [{cut}, "\\ud83d", "😀"]"#))).payload;
    assert_eq!(payload, r#"["abc\ufffd","\\ud83d","😀"]"#);
    assert_eq!(message(&format!("throw new Error({cut})")), "Error: abc\u{fffd}");
    assert_eq!(message(&format!("throw {cut}")), "abc\u{fffd}");
    let console = answer(&body(&format!("console.log({cut}); return webhook"))).notes.console;
    assert_eq!(console, ["abc\u{fffd}"]);
}

#[test]
fn a_failure_always_has_a_reason() {
    assert_eq!(message("throw new Error()"), "Error: without a message");
    for thrown in ["''", "' '", "'z'.repeat(6e6)"] {
        let message = message(&format!("throw {thrown}"));
        assert_eq!(message, "it threw a string that is empty, or one long word", "{thrown}");
    }
}

#[test]
fn url_and_method_are_strings_or_left_alone() {
    for value in ["undefined", "null", "5", "{}", "['https://track.customer.io/']", "Symbol()"] {
        let url =
            message(&format!("webhook.url = {value}; webhook.payload = {{}}; return webhook"));
        assert_eq!(url, "webhook.url must be a string", "{value}");
    }
    assert_eq!(
        message("webhook.method = 1; webhook.payload = {}; return webhook"),
        "webhook.method must be a string"
    );
    assert_eq!(made("return {payload: {}}").url, input("{}").url);
}

/// Whatever words the payload has.
#[test]
fn our_own_sentences_stay_whole() {
    let sentences = [
        message("return 5"),
        extended_by("return 5").unwrap_err().message,
        message("return new Promise(() => {})"),
        message("webhook.payload = 'x'.repeat(2e6); return webhook"),
        message("webhook.url = 5; return webhook"),
        message("throw ''"),
        message("throw null"),
        message("(function f() { f() })()"),
    ];
    for sentence in sentences {
        let words = sentence.split(|it: char| !it.is_alphanumeric()).filter(|it| it.len() > 2);
        let personal: serde_json::Map<_, _> =
            words.enumerate().map(|(index, word)| (format!("key_{index}"), word.into())).collect();
        let redactor = Redactor::new(&serde_json::json!({"metadata": personal}), []);
        assert_eq!(redactor.redact(&sentence), sentence);
    }
}

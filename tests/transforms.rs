//! JavaScript transforms: handlers in the style of Dodo's documentation, our own examples, and hostile
//! handlers.

use dodo_customerio::transform::Unsent;
use dodo_customerio::transform::javascript::engine::{self, Input, Limits, Source};
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use serde_json::{Value, json};
use stand_ins::customerio::rules;
use stand_ins::dodo::{Sample, Webhook, random_hex, random_secret, sample, samples};
use stand_ins::secrets_manager::project_file;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NOW: u64 = 1_796_083_200;

fn load(text: &str) -> Handlers {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.js", random_hex()));
    fs::write(&path, text).unwrap();
    let handlers = Handlers::load(&path, Limits::default());
    fs::remove_file(path).unwrap();
    handlers.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn run(handlers: &Handlers, sample: &Sample) -> Result<HandlerRequests, Unsent> {
    let secret = random_secret();
    let webhook = Webhook::sign(&secret, "msg_2abcSample", 1, sample.body());
    webhook.event(&secret, |event| handlers.run(event, None, NOW)).unwrap()
}

/// `None` if there is nothing to send.
fn sent(handlers: &Handlers, sample: &Sample) -> Option<HandlerRequests> {
    match run(handlers, sample) {
        Ok(requests) => Some(requests),
        Err(Unsent::Ignored(_)) => None,
        Err(unsent) => panic!("{}: {unsent:?}", sample.name),
    }
}

fn items(handlers: &Handlers, name: &str) -> Vec<Value> {
    sent(handlers, &sample(name).unwrap()).unwrap().items().to_vec()
}

/// In the style of the published page: custom actions, amounts by `toFixed`, optional fields, a `switch`
/// on the type, one request each.
const DIALECT: [&str; 3] = [
    r#"
    function handler(webhook) {
      if (webhook.eventType === "payment.succeeded" || webhook.eventType === "payment.failed") {
        const pay = webhook.payload.data;
        webhook.url = "https://track.customer.io/api/v2/entity";
        webhook.payload = {
          type: "person",
          identifiers: { id: pay.customer.customer_id },
          action: "payment_completed",
          name: "Payment Completed",
          attributes: {
            email: pay.customer.email,
            amount: (pay.total_amount / 100).toFixed(2),
            method: pay.payment_method || "unknown",
            day: new Date(webhook.payload.timestamp).toISOString()
          }
        };
      }
      return webhook;
    }"#,
    r#"
    function handler(webhook) {
      const sub = webhook.payload.data;
      switch (webhook.eventType) {
        case "subscription.active":
        case "subscription.renewed":
          webhook.url = "https://track.customer.io/api/v2/entity";
          webhook.payload = {
            type: "person", identifiers: { id: sub.customer.customer_id },
            action: "subscription_started",
            attributes: { plan: sub.product_id, next: sub.next_billing_date, feedback: sub.cancellation_feedback ?? "" }
          };
          break;
        case "subscription.cancelled":
          webhook.url = "https://track-eu.customer.io/api/v2/entity";
          webhook.payload = {
            type: "person", identifiers: { id: sub.customer.customer_id },
            action: "subscription_cancelled", name: "Subscription Cancelled",
            attributes: { at: sub.cancelled_at }
          };
          break;
      }
      return webhook;
    }"#,
    r#"
    function handler(webhook) {
      if (webhook.eventType.indexOf("payment.") === 0) {
        var c = webhook.payload.data.customer;
        webhook.url = "https://track.customer.io/api/v2/entity";
        webhook.payload = {
          type: "person", identifiers: { id: c.customer_id }, action: "identify",
          attributes: { email: c.email || "", name: c.name || "", last_paid: webhook.payload.timestamp }
        };
      }
      return webhook;
    }"#,
];

#[test]
fn handlers_in_the_dialect_of_dodos_page_leave_as_valid_requests() {
    for text in DIALECT {
        let handlers = load(text);
        let mut count = 0;
        for sample in samples() {
            let Some(requests) = sent(&handlers, &sample) else { continue };
            for item in requests.items() {
                assert_eq!(rules::errors(item), Vec::<Value>::new(), "{}: {item}", sample.name);
                count += 1;
            }
        }
        assert!(count >= 4, "{count}");
    }
    let started = items(&load(DIALECT[1]), "subscription.active").remove(0);
    assert_eq!(
        (&started["action"], &started["name"]),
        (&json!("event"), &json!("subscription_started"))
    );
    assert_eq!(started["timestamp"], 1_795_166_103);
}

fn ours() -> impl Iterator<Item = (String, Handlers)> {
    ["failures", "no-test-customers", "plans", "segment"].into_iter().map(|name| {
        let path = project_file(format!("transforms/{name}.js"));
        (name.to_owned(), Handlers::load(&path, Limits::default()).unwrap())
    })
}

#[test]
fn our_starting_points_make_valid_requests_of_every_sample() {
    let folder = Handlers::load(&project_file("transforms"), Limits::default()).unwrap();
    for (name, handlers) in ours().chain([("all of them".to_owned(), folder)]) {
        for sample in samples() {
            let Some(requests) = sent(&handlers, &sample) else { continue };
            assert_eq!(
                requests
                    .repaired()
                    .iter()
                    .filter(|it| it.repair.to_string().contains("action"))
                    .count(),
                0
            );
            for item in requests.items() {
                assert_eq!(rules::errors(item), Vec::<Value>::new(), "{name}, {}", sample.name);
            }
        }
    }
}

#[test]
fn what_our_starting_points_make() {
    for (name, handlers) in ours() {
        for of in [
            "payment.succeeded",
            "payment.failed",
            "payment.succeeded.jpy",
            "payment.succeeded.plus_address",
            "refund.succeeded",
            "subscription.active",
            "subscription.cancelled",
            "dunning.started",
        ] {
            let made = match run(&handlers, &sample(of).unwrap()) {
                Ok(requests) => serde_json::to_string_pretty(requests.items()).unwrap(),
                Err(Unsent::Ignored(why)) => why.to_string(),
                Err(unsent) => panic!("{unsent:?}"),
            };
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("transform.{name}.{of}"), made);
            });
        }
    }
}

/// Pieces of hostile handlers, which are combined at random.
const HOSTILE: [&str; 24] = [
    "for (;;) {}",
    "while (true) { try { webhook.payload = webhook } catch { continue } }",
    "const all = []; for (;;) all.push(new Array(10000).fill(all));",
    "let s = 'x'; for (;;) s += s;",
    "(function f() { f() })();",
    "(function f(a) { return f([a, a]) })(webhook);",
    "webhook.payload.self = webhook.payload;",
    "throw webhook;",
    "throw null;",
    "throw undefined;",
    "Object.defineProperty(webhook, 'payload', { get() { for (;;) {} } });",
    "webhook.payload = { toJSON() { throw 1 } };",
    "webhook.payload = new Proxy({}, { ownKeys() { for (;;) {} } });",
    "Object.prototype.toJSON = function () { return this };",
    "JSON.stringify = () => 'x'; JSON.parse = null; Object = null;",
    "Array.prototype[Symbol.iterator] = null;",
    "webhook.url = { toString() { return 'x' } };",
    "webhook.url = 'https://evil.example.com/api/v2/entity';",
    "/^(a+)+$/.test('a'.repeat(40) + 'b');",
    "webhook.payload = 2n ** 20000n;",
    "eval('('.repeat(100000));",
    "new Function('return '.repeat(1000))();",
    "webhook.payload = JSON.parse('['.repeat(5000) + ']'.repeat(5000));",
    "(async () => { for (;;) await 0 })();",
];

const ENDS: [&str; 6] = [
    "return webhook;",
    "return;",
    "return new Proxy(webhook, { get() { throw 'no' } });",
    "return Promise.resolve(webhook);",
    "return new Promise(() => {});",
    "return { get url() { return {} }, payload: 1n };",
];

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
}

/// Ten thousand of them: each ends in time and leaks nothing.
#[test]
fn hostile_handlers_neither_crash_nor_hang_nor_leak() {
    let mut rng = fastrand::Rng::with_seed(7);
    let limits =
        Limits { time: Duration::from_millis(5), memory: 2 * 1024 * 1024, ..Limits::default() };
    let body = sample("payment.succeeded").unwrap().body();
    let (mut failed, mut settled, mut slowest) = (0, 0, Duration::ZERO);
    for number in 0..10_000 {
        let pieces: Vec<_> =
            (0..rng.usize(1..4)).map(|_| HOSTILE[rng.usize(..HOSTILE.len())]).collect();
        let end = ENDS[rng.usize(..ENDS.len())];
        let text = format!("function handler(webhook) {{\n{}\n{end}\n}}", pieces.join("\n"));
        let source = Source { name: "hostile.js".to_owned(), text };
        let start = Instant::now();
        let input = Input {
            event_type: "payment.succeeded",
            url: "https://track.customer.io/",
            payload: &body,
            customer: None,
        };
        let run = engine::run(&source, limits, &input);
        slowest = slowest.max(start.elapsed());
        failed += usize::from(run.is_err());
        if number == 1000 {
            settled = resident();
        }
    }
    println!(
        "{failed} of 10000 failed, the slowest took {slowest:?}, resident {settled} then {} kB",
        resident()
    );
    assert!(failed > 5_000, "{failed}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(resident() < settled + 20_000, "{settled} kB grew to {} kB", resident());

    let well = load("function handler(webhook) { webhook.payload = {}; return webhook }");
    assert_eq!(items(&well, "payment.succeeded"), [json!({})], "the next one is served");
}

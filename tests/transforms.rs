//! JavaScript transforms: handlers in the style of Dodo's documentation, files that extend the built-in
//! request, and our own examples.

use dodo_customerio::transform::built_in::{EventNames, Options, PersonIdentifier, transform};
use dodo_customerio::transform::javascript::engine::Limits;
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use dodo_customerio::transform::{Ignored, Unsent};
use serde_json::{Value, json};
use stand_ins::customerio::rules;
use stand_ins::dodo::{Sample, Webhook, random_hex, random_secret, sample, samples};
use stand_ins::project::project_file;
use std::fs;
use std::path::{Path, PathBuf};

const NOW: u64 = 1_796_083_200;

fn load(text: &str) -> Handlers {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.js", random_hex()));
    fs::write(&path, text).unwrap();
    let handlers = load_path(&path);
    fs::remove_file(path).unwrap();
    handlers
}

fn load_path(path: &Path) -> Handlers {
    load_path_with(path, Options::default())
}

fn load_path_with(path: &Path, options: Options) -> Handlers {
    let program = env!("CARGO_BIN_EXE_dodo-customerio").into();
    let handlers = Handlers::load_with(program, path, Limits::default(), options);
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
    sent(handlers, &sample(name).unwrap()).unwrap().items().cloned().collect()
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

const EXAMPLES: [&str; 4] = ["failures", "no-test-customers", "plans", "segment"];

fn ours() -> impl Iterator<Item = (String, Handlers)> {
    EXAMPLES.into_iter().map(|name| {
        let path = project_file(format!("transforms/examples/{name}.js"));
        (name.to_owned(), load_path(&path))
    })
}

/// The events among items, as names and ids.
fn events(items: &[Value]) -> Vec<(&str, &str)> {
    let events = items.iter().filter(|item| item["action"] == "event");
    events.map(|it| (it["name"].as_str().unwrap(), it["id"].as_str().unwrap())).collect()
}

#[test]
fn our_examples_make_valid_requests_of_every_sample() {
    let folder = load_path(&project_file("transforms/examples"));
    for (name, handlers) in ours().chain([("all of them".to_owned(), folder)]) {
        for sample in samples() {
            let Some(requests) = sent(&handlers, &sample) else { continue };
            assert_eq!(requests.repaired().count(), 0, "{name}, {}", sample.name);
            for item in requests.items() {
                assert_eq!(rules::errors(item), Vec::<Value>::new(), "{name}, {}", sample.name);
            }
        }
    }
}

/// With all of our examples at once, and with a handler of Dodo's page beside them.
#[test]
fn one_webhook_is_one_event_of_one_person() {
    let folder = load_path(&project_file("transforms/examples"));
    let mut count = 0;
    for sample in samples() {
        let Some(requests) = sent(&folder, &sample) else { continue };
        let items: Vec<_> = requests.items().cloned().collect();
        assert!(events(&items).len() <= 1, "{}: {:?}", sample.name, events(&items));
        assert!(items.iter().all(|it| it["identifiers"] == items[0]["identifiers"]));
        count += 1;
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn one_name_in_two_files_is_one_event() {
    let handler = "function handler(w) {
      w.payload = { type: 'person', identifiers: { id: 'cus_1' }, action: 'event', name: 'Payment Failed' };
      return w }";
    let folder = Files::of(&[
        ("a.js", handler),
        ("b.js", "function extend(request) { return request }"),
        ("c.js", handler),
    ]);
    let items = items(&folder.load(Options::default()), "payment.failed");
    let [first, second, third] = events(&items)[..] else { panic!("{items:?}") };
    assert_eq!(first.0, "Payment Failed");
    assert_eq!([first, second], [second, third]);
}

#[test]
fn what_our_examples_make() {
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
                Ok(requests) => {
                    let items: Vec<_> = requests.items().collect();
                    serde_json::to_string_pretty(&items).unwrap()
                }
                Err(Unsent::Ignored(why)) => why.to_string(),
                Err(unsent) => panic!("{unsent:?}"),
            };
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("transform.{name}.{of}"), made);
            });
        }
    }
}

/// A folder of files, removed when dropped.
struct Files(PathBuf);

impl Files {
    fn of(files: &[(&str, &str)]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(random_hex());
        fs::create_dir(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn load(&self, options: Options) -> Handlers {
        load_path_with(&self.0, options)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn built_in(name: &str, options: &Options) -> Vec<Value> {
    let secret = random_secret();
    let webhook = Webhook::sign(&secret, "msg_2abcSample", 1, sample(name).unwrap().body());
    let batch = webhook.event(&secret, |event| transform(event, None, NOW, options)).unwrap();
    serde_json::to_value(batch.unwrap().items).unwrap().as_array().unwrap().clone()
}

#[test]
fn an_extend_that_changes_nothing_sends_what_is_built_in() {
    let unchanged = load("function extend(request, webhook) { return request }");
    for sample in samples() {
        match run(&unchanged, &sample) {
            Ok(requests) => {
                let items: Vec<_> = requests.items().cloned().collect();
                assert_eq!(items, built_in(&sample.name, &Options::default()), "{}", sample.name);
                assert_eq!(requests.repaired().count(), 0);
            }
            Err(unsent) => assert_eq!(unsent, Unsent::Ignored(Ignored::NoCustomer)),
        }
    }
}

#[test]
fn the_settings_of_the_built_in_transform_apply_to_what_is_extended() {
    let folder = Files::of(&[("a.js", "const extend = (request) => request")]);
    let options = Options {
        identifier: PersonIdentifier::Email,
        names: EventNames::parse("payment.succeeded=Order Completed,refund.failed=").unwrap(),
        ..Options::default()
    };
    let handlers = folder.load(options.clone());
    let items = items(&handlers, "payment.succeeded");
    assert_eq!(items, built_in("payment.succeeded", &options));
    assert_eq!(events(&items)[0].0, "Order Completed");
    assert_eq!(items[0]["identifiers"], json!({"email": "ada@example.com"}));
    let off = run(&handlers, &sample("refund.failed").unwrap()).unwrap_err();
    assert_eq!(off, Unsent::Ignored(Ignored::EventOff));
    let unknown = run(&handlers, &sample("license_key.created").unwrap()).unwrap_err();
    assert_eq!(unknown, Unsent::Ignored(Ignored::NoEmail));
}

#[test]
fn several_extends_work_one_after_another_and_handlers_beside_them() {
    let folder = Files::of(&[
        (
            "1.js",
            "function handler(w) { w.payload = { type: 'person', identifiers: { id: '1' }, action: 'made' }; return w }",
        ),
        ("2.js", "function extend(r) { r.batch.at(-1).attributes.order = 'a'; return r }"),
        ("3.js", "function extend(r) { r.batch.at(-1).attributes.order += 'b'; return r }"),
    ]);
    let items = items(&folder.load(Options::default()), "payment.succeeded");
    assert_eq!(items.len(), 3, "what is built in comes first");
    assert_eq!(items[1]["attributes"]["order"], "ab");
    assert_eq!(items[2]["name"], "made");
}

#[test]
fn ids_and_times_stay_and_new_events_get_their_own() {
    let text = "function extend(request) {
      const event = request.batch.at(-1);
      request.batch.push({ ...event, id: undefined, timestamp: undefined }, { ...event, id: undefined, name: 'New' });
      event.name = 'Renamed';
      return request }";
    let items = items(&load(text), "payment.succeeded");
    let before = built_in("payment.succeeded", &Options::default());
    assert_eq!(
        [&items[1]["id"], &items[1]["timestamp"]],
        [&before[1]["id"], &before[1]["timestamp"]]
    );
    assert_eq!(items[2]["timestamp"], before[1]["timestamp"]);
    let mut ids: Vec<_> = events(&items).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 3);
    ids.dedup();
    assert_eq!(ids.len(), 3, "{items:?}");
}

#[test]
fn null_sends_nothing_but_what_handlers_make() {
    let null = ("a.js", "function extend() { return null }");
    let empty = ("a.js", "function extend() { return { batch: [] } }");
    let later = ("b.js", "function extend() { throw 'called' }");
    let of = |files: &[(&str, &str)]| {
        run(&Files::of(files).load(Options::default()), &sample("payment.succeeded").unwrap())
    };
    for files in [&[null][..], &[null, later], &[empty]] {
        assert_eq!(of(files).unwrap_err(), Unsent::Ignored(Ignored::Dropped));
    }
    let handler = "function handler(w) { w.payload = { type: 'person', identifiers: { id: '1' }, action: 'made' }; return w }";
    let made = of(&[null, ("c.js", handler)]).unwrap();
    assert_eq!(made.items().map(|item| &item["name"]).collect::<Vec<_>>(), ["made"]);
}

#[test]
fn what_an_extend_makes_of_the_request_is_checked() {
    let message = |text: &str| match run(&load(text), &sample("payment.succeeded").unwrap()) {
        Err(Unsent::Failed(message)) => message,
        other => panic!("{other:?}"),
    };
    for wrong in ["webhook", "{}", "{ batch: 7 }", "{ batch: ['x'] }", "[]"] {
        let text = format!("// extends\nfunction extend(request, webhook) {{ return {wrong} }}");
        let message = message(&text);
        assert!(message.contains(".js:2: extend must return the request"), "{message}");
    }
    let large = "function extend(r) { r.batch[0].attributes.x = 'x'.repeat(32000); return r }";
    assert!(message(large).contains("Customer.io accepts 32000 at most"), "{}", message(large));
    let throws = "function extend(r) { throw new Error('no ' + r.batch[0].attributes.email) }";
    assert!(message(throws).ends_with(".js:1: Error: no [redacted]."), "{}", message(throws));
}

/// An event that has lost its person is the same failure as without the file.
#[test]
fn an_event_without_its_person_is_kept_by_dodo() {
    let mut lost = sample("payment.succeeded").unwrap();
    lost.event["data"]["customer"] = json!(null);
    let unsent = run(&load("const extend = (request) => request"), &lost).unwrap_err();
    assert!(matches!(unsent, Unsent::NoPerson(_)), "{unsent:?}");
}

//! JavaScript transforms: handlers in the style of Dodo's documentation, and our own examples.

use dodo_customerio::transform::Unsent;
use dodo_customerio::transform::javascript::engine::Limits;
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use serde_json::{Value, json};
use stand_ins::customerio::rules;
use stand_ins::dodo::{Sample, Webhook, random_hex, random_secret, sample, samples};
use stand_ins::secrets_manager::project_file;
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
    let program = env!("CARGO_BIN_EXE_dodo-customerio").into();
    let handlers = Handlers::load_with(program, path, Limits::default());
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
        (name.to_owned(), load_path(&path))
    })
}

#[test]
fn our_starting_points_make_valid_requests_of_every_sample() {
    let folder = load_path(&project_file("transforms"));
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

//! The log: one line a webhook, in the form that Lambda's filters want.

use crate::world::{Process, World};
use serde_json::{Value, json};
use stand_ins::dodo::{Webhook, samples};
use stand_ins::fault::Fault;

/// For a webhook that was delivered, in bytes with the line end.
const LONGEST_LINE: usize = 700;

/// What Lambda's log filters know.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

#[tokio::test]
async fn one_line_is_logged_a_webhook() {
    let world = World::start().await;
    let webhook = world.webhook("payment.succeeded");
    world.deliver(&webhook).await;
    world.post(&[], b"{}").await;
    world.customerio.fail(vec![Fault::status(503); 3]);
    world.deliver(&webhook).await;
    let lines = world.log_lines(3).await;
    assert_eq!(world.log().lines().count(), 3, "{}", world.log());
    let [delivered, stranger, failed] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(delivered["level"], "INFO");
    assert_eq!(delivered["outcome"], "delivered");
    assert_eq!(delivered["webhook_id"], json!(webhook.id));
    assert_eq!(delivered["event_type"], "payment.succeeded");
    assert_eq!(delivered.get("message"), None);
    assert_eq!(stranger["level"], "WARN");
    assert_eq!(stranger["reason"], "headers_missing");
    assert_eq!((stranger.get("webhook_id"), stranger.get("_aws")), (None, None));
    assert_eq!(failed["level"], "ERROR");
    assert_eq!(failed["reason"], "customerio_unavailable");
    assert!(failed["message"].is_string());
    assert_eq!(failed["request_id"], "request-2");
}

/// Of those that were delivered, at the level that is the default.
#[tokio::test]
async fn no_samples_line_is_longer_than_700_bytes() {
    let world = World::with(&[("LOG_LEVEL", "INFO")]).await;
    let names: Vec<String> = samples().into_iter().map(|sample| sample.name).collect();
    for name in &names {
        world.deliver(&world.webhook(name)).await;
    }
    world.log_lines(names.len()).await;
    let log = world.log();
    let delivered: Vec<&str> =
        log.lines().filter(|line| line.contains("\"outcome\":\"delivered\"")).collect();
    assert!(delivered.len() > 60, "{} of {}", delivered.len(), names.len());
    for line in &delivered {
        assert!(line.len() < LONGEST_LINE, "{} bytes: {line}", line.len() + 1);
    }
    let bytes: usize = delivered.iter().map(|line| line.len() + 1).sum();
    println!("a line has {} bytes on average", bytes / delivered.len());
}

/// Whether Lambda's log filters can read a line.
fn is_for_lambda(line: &Value) -> bool {
    let timestamp = line["timestamp"].as_str().unwrap_or_default();
    let level = line["level"].as_str().unwrap_or_default();
    LEVELS.contains(&level) && dodo_customerio::event::date::is_rfc3339(timestamp)
}

#[tokio::test]
async fn every_line_has_the_timestamp_and_level_that_lambda_filters_by() {
    let world = World::with_secret(&json!({"dodo_webhook_secret": "REPLACE_ME"})).await;
    world.deliver(&world.webhook("payment.succeeded")).await;
    world.post(&[], b"{}").await;
    world.log_lines(2).await;
    let log = world.log();
    assert!(log.lines().count() > 2, "the first is about the secret: {log}");
    for line in log.lines() {
        assert!(is_for_lambda(&serde_json::from_str(line).unwrap()), "{line}");
    }
    let (_, lines) = Process::start([("LOG_LEVEL", "loud".to_owned())]).end().await;
    assert!(lines.iter().all(is_for_lambda), "{lines:?}");
    assert!(lines.iter().any(|line| line["variable"] == "LOG_LEVEL"), "{lines:?}");
}

/// The lines of a webhook that is delivered, of one that is not, and of a stranger.
async fn lines_at(level: &str) -> Vec<Value> {
    let world = World::with(&[("LOG_LEVEL", level)]).await;
    let webhook = world.webhook("payment.succeeded");
    world.deliver(&webhook).await;
    world.post(&[], b"{}").await;
    world.deliver(&Webhook { signature: "v1,AAAA".into(), ..webhook.clone() }).await;
    world.customerio.fail(vec![Fault::status(503); 3]);
    world.deliver(&webhook).await;
    // The last one is an error, which every level shows.
    world.log_lines(if level == "ERROR" { 1 } else { 3 }).await;
    world.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn above_info_a_line_below_the_level_keeps_its_metrics_only() {
    let lines = lines_at("WARN").await;
    assert_eq!(lines.len(), 4, "{lines:?}");
    let mut fields: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let metrics = ["Attempts", "ColdStarts", "CustomerIoTime", "Delivered"];
    let kept = [&metrics[..], &["FunctionName", "OwnTime", "_aws", "level", "timestamp"]].concat();
    assert_eq!(fields, kept);
    assert_eq!(lines[1]["outcome"], "unauthorized");

    let lines = lines_at("ERROR").await;
    assert_eq!(lines.len(), 3, "the stranger, whom nobody counts, leaves no line: {lines:?}");
    assert_eq!((lines[1].get("outcome"), &lines[1]["SignatureMismatches"]), (None, &json!(1)));
    assert_eq!(lines[2]["outcome"], "retry");
}

/// Its own message may quote a payload.
#[tokio::test]
async fn a_panic_is_logged_by_its_place_and_nothing_else() {
    // The Lambda runtime panics without the function's name.
    let environment = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("CUSTOMERIO_TRACK_URL", "http://127.0.0.1:1"),
    ];
    let process = Process::alone(&environment);
    let (_, lines) = process.end().await;
    let line = lines.iter().find(|line| line["reason"] == "internal_fault");
    let line = line.unwrap_or_else(|| panic!("{lines:?}"));
    assert!(line["place"].as_str().unwrap().starts_with("lambda_runtime-"), "{line}");
    assert!(!line.to_string().contains("AWS_LAMBDA_FUNCTION_NAME"), "{line}");
    assert!(is_for_lambda(line), "{line}");
}

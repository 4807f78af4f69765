//! Metrics: one line for each webhook, and every metric that an alarm of the template watches.

use crate::world::World;
use serde_json::{Value, json};
use stand_ins::dodo;
use stand_ins::fault::Fault;
use std::collections::BTreeSet;
use std::time::Duration;

/// Waits for `count` lines of metrics.
async fn metrics(world: &World, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let log = world.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
        let metrics: Vec<Value> = lines.filter(|line: &Value| line.get("_aws").is_some()).collect();
        if metrics.len() >= count {
            return metrics;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} lines of metrics in {}", world.log());
}

#[tokio::test]
async fn one_line_of_metrics_is_written_a_webhook() {
    let world = World::start().await;
    world.deliver(&world.webhook("payment.succeeded")).await;
    world.deliver(&world.webhook("payout.created")).await;
    let metrics = metrics(&world, 2).await;
    let [delivered, ignored] = metrics.as_slice() else { panic!("{metrics:?}") };
    assert_eq!(delivered["FunctionName"], "dodo-customerio");
    assert_eq!((&delivered["Outcome"], &delivered["Attempts"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&delivered["ColdStarts"], &ignored["ColdStarts"]), (&json!(1), &json!(0)));
    assert_eq!(
        (&ignored["Outcome"], &ignored["Reason"]),
        (&json!("ignored"), &json!("no_customer"))
    );
}

/// The metric of each alarm on our own metrics, and its outcome if it has one.
fn watched() -> BTreeSet<(String, Option<String>)> {
    let template = include_str!("../../template.yaml");
    let alarms = template.split("Type: AWS::CloudWatch::Alarm").skip(1);
    let ours = alarms.filter(|alarm| alarm.contains("Namespace: dodo-customerio"));
    let after = |alarm: &str, mark: &str| {
        let rest = alarm.split_once(mark)?.1.trim_start();
        Some(rest.split(|it: char| !it.is_ascii_alphanumeric()).next()?.to_owned())
    };
    ours.map(|alarm| (after(alarm, "MetricName:").unwrap(), after(alarm, "Name: Outcome, Value:")))
        .collect()
}

/// Without JavaScript nothing can fail so; then the line is what it would be.
async fn metrics_of_a_failing_transform() -> Value {
    if cfg!(not(feature = "javascript")) {
        return json!({"TransformFailures": 1, "CustomerIoTime": 0.0});
    }
    let file = std::env::temp_dir().join(format!("{}.js", dodo::random_hex()));
    std::fs::write(&file, "function handler(webhook) { throw new Error('odd') }").unwrap();
    let world = World::with(&[("TRANSFORM_FILE", file.to_str().unwrap())]).await;
    world.deliver(&world.webhook("payment.succeeded")).await;
    std::fs::remove_file(file).unwrap();
    metrics(&world, 1).await.remove(0)
}

#[tokio::test]
async fn each_metric_that_an_alarm_watches_is_emitted_when_its_cause_occurs() {
    let world = World::start().await;
    let webhook = world.webhook("payment.succeeded");
    world.customerio.fail(vec![Fault::status(503); 3]);
    world.deliver(&webhook).await;
    let reason = r#"{"errors":[{"reason":"invalid","field":"name","message":"is odd"}]}"#;
    world.customerio.fail([Fault::Response(400, vec![], reason.into())]);
    world.deliver(&webhook).await;
    world.deliver(&dodo::Webhook { signature: "v1,AAAA".into(), ..webhook.clone() }).await;
    world.customerio.fail([Fault::status(401)]);
    world.deliver(&webhook).await;
    world.customerio.fail([Fault::Slow(Duration::from_millis(3100))]);
    world.deliver(&webhook).await;

    let mut lines = metrics(&world, 5).await;
    lines.push(metrics_of_a_failing_transform().await);
    let emitted: BTreeSet<_> = lines
        .iter()
        .flat_map(|line| {
            let outcome = line["Outcome"].as_str().map(str::to_owned);
            let refused = line["CredentialsRefused"] == 1;
            let failed = line["TransformFailures"] == 1;
            let slow = line["CustomerIoTime"].as_f64().unwrap() > 3000.0;
            [
                Some(("Webhooks".to_owned(), outcome)),
                refused.then(|| ("CredentialsRefused".to_owned(), None)),
                failed.then(|| ("TransformFailures".to_owned(), None)),
                slow.then(|| ("CustomerIoTime".to_owned(), None)),
            ]
        })
        .flatten()
        .collect();
    assert_eq!(watched().len(), 6, "{:?}", watched());
    assert!(watched().is_subset(&emitted), "{:?} in {emitted:?}", watched());
}

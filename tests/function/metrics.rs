//! Metrics: the part of each line that CloudWatch counts. What alarms make of them is in [`super::alarms`].

use crate::alarms::observed::Observed;
use crate::alarms::queue;
use crate::world::World;
use serde_json::{Value, json};
use stand_ins::template::resources;
use std::collections::BTreeSet;

/// The metrics that a line announces, each with its value.
///
/// # Panics
/// If the line is not what the Embedded Metric Format demands.
pub fn announced(line: &Value) -> Vec<(String, f64)> {
    let Some(aws) = line.get("_aws") else { return Vec::new() };
    assert!(aws["Timestamp"].is_u64(), "{line}");
    let directives = aws["CloudWatchMetrics"].as_array().unwrap();
    let [directive] = directives.as_slice() else { panic!("one directive: {line}") };
    assert_eq!(directive["Namespace"], "dodo-customerio");
    assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
    assert!(line["FunctionName"].is_string(), "{line}");
    let names = directive["Metrics"].as_array().unwrap().iter();
    let names = names.map(|metric| metric["Name"].as_str().unwrap().to_owned());
    names.map(|name| (name.clone(), line[name].as_f64().unwrap())).collect()
}

#[tokio::test]
async fn a_line_counts_what_happened_and_lists_nothing_that_is_zero() {
    let world = World::start().await;
    world.deliver(&world.webhook("payment.succeeded")).await;
    world.deliver(&world.webhook("payout.created")).await;
    let lines = world.log_lines(2).await;
    let metrics: Vec<_> = lines.iter().map(announced).collect();
    assert!(metrics.iter().flatten().all(|(_, value)| *value > 0.0), "{metrics:?}");
    let names = |index: usize| {
        let metrics: &Vec<(String, f64)> = &metrics[index];
        metrics.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["Delivered", "ColdStarts", "Attempts", "CustomerIoTime", "OwnTime"]);
    assert_eq!(names(1), ["Ignored", "OwnTime"], "it asks neither Customer.io nor Dodo");
}

/// Every metric of ours that the dashboard shows, and that a field of a log query names.
#[tokio::test]
async fn the_dashboard_shows_only_what_the_function_writes() {
    let dashboard = resources()["Dashboard"]["Properties"]["DashboardBody"].to_string();
    let shown: BTreeSet<&str> = dashboard
        .split(r#"[\"dodo-customerio\", \""#)
        .skip(1)
        .filter_map(|rest| rest.split('\\').next())
        .collect();
    assert!(shown.len() > 8, "{shown:?}");
    let observed = Observed::all().await;
    let of_batches = queue::observed().await;
    let of_batches = of_batches.iter().map(|(_, line)| line);
    let lines = observed.iter().filter_map(|it| it.line.as_ref()).chain(of_batches);
    let lines: Vec<&Value> = lines.collect();
    let written: BTreeSet<String> =
        lines.iter().flat_map(|line| announced(line)).map(|(name, _)| name).collect();
    for metric in shown {
        assert!(written.contains(metric), "{metric} is in no line: {written:?}");
    }
    for field in ["level", "event_type", "outcome", "reason", "message", "webhook_id"] {
        assert!(dashboard.contains(field), "{field} is not in the dashboard");
        assert!(lines.iter().any(|line| line.get(field).is_some()), "{field} is in no line");
    }
}

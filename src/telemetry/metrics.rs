//! Metrics in the Embedded Metric Format of AWS: one line of JSON an invocation, no call.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::Serialize;
use std::time::{Duration, SystemTime};

/// Where AWS keeps the metrics.
const NAMESPACE: &str = "dodo-customerio";

/// What one invocation measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured<'a> {
    /// The name of the function, which tells stacks apart.
    pub function: &'a str,
    /// The word in the response: one of eight.
    pub outcome: &'static str,
    /// The code beside it, if any.
    pub reason: Option<&'static str>,
    /// Dodo's event type, if it was understood. A property, not a dimension: every value of a
    /// dimension is billed as a metric.
    pub event_type: Option<&'a str>,
    /// Requests to Customer.io.
    pub attempts: u32,
    /// Waiting for Customer.io, pauses included.
    pub customerio: Duration,
    /// Waiting for Dodo's API.
    pub lookups: Duration,
    /// The transform.
    pub transform: Duration,
    /// From arrival to response.
    pub duration: Duration,
    /// Whether this environment has just started.
    pub cold_start: bool,
}

/// The line, as JSON. `Webhooks` comes by outcome, everything else only by function: 16 metrics in all.
///
/// # Panics
/// Never: strings and numbers serialise.
pub(crate) fn line(measured: &Measured<'_>, now: SystemTime) -> String {
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let timestamp = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    let waited = measured.customerio + measured.lookups;
    let own = measured.duration.saturating_sub(waited);
    let line = Line {
        aws: Aws { timestamp, cloud_watch_metrics: &DIRECTIVES },
        function_name: measured.function,
        outcome: measured.outcome,
        reason: measured.reason,
        event_type: measured.event_type,
        webhooks: 1,
        attempts: measured.attempts,
        cold_starts: measured.cold_start.into(),
        credentials_refused: (measured.reason == Some("credentials_refused")).into(),
        transform_failures: (measured.reason == Some("transform_failed")).into(),
        customer_io_time: milliseconds(measured.customerio),
        transform_time: milliseconds(measured.transform),
        own_time: milliseconds(own),
    };
    serde_json::to_string(&line).expect("strings and numbers serialise")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Aws,
    function_name: &'a str,
    outcome: &'a str,
    reason: Option<&'a str>,
    event_type: Option<&'a str>,
    webhooks: u8,
    attempts: u32,
    cold_starts: u8,
    credentials_refused: u8,
    transform_failures: u8,
    customer_io_time: f64,
    transform_time: f64,
    own_time: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws {
    timestamp: u64,
    cloud_watch_metrics: &'static [Directive],
}

/// Which fields are metrics, and by which dimensions they come.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: &'static [Metric],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

const fn count(name: &'static str) -> Metric {
    Metric { name, unit: "Count" }
}

const fn time(name: &'static str) -> Metric {
    Metric { name, unit: "Milliseconds" }
}

static DIRECTIVES: [Directive; 2] = [
    Directive {
        namespace: NAMESPACE,
        dimensions: &[&["FunctionName", "Outcome"], &["FunctionName"]],
        metrics: &[count("Webhooks")],
    },
    Directive {
        namespace: NAMESPACE,
        dimensions: &[&["FunctionName"]],
        metrics: &[
            count("Attempts"),
            count("ColdStarts"),
            count("CredentialsRefused"),
            count("TransformFailures"),
            time("CustomerIoTime"),
            time("TransformTime"),
            time("OwnTime"),
        ],
    },
];

/// To the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_metric_that_is_announced_is_there() {
        let measured = Measured {
            function: "dodo",
            outcome: "retry",
            reason: Some("credentials_refused"),
            duration: Duration::from_millis(30),
            customerio: Duration::from_micros(20_500),
            ..Measured::default()
        };
        let line = line(&measured, SystemTime::UNIX_EPOCH + Duration::from_millis(1_234));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1234);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            }
            for dimension in directive["Dimensions"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|set| set.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
        assert_eq!((&line["CustomerIoTime"], &line["OwnTime"]), (&json!(20.5), &json!(9.5)));
        assert_eq!(line["CredentialsRefused"], 1);
    }
}

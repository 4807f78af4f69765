//! Metrics in the Embedded Metric Format of AWS: one line of JSON an invocation, no call.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// Where the metrics stand at AWS.
const NAMESPACE: &str = "dodo-customerio";

/// What one invocation measured.
#[derive(Debug, Clone, Default)]
pub struct Measured<'a> {
    /// The name of the function, which tells stacks apart.
    pub function: &'a str,
    /// The word in the answer: one of eight.
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
    /// The transform.
    pub transform: Duration,
    /// From arrival to answer.
    pub duration: Duration,
    /// Whether this environment has just started.
    pub cold_start: bool,
}

/// The line. `Webhooks` comes by outcome, everything else only by function: 15 metrics in all.
pub fn line(measured: &Measured<'_>, now: SystemTime) -> Value {
    let Measured { function, outcome, reason, event_type, attempts, cold_start, .. } = measured;
    let own = measured.duration.saturating_sub(measured.customerio);
    let count = |name: &str| json!({"Name": name, "Unit": "Count"});
    let time = |name: &str| json!({"Name": name, "Unit": "Milliseconds"});
    let all = [
        count("Attempts"),
        count("ColdStarts"),
        count("CredentialsRefused"),
        time("CustomerIoTime"),
        time("TransformTime"),
        time("OwnTime"),
    ];
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "_aws": {
            "Timestamp": u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["FunctionName", "Outcome"], ["FunctionName"]],
                    "Metrics": [count("Webhooks")],
                },
                {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": all},
            ],
        },
        "FunctionName": function,
        "Outcome": outcome,
        "Reason": reason,
        "EventType": event_type,
        "Webhooks": 1,
        "Attempts": attempts,
        "ColdStarts": u8::from(*cold_start),
        "CredentialsRefused": u8::from(*reason == Some("credentials_refused")),
        "CustomerIoTime": milliseconds(measured.customerio),
        "TransformTime": milliseconds(measured.transform),
        "OwnTime": milliseconds(own),
    })
}

/// To the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

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

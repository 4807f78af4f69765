//! Metrics in the Embedded Metric Format of AWS: fields of a log line that CloudWatch also counts. No
//! call is made for them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::time::{Duration, SystemTime};

/// Where AWS keeps the metrics.
const NAMESPACE: &str = "dodo-customerio";

/// The only dimension: the function's name, which tells stacks apart. Each value of a further dimension
/// would be billed as a metric of its own.
const DIMENSION: &str = "FunctionName";

/// What a metric counts or measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// How often something happened.
    Count(u32),
    /// How long it took, in milliseconds to the hundredth.
    Time(Duration),
}

/// The metrics of one line, without those that are zero.
#[derive(Debug)]
pub(crate) struct Metrics<'a> {
    function: &'a str,
    now: SystemTime,
    values: Vec<(&'static str, Value)>,
}

impl<'a> Metrics<'a> {
    /// The metrics of a function at a time.
    pub(crate) fn new(
        function: &'a str,
        now: SystemTime,
        values: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        let values = values.into_iter().filter(|(_, value)| !value.is_zero()).collect();
        Self { function, now, values }
    }

    /// Whether there is nothing to count.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds the metrics to a line, and the directive that makes CloudWatch count them; nothing if there
    /// are none.
    pub(crate) fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        if self.is_empty() {
            return Ok(());
        }
        for (name, value) in &self.values {
            line.serialize_entry(name, value)?;
        }
        line.serialize_entry(DIMENSION, self.function)?;
        line.serialize_entry("_aws", &self.directive())
    }

    fn directive(&self) -> Aws {
        let since_1970 = self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let metric = |&(name, _): &(&'static str, Value)| Metric { name };
        Aws {
            timestamp: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            cloud_watch_metrics: [Directive {
                namespace: NAMESPACE,
                dimensions: [[DIMENSION]],
                metrics: self.values.iter().map(metric).collect(),
            }],
        }
    }
}

impl Value {
    fn is_zero(self) -> bool {
        matches!(self, Self::Count(0) | Self::Time(Duration::ZERO))
    }
}

impl From<bool> for Value {
    /// Once, or not at all.
    fn from(happened: bool) -> Self {
        Self::Count(happened.into())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Time(time) => serializer.serialize_f64((time.as_secs_f64() * 1e5).round() / 1e2),
        }
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws {
    timestamp: u64,
    cloud_watch_metrics: [Directive; 1],
}

/// Which fields are metrics, and by which dimensions they come. They go without units, which CloudWatch
/// would only show: a million webhooks would pay 0.03 USD for them.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Metric>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What the metrics add to a line.
    fn written(values: impl IntoIterator<Item = (&'static str, Value)>) -> serde_json::Value {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
        let mut serializer = serde_json::Serializer::new(Vec::new());
        let mut line = serializer.serialize_map(None).unwrap();
        Metrics::new("dodo", now, values).write(&mut line).unwrap();
        line.end().unwrap();
        serde_json::from_slice(&serializer.into_inner()).unwrap()
    }

    #[test]
    fn the_directive_names_each_metric() {
        let line = written([
            ("Attempts", Value::Count(2)),
            ("CustomerIoTime", Value::Time(Duration::from_micros(20_504))),
        ]);
        assert_eq!((&line["Attempts"], &line["CustomerIoTime"]), (&json!(2), &json!(20.5)));
        assert_eq!(line["FunctionName"], "dodo");
        let metrics = json!([{"Name": "Attempts"}, {"Name": "CustomerIoTime"}]);
        let directive = json!({
            "Namespace": "dodo-customerio", "Dimensions": [["FunctionName"]], "Metrics": metrics,
        });
        assert_eq!(line["_aws"], json!({"Timestamp": 1234, "CloudWatchMetrics": [directive]}));
    }

    #[test]
    fn what_is_zero_is_not_listed() {
        let line = written([
            ("Webhooks", true.into()),
            ("ColdStarts", false.into()),
            ("LookupTime", Value::Time(Duration::ZERO)),
        ]);
        let metrics = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"];
        assert_eq!(metrics, &json!([{"Name": "Webhooks"}]));
        assert!(line.get("ColdStarts").is_none() && line.get("LookupTime").is_none(), "{line}");
        assert_eq!(written([("ColdStarts", false.into())]), json!({}));
    }
}

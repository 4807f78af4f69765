//! CloudWatch, as far as alarms go: datapoints, and alarms of the template that watch them.
//!
//! The windows slide: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html>

use super::expression::{self, Missing, Values};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Seconds.
pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// How often an alarm is evaluated; really once a minute, which would take five times as long here.
const STEP: u64 = 5 * MINUTE;
/// Beyond this an alarm is evaluated once an hour.
const MULTI_DAY: u64 = DAY;
/// The longest evaluation range.
const LONGEST: u64 = 7 * DAY;

/// The resource of the template that it is about, namespace and name.
pub type Name = (String, String, String);

pub fn name(resource: &str, namespace: &str, metric: &str) -> Name {
    (resource.to_owned(), namespace.to_owned(), metric.to_owned())
}

/// Datapoints by metric, in order of time.
#[derive(Debug, Default)]
pub struct Datapoints(BTreeMap<Name, Vec<(u64, f64)>>);

impl Datapoints {
    /// All at their minute, which is as exactly as CloudWatch keeps them.
    pub fn new(all: impl IntoIterator<Item = (u64, Name, f64)>) -> Self {
        let mut metrics: BTreeMap<Name, Vec<(u64, f64)>> = BTreeMap::new();
        for (second, name, value) in all {
            metrics.entry(name).or_default().push((second / MINUTE * MINUTE, value));
        }
        for points in metrics.values_mut() {
            points.sort_unstable_by_key(|(second, _)| *second);
        }
        Self(metrics)
    }

    /// A statistic from `start` to before `end`; `None` without datapoints.
    fn statistic(&self, name: &Name, statistic: &str, start: u64, end: u64) -> Option<f64> {
        let points = self.0.get(name)?;
        let index = |second| points.partition_point(|(at, _)| *at < second);
        let values = &points[index(start)..index(end)];
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let count = values.len() as f64;
        let sum = || values.iter().map(|(_, value)| value).sum::<f64>();
        (!values.is_empty()).then(|| match statistic {
            "Sum" => sum(),
            "Average" => sum() / count,
            "SampleCount" => count,
            "Maximum" => values.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max),
            _ => panic!("{statistic}"),
        })
    }
}

/// An alarm of the template.
#[derive(Debug)]
pub struct Alarm {
    queries: Vec<Query>,
    /// `None` for an alarm on a single metric.
    expression: Option<String>,
    period: u64,
    evaluation_periods: u64,
    needed: u64,
    threshold: f64,
    alarms_below: bool,
    missing_breaches: bool,
}

#[derive(Debug)]
struct Query {
    id: String,
    metric: Name,
    statistic: String,
}

impl Alarm {
    /// Reads an alarm; `silence_hours` is the value of the one parameter in them.
    pub fn read(alarm: &Value, silence_hours: u64) -> Self {
        let number = |value: &Value| match value["Ref"].as_str() {
            Some("SilenceHours") => silence_hours,
            _ => value.as_u64().unwrap_or_else(|| panic!("a number: {value}")),
        };
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{alarm}")).to_owned();
        let query = |id: &str, metric: &Value, statistic: &Value| {
            assert_eq!(metric["Dimensions"].as_array().unwrap().len(), 1);
            let dimension = &metric["Dimensions"][0];
            let resource = match dimension["Name"].as_str() {
                Some("FunctionName") => text(&dimension["Value"]["Ref"]),
                Some("QueueName") => text(&dimension["Value"]["Fn::GetAtt"][0]),
                other => panic!("{other:?}"),
            };
            let metric = (resource, text(&metric["Namespace"]), text(&metric["MetricName"]));
            Query { id: id.to_owned(), metric, statistic: text(statistic) }
        };
        let metrics = alarm["Metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        let stats = metrics.iter().filter_map(|it| Some((text(&it["Id"]), it.get("MetricStat")?)));
        let mut queries: Vec<Query> =
            stats.clone().map(|(id, it)| query(&id, &it["Metric"], &it["Stat"])).collect();
        let mut periods: Vec<u64> = stats.map(|(_, it)| number(&it["Period"])).collect();
        if queries.is_empty() {
            queries.push(query("only", alarm, &alarm["Statistic"]));
            periods.push(number(&alarm["Period"]));
        }
        let evaluation_periods = number(&alarm["EvaluationPeriods"]);
        assert!(periods.iter().all(|period| *period == periods[0]), "{periods:?}");
        assert!(periods[0] * evaluation_periods <= LONGEST, "{alarm}");
        Self {
            queries,
            expression: metrics.iter().find_map(|it| Some(it["Expression"].as_str()?.to_owned())),
            period: periods[0],
            evaluation_periods,
            needed: alarm.get("DatapointsToAlarm").map_or(evaluation_periods, number),
            threshold: alarm["Threshold"].as_f64().unwrap(),
            alarms_below: match alarm["ComparisonOperator"].as_str() {
                Some("LessThanThreshold") => true,
                Some("GreaterThanOrEqualToThreshold") => false,
                other => panic!("{other:?}"),
            },
            missing_breaches: match alarm["TreatMissingData"].as_str() {
                Some("breaching") => true,
                Some("notBreaching") => false,
                other => panic!("{other:?}"),
            },
        }
    }

    /// Whether it computes anything, so that missing operands could matter.
    pub fn is_computed(&self) -> bool {
        self.expression.is_some()
    }

    /// Every alarm of the template by name.
    pub fn all(resources: &Map<String, Value>, silence_hours: u64) -> BTreeMap<String, Self> {
        let alarms = resources.iter().filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
        alarms
            .map(|(name, it)| (name.clone(), Self::read(&it["Properties"], silence_hours)))
            .collect()
    }

    /// When it first goes off within a time, in seconds.
    pub fn fires(&self, data: &Datapoints, from: u64, until: u64, missing: Missing) -> Option<u64> {
        let range = self.period * self.evaluation_periods;
        let step = if range > MULTI_DAY { HOUR } else { STEP };
        // Each period that ends at a step, computed once; one of them is in many ranges.
        let begin = from.saturating_sub(range) / step;
        let breached: Vec<bool> = (begin..=until / step)
            .map(|count| self.breaches(data, count * step, missing))
            .collect();
        let stride = usize::try_from(self.period / step).expect("few");
        let periods = usize::try_from(self.evaluation_periods).expect("few");
        let is_breached_at = |index: usize| {
            let ends = (0..periods).filter_map(|count| index.checked_sub(count * stride));
            ends.filter(|end| breached[*end]).count() as u64 >= self.needed
        };
        let first = usize::try_from(from.div_ceil(step) - begin).expect("few");
        let index = (first..breached.len()).find(|index| is_breached_at(*index))?;
        Some((begin + index as u64) * step)
    }

    /// Whether the period that ends here breaches the threshold.
    fn breaches(&self, data: &Datapoints, end: u64, missing: Missing) -> bool {
        let start = end.saturating_sub(self.period);
        let value = |it: &Query| data.statistic(&it.metric, &it.statistic, start, end);
        let value = match &self.expression {
            None => value(&self.queries[0]),
            Some(expression) => {
                let values: Values =
                    self.queries.iter().map(|it| (it.id.clone(), value(it))).collect();
                expression::evaluate(expression, &values, missing)
            }
        };
        match value {
            None => self.missing_breaches,
            Some(value) if self.alarms_below => value < self.threshold,
            Some(value) => value >= self.threshold,
        }
    }
}

//! What to find in the history.

use super::MAX_WEBHOOKS;
use crate::page::query::pairs;
use serde_json::Value;

/// As many webhooks come at once unless another number is asked for.
const PAGE: usize = 100;

/// All conditions that are given must hold.
#[derive(Debug, Default)]
pub struct Query {
    event_type: Option<String>,
    outcome: Option<String>,
    /// A part of an identifier, in lower case.
    person: Option<String>,
    /// A part of anything in the record, in lower case.
    text: Option<String>,
    /// Only older ones than this number.
    pub before: Option<u64>,
    /// As many at most.
    pub limit: usize,
}

impl Query {
    /// Reads it from the query of a URL; what is unknown or blank says nothing.
    pub fn read(query: Option<&str>) -> Self {
        let mut read = Self { limit: PAGE, ..Self::default() };
        for (name, value) in pairs(query).into_iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "type" => read.event_type = Some(value),
                "outcome" => read.outcome = Some(value),
                "person" => read.person = Some(value.to_lowercase()),
                "text" => read.text = Some(value.to_lowercase()),
                "before" => read.before = value.parse().ok(),
                "limit" => read.limit = value.parse().unwrap_or(PAGE).clamp(1, MAX_WEBHOOKS),
                _ => {}
            }
        }
        read
    }

    /// Whether it finds a webhook with this summary and this text in lower case.
    pub fn finds(&self, summary: &Value, text: &str) -> bool {
        let is = |field: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| summary[field] == wanted.as_str())
        };
        let people = summary["people"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut people = people.map(str::to_lowercase);
        is("type", &self.event_type)
            && (is("outcome", &self.outcome) || is("delivery", &self.outcome))
            && self.person.as_ref().is_none_or(|wanted| people.any(|it| it.contains(wanted)))
            && self.text.as_ref().is_none_or(|wanted| text.contains(wanted.as_str()))
    }
}

//! Filters, in Customer.io's own words.

use serde_json::{Map, Value};

/// A comparison with an attribute, such as `` `status` is equal to `active` ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Of the event or of the person, by where the condition stands.
    pub attribute: String,
    /// What must hold for it.
    pub operator: Operator,
}

/// What must hold for an attribute. All but `Missing` are false where it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// `is equal to`
    Equal(String),
    /// `is not equal to`
    NotEqual(String),
    /// `is greater than`
    Greater(i64),
    /// `is one of`
    OneOf(Vec<String>),
    /// `exists`
    Exists,
    /// `does not exist`
    Missing,
}

impl Condition {
    /// Reads one; the error says what can be written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('`').collect();
        let (Some(attribute), Some(operator)) = (parts.get(1), parts.get(2)) else {
            return Err(format!(
                "“{text}” is not a condition: write `attribute` is equal to `value`"
            ));
        };
        let values: Vec<String> =
            parts.iter().skip(3).step_by(2).map(|it| (*it).to_owned()).collect();
        let operator = Operator::parse(operator.trim(), values)
            .ok_or_else(|| format!("“{}” is not a comparison: {COMPARISONS}", operator.trim()))?;
        Ok(Self { attribute: (*attribute).to_owned(), operator })
    }

    /// Whether it holds.
    pub fn holds(&self, attributes: &Map<String, Value>) -> bool {
        let value = attributes.get(&self.attribute).filter(|value| !value.is_null());
        let Some(value) = value else { return self.operator == Operator::Missing };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match &self.operator {
            Operator::Equal(expected) => text == *expected,
            Operator::NotEqual(expected) => text != *expected,
            Operator::Greater(least) => value.as_i64().is_some_and(|number| number > *least),
            Operator::OneOf(values) => values.contains(&text),
            Operator::Exists => true,
            Operator::Missing => false,
        }
    }
}

const COMPARISONS: &str = "there are “is equal to”, “is not equal to”, “is greater than”, “is one of”, \
                           “exists” and “does not exist”";

impl Operator {
    fn parse(words: &str, values: Vec<String>) -> Option<Self> {
        Some(match (words, values.as_slice()) {
            ("is equal to", [value]) => Self::Equal(value.clone()),
            ("is not equal to", [value]) => Self::NotEqual(value.clone()),
            ("is greater than", [value]) => Self::Greater(value.parse().ok()?),
            ("is one of", [_, ..]) => Self::OneOf(values),
            ("exists", []) => Self::Exists,
            ("does not exist", []) => Self::Missing,
            _ => return None,
        })
    }
}

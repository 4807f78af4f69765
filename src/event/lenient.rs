//! Lenient readers. Dodo's field types have drifted before: a number may arrive as a string, a string
//! as a number. `None` means that the value cannot be used and is left out.

use serde_json::{Number, Value};

/// A string: trimmed, never empty.
pub fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number, kept as it was written as far as JSON numbers allow.
pub fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number, for amounts in minor units: `400`, `"400"` and `400.0`. Never `"4.00"`: somebody
/// who writes decimals may well mean major units.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Floats count whole numbers exactly only up to 2^53.
#[expect(clippy::cast_possible_truncation, reason = "within 2^53 and without a fraction")]
fn whole(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

/// A flag: `true`, `"true"`, `1` and their opposites.
pub fn flag(value: &Value) -> Option<bool> {
    match string(value)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_trimmed_and_never_empty() {
        assert_eq!(string(&json!(" card ")), Some("card".into()));
        assert_eq!(string(&json!(4242)), Some("4242".into()));
        assert_eq!(string(&json!(true)), Some("true".into()));
        for nothing in [json!(""), json!(" "), json!(null), json!([]), json!({})] {
            assert_eq!(string(&nothing), None);
        }
    }

    #[test]
    fn numbers_may_be_strings() {
        assert_eq!(number(&json!("3")), Some(3.into()));
        assert_eq!(number(&json!(2.5)), Number::from_f64(2.5));
        for nothing in [json!("three"), json!("NaN"), json!(""), json!(null), json!(true)] {
            assert_eq!(number(&nothing), None);
        }
    }

    #[test]
    fn integers_never_guess() {
        for four_hundred in [json!(400), json!("400"), json!(" 400 "), json!(400.0)] {
            assert_eq!(integer(&four_hundred), Some(400));
        }
        assert_eq!(integer(&json!("-400")), Some(-400));
        for nothing in [json!("4.00"), json!(4.5), json!("4,00"), json!(1e300), json!(u64::MAX)] {
            assert_eq!(integer(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn flags_have_several_spellings() {
        for yes in [json!(true), json!("True"), json!(1)] {
            assert_eq!(flag(&yes), Some(true));
        }
        for no in [json!(false), json!("false"), json!("0")] {
            assert_eq!(flag(&no), Some(false));
        }
        assert_eq!(flag(&json!("maybe")), None);
    }
}

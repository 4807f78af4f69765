//! Dates in the form that Customer.io can compare: integer Unix seconds.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The first moment that no longer fits the 48 bits of a ULID, in Unix milliseconds.
const END_OF_ULID_TIME: u64 = 1 << 48;

/// From here on a bare number must be milliseconds: as seconds it would lie beyond the year 5000.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// A date in Unix seconds, from anything that [`unix_milliseconds`] reads.
pub fn unix_seconds(value: &Value) -> Option<u64> {
    unix_milliseconds(value).map(|milliseconds| milliseconds / 1000)
}

/// A date in Unix milliseconds: RFC 3339 with any offset and number of fraction digits, also without
/// offset (then UTC) or time of day (then midnight), or a Unix time. `None` before 1970.
pub fn unix_milliseconds(value: &Value) -> Option<u64> {
    let milliseconds = match value {
        Value::String(text) => {
            rfc3339(text.trim()).or_else(|| unix_time(text.trim().parse().ok()?))
        }
        Value::Number(number) => unix_time(number.as_u64()?),
        _ => None,
    };
    milliseconds.filter(|milliseconds| *milliseconds < END_OF_ULID_TIME)
}

/// Whether a string is strictly a date with a time of day: for fields whose meaning is unknown.
pub fn is_rfc3339(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

fn rfc3339(text: &str) -> Option<u64> {
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let moment = parse(text)
        .or_else(|| parse(&format!("{text}Z")))
        .or_else(|| parse(&format!("{text}T00:00:00Z")))?;
    u64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

fn unix_time(number: u64) -> Option<u64> {
    if number < FIRST_MILLISECONDS { number.checked_mul(1000) } else { Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn offsets_and_fraction_digits_do_not_matter() {
        for text in [
            "2026-10-31T12:00:00Z",
            "2026-10-31T12:00:00.1Z",
            "2026-10-31T12:00:00.123456789Z",
            "2026-10-31T14:00:00.5+02:00",
            "2026-10-31T06:30:00-05:30",
            "2026-10-31t12:00:00z",
            "2026-10-31T12:00:00",
            "2026-10-31T12:00:00.25",
            " 2026-10-31 12:00:00Z ",
        ] {
            assert_eq!(unix_seconds(&json!(text)), Some(1_793_448_000), "{text}");
        }
        assert_eq!(unix_seconds(&json!("2026-10-31")), Some(1_793_404_800));
    }

    #[test]
    fn unix_times_are_seconds_or_milliseconds() {
        for value in [json!(1_793_448_000), json!("1793448000"), json!(1_793_448_000_123_u64)] {
            assert_eq!(unix_seconds(&value), Some(1_793_448_000), "{value}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_left_out() {
        for value in [
            json!(null),
            json!(""),
            json!("soon"),
            json!("2026-13-01T00:00:00Z"),
            json!("1969-12-31T23:59:59Z"),
            json!(-1),
            json!(true),
            json!(u64::MAX),
        ] {
            assert_eq!(unix_milliseconds(&value), None, "{value}");
        }
    }
}

//! Amounts of money, from the minor units that Dodo sends to the decimal string that people read.

use super::lenient;
use iso_currency::Currency;
use serde_json::Value;

/// Currencies that Dodo still charges in although ISO 4217 has withdrawn them, with their exponents.
const WITHDRAWN: [(&str, u16); 1] = [("ANG", 2)];

/// `minor` units of a currency as a decimal string: `29.00` for 2900 USD, `1500` for 1500 JPY, `1.500`
/// for 1500 KWD. `None` for a currency that ISO 4217 does not know.
pub(crate) fn decimal(minor: i64, currency: &str) -> Option<String> {
    let exponent = exponent(&currency.trim().to_ascii_uppercase())?;
    if exponent == 0 {
        return Some(minor.to_string());
    }
    let unit = 10_u64.checked_pow(u32::from(exponent))?;
    let (major, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let sign = if minor < 0 { "-" } else { "" };
    Some(format!("{sign}{major}.{rest:0width$}", width = usize::from(exponent)))
}

/// Minor units of an amount that may also be written as a decimal, as Dodo announces for disputes:
/// `400`, `"400"` and, in a currency with cents, `"4.00"`. `None` if it cannot be read exactly.
pub(crate) fn minor_or_decimal(value: &Value, currency: &str) -> Option<i64> {
    let is_float = value.as_number().is_some_and(serde_json::Number::is_f64);
    if let Some(minor) = lenient::integer(value).filter(|_| !is_float) {
        return Some(minor);
    }
    let exponent = usize::from(exponent(&currency.trim().to_ascii_uppercase())?);
    let text = match value.as_f64() {
        Some(decimal) => format!("{decimal:.exponent$}"),
        None => value.as_str()?.trim().to_owned(),
    };
    let (major, fraction) = text.split_once('.')?;
    let is_exact = fraction.len() == exponent && fraction.bytes().all(|it| it.is_ascii_digit());
    let digits = format!("{major}{fraction}");
    is_exact.then(|| digits.parse().ok()).flatten()
}

/// How many decimal digits the minor unit of a currency takes.
fn exponent(code: &str) -> Option<u16> {
    let withdrawn =
        || WITHDRAWN.iter().find(|(name, _)| *name == code).map(|(_, exponent)| *exponent);
    Currency::from_code(code).and_then(Currency::exponent).or_else(withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_places_the_point() {
        for (minor, currency, expected) in [
            (2900, "USD", "29.00"),
            (5, "USD", "0.05"),
            (0, "EUR", "0.00"),
            (-1999, "EUR", "-19.99"),
            (-5, "EUR", "-0.05"),
            (1500, "JPY", "1500"),
            (1500, "KWD", "1.500"),
            (7, "BHD", "0.007"),
            (100, "ANG", "1.00"),
            (2900, " usd", "29.00"),
            (i64::MAX, "USD", "92233720368547758.07"),
            (i64::MIN, "USD", "-92233720368547758.08"),
        ] {
            assert_eq!(decimal(minor, currency).as_deref(), Some(expected));
        }
    }

    /// The list of Dodo's zero- and three-decimal currencies, from its documentation and ISO 4217.
    #[test]
    fn dodos_special_currencies_are_known() {
        let digits = |code: &str| exponent(code).unwrap_or_else(|| panic!("{code}"));
        for code in "BIF CLP DJF GNF JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(' ') {
            assert_eq!(digits(code), 0, "{code}");
        }
        for code in "BHD IQD JOD KWD LYD OMR TND".split(' ') {
            assert_eq!(digits(code), 3, "{code}");
        }
    }

    #[test]
    fn a_decimal_is_read_only_if_it_is_exact() {
        use serde_json::json;
        for (value, currency, expected) in [
            (json!("400"), "USD", Some(400)),
            (json!(400), "USD", Some(400)),
            (json!("4.00"), "USD", Some(400)),
            (json!("-4.00"), "usd", Some(-400)),
            (json!("4.500"), "KWD", Some(4_500)),
            (json!("4.0"), "USD", None),
            (json!("4.00"), "JPY", None),
            (json!("4.00"), "XYZ", None),
            (json!("4,00"), "USD", None),
            (json!("4.-1"), "USD", None),
            (json!(4.0), "USD", Some(400)),
            (json!(4.5), "USD", Some(450)),
        ] {
            assert_eq!(minor_or_decimal(&value, currency), expected, "{value} {currency}");
        }
    }

    #[test]
    fn an_unknown_currency_has_no_decimal() {
        for currency in ["", "XYZ", "dollars", "€"] {
            assert_eq!(decimal(2900, currency), None);
        }
    }
}

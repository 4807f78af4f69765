//! What lookups found out about a person, under the names that it has at Customer.io.

use crate::dodo::{Enrichment, LifetimeValue, Sum};
use crate::event::{lenient, money};
use serde_json::Value;

/// The attributes that lists and the customer give a person.
pub(super) fn attributes(enrichment: &Enrichment) -> Vec<(String, Value)> {
    let mut attributes = of_customer(enrichment);
    if let Some(lifetime) = &enrichment.lifetime {
        add_lifetime(lifetime, &mut attributes);
    }
    attributes
}

/// The customer with everything that is known, as a merchant's own transform gets it; `null` if nothing is.
pub(crate) fn customer(enrichment: &Enrichment) -> Value {
    let mut all =
        enrichment.customer.as_ref().map(|customer| (**customer).clone()).unwrap_or_default();
    all.extend(attributes(enrichment));
    if all.is_empty() { Value::Null } else { Value::Object(all) }
}

fn of_customer(enrichment: &Enrichment) -> Vec<(String, Value)> {
    let Some(since) = enrichment.customer_since else { return Vec::new() };
    let mut attributes = vec![("customer_since".to_owned(), since.into())];
    let locale = enrichment.customer.as_ref().and_then(|it| it.get("preferred_locale"));
    if let Some(locale) = locale.and_then(lenient::string) {
        attributes.push(("preferred_locale".to_owned(), locale.into()));
    }
    attributes
}

fn add_lifetime(lifetime: &LifetimeValue, attributes: &mut Vec<(String, Value)>) {
    for sum in &lifetime.sums {
        add_sum(&format!("total_spent_{}", sum.currency.to_ascii_lowercase()), sum, attributes);
    }
    if let Some(main) = lifetime.sums.first() {
        add_sum("total_spent", main, attributes);
        attributes.push(("total_spent_currency".to_owned(), main.currency.as_str().into()));
    }
    attributes.push(("payments_count".to_owned(), lifetime.payments_count.into()));
    if let Some(first) = lifetime.first_payment_date {
        attributes.push(("first_payment_date".to_owned(), first.into()));
    }
}

fn add_sum(name: &str, sum: &Sum, attributes: &mut Vec<(String, Value)>) {
    // Cleared if it cannot be written, or `total_spent` would keep its value in another currency.
    let decimal = money::decimal(sum.minor, &sum.currency).unwrap_or_default();
    attributes.push((name.to_owned(), decimal.into()));
    attributes.push((format!("{name}_minor"), sum.minor.into()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn attributes_of(enrichment: &Enrichment) -> Value {
        Value::Object(attributes(enrichment).into_iter().collect())
    }

    fn sum(currency: &str, minor: i64) -> Sum {
        Sum { currency: currency.to_owned(), minor }
    }

    #[test]
    fn each_currency_has_a_sum_and_the_first_is_also_the_total() {
        let lifetime = LifetimeValue {
            sums: vec![sum("USD", 1_200), sum("JPY", 600)],
            payments_count: 3,
            first_payment_date: Some(1_793_448_000),
        };
        let enrichment = Enrichment { lifetime: Some(lifetime), ..Enrichment::default() };
        assert_eq!(
            attributes_of(&enrichment),
            json!({
                "total_spent_usd": "12.00", "total_spent_usd_minor": 1_200,
                "total_spent_jpy": "600", "total_spent_jpy_minor": 600,
                "total_spent": "12.00", "total_spent_minor": 1_200, "total_spent_currency": "USD",
                "payments_count": 3, "first_payment_date": 1_793_448_000,
            })
        );
    }

    #[test]
    fn a_sum_in_an_unknown_currency_clears_the_decimal() {
        let lifetime = LifetimeValue { sums: vec![sum("XXQ", 5)], ..LifetimeValue::default() };
        let enrichment = Enrichment { lifetime: Some(lifetime), ..Enrichment::default() };
        let made = attributes_of(&enrichment);
        assert_eq!((&made["total_spent"], &made["total_spent_minor"]), (&json!(""), &json!(5)));
    }

    #[test]
    fn the_locale_travels_only_with_the_date_that_the_lists_gave() {
        let customer = json!({"preferred_locale": "de"}).as_object().unwrap().clone();
        let mut enrichment =
            Enrichment { customer: Some(Arc::new(customer)), ..Enrichment::default() };
        assert_eq!(attributes_of(&enrichment), json!({}));
        enrichment.customer_since = Some(1_793_448_000);
        let expected = json!({"customer_since": 1_793_448_000, "preferred_locale": "de"});
        assert_eq!(attributes_of(&enrichment), expected);
    }
}

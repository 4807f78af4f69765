use super::client::LookupError;
use super::cache::Profile;
use crate::event::{date, lenient as read, money};
use serde_json::{Map, Value, json};

/// What Dodo's API says beyond a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The customer, as the API gives them. Absent if it was not asked, or did not tell.
    pub customer: Option<Profile>,
    /// Absent likewise, and if it could not be reckoned for sure.
    pub lifetime: Option<Lifetime>,
    /// Why something is absent, if it was asked for.
    pub failure: Option<LookupError>,
}

/// What a customer has paid in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// ISO 4217.
    pub currency: String,
    /// Succeeded payments in that currency without what was refunded, in minor units.
    pub total_minor: i64,
    /// Succeeded payments in any currency.
    pub payments_count: usize,
    /// Of the first one, in Unix seconds.
    pub first_payment_date: Option<u64>,
}

impl Facts {
    /// What is new about the person, under its names at Customer.io.
    pub fn attributes(&self) -> Vec<(&'static str, Value)> {
        let of_customer = |field| self.customer.as_ref().and_then(|customer| customer.get(field));
        let since = of_customer("created_at").and_then(date::unix_seconds).map(Value::from);
        let locale = of_customer("preferred_locale").and_then(read::text).map(Value::from);
        let customer = [("customer_since", since), ("preferred_locale", locale)];
        let customer = customer.into_iter().filter_map(|(name, value)| Some((name, value?)));
        customer.chain(self.lifetime.iter().flat_map(Lifetime::attributes)).collect()
    }

    /// Fills in what a payload leaves out of its `customer`.
    pub fn complete(&self, data: &mut Map<String, Value>) {
        let Some(known) = &self.customer else { return };
        let customer = data.entry("customer").or_insert_with(|| json!({}));
        if !customer.is_object() {
            *customer = json!({});
        }
        if let Value::Object(customer) = customer {
            for field in ["customer_id", "email", "name", "metadata"] {
                let is_missing = customer.get(field).is_none_or(Value::is_null);
                if let Some(value) = known.get(field).filter(|_| is_missing) {
                    customer.insert(field.to_owned(), value.clone());
                }
            }
        }
    }

    /// The customer with everything that is known, for a merchant's own transform; `null` if nothing is.
    pub fn to_json(&self) -> Value {
        let mut all: Map<String, Value> =
            self.customer.as_ref().map(|customer| (**customer).clone()).unwrap_or_default();
        all.extend(self.attributes().into_iter().map(|(name, value)| (name.to_owned(), value)));
        if all.is_empty() { Value::Null } else { Value::Object(all) }
    }
}

impl Lifetime {
    fn attributes(&self) -> Vec<(&'static str, Value)> {
        let Self { currency, total_minor, payments_count, first_payment_date } = self;
        // Cleared if it cannot be written: it would otherwise stay what it was in another currency.
        let decimal = money::decimal(*total_minor, currency).unwrap_or_default();
        let mut attributes = vec![
            ("total_spent", decimal.into()),
            ("total_spent_minor", (*total_minor).into()),
            ("total_spent_currency", currency.as_str().into()),
            ("payments_count", (*payments_count).into()),
        ];
        attributes.extend(first_payment_date.map(|date| ("first_payment_date", date.into())));
        attributes
    }
}

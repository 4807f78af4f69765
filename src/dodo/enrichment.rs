use super::cache::Profile;
use super::client::LookupError;
use super::lifetime::LifetimeValue;
use crate::event::{Event, date, lenient};
use serde_json::{Map, Value, json};

/// What Dodo's API says beyond a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Enrichment {
    /// The customer, as the API gives them. Absent if it was not asked, or did not tell.
    pub customer: Option<Profile>,
    /// Absent likewise, and if it could not be computed with certainty.
    pub lifetime: Option<LifetimeValue>,
    /// Why something that was asked for is absent.
    pub failure: Option<LookupError>,
}

impl Enrichment {
    /// What is new about the person, under its names at Customer.io.
    pub fn attributes(&self) -> Vec<(&'static str, Value)> {
        let of_customer = |field| self.customer.as_ref().and_then(|customer| customer.get(field));
        let since = of_customer("created_at").and_then(date::unix_seconds).map(Value::from);
        let locale = of_customer("preferred_locale").and_then(lenient::string).map(Value::from);
        let customer = [("customer_since", since), ("preferred_locale", locale)];
        let customer = customer.into_iter().filter_map(|(name, value)| Some((name, value?)));
        customer.chain(self.lifetime.iter().flat_map(LifetimeValue::attributes)).collect()
    }

    /// Fills in what an event leaves out of its `customer`.
    pub fn complete(&self, event: &mut Event<'_>) {
        let Some(known) = &self.customer else { return };
        let customer = event.data.entry("customer").or_insert_with(|| json!({}));
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

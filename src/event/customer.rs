use super::lenient;
use serde_json::{Map, Value};

/// What a payload says about its customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_field_names, reason = "Dodo's name for it")]
pub(crate) struct Customer {
    /// Dodo's own id, such as `cus_…`.
    pub(crate) customer_id: Option<String>,
    /// Something that can be an address.
    pub(crate) email: Option<String>,
    /// As Dodo writes it.
    pub(crate) name: Option<String>,
}

impl Customer {
    /// Reads the `customer` object or, where an event has none, `customer_id` and, for event types
    /// still to come, the fields beside it.
    pub(crate) fn of(data: &Map<String, Value>) -> Self {
        let customer = data.get("customer").and_then(Value::as_object);
        let string = |field| customer.and_then(|customer| identity(customer.get(field)?));
        let customer_id = string("customer_id").or_else(|| identity(data.get("customer_id")?));
        // Only beside an id: the `name` in a payout is not a customer's.
        let beside = |field| customer_id.as_ref().and_then(|_| identity(data.get(field)?));
        let email = string("email").or_else(|| beside("email"));
        Self {
            email: email.filter(|email| is_address(email)),
            name: string("name").or_else(|| beside("name")),
            customer_id,
        }
    }
}

/// A string or a number; a flag names nobody.
fn identity(value: &Value) -> Option<String> {
    if value.is_boolean() { None } else { lenient::string(value) }
}

/// What a program writes where it has no id. As an id it would merge everybody into one.
const NO_IDS: [&str; 5] = ["null", "undefined", "nan", "true", "false"];

/// The merchant's own id in a `metadata`: a string that says something, or an integer.
pub fn own_id(metadata: Option<&Value>, key: &str) -> Option<String> {
    let id = match metadata?.get(key)? {
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        Value::String(id) => id.trim().to_owned(),
        _ => return None,
    };
    let is_id = !id.is_empty() && !NO_IDS.contains(&id.to_ascii_lowercase().as_str());
    is_id.then_some(id)
}

/// Customer.io accepts no longer identifier, and no longer address was ever in use. In bytes.
const MAX_ADDRESS: usize = 150;

/// Not a validation of addresses: it only keeps out what cannot be one, and would fail the item.
fn is_address(text: &str) -> bool {
    let has_both_sides =
        text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_both_sides && text.len() <= MAX_ADDRESS && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::Customer;
    use serde_json::json;

    #[test]
    fn what_cannot_be_an_address_is_none() {
        let too_long = format!("{}@example.com", "a".repeat(150));
        for address in ["", "ada", "@example.com", "ada@", "ada @example.com", &too_long] {
            let data = json!({"customer": {"customer_id": "cus_1", "email": address}});
            assert_eq!(Customer::of(data.as_object().unwrap()).email, None, "{address}");
        }
    }

    #[test]
    fn a_flag_is_nobody() {
        let data = json!({"customer": {"customer_id": true, "email": false}, "customer_id": true});
        assert_eq!(Customer::of(data.as_object().unwrap()), Customer::default());
    }

    #[test]
    fn an_own_id_is_a_string_or_an_integer() {
        let own = |id: serde_json::Value| super::own_id(Some(&json!({"user_id": id})), "user_id");
        assert_eq!(own(json!(" user_42 ")).as_deref(), Some("user_42"));
        assert_eq!(own(json!(42)).as_deref(), Some("42"));
        assert_eq!(own(json!("0")).as_deref(), Some("0"));
        assert_eq!(own(json!(-7)).as_deref(), Some("-7"));
        assert_eq!(own(json!(u64::MAX)), Some(u64::MAX.to_string()));
        for none in [
            json!(null),
            json!("null"),
            json!("Undefined"),
            json!("NaN"),
            json!(true),
            json!("false"),
            json!(""),
            json!(" "),
            json!(4.5),
            json!([]),
            json!({}),
        ] {
            assert_eq!(own(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn future_events_may_be_about_the_customer_itself() {
        let data = json!({"customer_id": "cus_1", "email": "ada@example.com", "name": "Ada"});
        let customer = Customer::of(data.as_object().unwrap());
        assert_eq!(customer.name.as_deref(), Some("Ada"));
        assert_eq!(customer.email.as_deref(), Some("ada@example.com"));
    }
}

use crate::customerio::Identifier;
use crate::customerio::limits::MAX_IDENTIFIER;
use crate::event::{Customer, lenient};
use crate::transform::Ignored;
use serde_json::{Map, Value};

/// `PERSON_IDENTIFIER`: who the person is to Customer.io.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PersonIdentifier {
    /// Dodo's customer id, as `id`.
    #[default]
    CustomerId,
    /// The e-mail address, as `email`.
    Email,
    /// The merchant's own id, as `id`, from this key of the payload's or the customer's `metadata`.
    Metadata(String),
}

impl PersonIdentifier {
    /// Who a webhook is about. Without any id, a known address still names the person, except that
    /// in `email` mode nothing else than the address does.
    pub(super) fn identify(
        &self,
        customer: &Customer,
        data: &Map<String, Value>,
    ) -> Result<Identifier, Ignored> {
        let email = || customer.email.clone().map(Identifier::Email);
        let id = || customer.customer_id.clone().and_then(usable_id);
        match self {
            Self::Email if customer.customer_id.is_some() => email().ok_or(Ignored::NoEmail),
            Self::Email => email().ok_or(Ignored::NoCustomer),
            Self::CustomerId => id().or_else(email).ok_or(Ignored::NoCustomer),
            Self::Metadata(key) => {
                own_id(data, key).or_else(id).or_else(email).ok_or(Ignored::NoCustomer)
            }
        }
    }
}

fn own_id(data: &Map<String, Value>, key: &str) -> Option<Identifier> {
    let of_customer = || data.get("customer")?.get("metadata");
    let own = |metadata: &Value| lenient::string(metadata.get(key)?);
    let id = data.get("metadata").and_then(own).or_else(|| of_customer().and_then(own));
    id.and_then(usable_id)
}

/// An id that Customer.io would reject counts as absent; cutting it could name somebody else.
fn usable_id(id: String) -> Option<Identifier> {
    (id.len() <= MAX_IDENTIFIER).then_some(Identifier::Id(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identify(mode: &PersonIdentifier, data: &Value) -> Result<Identifier, Ignored> {
        let data = data.as_object().unwrap();
        mode.identify(&Customer::of(data), data)
    }

    fn id(text: &str) -> Identifier {
        Identifier::Id(text.into())
    }

    fn email(text: &str) -> Identifier {
        Identifier::Email(text.into())
    }

    fn user_id() -> PersonIdentifier {
        PersonIdentifier::Metadata("user_id".into())
    }

    #[test]
    fn each_mode_names_the_person_in_its_way() {
        let data = json!({
            "customer": {"customer_id": "cus_1", "email": "ada@example.com"},
            "metadata": {"user_id": 42},
        });
        assert_eq!(identify(&PersonIdentifier::CustomerId, &data), Ok(id("cus_1")));
        assert_eq!(identify(&PersonIdentifier::Email, &data), Ok(email("ada@example.com")));
        assert_eq!(identify(&user_id(), &data), Ok(id("42")));
    }

    #[test]
    fn an_own_id_may_come_from_the_customer_and_falls_back() {
        let of_customer =
            json!({"customer": {"customer_id": "cus_1", "metadata": {"user_id": "u7"}}});
        assert_eq!(identify(&user_id(), &of_customer), Ok(id("u7")));
        for unusable in
            [json!(null), json!({}), json!({"user_id": " "}), json!({"user_id": "x".repeat(151)})]
        {
            let data = json!({"customer_id": "cus_1", "metadata": unusable});
            assert_eq!(identify(&user_id(), &data), Ok(id("cus_1")), "{data}");
        }
    }

    #[test]
    fn a_customer_id_alone_is_nobody_in_email_mode() {
        let data = json!({"customer_id": "cus_1"});
        assert_eq!(identify(&PersonIdentifier::CustomerId, &data), Ok(id("cus_1")));
        assert_eq!(identify(&PersonIdentifier::Email, &data), Err(Ignored::NoEmail));
    }

    #[test]
    fn an_address_alone_is_somebody() {
        let data = json!({"customer": {"email": "ada+tag@müller.example.com"}});
        for mode in [PersonIdentifier::CustomerId, PersonIdentifier::Email, user_id()] {
            assert_eq!(identify(&mode, &data), Ok(email("ada+tag@müller.example.com")));
        }
    }

    #[test]
    fn without_a_customer_there_is_nobody() {
        for data in
            [json!({}), json!({"customer": null, "name": "Payout"}), json!({"customer": {}})]
        {
            for mode in [PersonIdentifier::CustomerId, PersonIdentifier::Email, user_id()] {
                assert_eq!(identify(&mode, &data), Err(Ignored::NoCustomer), "{data}");
            }
        }
    }
}

//! Who an event is about, and by which rule: a sentence for people, and what to do if nobody is found.

use serde_json::{Value, json};

/// What decides who it is.
pub struct Facts<'f> {
    /// The value of `PERSON_IDENTIFIER`.
    pub mode: &'f str,
    /// The event.
    pub event: &'f Value,
    /// Paths that Dodo's API was asked for, with what it said.
    pub lookups: Vec<(&'f str, &'f Value)>,
    /// `identifiers` of the first item about a person that is sent.
    pub identifiers: Option<&'f Value>,
    /// Whether the built-in transform chose it.
    pub is_built_in: bool,
}

/// A place where an identifier can stand.
struct Place<'f> {
    rule: &'static str,
    value: &'f Value,
    /// Such as: the field `data.customer.email`.
    name: String,
}

/// `{mode, identifier, rule, why}`; `why` is null if nobody is named.
pub fn explain(facts: &Facts<'_>) -> Value {
    let mut explained = json!({
        "mode": facts.mode, "identifier": facts.identifiers, "rule": null, "why": null, "advice": null,
    });
    let Some(sent) = facts.identifiers.and_then(Value::as_object).and_then(|it| it.values().next())
    else {
        return explained;
    };
    let (rule, why) = match facts.places().into_iter().find(|place| place.holds(sent)) {
        Some(place) if facts.is_built_in => (place.rule, facts.sentence(&place)),
        _ => ("javascript", "A file of the JavaScript transform chose this identifier.".to_owned()),
    };
    explained["rule"] = rule.into();
    explained["why"] = why.into();
    if rule == "own.address" {
        explained["advice"] = facts.advice_on_address().into();
    }
    explained
}

impl Facts<'_> {
    /// Where the identifier may come from, in the order of the rules.
    fn places(&self) -> Vec<Place<'_>> {
        let data = &self.event["data"];
        let mut places = Vec::new();
        if let Some(key) = self.own_key() {
            let field = format!("data.metadata.{key}");
            places.push(Place::new("own.payload", &data["metadata"][key], field));
            for list in ["payments", "subscriptions", "customers"] {
                let rule = "own.lookup";
                let of_list = self.looked_up(list);
                places.extend(of_list.map(|(path, it)| {
                    Place::new(
                        rule,
                        &it["metadata"][key],
                        format!("metadata.{key} of {path} in Dodo's API"),
                    )
                }));
            }
            let field = format!("data.customer.metadata.{key}");
            places.push(Place::new("own.customer", &data["customer"]["metadata"][key], field));
        }
        if self.mode == "customer_id" {
            for (value, field) in [
                (&data["customer"]["customer_id"], "data.customer.customer_id"),
                (&data["customer_id"], "data.customer_id"),
            ] {
                places.push(Place::new("customer_id.payload", value, field.to_owned()));
            }
            let named = self.looked_up("payments");
            places.extend(named.map(|(path, it)| {
                let name = format!("customer.customer_id of {path} in Dodo's API");
                Place::new("customer_id.lookup", &it["customer"]["customer_id"], name)
            }));
        }
        let (of_payload, of_lookup) = match (self.mode, self.own_key()) {
            ("customer_id", _) => ("customer_id.address", "customer_id.address"),
            (_, Some(_)) => ("own.address", "own.address"),
            _ => ("email.payload", "email.lookup"),
        };
        let email = &data["customer"]["email"];
        places.push(Place::new(of_payload, email, "data.customer.email".to_owned()));
        let lookups = self.lookups.iter();
        places.extend(lookups.flat_map(|(path, it)| {
            let name = format!("the address in {path} of Dodo's API");
            [&it["email"], &it["customer"]["email"]]
                .map(|value| Place::new(of_lookup, value, name.clone()))
        }));
        places
    }

    fn looked_up<'s>(&'s self, list: &'s str) -> impl Iterator<Item = (&'s str, &'s Value)> {
        let of_list =
            move |path: &str| path.trim_start_matches('/').starts_with(&format!("{list}/"));
        self.lookups.iter().copied().filter(move |(path, _)| of_list(path))
    }

    fn own_key(&self) -> Option<&str> {
        self.mode.strip_prefix("metadata.")
    }

    fn sentence(&self, place: &Place<'_>) -> String {
        let (mode, name) = (self.mode, &place.name);
        match place.rule {
            "own.payload" | "own.customer" | "own.lookup" => {
                format!("PERSON_IDENTIFIER is {mode}, so the person is your own id: {name}.")
            }
            "own.address" => {
                let key = self.own_key().unwrap_or_default();
                format!(
                    "PERSON_IDENTIFIER is {mode}, but no {key} was found in the metadata of the event or of what it \
                     names, so the person is the address: {name}."
                )
            }
            "customer_id.payload" => {
                format!(
                    "PERSON_IDENTIFIER is customer_id (the default), so the person is Dodo's customer id: {name}."
                )
            }
            "customer_id.lookup" => {
                format!(
                    "The event names no customer, but its payment does, so the person is {name}."
                )
            }
            "customer_id.address" => {
                format!("The event has no customer id, so the person is the address: {name}.")
            }
            "email.payload" => {
                format!(
                    "PERSON_IDENTIFIER is email, so the person is the address in {name}, in lower case."
                )
            }
            _ => format!(
                "PERSON_IDENTIFIER is email and the event carries only a customer id, so the person is {name}, in \
                 lower case."
            ),
        }
    }

    fn advice_on_address(&self) -> String {
        let key = self.own_key().unwrap_or_default();
        format!(
            "Put {key} into the metadata of checkouts and subscriptions, as docs/identity.md describes; a \
             dodo_api_key also finds it in the metadata of the customer."
        )
    }
}

impl<'f> Place<'f> {
    fn new(rule: &'static str, value: &'f Value, name: String) -> Self {
        Self { rule, value, name }
    }

    /// Whether the identifier that was sent stands there. Numbers become strings, addresses lose capitals.
    fn holds(&self, sent: &Value) -> bool {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.trim().to_lowercase()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        text(self.value).is_some_and(|own| text(sent) == Some(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        mode: &str,
        event: &Value,
        lookups: &[(&str, &Value)],
        sent: &Value,
    ) -> (String, String) {
        let facts = Facts {
            mode,
            event,
            lookups: lookups.to_vec(),
            identifiers: Some(sent),
            is_built_in: true,
        };
        let explained = explain(&facts);
        let text = |name: &str| explained[name].as_str().unwrap_or_default().to_owned();
        (text("rule"), text("why"))
    }

    #[test]
    fn each_rule_has_its_sentence() {
        let event = json!({"data": {
            "customer": {"customer_id": "cus_1", "email": "Ada@Example.com"},
            "metadata": {"user_id": 42}, "payment_id": "pay_1",
        }});
        let bare = json!({"data": {"customer_id": "cus_1"}});
        let customer = json!({"email": "ada@example.com", "metadata": {"user_id": "u7"}});
        let payment = json!({"customer": {"customer_id": "cus_1"}});
        let address = json!({"email": "ada@example.com"});
        let id = |id: &str| json!({ "id": id });
        let found = [("/customers/cus_1", &customer)];
        let of_payment = [("/payments/pay_1", &payment)];
        let nobody = json!({"data": {"payment_id": "pay_1"}});
        for (mode, event, lookups, sent, expected, part) in [
            (
                "customer_id",
                &event,
                &[][..],
                id("cus_1"),
                "customer_id.payload",
                "data.customer.customer_id",
            ),
            ("customer_id", &bare, &[], id("cus_1"), "customer_id.payload", "data.customer_id"),
            (
                "customer_id",
                &nobody,
                &of_payment,
                id("cus_1"),
                "customer_id.lookup",
                "its payment does",
            ),
            ("customer_id", &event, &[], address.clone(), "customer_id.address", "no customer id"),
            ("email", &event, &[], address.clone(), "email.payload", "data.customer.email"),
            ("email", &bare, &found, address.clone(), "email.lookup", "/customers/cus_1"),
            ("metadata.user_id", &event, &[], id("42"), "own.payload", "data.metadata.user_id"),
            ("metadata.user_id", &bare, &found, id("u7"), "own.lookup", "/customers/cus_1"),
            ("metadata.plan", &event, &[], address.clone(), "own.address", "no plan was found"),
            ("email", &event, &[], id("something else"), "javascript", "JavaScript"),
        ] {
            let (rule, why) = rule(mode, event, lookups, &sent);
            assert_eq!(rule, expected, "{why}");
            assert!(why.contains(part), "{why}");
        }
    }
}

use super::event_types::{entries, nearest};
use super::table::{self, Row};
use crate::customerio::Attributes;
use serde_json::Value;
use std::collections::BTreeSet;

/// `EXCLUDE_FIELDS`: what is never sent, by the field's name at Dodo or the attribute's at Customer.io.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExcludedFields {
    listed: BTreeSet<String>,
    /// And the attributes that the table makes of them.
    names: BTreeSet<String>,
}

/// What is made of a field without a row in the table.
const BESIDE_THE_TABLE: [(&str, &str); 4] = [
    ("customer.customer_id", "dodo_customer_id"),
    ("customer_id", "dodo_customer_id"),
    ("product_cart", "products"),
    ("product_id", "product_name"),
];

impl ExcludedFields {
    /// Reads `customer.name,billing,metadata.note`. A field stands for those in it, and may begin with the
    /// payload's own `data.`.
    ///
    /// # Errors
    /// Every entry that cannot be one field's name: what was meant to be kept back would be sent.
    pub fn parse(list: &str) -> Result<Self, Vec<String>> {
        let is_name = |entry: &&str| {
            let may_have_spaces = entry.starts_with("metadata.");
            !entry.contains(['*', ';']) && (may_have_spaces || !entry.contains(' '))
        };
        let (names, mistakes): (Vec<_>, Vec<_>) = entries(list).partition(is_name);
        if !mistakes.is_empty() {
            return Err(mistakes.into_iter().map(no_name).collect());
        }
        Ok(Self::of(names))
    }

    fn of(names: Vec<&str>) -> Self {
        let names = names.into_iter().map(|name| name.strip_prefix("data.").unwrap_or(name));
        let listed: BTreeSet<_> = names.map(str::to_owned).collect();
        let made = known().filter(|(field, _)| listed.iter().any(|it| is_in(field, it)));
        let names = made.map(|(_, attribute)| attribute.to_owned()).chain(listed.iter().cloned());
        Self { names: names.collect(), listed }
    }

    /// Whether nothing is excluded.
    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a field or an attribute is excluded, or money of which it is the amount in minor units.
    pub(super) fn contain(&self, name: &str) -> bool {
        let of_money = name.strip_suffix("_minor");
        self.names.contains(name) || of_money.is_some_and(|name| self.names.contains(name))
    }

    /// Removes what is excluded, also from lists and from `metadata`.
    pub(super) fn remove_from(&self, attributes: &mut Attributes) {
        if !self.is_empty() {
            attributes.retain(|name, value| !self.contain(name) && self.keep_rest(name, value));
        }
    }

    /// `false` if nothing is left of it.
    fn keep_rest(&self, attribute: &str, value: &mut Value) -> bool {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| {
                    !self.contain(key) && !self.names.contains(&format!("{attribute}.{key}"))
                });
                !map.is_empty()
            }
            Value::Array(values) => {
                values.retain_mut(|value| self.keep_rest(attribute, value));
                !values.is_empty()
            }
            _ => true,
        }
    }

    /// Entries that are no known field but look like one: a typo, perhaps, and then the field is sent.
    pub(crate) fn doubts(&self) -> impl Iterator<Item = String> {
        let is_known = |entry: &str| {
            known().any(|(field, attribute)| {
                is_in(field, entry) || attribute == entry || is_in(entry, field)
            })
        };
        self.listed.iter().filter(move |entry| !is_known(entry)).filter_map(|entry| {
            let fields = known().flat_map(|(field, attribute)| [field, attribute]);
            let nearest = nearest(entry, fields.map(str::to_owned))?;
            Some(format!("\"{entry}\" is not a field known today; the nearest is {nearest}"))
        })
    }
}

fn no_name(entry: &str) -> String {
    format!(
        "\"{entry}\" is not the name of one field; separate names by commas and use no *, since a name stands \
         for all that is in it, as metadata does"
    )
}

/// Whether a field is another or in it.
fn is_in(field: &str, other: &str) -> bool {
    field.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Fields of payloads, and the attributes that they become.
fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pair = |row: &'static Row| (row.field, row.attribute);
    let of_rows = table::rows().map(pair).filter(|(field, _)| !field.is_empty());
    of_rows.chain(BESIDE_THE_TABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customerio::Weight;
    use serde_json::json;

    fn left(list: &str, attributes: Value) -> Value {
        let mut all = Attributes::default();
        for (name, value) in attributes.as_object().unwrap() {
            all.add(name.clone(), value.clone(), Weight::Essential);
        }
        ExcludedFields::parse(list).unwrap().remove_from(&mut all);
        serde_json::to_value(&all).unwrap()
    }

    #[test]
    fn a_field_goes_by_either_name_and_with_what_is_made_of_it() {
        for (list, attributes, expected) in [
            ("", json!({"email": "a"}), json!({"email": "a"})),
            ("email", json!({"email": "a", "name": "b"}), json!({"name": "b"})),
            ("customer.email", json!({"email": "a", "name": "b"}), json!({"name": "b"})),
            ("data.customer.email", json!({"email": "a", "name": "b"}), json!({"name": "b"})),
            ("customer", json!({"email": "a", "name": "b", "status": "c"}), json!({"status": "c"})),
            ("billing", json!({"billing_country": "DE"}), json!({})),
            (
                " total_amount ,",
                json!({"payment_amount": "1.00", "payment_amount_minor": 100}),
                json!({}),
            ),
            ("payment_amount", json!({"payment_amount_minor": 100, "tax": 1}), json!({"tax": 1})),
            ("status", json!({"status": "a", "subscription_status": "b"}), json!({})),
            ("ip_address", json!({"ip_address": "a", "ip": "b"}), json!({"ip": "b"})),
            ("customer_id", json!({"customer_id": "a", "dodo_customer_id": "a"}), json!({})),
        ] {
            assert_eq!(left(list, attributes), expected, "{list}");
        }
    }

    #[test]
    fn lists_and_metadata_lose_it_too() {
        let all = json!({
            "metadata": {"note": "a", "plan": "pro", "email": "b"},
            "products": [{"product_id": "pdt_1", "quantity": 2}],
            "subscription_ids": ["sub_1"],
        });
        assert_eq!(
            left("metadata.note", all.clone())["metadata"],
            json!({"plan": "pro", "email": "b"})
        );
        assert_eq!(left("email", all.clone())["metadata"], json!({"note": "a", "plan": "pro"}));
        assert_eq!(left("product_id", all.clone())["products"], json!([{"quantity": 2}]));
        assert_eq!(left("product_cart", all.clone()).get("products"), None);
        assert_eq!(left("product_id,quantity", all).get("products"), None);
    }

    #[test]
    fn what_looks_like_a_typo_is_told() {
        let doubts = |list| ExcludedFields::parse(list).unwrap().doubts().collect::<Vec<_>>();
        assert_eq!(
            doubts("card_last_fuor"),
            ["\"card_last_fuor\" is not a field known today; the nearest is card_last_four"]
        );
        assert_eq!(doubts("emial").len(), 1);
        let fine =
            "email,customer,customer.name,billing,metadata.note,ip_address,vat_number,products";
        assert_eq!(doubts(fine), Vec::<String>::new());
    }
}

//! What was bought: a payment's `product_cart`, or the one product of a subscription.

use super::lenient;
use serde_json::{Map, Value};

/// As many products of one payment as are sent.
pub(crate) const MAX_PRODUCTS: usize = 20;

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    /// Dodo's id, such as `pdt_…`.
    pub(crate) id: String,
    /// How many.
    pub(crate) quantity: Option<i64>,
}

/// The products in a cart; empty where there is none, as for the payments of a subscription.
pub(crate) fn products(data: &Map<String, Value>) -> Vec<Product> {
    let cart = data.get("product_cart").and_then(Value::as_array);
    let product = |item: &Value| {
        let quantity = item.get("quantity").and_then(lenient::integer);
        Some(Product { id: lenient::string(item.get("product_id")?)?, quantity })
    };
    cart.into_iter().flatten().filter_map(product).take(MAX_PRODUCTS).collect()
}

/// The ids of all products that an object names, in its cart or by itself.
pub(crate) fn product_ids(data: &Map<String, Value>) -> impl Iterator<Item = String> {
    let own = data.get("product_id").and_then(lenient::string);
    products(data).into_iter().map(|product| product.id).chain(own)
}

/// Whether an object names any product.
pub(crate) fn names_products(data: &Map<String, Value>) -> bool {
    product_ids(data).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cart_is_read_leniently_and_not_endlessly() {
        let cart = json!({"product_cart": [
            {"product_id": "a", "quantity": "2"}, {"product_id": 7}, {"quantity": 1}, null,
        ]});
        let product = |id: &str, quantity| Product { id: id.to_owned(), quantity };
        assert_eq!(
            products(cart.as_object().unwrap()),
            [product("a", Some(2)), product("7", None)]
        );
        let many = json!({"product_cart": vec![json!({"product_id": "a"}); 30]});
        assert_eq!(products(many.as_object().unwrap()).len(), MAX_PRODUCTS);
        assert_eq!(products(json!({"product_cart": null}).as_object().unwrap()), []);
    }

    #[test]
    fn products_are_named_in_the_cart_or_by_the_object_itself() {
        for (object, named) in [
            (json!({"product_cart": [{"product_id": "a"}]}), true),
            (json!({"product_id": "a"}), true),
            (json!({"product_cart": [{"quantity": 1}], "product_id": null}), false),
        ] {
            assert_eq!(names_products(object.as_object().unwrap()), named, "{object}");
        }
    }
}

//! The attributes of an event.

use super::pass_through::pass_through;
use super::table::{self, EVERY_EVENT, FROM_PAYMENT};
use super::{Environment, Options, UnknownFields, fields, renewal};
use crate::customerio::{Attributes, Weight};
use crate::dodo::Enrichment;
use crate::event::{Event, cart};
use serde_json::{Map, Value, json};

/// Gathers them: computed ones, those of the table, and then the fields that no row names; less what the merchant
/// excludes.
pub(super) fn of(event: &Event<'_>, enrichment: &Enrichment, options: &Options) -> Attributes {
    let mut attributes = Attributes::default();
    let environment = match options.environment {
        Environment::Live => "live",
        Environment::Test => "test",
    };
    attributes.add("dodo_event_type", event.event_type.clone(), Weight::Essential);
    attributes.add("dodo_webhook_id", event.id, Weight::Essential);
    attributes.add("dodo_environment", environment, Weight::Essential);
    let group = table::group(&event.event_type);
    fields::map(group.event, &event.data, event.seconds(), &mut attributes);
    fields::map(EVERY_EVENT, &event.data, event.seconds(), &mut attributes);
    if let Some(first) = renewal::is_first_billing(event) {
        attributes.add("is_first_billing", first, Weight::Essential);
    }
    add_products(&event.data, enrichment, &mut attributes);
    if let Some(payment) = enrichment.payment.as_ref().filter(|_| group.takes_from_payment) {
        fields::map(FROM_PAYMENT, payment, None, &mut attributes);
        add_products(payment, enrichment, &mut attributes);
    }
    name_customer(event, enrichment, &mut attributes);
    if options.unknown_fields == UnknownFields::Pass {
        pass_through(&group, event, &options.excluded_fields, &mut attributes);
    }
    options.excluded_fields.remove_from(&mut attributes);
    attributes
}

/// What was bought; the first product also by itself.
fn add_products(data: &Map<String, Value>, enrichment: &Enrichment, attributes: &mut Attributes) {
    let name_of = |id: &str| enrichment.product_names.get(id);
    let product = |product: &cart::Product| {
        let mut entry = json!({"product_id": product.id});
        if let Some(quantity) = product.quantity {
            entry["quantity"] = quantity.into();
        }
        if let Some(name) = name_of(&product.id) {
            entry["name"] = name.as_str().into();
        }
        entry
    };
    let products: Vec<_> = cart::products(data).iter().map(product).collect();
    if !products.is_empty() {
        attributes.add("products", products, Weight::List);
    }
    if let Some(first) = cart::product_ids(data).next() {
        let name = name_of(&first).cloned();
        attributes.add("product_id", first, Weight::Essential);
        if let Some(name) = name {
            attributes.add("product_name", name, Weight::Optional);
        }
    }
}

/// Address and name where only a lookup knows them.
fn name_customer(event: &Event<'_>, enrichment: &Enrichment, attributes: &mut Attributes) {
    for customer in [enrichment.customer_of(event), enrichment.found_customer()] {
        let known = [
            ("email", customer.email, Weight::Essential),
            ("name", customer.name, Weight::Optional),
            ("customer_id", customer.customer_id, Weight::Essential),
        ];
        for (name, value, weight) in known {
            if let Some(value) = value {
                attributes.add(name, value, weight);
            }
        }
    }
}

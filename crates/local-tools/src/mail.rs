//! The mail that a campaign of `docs/campaigns` makes of an event, for `make preview MAIL=…`.

use crate::given;
use crate::settings::Local;
use crate::webhook::{now, read, transform};
use dodo_customerio::dodo::Enrichment;
use serde_json::{Value, json};
use stand_ins::dodo::{Sample, samples};
use std::path::Path;
use std::sync::Arc;

/// What a product is called that a key would have named.
const PRODUCT: &str = "Sample Product";

/// Where a key would have found the link to pay.
const LINK: &str = "https://checkout.example.com/pay_sample";

/// The mails of a recipe for an event, as text; with a key, with a made-up person, made-up names of products
/// and, where the event names a payment, that payment.
///
/// # Errors
/// Why there is none.
pub fn preview(
    event: &str,
    path: Option<&Path>,
    settings: &Local,
    recipe: &str,
    has_key: bool,
) -> Result<String, String> {
    let (sample, transform) = (given::event(event)?, transform(path, settings)?);
    let found = has_key.then(|| lookups(&sample));
    let outgoing = read(&sample, |event| transform.apply(event, found.as_ref(), now()));
    let requests = outgoing.map_err(|unsent| unsent.to_string())?.into_requests();
    let bodies = requests.iter().filter_map(|it| serde_json::from_slice::<Value>(&it.body).ok());
    let items: Vec<Value> =
        bodies.flat_map(|body| body["batch"].as_array().cloned().unwrap_or_default()).collect();
    let text = recipes::preview(recipe, &items)?;
    let hint = "Without a dodo_api_key; KEY=1 shows it with one, and with a made-up person and products.\n\n";
    Ok(if has_key { text } else { format!("{hint}{text}") })
}

/// What Dodo's API would say.
fn lookups(sample: &Sample) -> Enrichment {
    let data = &sample.event["data"];
    let payment = data["payment_id"].as_str().map(payment);
    let product_ids = |object: &Value| -> Vec<String> {
        let cart = object["product_cart"].as_array().cloned().unwrap_or_default();
        let all = cart.into_iter().chain([object.clone()]);
        all.filter_map(|it| Some(it["product_id"].as_str()?.to_owned())).collect()
    };
    let objects = [Some(data), payment.as_ref()];
    let ids = objects.into_iter().flatten().flat_map(product_ids);
    Enrichment {
        began: now(),
        product_names: ids.map(|id| (id, PRODUCT.to_owned())).collect(),
        payment: payment.and_then(|it| it.as_object().cloned()).map(Arc::new),
        customer: customer(data).as_object().cloned().map(Arc::new),
        ..Enrichment::default()
    }
}

/// Whom Dodo would know by the event's customer id: what the payload says comes first.
fn customer(data: &Value) -> Value {
    let ids = [&data["customer"]["customer_id"], &data["customer_id"]];
    let id = ids.into_iter().find(|id| id.is_string());
    json!({"customer_id": id, "email": "ada@example.com", "name": "Ada Beispiel"})
}

/// The sample with this id or, failing that, any, with a link to pay.
fn payment(id: &str) -> Value {
    let of_payments = samples().into_iter().filter(|it| it.event_type().starts_with("payment."));
    let mut payments: Vec<Value> = of_payments.map(|it| it.event["data"].clone()).collect();
    let place = payments.iter().position(|it| it["payment_id"] == id).unwrap_or_default();
    let mut payment = payments.swap_remove(place);
    payment["payment_id"] = json!(id);
    if payment["payment_link"].is_null() {
        payment["payment_link"] = json!(LINK);
    }
    payment
}

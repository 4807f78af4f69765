//! The mail that a campaign of `docs/campaigns` makes of an event, for `make preview MAIL=…`.

use crate::given;
use crate::settings::Local;
use crate::webhook::{now, read, transform};
use serde_json::Value;
use std::path::Path;

/// The mails of a recipe for an event, as text.
///
/// # Errors
/// Why there is none.
pub fn preview(
    event: &str,
    path: Option<&Path>,
    settings: &Local,
    recipe: &str,
) -> Result<String, String> {
    let (sample, transform) = (given::event(event)?, transform(path, settings)?);
    let outgoing = read(&sample, |event| transform.apply(event, None, now()));
    let requests = outgoing.map_err(|unsent| format!("{unsent}"))?.into_requests();
    let bodies = requests.iter().filter_map(|it| serde_json::from_slice::<Value>(&it.body).ok());
    let items: Vec<Value> =
        bodies.flat_map(|body| body["batch"].as_array().cloned().unwrap_or_default()).collect();
    recipes::preview(recipe, &items)
}

//! What the tools share that show what an event becomes: the transform with the settings, an event as the
//! function reads it, and Customer.io's rules.

use crate::settings::{Local, as_the_function};
use dodo_customerio::config::Settings;
use dodo_customerio::customerio::Request;
use dodo_customerio::event::Event;
use dodo_customerio::transform::Transform;
use serde_json::Value;
use stand_ins::customerio;
use stand_ins::dodo::{self, Sample, Webhook};
use std::path::Path;

/// What the function needs for sending, which nobody does here.
const FOR_SENDING: [(&str, &str); 4] = [
    ("SECRET_ID", "none"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "none"),
    ("AWS_SECRET_ACCESS_KEY", "none"),
];

/// The transform in a file or folder, or the built-in one, with these settings.
///
/// # Errors
/// Everything that the function would say is wrong with it or them.
pub fn transform(path: Option<&Path>, settings: &Local) -> Result<Transform, String> {
    let settings = read_settings(path, settings)?;
    for warning in settings.warnings() {
        eprintln!("{warning}.");
    }
    Ok(settings.into_transform())
}

/// The same; what may be a typo is said elsewhere.
///
/// # Errors
/// The same.
pub fn transform_without_warnings(
    path: Option<&Path>,
    settings: &Local,
) -> Result<Transform, String> {
    read_settings(path, settings).map(Settings::into_transform)
}

fn read_settings(path: Option<&Path>, settings: &Local) -> Result<Settings, String> {
    let read = |name: &str| match name {
        "TRANSFORM_FILE" => path.map(|path| path.display().to_string()),
        _ => settings.get(name).or_else(|| {
            let known = FOR_SENDING.into_iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| value.to_owned())
        }),
    };
    as_the_function(read)
}

/// In Unix seconds.
pub fn now() -> u64 {
    dodo::unix_now().cast_unsigned()
}

/// What `work` makes of a sample, read as the function reads a webhook.
pub fn read<T>(sample: &Sample, work: impl FnOnce(&Event<'_>) -> T) -> T {
    let secret = dodo::random_secret();
    let webhook = Webhook::sign(&secret, "msg_preview", dodo::unix_now(), sample.body());
    webhook.event(&secret, work).expect("a sample is an event")
}

/// A sentence for each of Customer.io's rules that the requests break.
pub fn broken_rules(requests: &[Request]) -> Vec<String> {
    let mut sentences = Vec::new();
    for request in requests {
        let json: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let items = json["batch"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let errors = customerio::rules::errors(item);
            sentences.extend(errors.iter().map(|error| sentence(index, item, error)));
        }
    }
    sentences
}

/// Such as: In `batch[1]`, "Payment Completed", the field attributes.note: property value cannot …
fn sentence(index: usize, item: &Value, error: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (field, message) = (text(&error["field"]), text(&error["message"]));
    let name = [&item["name"], &item["action"]].into_iter().find_map(Value::as_str);
    let name = name.map(|name| format!(" (\"{name}\")")).unwrap_or_default();
    let field = if field.is_empty() { String::new() } else { format!(", {field}") };
    format!("batch[{index}]{name}{field}: {message}.")
}

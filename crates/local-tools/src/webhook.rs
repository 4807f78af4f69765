//! What can be done with a sample: send it, print it as a Lambda event, or preview its requests.
//!
//! For `make send`, `make invoke` and `make preview`.

use crate::stack;
use dodo_customerio::config::read_transform;
use dodo_customerio::customerio::Request;
use dodo_customerio::event::Event;
use dodo_customerio::transform::javascript::HandlerRequests;
use dodo_customerio::transform::{Transform, Unsent};
use serde_json::{Value, json};
use similar::TextDiff;
use stand_ins::customerio;
use stand_ins::dodo::{self, Sample, Webhook};
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Signs a sample as of now and posts it to `url`, or to the running `make dev`.
pub async fn send(name: &str, url: Option<String>) -> Result<String, String> {
    let sample = dodo::sample(name)?.of_now();
    let (url, secret) = target(url)?;
    let webhook = signed(&sample, &secret);
    let posted = webhook.post(&dodo_customerio::http::client(), &url).await;
    let (status, response) = posted.map_err(|error| format!("{url} does not respond: {error}"))?;
    let text = format!("{} as {} → {status} {response}", sample.event_type(), webhook.id);
    if status < 300 { Ok(text) } else { Err(text) }
}

fn target(url: Option<String>) -> Result<(String, String), String> {
    let secret = env::var("DODO_WEBHOOK_SECRET").ok().filter(|value| !value.is_empty());
    match (url, secret) {
        (Some(url), Some(secret)) => Ok((url, secret)),
        (None, None) => stack::announced().ok_or_else(|| {
            "No function is running here. Start one with `make dev`, or name a deployed one: \
             DODO_WEBHOOK_SECRET=whsec_… make send EVENT=… URL=https://…"
                .to_owned()
        }),
        _ => {
            Err("For a function elsewhere give both: URL=https://… and DODO_WEBHOOK_SECRET in the \
                  environment."
                .to_owned())
        }
    }
}

/// A sample as a function URL event, signed as of now with the secret in the environment or that of the
/// running `make dev`.
pub fn event(name: &str) -> Result<String, String> {
    let secret = env::var("DODO_WEBHOOK_SECRET").ok();
    let secret = secret.or_else(|| stack::announced().map(|(_, secret)| secret));
    let secret = secret.ok_or("No function is running here. Start one with `make dev`.")?;
    Ok(signed(&dodo::sample(name)?.of_now(), &secret).function_url_event().to_string())
}

fn signed(sample: &Sample, secret: &str) -> Webhook {
    Webhook::sign(secret, &dodo::random_message_id(), dodo::unix_now(), sample.body())
}

/// The requests that a sample becomes, checked against Customer.io's rules. With a JavaScript transform,
/// also what was built in and how it was extended, what each handler made and what was repaired.
pub fn preview(name: &str, path: Option<PathBuf>) -> Result<String, String> {
    let sample = dodo::sample(name)?;
    match transform(path.as_deref())? {
        built_in @ Transform::BuiltIn(_) => checked(&sample, &built_in, |verdict, _| verdict),
        Transform::JavaScript(handlers) => {
            let input = format!("in, {}\n{:#}", sample.event_type(), sample.event);
            let requests = match read(&sample, |event| handlers.run(event, None, now())) {
                Ok(requests) => requests,
                Err(Unsent::Ignored(why)) => return Ok(format!("{input}\n\n{NOTHING}. {why}")),
                Err(unsent) => return Err(format!("{input}\n\n{unsent}")),
            };
            let text = format!("{input}{}", made(&requests));
            match verdict(&requests.into_outgoing().into_requests()) {
                Ok(verdict) => Ok(format!("{text}\n\n{verdict}")),
                Err(verdict) => Err(format!("{text}\n\n{verdict}")),
            }
        }
    }
}

/// What the files of a transform made, each part with its heading.
fn made(requests: &HandlerRequests) -> String {
    let extended = requests.built_in().map(|built_in| {
        let built_in: Value = serde_json::from_str(built_in).unwrap_or_default();
        let extended = json!({ "batch": requests.extended() });
        format!(
            "\n\nbuilt in\n{built_in:#}\n\nextended\n{extended:#}\n\ndifference\n{}",
            difference(&built_in, &extended)
        )
    });
    let made = requests.made().iter();
    let made = made.map(|it| {
        let payload: Value = serde_json::from_str(&it.payload).unwrap_or_default();
        format!("\n\nmade by {}, for {}\n{payload:#}", it.file, it.url)
    });
    let repaired = requests.repaired();
    let repaired = repaired.map(|it| format!("\n\nrepaired, {}: {}", it.file, it.repair));
    extended.into_iter().chain(made).chain(repaired).collect()
}

/// The lines that went and came, with some around them.
fn difference(before: &Value, after: &Value) -> String {
    let [before, after] = [before, after].map(|value| format!("{value:#}\n"));
    let difference = TextDiff::from_lines(&before, &after);
    let text = difference.unified_diff().context_radius(2).to_string();
    if text.is_empty() { "none".to_owned() } else { text.trim_end().to_owned() }
}

const NOTHING: &str = "Nothing is sent";

/// The transform in a file or folder, or the built-in one, with the settings in the environment.
///
/// # Errors
/// What is wrong with it or them.
pub fn transform(path: Option<&Path>) -> Result<Transform, String> {
    let read = |name: &str| match name {
        "TRANSFORM_FILE" => path.map(|path| path.display().to_string()),
        _ => env::var(name).ok(),
    };
    let sentences =
        |errors: Vec<_>| errors.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
    let (transform, warnings) = read_transform(read).map_err(sentences)?;
    for warning in warnings {
        eprintln!("{warning}.");
    }
    Ok(transform)
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

/// The output of `show` for a sample whose requests are valid. Sending nothing is not an error.
fn checked(
    sample: &Sample,
    transform: &Transform,
    show: impl FnOnce(String, &[Request]) -> String,
) -> Result<String, String> {
    match read(sample, |event| transform.apply(event, None, now())) {
        Ok(outgoing) => {
            let requests = outgoing.into_requests();
            verdict(&requests).map(|verdict| show(verdict, &requests))
        }
        Err(Unsent::Ignored(why)) => Ok(format!("{NOTHING} ({}). {why}", why.code())),
        Err(unsent) => Err(format!("rejected: {unsent}")),
    }
}

/// The requests as they would be sent; an error if Customer.io would reject one.
fn verdict(requests: &[Request]) -> Result<String, String> {
    let mut text = String::new();
    for request in requests {
        let json: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let _ = writeln!(text, "{} /{}\n{json:#}", request.method, request.path);
    }
    let older = requests.iter().any(|request| !request.path.starts_with("api/v2/"));
    let older = if older { " (Of older paths only the batch is checked.)" } else { "" };
    let broken = broken_rules(requests);
    if broken.is_empty() {
        Ok(format!("{text}Customer.io's rules: kept.{older}"))
    } else {
        Err(format!("{text}Customer.io would refuse it. {}", broken.join("\n")))
    }
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

/// Such as: In batch[1], "Payment Completed", the field attributes.note: property value cannot …
fn sentence(index: usize, item: &Value, error: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (field, message) = (text(&error["field"]), text(&error["message"]));
    let name = [&item["name"], &item["action"]].into_iter().find_map(Value::as_str);
    let name = name.map(|name| format!(" (\"{name}\")")).unwrap_or_default();
    let field = if field.is_empty() { String::new() } else { format!(", {field}") };
    format!("batch[{index}]{name}{field}: {message}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_went_and_what_came() {
        let before = json!({"batch": [{"name": "Paid", "attributes": {"amount": "29.00"}}]});
        let mut after = before.clone();
        assert_eq!(difference(&before, &after), "none");
        after["batch"][0]["attributes"]["plan"] = "Pro".into();
        after["batch"][0]["name"] = "Bought".into();
        let text = difference(&before, &after);
        for line in [
            "+        \"plan\": \"Pro\"",
            "-      \"name\": \"Paid\"",
            "+      \"name\": \"Bought\"",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
    }
}

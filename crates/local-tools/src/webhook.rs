//! `make preview`, and what `make check` shares with it: the requests that an event becomes, without sending
//! them.

use crate::given;
use crate::settings::{Local, as_the_function};
use dodo_customerio::config::Settings;
use dodo_customerio::customerio::Request;
use dodo_customerio::event::Event;
use dodo_customerio::transform::javascript::engine::{Answer, Input, Run};
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use dodo_customerio::transform::{Ignored, Transform, Unsent};
use serde_json::{Value, json};
use similar::TextDiff;
use stand_ins::customerio;
use stand_ins::dodo::{self, Sample, Webhook};
use std::fmt::Write as _;
use std::path::Path;

/// The requests that an event becomes, checked against Customer.io's rules. With a JavaScript transform,
/// also what files noted, what was repaired, what was built in, what each handler made and the difference.
/// The event itself comes last, if `with_input`.
///
/// # Errors
/// The same text, if Customer.io would reject a request; or why there is none.
pub fn preview(
    event: &str,
    path: Option<&Path>,
    settings: &Local,
    with_input: bool,
) -> Result<String, String> {
    let sample = given::event(event)?;
    let input = if with_input {
        format!("\n\ninput, {}\n{:#}", sample.event_type(), sample.event)
    } else {
        String::new()
    };
    let text = match transform(path, settings)? {
        built_in @ Transform::BuiltIn(_) => checked(&sample, &built_in, |verdict, _| verdict),
        Transform::JavaScript(handlers) => explained(&sample, *handlers),
    };
    text.map(|text| text + &input).map_err(|text| text + &input)
}

/// What becomes of an event, the outcome first.
fn explained(sample: &Sample, mut handlers: Handlers) -> Result<String, String> {
    handlers.keep_notes();
    let mut notes = String::new();
    let mut watch = |file: &str, _: &Input<'_>, answer: &Answer| {
        notes += &noted(file, answer);
    };
    let requests = match read(sample, |event| handlers.run_watched(event, None, now(), &mut watch))
    {
        Ok(requests) => requests,
        Err(Unsent::Ignored(why)) => return Ok(nothing(why) + &notes),
        Err(unsent) => return Err(unsent.to_string() + &notes),
    };
    let explanation = notes + &made(&requests);
    match verdict(&requests.into_outgoing().into_requests()) {
        Ok(verdict) => Ok(verdict + &explanation),
        Err(verdict) => Err(verdict + &explanation),
    }
}

/// That a file wants nothing sent, what it wrote to the console, and what came out undefined.
fn noted(file: &str, answer: &Answer) -> String {
    let mut text = match answer.result {
        Ok(Run::Dropped) => format!("\n\n{file} returned null"),
        Ok(Run::Cancelled) => format!("\n\n{file} set webhook.cancel"),
        _ => String::new(),
    };
    for path in &answer.notes.undefined {
        // JSON keeps the places in a list.
        let becomes = if path.ends_with(']') { "is sent as null" } else { "is left out" };
        let _ = write!(text, "\n\nundefined, {file}: {path} {becomes}");
    }
    for line in &answer.notes.console {
        let _ = write!(text, "\n\nconsole, {file}: {line}");
    }
    text
}

/// What the files of a transform made, each part with its heading.
fn made(requests: &HandlerRequests) -> String {
    let (mut text, mut changed) = (String::new(), String::new());
    for it in requests.repaired() {
        let _ = write!(text, "\n\nrepaired, {}: {}", it.file, it.repair);
    }
    if let Some(built_in) = requests.built_in() {
        let built_in: Value = serde_json::from_str(built_in).unwrap_or_default();
        let extended = json!({ "batch": requests.extended() });
        let _ = write!(text, "\n\nbuilt in\n{built_in:#}");
        // Otherwise it is the request.
        if !requests.made().is_empty() {
            let _ = write!(text, "\n\nextended\n{extended:#}");
        }
        // Last, where a terminal still shows it.
        changed = format!("\n\ndifference\n{}", difference(&built_in, &extended));
    }
    for it in requests.made() {
        let payload: Value = serde_json::from_str(&it.payload).unwrap_or_default();
        let _ = write!(text, "\n\nmade by {}, for {}\n{payload:#}", it.file, it.url);
    }
    text + &changed
}

/// The lines that went and came, with some around them.
fn difference(before: &Value, after: &Value) -> String {
    let [before, after] = [before, after].map(|value| format!("{value:#}\n"));
    let difference = TextDiff::from_lines(&before, &after);
    let text = difference.unified_diff().context_radius(2).to_string();
    if text.is_empty() { "none".to_owned() } else { text.trim_end().to_owned() }
}

fn nothing(why: Ignored) -> String {
    format!("Nothing is sent ({}). {why}", why.code())
}

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
        Err(Unsent::Ignored(why)) => Ok(nothing(why)),
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

/// Such as: In `batch[1]`, "Payment Completed", the field attributes.note: property value cannot …
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

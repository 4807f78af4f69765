//! `make preview`: the requests that an event becomes, without sending them.

use crate::explained::{Explained, explain};
use crate::given;
use crate::settings::Local;
use crate::webhook::transform;
use dodo_customerio::transform::Transform;
use serde_json::Value;
use similar::TextDiff;
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
    let mut transform = transform(path, settings)?;
    if let Transform::JavaScript(handlers) = &mut transform {
        handlers.keep_notes();
    }
    let explained = explain(&transform, "msg_preview", &sample.body(), None)?;
    let input = if with_input {
        format!("\n\ninput, {}\n{:#}", sample.event_type(), sample.event)
    } else {
        String::new()
    };
    let text = in_words(&explained);
    text.map(|text| text + &input).map_err(|text| text + &input)
}

/// What becomes of an event, the outcome first.
fn in_words(explained: &Explained) -> Result<String, String> {
    let notes: String = explained.files.iter().map(noted).collect();
    let message = explained.message.as_deref().unwrap_or_default();
    match explained.outcome {
        "sent" => {
            let explanation = notes + &made(explained);
            let verdict = verdict(explained);
            verdict.map(|text| text + &explanation).map_err(|text| text + &explanation)
        }
        "ignored" => {
            let code = explained.reason.as_deref().unwrap_or_default();
            Ok(format!("Nothing is sent ({code}). {message}{notes}"))
        }
        "rejected" => Err(format!("rejected: {message}{notes}")),
        _ => Err(format!("{message}{notes}")),
    }
}

/// That a file wants nothing sent, what came out undefined, and what it wrote to the console.
fn noted(step: &Value) -> String {
    let file = text(&step["file"]);
    let mut noted = match step["result"].as_str() {
        Some("dropped") => format!("\n\n{file} returned null"),
        Some("cancelled") => format!("\n\n{file} set webhook.cancel"),
        _ => String::new(),
    };
    for path in strings(&step["undefined"]) {
        // JSON keeps the places in a list.
        let becomes = if path.ends_with(']') { "is sent as null" } else { "is left out" };
        let _ = write!(noted, "\n\nundefined, {file}: {path} {becomes}");
    }
    for line in strings(&step["console"]) {
        let _ = write!(noted, "\n\nconsole, {file}: {line}");
    }
    noted
}

/// What the files of a transform made, each part with its heading.
fn made(explained: &Explained) -> String {
    let (mut words, mut changed) = (String::new(), String::new());
    for step in &explained.files {
        for repair in strings(&step["repaired"]) {
            let _ = write!(words, "\n\nrepaired, {}: {repair}", text(&step["file"]));
        }
    }
    let by_handlers = || explained.files.iter().filter(|step| step["result"] == "made");
    if let (Some(built_in), Some(extended)) = (&explained.built_in, &explained.extended) {
        let _ = write!(words, "\n\nbuilt in\n{built_in:#}");
        // Otherwise it is the request.
        if by_handlers().next().is_some() {
            let _ = write!(words, "\n\nextended\n{extended:#}");
        }
        // Last, where a terminal still shows it.
        changed = format!("\n\ndifference\n{}", difference(built_in, extended));
    }
    for step in by_handlers() {
        let (file, url) = (text(&step["file"]), text(&step["url"]));
        let _ = write!(words, "\n\nmade by {file}, for {url}\n{:#}", step["made"]);
    }
    words + &changed
}

/// The lines that went and came, with some around them.
fn difference(before: &Value, after: &Value) -> String {
    let [before, after] = [before, after].map(|value| format!("{value:#}\n"));
    let difference = TextDiff::from_lines(&before, &after);
    let text = difference.unified_diff().context_radius(2).to_string();
    if text.is_empty() { "none".to_owned() } else { text.trim_end().to_owned() }
}

/// The requests as they would be sent; an error if Customer.io would reject one.
fn verdict(explained: &Explained) -> Result<String, String> {
    let mut words = String::new();
    for request in &explained.requests {
        let (method, path) = (text(&request["method"]), text(&request["path"]));
        let _ = writeln!(words, "{method} {path}\n{:#}", request["body"]);
    }
    let paths = explained.requests.iter().map(|request| text(&request["path"]));
    let older = paths.into_iter().any(|path| !path.starts_with("/api/v2/"));
    let older = if older { " (Of older paths only the batch is checked.)" } else { "" };
    if explained.rules.is_empty() {
        Ok(format!("{words}Customer.io's rules: kept.{older}"))
    } else {
        Err(format!("{words}Customer.io would refuse it. {}", explained.rules.join("\n")))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

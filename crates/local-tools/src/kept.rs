//! Events that were kept from the local page: a sample in `events/own/`, and what it becomes in
//! `events/own/expected/`, which `make check` compares.

use crate::difference;
use crate::explained::explain;
use dodo_customerio::transform::Transform;
use serde_json::{Value, json};
use stand_ins::dodo::{self, OWN};
use stand_ins::project::project_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The webhook's id, which the event's id depends on.
const WEBHOOK_ID: &str = "msg_kept";

/// Where events of one's own are.
fn folder() -> PathBuf {
    project_file("events").join(OWN)
}

/// A file of `events/own/`, from the project's folder.
pub fn file(name: &str) -> String {
    format!("events/{OWN}/{name}.json")
}

/// Whether there is an event of this name.
pub fn exists(name: &str) -> bool {
    folder().join(format!("{name}.json")).exists()
}

/// A name that can be one of a file everywhere, or what to change.
///
/// # Errors
/// A sentence.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let fits =
        (1..=80).contains(&name.len()) && name.chars().all(is_plain) && !name.starts_with('.');
    if fits {
        Ok(())
    } else {
        Err("A name has letters, digits, -, _ and dots; it begins with no dot.".to_owned())
    }
}

/// What the requests depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// The merchant's file or folder.
    pub transform: Option<String>,
    /// Another file than `settings.env`.
    pub settings: Option<String>,
}

impl Basis {
    /// What to add to `make check`.
    pub fn options(&self) -> String {
        let option = |name: &str, value: &Option<String>| {
            value.as_ref().map(|it| format!(" {name}={it}")).unwrap_or_default()
        };
        option("TRANSFORM", &self.transform) + &option("SETTINGS", &self.settings)
    }

    /// Whether an event was kept with the same.
    fn is_of(&self, expected: &Value) -> bool {
        expected["transform"].as_str() == self.transform.as_deref()
            && expected["settings"].as_str() == self.settings.as_deref()
    }
}

/// What an event becomes: on what that rests, the outcome and the requests.
///
/// # Errors
/// Why it is no event.
pub fn expected(transform: &Transform, basis: &Basis, event: &Value) -> Result<Value, String> {
    let explained = explain(transform, WEBHOOK_ID, &event.to_string(), None)?;
    Ok(json!({
        "transform": basis.transform,
        "settings": basis.settings,
        "outcome": explained.outcome,
        "reason": explained.reason,
        "requests": explained.requests,
    }))
}

/// Writes both files.
///
/// # Errors
/// Why they cannot be written.
pub fn write(name: &str, event: &Value, expected: &Value) -> Result<(), String> {
    let files = [(folder().join(format!("{name}.json")), event), (expected_path(name), expected)];
    for (path, value) in files {
        write_one(&path, value)
            .map_err(|error| format!("{} cannot be written ({error}).", path.display()))?;
    }
    Ok(())
}

fn write_one(path: &Path, value: &Value) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    fs::write(path, format!("{value:#}\n"))
}

fn expected_path(name: &str) -> PathBuf {
    folder().join("expected").join(format!("{name}.json"))
}

/// What became of the kept events of one transform.
#[derive(Debug, Default)]
pub struct Compared {
    /// As many are as expected.
    pub same: usize,
    /// What is no longer as expected, with the difference.
    pub changed: Vec<String>,
}

/// Compares the kept events of this transform and these settings. With `accepts`, what they become now is expected
/// from now on.
pub fn compare(transform: &Transform, basis: &Basis, accepts: bool) -> Compared {
    let mut compared = Compared::default();
    for event in dodo::names().iter().filter_map(|it| it.strip_prefix(OWN)?.strip_prefix('/')) {
        let Some(before) = known(event).filter(|known| basis.is_of(known)) else { continue };
        match now(transform, basis, event) {
            Ok(now) if now == before => compared.same += 1,
            Ok(now) if accepts && write_one(&expected_path(event), &now).is_ok() => {
                compared.same += 1;
            }
            Ok(now) => compared.changed.push(format!(
                "own/{event} is no longer as it was kept:\n{}",
                lines(&before, &now)
            )),
            Err(problem) => compared.changed.push(format!("own/{event}: {problem}")),
        }
    }
    compared
}

fn known(event: &str) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(expected_path(event)).ok()?).ok()
}

fn now(transform: &Transform, basis: &Basis, event: &str) -> Result<Value, String> {
    let sample = dodo::sample(&format!("{OWN}/{event}"))?;
    expected(transform, basis, &sample.event)
}

fn lines(before: &Value, now: &Value) -> String {
    let lines = difference::lines(before, now);
    let lines = lines.as_array().into_iter().flatten().map(|line| {
        let mark = match line["kind"].as_str() {
            Some("removed") => "-",
            Some("added") => "+",
            _ => " ",
        };
        format!("    {mark}{}", line["text"].as_str().unwrap_or("…"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

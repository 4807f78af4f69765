//! What the environment says.

use dodo_customerio::config::{ConfigError, Settings};
use dodo_customerio::customerio::Credentials;
use dodo_customerio::event::date;
use dodo_customerio::transform::Transform;
use dodo_customerio::transform::built_in;
use secrecy::SecretString;
use std::path::PathBuf;

pub const JAVASCRIPT: &str = "TRANSFORM_FILE is set: JavaScript transforms are for webhooks only. People get what \
     the built-in transform makes of them.";

pub const ARRIVAL: &str = "IDENTIFY_TIME is arrival: updates of people travel without a time, so one can \
     overwrite what a webhook says while the import runs.";

/// The settings that an import shares with the function; the others have no meaning here.
fn function_setting(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    match name {
        "SECRET_ID" | "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => {
            Some("unused".to_owned())
        }
        "CUSTOMERIO_REGION"
        | "CUSTOMERIO_TRACK_URL"
        | "DODO_ENVIRONMENT"
        | "DODO_API_URL"
        | "PERSON_IDENTIFIER"
        | "EVENTS"
        | "EVENT_NAMES"
        | "UNKNOWN_FIELDS"
        | "EXCLUDE_FIELDS"
        | "IDENTIFY_TIME"
        | "SUBSCRIPTION_OBJECT_TYPE" => variable(name),
        _ => None,
    }
}

/// The settings as the function reads them itself; its mistakes are added to `mistakes`.
pub fn of_function(
    variable: impl Fn(&str) -> Option<String>,
    mistakes: &mut Vec<String>,
) -> Option<Settings> {
    let settings = Settings::read(|name| function_setting(name, &variable));
    let note = |errors: Vec<ConfigError>| {
        mistakes.extend(errors.iter().map(|mistake| format!("{mistake}.")));
    };
    settings.map_err(note).ok()
}

/// Those of the built-in transform.
#[allow(unreachable_patterns, clippy::match_wildcard_for_single_variants)]
pub fn built_in_options(settings: Settings) -> built_in::Options {
    match settings.into_transform() {
        Transform::BuiltIn(options) => options,
        // Only in a build that knows JavaScript, and only if `TRANSFORM_FILE` were read.
        _ => built_in::Options::default(),
    }
}

/// What a person should know of them.
pub fn notes(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut notes: Vec<_> = settings.warnings().iter().map(|it| format!("{it}.")).collect();
    if variable("TRANSFORM_FILE").is_some() {
        notes.push(JAVASCRIPT.to_owned());
    }
    if variable("IDENTIFY_TIME").is_some_and(|time| time.trim().eq_ignore_ascii_case("arrival")) {
        notes.push(ARRIVAL.to_owned());
    }
    notes
}

/// The pair of the Track API, if both of it are there.
pub fn credentials(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    let secret = |name| Some(SecretString::from(variable(name)?.trim()));
    Some(Credentials {
        site_id: secret("CUSTOMERIO_SITE_ID")?,
        api_key: secret("CUSTOMERIO_API_KEY")?,
    })
}

/// A time in Unix seconds, of the argument with this name.
pub fn time(name: &str, text: Option<&str>, mistakes: &mut Vec<String>) -> Option<u64> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    let seconds = date::unix_seconds(&text.into());
    if seconds.is_none() {
        mistakes.push(format!(
            "{name} must be a date such as 2026-10-31 or 2026-10-31T12:00:00Z, or Unix seconds, not \"{text}\"."
        ));
    }
    seconds
}

/// Where files are kept unless another place is named.
pub fn folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let state = || {
        let state = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        state.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))
    };
    let chosen = variable("BACKFILL_FOLDER").map(PathBuf::from);
    chosen.or_else(|| Some(state()?.join("dodo-customerio/backfill")))
}

//! What a run does: settings from the environment, choices from the command line.

use crate::{Arguments, Error, Exclusion};
use dodo_customerio::config::Settings;
use dodo_customerio::customerio::Credentials;
use dodo_customerio::event::date;
use dodo_customerio::handler::Clock;
use dodo_customerio::transform::Transform;
use dodo_customerio::transform::built_in;
use reqwest::Url;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a service may fail before a run stops.
const PATIENCE: Duration = Duration::from_mins(10);

/// What a run does.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Options {
    /// Read from `DODO_API_URL` or `DODO_ENVIRONMENT`.
    pub dodo_url: Url,
    /// Read from `DODO_API_KEY`.
    pub dodo_key: SecretString,
    /// Read from `CUSTOMERIO_TRACK_URL` or `CUSTOMERIO_REGION`.
    pub track_url: Url,
    /// Read from `CUSTOMERIO_SITE_ID` and `CUSTOMERIO_API_KEY`; `None` only for a dry run.
    pub credentials: Option<Credentials>,
    /// The built-in transform's settings.
    pub transform: built_in::Options,
    /// What a person should know of the settings.
    pub notes: Vec<String>,
    /// Only people with something from here on, in Unix seconds.
    pub since: Option<u64>,
    /// Only people with something up to here, in Unix seconds.
    pub until: Option<u64>,
    /// Whether history's events are sent.
    pub events: bool,
    /// Whether nothing is sent.
    pub dry_run: bool,
    /// Whether nobody is asked.
    pub yes: bool,
    /// Whether an earlier run is forgotten.
    pub fresh: bool,
    /// Who is left out.
    pub exclusion: Exclusion,
    /// Requests to Customer.io a second; 0: no limit.
    pub rate: u32,
    /// Calls to Dodo's API a minute; 0: no limit.
    pub calls_a_minute: u32,
    /// Where the files of the run are.
    pub folder: PathBuf,
    /// How long a service may fail before the run stops.
    pub patience: Duration,
    /// The time of day.
    pub clock: Clock,
}

impl Options {
    /// Reads them. `variable` gives the value of an environment variable.
    ///
    /// # Errors
    /// Every mistake.
    pub fn read(
        arguments: &Arguments,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let variable = &|name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let mut mistakes = Vec::new();
        let settings = Settings::read(|name| function_setting(name, variable));
        let settings = settings.map_err(|errors| {
            mistakes.extend(errors.iter().map(|mistake| format!("{mistake}.")));
        });
        let dodo_key = variable("DODO_API_KEY").unwrap_or_else(|| {
            mistakes.push(NO_KEY.to_owned());
            String::new()
        });
        let credentials = credentials(variable);
        if credentials.is_none() && !arguments.dry_run {
            mistakes.push(NO_PAIR.to_owned());
        }
        let mut time = |name, text: &Option<String>| {
            time(name, text.as_deref()).map_err(|mistake| mistakes.push(mistake)).ok().flatten()
        };
        let (since, until) = (time("--since", &arguments.since), time("--until", &arguments.until));
        if arguments.events && arguments.until.is_none() {
            mistakes.push(NO_UNTIL.to_owned());
        }
        let folder = arguments.folder.clone().or_else(|| folder(variable));
        if folder.is_none() {
            mistakes.push(NO_FOLDER.to_owned());
        }
        let (Ok(settings), Some(folder), []) = (settings, folder, mistakes.as_slice()) else {
            return Err(Error::Settings(mistakes));
        };
        let notes = notes(&settings, variable);
        let exclusion = arguments.exclude.as_deref().map(Exclusion::read).transpose()?;
        Ok(Self {
            dodo_url: settings.dodo_url().clone(),
            dodo_key: dodo_key.trim().into(),
            track_url: settings.track_url().clone(),
            credentials,
            transform: built_in_options(settings),
            notes,
            since,
            until,
            events: arguments.events,
            dry_run: arguments.dry_run,
            yes: arguments.yes,
            fresh: arguments.fresh,
            exclusion: exclusion.unwrap_or_default(),
            rate: arguments.rate,
            calls_a_minute: arguments.calls_a_minute,
            folder,
            patience: PATIENCE,
            clock: Arc::new(SystemTime::now),
        })
    }

    /// In Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

const NO_KEY: &str =
    "DODO_API_KEY must be a key of Dodo's API: in Dodo's dashboard, Developer, API Keys.";

const NO_PAIR: &str = "CUSTOMERIO_SITE_ID and CUSTOMERIO_API_KEY must be the pair of Customer.io's Track \
     API. Without it, only --dry-run (make backfill DRY_RUN=1) is possible.";

const NO_UNTIL: &str = "--events needs --until (make backfill EVENTS=1 UNTIL=2026-10-31): the time at which \
     webhooks began to arrive. Without it, what they have brought would be counted twice.";

const NO_FOLDER: &str = "There is no place for the files of the run: HOME is not set. Name a folder that \
     only you can read with --folder.";

const JAVASCRIPT: &str = "TRANSFORM_FILE is set: JavaScript transforms are for webhooks only. People get what \
     the built-in transform makes of them.";

const ARRIVAL: &str = "IDENTIFY_TIME is arrival: updates of people travel without a time, so one can \
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

fn built_in_options(settings: Settings) -> built_in::Options {
    match settings.into_transform() {
        Transform::BuiltIn(options) => options,
        // Only in a build that knows JavaScript, and only if `TRANSFORM_FILE` were read.
        #[allow(unreachable_patterns)]
        _ => built_in::Options::default(),
    }
}

fn notes(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut notes: Vec<_> = settings.warnings().iter().map(|it| format!("{it}.")).collect();
    if variable("TRANSFORM_FILE").is_some() {
        notes.push(JAVASCRIPT.to_owned());
    }
    if variable("IDENTIFY_TIME").is_some_and(|time| time.trim().eq_ignore_ascii_case("arrival")) {
        notes.push(ARRIVAL.to_owned());
    }
    notes
}

fn credentials(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    let secret = |name| Some(SecretString::from(variable(name)?.trim()));
    Some(Credentials {
        site_id: secret("CUSTOMERIO_SITE_ID")?,
        api_key: secret("CUSTOMERIO_API_KEY")?,
    })
}

/// A time in Unix seconds.
fn time(name: &str, text: Option<&str>) -> Result<Option<u64>, String> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let seconds = date::unix_seconds(&text.into());
    let mistake = || {
        format!("{name} must be a date such as 2026-10-31 or 2026-10-31T12:00:00Z, not \"{text}\".")
    };
    seconds.map(Some).ok_or_else(mistake)
}

fn folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let state = || {
        let state = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        state.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))
    };
    let chosen = variable("BACKFILL_FOLDER").map(PathBuf::from);
    chosen.or_else(|| Some(state()?.join("dodo-customerio/backfill")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    const PAIR: [(&str, &str); 4] = [
        ("DODO_API_KEY", "dodo_test_1"),
        ("CUSTOMERIO_SITE_ID", "site"),
        ("CUSTOMERIO_API_KEY", "key"),
        ("HOME", "/home/ada"),
    ];

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, Error> {
        let arguments = Arguments::parse_from([&["backfill"], arguments].concat());
        Options::read(&arguments, |name| {
            let found = environment.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn mistakes(arguments: &[&str], environment: &[(&str, &str)]) -> String {
        read(arguments, environment).err().unwrap().to_string()
    }

    #[test]
    fn the_pair_and_the_key_are_all_that_is_needed() {
        let options = read(&[], &PAIR).unwrap();
        assert_eq!(options.folder, Path::new("/home/ada/.local/state/dodo-customerio/backfill"));
        assert_eq!(options.track_url.as_str(), "https://track.customer.io/");
        assert!(options.notes.is_empty() && !options.events && options.credentials.is_some());
        assert!(read(&["--dry-run"], &[PAIR[0], PAIR[3]]).unwrap().credentials.is_none());
    }

    #[test]
    fn every_mistake_is_named() {
        let all = mistakes(&["--events", "--since", "soon"], &[("PERSON_IDENTIFIER", "phone")]);
        for part in [
            "PERSON_IDENTIFIER must",
            "DODO_API_KEY must",
            "CUSTOMERIO_SITE_ID and",
            "--since must",
            "--events needs",
            "HOME is not set",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert_eq!(all.lines().count(), 6, "{all}");
        let missing = mistakes(&["--exclude", "/nowhere/at/all"], &PAIR);
        assert!(
            missing.starts_with("The file of --exclude, /nowhere/at/all, cannot be read"),
            "{missing}"
        );
    }

    #[test]
    fn times_are_dates_or_moments() {
        let options =
            read(&["--events", "--since=2026-10-31", "--until=2026-10-31T12:00:00Z"], &PAIR);
        let options = options.unwrap();
        assert_eq!((options.since, options.until), (Some(1_793_404_800), Some(1_793_448_000)));
    }

    #[test]
    fn what_is_for_webhooks_only_is_said_and_not_read() {
        let more = [
            ("TRANSFORM_FILE", "/nowhere.js"),
            ("QUEUE_URL", "none"),
            ("IDENTIFY_TIME", "arrival"),
        ];
        let options = read(&[], &[&PAIR[..], &more].concat()).unwrap();
        assert_eq!(options.notes, [JAVASCRIPT, ARRIVAL]);
    }
}

//! What a run does: settings from the environment, choices from the command line.

mod settings;

use crate::{Arguments, Error, Exclusion};
use dodo_customerio::customerio::Credentials;
use dodo_customerio::handler::Clock;
use dodo_customerio::transform::built_in;
use reqwest::Url;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a service may fail before a run stops.
const PATIENCE: Duration = Duration::from_mins(10);

/// What a run does.
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
    /// Only people with something before this, in Unix seconds.
    pub until: Option<u64>,
    /// Webhooks have brought the events since then, in Unix seconds. People are not filtered by it.
    pub events_until: Option<u64>,
    /// Whether history's events are sent.
    pub events: bool,
    /// Whether nothing is sent.
    pub dry_run: bool,
    /// Whether nobody is asked.
    pub yes: bool,
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
        let settings = settings::of_function(variable, &mut mistakes);
        let key = variable("DODO_API_KEY").map(|key| SecretString::from(key.trim()));
        let credentials = settings::credentials(variable);
        let folder = arguments.folder.clone().or_else(|| settings::folder(variable));
        let since = settings::time("SINCE (--since)", arguments.since.as_deref(), &mut mistakes);
        let until = settings::time("UNTIL (--until)", arguments.until.as_deref(), &mut mistakes);
        let events_until = arguments.events_until.as_deref();
        let events_until = settings::time("--events-until", events_until, &mut mistakes);
        let is_bounded = arguments.until.is_some() || arguments.events_until.is_some();
        let lacks_until = arguments.events && !is_bounded;
        let is_empty = since.zip(until).is_some_and(|(since, until)| since >= until);
        let lacks_pair = credentials.is_none() && !arguments.dry_run;
        let missing = [
            (key.is_none(), NO_KEY),
            (lacks_pair, NO_PAIR),
            (lacks_until, NO_UNTIL),
            (is_empty, NO_TIME),
            (folder.is_none(), NO_FOLDER),
            (folder.as_ref().is_some_and(|folder| folder.is_relative()), RELATIVE_FOLDER),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        mistakes.extend(missing.map(|(_, mistake)| mistake.to_owned()));
        let (Some(settings), Some(dodo_key), Some(folder), []) =
            (settings, key, folder, mistakes.as_slice())
        else {
            return Err(Error::Settings(mistakes));
        };
        let exclusion = arguments.exclude.as_deref().map(Exclusion::read).transpose()?;
        Ok(Self {
            dodo_url: settings.dodo_url().clone(),
            dodo_key,
            track_url: settings.track_url().clone(),
            credentials,
            notes: settings::notes(&settings, variable),
            transform: settings::built_in_options(settings),
            since,
            until,
            events_until,
            events: arguments.events,
            dry_run: arguments.dry_run,
            yes: arguments.yes,
            exclusion: exclusion.unwrap_or_default(),
            rate: arguments.rate,
            calls_a_minute: arguments.calls_a_minute,
            folder,
            patience: PATIENCE,
            clock: Arc::new(SystemTime::now),
        })
    }

    /// Where events end, in Unix seconds: at the earlier of both bounds.
    pub(crate) fn end_of_events(&self) -> Option<u64> {
        [self.until, self.events_until].into_iter().flatten().min()
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

const NO_UNTIL: &str = "EVENTS=1 (--events) needs UNTIL (--until, or --events-until), such as make backfill \
     EVENTS=1 UNTIL=2026-10-31: the time at which webhooks began to arrive. Without it, what they have brought \
     would be counted twice.";

const NO_TIME: &str = "SINCE (--since) must be earlier than UNTIL (--until), which is not part of the time: \
     nothing lies between them.";

const NO_FOLDER: &str = "There is no place for the files of the run: HOME is not set. Name a folder that \
     only you can read with BACKFILL_FOLDER (--folder).";

const RELATIVE_FOLDER: &str = "BACKFILL_FOLDER (--folder) must be a whole path, such as /home/ada/import, outside the \
     checkout: the files of a run hold personal data.";

#[cfg(test)]
mod tests {
    use super::settings::{ARRIVAL, JAVASCRIPT};
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
            "SINCE (--since) must be a date",
            "EVENTS=1 (--events) needs",
            "HOME is not set",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert_eq!(all.lines().count(), 6, "{all}");
        let missing = mistakes(&["--exclude", "/nowhere/at/all"], &PAIR);
        assert!(
            missing.starts_with("The file of EXCLUDE (--exclude), /nowhere/at/all, cannot be read"),
            "{missing}"
        );
    }

    #[test]
    fn a_folder_is_a_whole_path() {
        let said = mistakes(&["--folder=import"], &PAIR);
        assert!(said.contains("BACKFILL_FOLDER (--folder) must be a whole path"), "{said}");
    }

    #[test]
    fn times_are_dates_or_moments() {
        let options =
            read(&["--events", "--since=2026-10-31", "--until=2026-10-31T12:00:00Z"], &PAIR);
        let options = options.unwrap();
        assert_eq!((options.since, options.until), (Some(1_793_404_800), Some(1_793_448_000)));
        let options = read(&["--events", "--events-until=1793404800"], &PAIR).unwrap();
        assert_eq!((options.until, options.events_until), (None, Some(1_793_404_800)));
    }

    #[test]
    fn a_time_that_holds_nothing_is_a_mistake() {
        let said = mistakes(&["--since=2026-10-31", "--until=2026-10-31"], &PAIR);
        assert!(said.contains("SINCE (--since) must be earlier than UNTIL (--until)"), "{said}");
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

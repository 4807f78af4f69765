//! The function's settings on this machine: from the shell, or from the file `settings.env`.

use crate::transform_path::from_project;
use dodo_customerio::config::Settings;
use dodo_customerio::transform::built_in::nearest;
use stand_ins::project::project_file;
use stand_ins::settings::SETTINGS;
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file's name unless another is named. Git ignores it.
const FILE: &str = "settings.env";

/// Which file.
#[derive(Debug, clap::Args)]
pub struct SettingsFile {
    /// A file with settings, NAME=value a line, instead of settings.env.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl SettingsFile {
    /// Where it is. `settings.env` need not be there.
    ///
    /// # Errors
    /// If another is named that is not there.
    pub fn path(&self) -> Result<PathBuf, String> {
        let Some(path) = &self.settings else { return Ok(project_file(FILE)) };
        let missing = || format!("There is no file {}: SETTINGS names none.", path.display());
        if path.is_file() { Ok(path.clone()) } else { Err(missing()) }
    }

    /// Another than `settings.env`, from the project's folder.
    pub fn name(&self) -> Option<String> {
        let path = std::path::absolute(self.settings.as_ref()?).ok()?;
        Some(from_project(&path))
    }

    /// Whether it is another than `settings.env`: then it must be there.
    pub fn is_named(&self) -> bool {
        self.settings.is_some()
    }
}

/// The settings as the function reads them itself.
///
/// # Errors
/// Everything that is wrong, in its own words.
pub fn as_the_function(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, String> {
    Settings::read(variable).map_err(|mistakes| {
        let sentences: Vec<_> = mistakes.iter().map(|mistake| format!("{mistake}.")).collect();
        sentences.join("\n")
    })
}

/// Settings by name, those of the shell before those of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Local {
    file: String,
    values: BTreeMap<&'static str, String>,
    in_file: BTreeMap<&'static str, String>,
    in_shell: Vec<&'static str>,
}

impl Local {
    /// Reads both.
    ///
    /// # Errors
    /// Each line of the file that cannot be used.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("{} cannot be read ({error}).", path.display()));
            }
            text => text.unwrap_or_default(),
        };
        Self::of(path, &text, |name| env::var(name).ok())
    }

    /// The settings in the file at `path`, which has this text, and in `shell`.
    ///
    /// # Errors
    /// Each line of the file that cannot be used.
    pub fn of(
        path: &Path,
        text: &str,
        shell: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let in_file = parse(&file, text)?;
        let mut values = in_file.clone();
        let in_shell = SETTINGS
            .into_iter()
            .filter_map(|name| Some((name, shell(name).filter(|value| !value.trim().is_empty())?)));
        let in_shell: BTreeMap<_, _> = in_shell.collect();
        let names = in_shell.keys().copied().collect();
        values.extend(in_shell);
        Ok(Self { file, values, in_file, in_shell: names })
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether all of them have the values that they had.
    pub fn is_same_as(&self, before: &Self) -> bool {
        self.values == before.values
    }

    /// Those that the file says otherwise than before, in vain: the shell has them too.
    pub fn changed_in_vain(&self, before: &Self) -> Vec<&'static str> {
        let has_changed = |name: &&str| self.in_file.get(*name) != before.in_file.get(*name);
        self.in_shell.iter().copied().filter(has_changed).collect()
    }

    /// Which settings come from where, without their values.
    pub fn in_words(&self) -> String {
        let Self { file: name, in_file, in_shell, .. } = self;
        let (both, file): (Vec<_>, Vec<_>) =
            in_file.keys().copied().partition(|it| in_shell.contains(it));
        let mut text = match file.as_slice() {
            [] => format!("none in {name}"),
            file => format!("{} from {name}", list(file)),
        };
        if !in_shell.is_empty() {
            let _ = write!(text, ", {} from the shell", list(in_shell));
        }
        if !both.is_empty() {
            let _ = write!(text, " (which wins over {name} for {})", list(&both));
        }
        text
    }
}

fn list(names: &[&str]) -> String {
    names.join(" ")
}

/// Lines of `NAME=value`.
fn parse(file: &str, text: &str) -> Result<BTreeMap<&'static str, String>, String> {
    let (mut values, mut problems) = (BTreeMap::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        match setting(line) {
            Ok(setting) => values.extend(setting),
            Err(problem) => problems.push(format!("{file}:{number}: {problem}")),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems.join("\n")) }
}

/// The setting in a line; `None` for a blank line or a comment.
fn setting(line: &str) -> Result<Option<(&'static str, String)>, String> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else {
        return Err("there is no `=`; write NAME=value, and # before a comment.".to_owned());
    };
    let known = known(name.trim())?;
    Ok(Some((known, unquoted(value.trim()).to_owned())))
}

fn known(name: &str) -> Result<&'static str, String> {
    if let Some(known) = SETTINGS.into_iter().find(|known| *known == name) {
        return Ok(known);
    }
    Err(match name {
        "TRANSFORM_FILE" => "name the transform on the command line: TRANSFORM=path.".to_owned(),
        "DODO_WEBHOOK_SECRET" => {
            "a secret belongs into no file; put it into the shell: see docs/local.md.".to_owned()
        }
        "SECRET_ID"
        | "CUSTOMERIO_TRACK_URL"
        | "DODO_API_URL"
        | "QUEUE_URL"
        | "_HANDLER"
        | "DEAD_LETTER_QUEUE_URL"
        | "AWS_REGION" => {
            format!("{name} is set by the local tools, which bring the service along; take it out.")
        }
        _ => {
            let name = name.to_ascii_uppercase();
            let nearest = nearest(&name, SETTINGS.map(str::to_owned));
            let nearest = nearest.map(|known| format!("; the nearest is {known}"));
            format!("no setting has that name{}.", nearest.unwrap_or_default())
        }
    })
}

/// A value without the quotation marks around it.
fn unquoted(value: &str) -> &str {
    let inner = |mark| value.strip_prefix(mark)?.strip_suffix(mark);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Local, String> {
        Local::of(Path::new("some/settings.env"), text, |_| None)
    }

    #[test]
    fn the_file_has_a_setting_a_line() {
        let text = "\u{feff}# mine\n\nEVENTS = payment.*,refund.failed\nexport EVENT_NAMES='a.b=A = B'\r\n\
                    LOG_LEVEL=\"debug\"\nUNKNOWN_FIELDS=\n";
        let settings = read(text).unwrap();
        assert_eq!(settings.get("EVENTS").unwrap(), "payment.*,refund.failed");
        assert_eq!(settings.get("EVENT_NAMES").unwrap(), "a.b=A = B");
        assert_eq!(settings.get("LOG_LEVEL").unwrap(), "debug");
        assert_eq!(settings.get("UNKNOWN_FIELDS").unwrap(), "");
        assert_eq!(settings.get("IDENTIFY_TIME"), None);
    }

    #[test]
    fn each_line_that_cannot_be_used_is_told_what_to_write() {
        let text = "EVENTS\nPERSON_IDENTIFER=email\nTRANSFORM_FILE=a.js\nDODO_WEBHOOK_SECRET=whsec_x\nSECRET_ID=a";
        let problems = read(text).unwrap_err();
        let expected = [
            "settings.env:1: there is no `=`",
            "settings.env:2: no setting has that name; the nearest is PERSON_IDENTIFIER.",
            "settings.env:3: name the transform on the command line: TRANSFORM=",
            "settings.env:4: a secret belongs into no file",
            "settings.env:5: SECRET_ID is set by the local tools",
        ];
        assert_eq!(problems.lines().count(), expected.len(), "{problems}");
        for (line, expected) in problems.lines().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
        assert!(!problems.contains("whsec_x"), "{problems}");
    }

    #[test]
    fn the_shell_wins_and_that_is_said_without_values() {
        let shell = |name: &str| match name {
            "EVENTS" => Some("refund.*".to_owned()),
            "LOG_LEVEL" => Some(" ".to_owned()),
            _ => None,
        };
        let settings =
            Local::of(Path::new(FILE), "EVENTS=payment.*\nLOG_LEVEL=debug", shell).unwrap();
        assert_eq!(settings.get("EVENTS").unwrap(), "refund.*");
        assert_eq!(settings.get("LOG_LEVEL").unwrap(), "debug");
        assert_eq!(
            settings.in_words(),
            "LOG_LEVEL from settings.env, EVENTS from the shell (which wins over settings.env for EVENTS)"
        );
        assert_eq!(read("").unwrap().in_words(), "none in settings.env");
    }

    /// What the documentation lists, but for what the tools set themselves.
    #[test]
    fn every_documented_setting_is_known() {
        let page = include_str!("../../../docs/configuration.md");
        let section = page.split("\n## ").find(|it| it.starts_with("Settings\n")).unwrap();
        let names = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let ours = ["SECRET_ID", "CUSTOMERIO_TRACK_URL", "DODO_API_URL", "TRANSFORM_FILE"];
        let mut names: Vec<_> = names.filter(|name| !ours.contains(name)).collect();
        names.sort_unstable();
        assert_eq!(names, SETTINGS);
    }
}

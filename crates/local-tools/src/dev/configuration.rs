//! What the function would be started with, checked as it checks it itself.

use super::files::{Files, Snapshot};
use crate::settings::{Local, as_the_function};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Copies of the transform, one for each version: what was checked is what runs, whatever happens to the
/// merchant's file meanwhile. Removed when dropped.
#[derive(Debug)]
pub struct Copies {
    folder: PathBuf,
    made: u32,
}

/// A start that will succeed.
#[derive(Debug)]
pub struct Configuration {
    pub environment: Vec<(&'static str, String)>,
    pub settings: Local,
    /// The version of the transform that was checked.
    pub copy: Option<PathBuf>,
    made_of: Snapshot,
    /// What may be a typo.
    pub warnings: Vec<String>,
}

/// Checks the settings and the transform in a snapshot of `files`; `services` are the variables that lead to
/// the services.
///
/// # Errors
/// Everything that is wrong, in the function's own words.
pub fn check(
    files: &Files,
    now: &Snapshot,
    services: Vec<(&'static str, String)>,
    copies: &mut Copies,
) -> Result<Configuration, String> {
    let text = match &now.settings {
        Some(text) => String::from_utf8_lossy(text),
        None if files.must_have_settings => {
            return Err(format!("{} is gone, which SETTINGS names.", files.settings.display()));
        }
        None => "".into(),
    };
    let settings = Local::of(&files.settings, &text, |name| env::var(name).ok())?;
    let mut environment = services;
    environment.extend(settings.iter().map(|(name, value)| (name, value.to_owned())));
    let transform = files.transform.as_deref();
    let copy = transform.map(|original| copies.make(original, now)).transpose();
    let copy = copy.map_err(|error| {
        format!("The transform cannot be copied to {} ({error}).", copies.folder.display())
    })?;
    environment.extend(copy.as_ref().map(|path| ("TRANSFORM_FILE", path.display().to_string())));
    let variable = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let read = as_the_function(variable)?;
    let warnings = read.warnings().iter().map(|warning| format!("{warning}.")).collect();
    Ok(Configuration { environment, settings, copy, made_of: now.clone(), warnings })
}

impl Configuration {
    /// What became of changes since `before`, which took some seconds.
    pub fn taken(&self, changes: &str, before: &Self, seconds: f64) -> String {
        let in_vain = self.settings.changed_in_vain(&before.settings).join(" ");
        let taken = format!("{changes} changed: the function now runs with it ({seconds:.1} s).");
        if in_vain.is_empty() {
            taken
        } else if self.is_same_as(before) {
            format!(
                "{changes} changed, but the function goes on as before: the shell sets {in_vain} and wins. To \
                 use the file's, `unset {in_vain}` and start `make dev` again."
            )
        } else {
            format!("{taken}\n    But the shell sets {in_vain} and wins over the file.")
        }
    }

    fn is_same_as(&self, before: &Self) -> bool {
        self.settings.is_same_as(&before.settings) && self.made_of.has_but_settings(&before.made_of)
    }
}

impl Copies {
    /// In a folder that is theirs alone.
    pub fn new(folder: PathBuf) -> Self {
        // A run that was killed may have left something.
        drop(fs::remove_dir_all(&folder));
        Self { folder, made: 0 }
    }

    /// Copies what is there now; if that is nothing, the original's own path must say why.
    fn make(&mut self, original: &Path, now: &Snapshot) -> std::io::Result<PathBuf> {
        if now.transform.is_empty() {
            return Ok(original.to_owned());
        }
        self.made += 1;
        let folder = self.folder.join(self.made.to_string());
        fs::create_dir_all(&folder)?;
        for (path, text) in &now.transform {
            fs::write(folder.join(path.file_name().unwrap_or_default()), text)?;
        }
        Ok(match original.file_name() {
            Some(name) if !original.is_dir() => folder.join(name),
            _ => folder,
        })
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

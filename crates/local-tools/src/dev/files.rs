//! The files that a running function depends on, and how a change is noticed.
//!
//! They are looked at a few times a second. That also works over network mounts and in containers, where
//! changes are not announced, and for editors that save under another name and rename; what is read are a few
//! small files, and the times of those in `src/`.

use stand_ins::project::project_file;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// How often they are looked at. A change counts once it has not moved for that long: a file that is just
/// being written is half there.
const INTERVAL: Duration = Duration::from_millis(300);

/// Which files.
#[derive(Debug, Clone)]
pub struct Files {
    pub settings: PathBuf,
    /// Whether there must be that file.
    pub must_have_settings: bool,
    /// A JavaScript file or a folder of them.
    pub transform: Option<PathBuf>,
    /// The function's program.
    pub program: PathBuf,
    /// What the program is built from: files and folders.
    pub code: Vec<PathBuf>,
}

/// What they are like at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// `None` if there is no such file.
    pub settings: Option<Vec<u8>>,
    /// By path; empty if there is no such file or folder.
    pub transform: BTreeMap<PathBuf, Vec<u8>>,
    pub code: BTreeMap<PathBuf, Stamp>,
    program: Option<Stamp>,
}

/// When a file was last written, and its size.
type Stamp = (SystemTime, u64);

impl Files {
    /// Those of this project; the file of settings must be there if it is `named`.
    pub fn of_project(
        (settings, named): (PathBuf, bool),
        transform: Option<PathBuf>,
        program: PathBuf,
    ) -> Self {
        let code = ["src", "Cargo.toml", "Cargo.lock"].map(project_file).into();
        Self { settings, must_have_settings: named, transform, program, code }
    }

    /// What they are like now.
    pub fn look(&self) -> Snapshot {
        let scripts = self.transform.iter().flat_map(|path| scripts(path));
        let code = self.code.iter().flat_map(|path| sources(path));
        Snapshot {
            settings: contents(&self.settings),
            transform: scripts.filter_map(|path| Some((path.clone(), contents(&path)?))).collect(),
            code: code.filter_map(|path| Some((path.clone(), stamp(&path)?))).collect(),
            program: stamp(&self.program),
        }
    }

    /// Waits until they are no longer as they were, and have come to rest.
    pub async fn changed(&self, before: &Snapshot) -> Snapshot {
        let mut last = before.clone();
        loop {
            sleep(INTERVAL).await;
            let now = self.look();
            if now == last && now != *before {
                return now;
            }
            last = now;
        }
    }
}

impl Snapshot {
    /// As of now, but for the code, which was built as it was: what has changed in it since is yet to come.
    pub fn built(&mut self, now: Self) {
        *self = Self { code: std::mem::take(&mut self.code), ..now };
    }

    /// Whether all but the settings is as before.
    pub fn has_but_settings(&self, before: &Self) -> bool {
        *self == Self { settings: self.settings.clone(), ..before.clone() }
    }

    /// The files that are no longer as they were, in words; `settings` is the name of that file.
    pub fn changes_since(&self, before: &Self, settings: &Path) -> String {
        let mut changes = Vec::new();
        if self.settings != before.settings {
            changes.push(name(settings));
        }
        changes.extend(different(&self.transform, &before.transform).map(|path| name(path)));
        let mut code = different(&self.code, &before.code);
        if let Some(first) = code.next() {
            let further = code.count();
            let further = (further > 0).then(|| format!(" and {further} more"));
            changes.push(name(first) + &further.unwrap_or_default());
        } else if self.program != before.program {
            changes.push("the program".to_owned());
        }
        changes.join(", ")
    }
}

/// Files that are new, gone or different.
fn different<'m, T: PartialEq>(
    now: &'m BTreeMap<PathBuf, T>,
    before: &'m BTreeMap<PathBuf, T>,
) -> impl Iterator<Item = &'m PathBuf> {
    let new = now.iter().filter(|(path, what)| before.get(*path) != Some(*what));
    let gone = before.iter().filter(|(path, _)| !now.contains_key(*path));
    new.chain(gone).map(|(path, _)| path)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The file itself, or the scripts in a folder.
fn scripts(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let is_script =
        |path: &PathBuf| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("js"));
    entries(path).into_iter().filter(is_script).collect()
}

/// The file itself, or all Rust files below a folder.
fn sources(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let (folders, files): (Vec<_>, Vec<_>) = entries(path).into_iter().partition(|it| it.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    folders.iter().flat_map(|folder| sources(folder)).chain(files).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Of a regular file: a pipe or a device would never end.
fn contents(path: &Path) -> Option<Vec<u8>> {
    fs::metadata(path).ok()?.is_file().then(|| fs::read(path).ok())?
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stand_ins::dodo::random_hex;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("files-{}", random_hex()));
            fs::create_dir_all(folder.join("src/deep")).unwrap();
            fs::create_dir_all(folder.join("scripts")).unwrap();
            Self(folder)
        }

        fn write(&self, path: &str, text: &str) {
            fs::write(self.0.join(path), text).unwrap();
        }

        fn files(&self) -> Files {
            let path = |name| self.0.join(name);
            Files {
                settings: path("settings.env"),
                must_have_settings: false,
                transform: Some(path("scripts")),
                program: path("program"),
                code: vec![path("src")],
            }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn each_kind_of_change_is_noticed_and_named() {
        let folder = Folder::new();
        let files = folder.files();
        let mut before = files.look();
        for (path, text, expected) in [
            ("settings.env", "EVENTS=payment.*", "settings.env"),
            ("scripts/a.js", "function extend(r) { return r }", "a.js"),
            ("scripts/a.js", "function extend(r) { return 0 }", "a.js"),
            ("src/deep/mod.rs", "// code", "mod.rs"),
            ("program", "new", "the program"),
        ] {
            folder.write(path, text);
            let now = files.look();
            assert_eq!(now.changes_since(&before, &files.settings), expected);
            before = now;
        }
        fs::remove_file(folder.0.join("scripts/a.js")).unwrap();
        assert_eq!(files.look().changes_since(&before, &files.settings), "a.js");
    }

    #[test]
    fn what_does_not_matter_is_no_change() {
        let folder = Folder::new();
        folder.write("scripts/a.js", "function extend(r) { return r }");
        let files = folder.files();
        let before = files.look();
        folder.write("scripts/notes.txt", "mine");
        folder.write("src/notes.txt", "mine");
        // Saved again, unchanged.
        folder.write("scripts/a.js", "function extend(r) { return r }");
        assert_eq!(files.look(), before);
    }

    #[tokio::test]
    async fn a_file_that_is_just_being_written_is_waited_for() {
        let folder = Folder::new();
        let files = folder.files();
        let before = files.look();
        let half = async {
            for length in 1..=5 {
                folder.write("scripts/a.js", &"x".repeat(length));
                sleep(INTERVAL / 2).await;
            }
        };
        let (now, ()) = tokio::join!(files.changed(&before), half);
        assert_eq!(now.transform.values().next().unwrap(), b"xxxxx");
    }
}

//! What `TRANSFORM=` means, for every command that takes it. `ops/` has the same rules for `make deploy`;
//! `tests/transform-paths.json` keeps both alike.

use dodo_customerio::transform::built_in::nearest;
use stand_ins::project::project_file;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The merchant's folder, below the root of the checkout.
const FOLDER: &str = "transforms";

/// As many files are listed at most where one is missing.
const LISTED: usize = 12;

/// The file or folder that is meant: in `transforms/`, or else below the root of the checkout, or absolute.
/// `None` is the built-in transform: nothing is given, or `none`.
///
/// # Errors
/// A sentence that says what is there.
pub fn resolve(given: &str) -> Result<Option<PathBuf>, String> {
    resolve_in(&project_file(""), given)
}

fn resolve_in(root: &Path, given: &str) -> Result<Option<PathBuf>, String> {
    if given.is_empty() || given == "none" {
        return Ok(None);
    }
    let folder = root.join(FOLDER);
    // `join` keeps an absolute path as it is.
    let candidates = [folder.join(given), root.join(given)].map(|path| plain(&path));
    let Some(path) = candidates.iter().find(|path| path.exists()) else {
        let there = Scripts::of(&folder);
        let nearest = there.nearest(given);
        let meant = nearest.map(|it| format!(" Did you mean TRANSFORM={it}?")).unwrap_or_default();
        return Err(format!("There is no {}.{meant} {there}", shown(root, &candidates, given)));
    };
    if path.is_dir() && !entries(path).any(|path| is_script(&path)) {
        let place = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let place = if place.is_empty() { "the project's folder" } else { &place };
        let there = Scripts::of(&folder);
        return Err(format!("There is no JavaScript file in {place} itself. {there}"));
    }
    if path.is_file() && !may_be_meant(path) {
        let there = Scripts::of(&folder);
        return Err(format!("TRANSFORM={given} is not a .js file. {there}"));
    }
    Ok(Some(path.clone()))
}

/// A path as it is shown: from the root of the checkout, where it lies in it.
pub fn from_project(path: &Path) -> String {
    path.strip_prefix(project_file("")).unwrap_or(path).display().to_string()
}

/// All scripts of the merchant's folder, by their paths in it.
pub fn scripts() -> Vec<String> {
    Scripts::of(&project_file(FOLDER)).0
}

/// The path without `.`, `..` and a `/` at the end.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// What is missing, as somebody would look for it.
fn shown(root: &Path, candidates: &[PathBuf; 2], given: &str) -> String {
    let [in_folder, in_root] = candidates;
    let named = in_root.strip_prefix(root).is_ok_and(|path| path.starts_with(FOLDER));
    let path = if named { in_root } else { in_folder };
    let is_absolute = Path::new(given).is_absolute();
    let path = if is_absolute { path } else { path.strip_prefix(root).unwrap_or(path) };
    path.display().to_string()
}

/// The scripts in the merchant's folder, by their paths in it.
struct Scripts(Vec<String>);

impl Scripts {
    fn of(folder: &Path) -> Self {
        let mut scripts = Vec::new();
        collect_scripts(folder, Path::new(""), &mut scripts);
        scripts.sort();
        Self(scripts)
    }

    /// The one whose name is the most similar, if it is similar.
    fn nearest(&self, given: &str) -> Option<&String> {
        let nearest = nearest(stem(given), self.0.iter().map(|script| stem(script).to_owned()))?;
        self.0.iter().find(|script| stem(script) == nearest)
    }
}

impl Display for Scripts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(formatter, "There is none at all; docs/javascript.md has one to copy.");
        }
        let listed = self.0.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        let more = if self.0.len() > LISTED { ", …" } else { "" };
        write!(formatter, "There are: {listed}{more}.")
    }
}

fn name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn stem(path: &str) -> &str {
    let name = name(path);
    name.strip_suffix(".js").unwrap_or(name)
}

/// Paths in the folder, those of subfolders included.
fn collect_scripts(folder: &Path, below: &Path, scripts: &mut Vec<String>) {
    for path in entries(&folder.join(below)) {
        let place = below.join(path.file_name().unwrap_or_default());
        // A link may lead back here.
        if path.is_dir() && !path.is_symlink() {
            collect_scripts(folder, &place, scripts);
        } else if path.is_file() && is_script(&path) {
            scripts.push(place.display().to_string());
        }
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// As the function reads a folder: hidden files are none.
fn is_script(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !is_hidden && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("js"))
}

/// Modules and TypeScript are told what to write instead once they are read.
fn may_be_meant(path: &Path) -> bool {
    const ENDINGS: [&str; 8] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];
    let ending = path.extension().unwrap_or_default();
    ENDINGS.iter().any(|it| ending.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use stand_ins::dodo::random_hex;

    #[test]
    fn every_case_of_the_table_that_ops_shares() {
        let table = include_str!("../../../tests/transform-paths.json");
        let table: Value = serde_json::from_str(table).unwrap();
        let root = std::env::temp_dir().join(format!("transform-paths-{}", random_hex()));
        for file in table["files"].as_array().unwrap() {
            let path = root.join(file.as_str().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let cases = table["cases"].as_array().unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let text = |name: &str| {
                case[name].as_str().map(|it| it.replace("$ROOT", &root.display().to_string()))
            };
            let result = resolve_in(&root, &text("given").unwrap());
            if let Some(missing) = text("missing") {
                let nearest = text("nearest");
                let meant = nearest.map(|it| format!("Did you mean TRANSFORM={it}? "));
                let begins =
                    format!("There is no {missing}. {}There are: ", meant.unwrap_or_default());
                assert!(result.as_ref().is_err_and(|it| it.starts_with(&begins)), "{result:?}");
            } else {
                assert_eq!(result, Ok(text("path").map(|path| root.join(path))), "{case}");
            }
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_is_no_script_is_neither_taken_nor_suggested() {
        let root = std::env::temp_dir().join(format!("transform-paths-{}", random_hex()));
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        for name in ["plans.js", "notes.md"] {
            fs::write(folder.join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("loop.js", folder.join("loop.js")).unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("again")).unwrap();
        let there = "There are: plans.js.";
        for (given, said) in [
            ("..", "There is no JavaScript file in the project's folder itself."),
            ("notes.md", "TRANSFORM=notes.md is not a .js file."),
            ("loop.js", "There is no transforms/loop.js."),
            ("qwertyuiop", "There is no transforms/qwertyuiop."),
        ] {
            assert_eq!(resolve_in(&root, given), Err(format!("{said} {there}")), "{given}");
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn without_any_script_it_says_where_one_is() {
        let root = std::env::temp_dir().join(format!("transform-paths-{}", random_hex()));
        let error = resolve_in(&root, "plans.js").unwrap_err();
        assert_eq!(
            error,
            "There is no transforms/plans.js. There is none at all; docs/javascript.md has one to copy."
        );
    }
}

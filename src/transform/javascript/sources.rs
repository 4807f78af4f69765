use super::engine::Source;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Reads a JavaScript file, or those of a folder in the order of their names.
///
/// # Errors
/// What cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<Source>, Vec<String>> {
    let paths = files(path).map_err(|error| vec![unreadable(path, &error)])?;
    if paths.is_empty() {
        return Err(vec![format!("names a folder without a .js file: {}", path.display())]);
    }
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match read_file(&path) {
            Ok(text) => sources.push(Source { name: name(&path), text }),
            Err(error) => problems.push(unreadable(&path, &error)),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return fs::metadata(path).map(|_| vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let is_script = |path: &PathBuf| {
        let is_hidden = name(path).starts_with('.');
        !is_hidden && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("js"))
    };
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).filter(is_script).collect();
    paths.sort();
    Ok(paths)
}

/// A pipe or a device would never end.
fn read_file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.is_file() {
        fs::read_to_string(path)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot be read: {} ({error})", path.display())
}

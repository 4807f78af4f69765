//! The size of a program, unpacked and as the zip that Lambda gets.

use super::project::project_file;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Bytes of the zip that SAM would upload: made by Python's zipfile at its default level, as SAM does.
///
/// # Errors
/// The error output of Python.
pub fn zipped(path: &Path) -> Result<u64, String> {
    let name = path.file_name().unwrap_or_default();
    let zip = project_file("target").join(format!("{}.{}.zip", name.display(), std::process::id()));
    let (folder, content) = match path.parent() {
        Some(parent) if path.is_file() => (parent, name),
        _ => (path, ".".as_ref()),
    };
    let mut python = Command::new("python3");
    python.args(["-m", "zipfile", "-c"]).arg(&zip).arg(content).current_dir(folder);
    let bytes = output(&mut python).and_then(|_| size(&zip));
    // It does not exist if Python failed.
    drop(fs::remove_file(&zip));
    bytes
}

/// Bytes of a file.
///
/// # Errors
/// If there is no such file.
pub fn size(path: &Path) -> Result<u64, String> {
    let file = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(file.len())
}

/// The output of a command.
///
/// # Errors
/// If it is missing or fails: its error output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

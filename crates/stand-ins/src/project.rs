//! Where the project and its virtual environment are.

use std::path::{Path, PathBuf};

/// A file below the project's root.
///
/// # Panics
/// Never: this crate is two folders below the root.
pub fn project_file(path: impl AsRef<Path>) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the root").join(path)
}

const BROKEN: &str =
    "The virtual environment .venv no longer works. Type: rm -rf .venv, then the same again";

/// The Python of the project's virtual environment.
///
/// # Errors
/// If it is not there, and what to type.
pub fn python() -> Result<PathBuf, String> {
    let python = project_file(".venv/bin/python");
    match (python.exists(), project_file(".venv").exists()) {
        (true, _) => Ok(python),
        (false, true) => Err(BROKEN.to_owned()),
        (false, false) => Err("There is no virtual environment yet. Type: make setup".to_owned()),
    }
}

//! `template.yaml` as SAM expands it for CloudFormation.

use super::project::{project_file, python};
use serde_json::{Map, Value};
use std::process::Command;
use std::sync::LazyLock;

/// SAM needs seconds for it.
static TRANSFORMED: LazyLock<Value> = LazyLock::new(transform);

/// All of it.
///
/// # Panics
/// If the tools are missing or SAM refuses the template.
pub fn transformed() -> Value {
    TRANSFORMED.clone()
}

fn transform() -> Value {
    let mut command = Command::new(python().expect("the virtual environment"));
    command.arg(project_file("tests/reference.py")).arg("template");
    let output = command.env("AWS_DEFAULT_REGION", "us-east-1").output().expect("Python");
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no template: {errors}"))
}

/// Its resources by name.
///
/// # Panics
/// Like [`transformed`].
pub fn resources() -> Map<String, Value> {
    transformed()["Resources"].as_object().expect("an object").clone()
}

//! Builds and installs what is measured, below `target/bench`.

use stand_ins::package::output;
use stand_ins::project::project_file;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the bench writes everything.
///
/// # Errors
/// If it cannot be made.
pub fn folder() -> Result<PathBuf, String> {
    let folder = project_file("target/bench");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// One `cargo build --release`.
pub struct Cargo<'a> {
    /// Its name in the bench.
    pub name: &'a str,
    /// The folder of its manifest, below the project.
    pub project: &'a str,
    /// Additional arguments.
    pub arguments: &'a [&'a str],
    /// Additional environment variables.
    pub environment: &'a [(&'a str, &'a str)],
    /// Which builds share their dependencies.
    pub target: &'a str,
}

impl Cargo<'_> {
    /// Builds it and returns a copy of the binary, because the next build may overwrite it.
    ///
    /// # Errors
    /// If it does not compile; the compiler has printed why.
    pub fn build(&self) -> Result<PathBuf, String> {
        let binary = if self.project.is_empty() { "dodo-customerio" } else { self.name };
        let target = folder()?.join(self.target);
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--locked", "--release", "--bins", "--target-dir"])
            .arg(&target)
            .args(self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(project_file(self.project));
        run(&format!("building {}", self.name), &mut cargo)?;
        let copy = folder()?.join(format!("bootstrap-{}", self.name.replace(' ', "-")));
        fs::copy(target.join("release").join(binary), &copy).map_err(|error| error.to_string())?;
        Ok(copy)
    }
}

/// Installs the packages of the Node.js peer.
///
/// # Errors
/// Which tool is missing, or what failed.
pub fn node() -> Result<PathBuf, String> {
    // AWS's runtime client is compiled, with a curl of its own.
    require(&["node", "npm", "cmake", "autoreconf", "libtoolize", "make", "g++"])?;
    let folder =
        copy_of("benches/peers/node", &["package.json", "package-lock.json", "index.mjs"])?;
    let node = output(Command::new("node").args(["-p", "process.execPath"]))?;
    let prefix = Path::new(&node).ancestors().nth(2).unwrap_or(Path::new("/"));
    let mut npm = Command::new("npm");
    npm.args(["ci", "--loglevel=error", "--no-audit", "--no-fund"]).current_dir(&folder);
    if prefix.join("include/node/node.h").exists() {
        // Otherwise node-gyp would download the headers.
        npm.env("npm_config_nodedir", prefix);
    }
    if !folder.join("node_modules/.package-lock.json").exists() {
        run("installing the Node.js peer (compiles AWS's runtime client, a minute)", &mut npm)?;
    }
    Ok(folder)
}

/// Installs the packages of the Python peer.
///
/// # Errors
/// Which tool is missing, or what failed.
pub fn python() -> Result<PathBuf, String> {
    require(&["python3"])?;
    let folder = copy_of("benches/peers/python", &["requirements.txt", "handler.py"])?;
    if !folder.join("boto3").exists() {
        let pip = project_file(".venv/bin/pip");
        let mut pip = Command::new(pip);
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--target",
            ".",
        ])
        .args(["--requirement", "requirements.txt"])
        .current_dir(&folder);
        run("installing the Python peer", &mut pip)?;
    }
    Ok(folder)
}

fn copy_of(project: &str, files: &[&str]) -> Result<PathBuf, String> {
    let folder = folder()?.join(Path::new(project).file_name().unwrap_or_default());
    let text = |error: std::io::Error| error.to_string();
    fs::create_dir_all(&folder).map_err(text)?;
    for file in files {
        fs::copy(project_file(project).join(file), folder.join(file)).map_err(text)?;
    }
    Ok(folder)
}

fn require(tools: &[&str]) -> Result<(), String> {
    let is_there = |tool: &&&str| {
        let mut which = Command::new("/bin/sh");
        which.args(["-c", "command -v \"$0\"", tool]).stdout(Stdio::null());
        which.status().is_ok_and(|status| status.success())
    };
    let missing: Vec<_> = tools.iter().filter(|tool| !is_there(tool)).copied().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("missing here: {}", missing.join(", "))) }
}

fn run(what: &str, command: &mut Command) -> Result<(), String> {
    eprintln!("==> {what}");
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

//! Limits on the size of the function. A dependency update that would slow the cold start fails here.

use stand_ins::package::{output, size, zipped};
use stand_ins::project::project_file;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Maximum bytes of the program and of its zip: a few percent above what they are.
const WITH_JAVASCRIPT: [u64; 2] = [6_300_000, 3_000_000];
const WITHOUT_JAVASCRIPT: [u64; 2] = [5_000_000, 2_400_000];

/// Maximum number of crates compiled for the function, build scripts included.
const CRATES: usize = 165;

/// Both architectures that Lambda offers.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).arg("--locked").current_dir(project_file(""));
    // What `cargo test` sets for this process would make ring's build script, and all that depends on
    // ring, run again.
    let own =
        ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_TARGET_TMPDIR"];
    for (name, _) in std::env::vars_os() {
        if own.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    output(&mut cargo).unwrap_or_else(|error| panic!("{error}"))
}

/// Builds the function and returns a copy, because the next build overwrites the program.
fn built(features: &[&str], name: &str) -> PathBuf {
    let target = project_file("target");
    let arguments = ["build", "--release", "--bins", "--target-dir", target.to_str().unwrap()];
    cargo(&[&arguments[..], features].concat());
    let copy = target.join(name);
    fs::copy(target.join("release/dodo-customerio"), &copy).unwrap();
    copy
}

/// Names and versions, as in `hyper v1.12.0`.
fn crates() -> BTreeSet<String> {
    let tree = |target| {
        cargo(&[
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--target",
            target,
        ])
    };
    let name = |line: &str| line.split(" (").next().unwrap_or_default().to_owned();
    TARGETS.map(tree).iter().flat_map(|tree| tree.lines().map(name).collect::<Vec<_>>()).collect()
}

/// The crates that `deny.toml` bans, as in `hyper@0.14`.
fn banned() -> Vec<String> {
    let rules = fs::read_to_string(project_file("deny.toml")).unwrap();
    let name = |line: &str| Some(line.split_once("crate = \"")?.1.split('"').next()?.to_owned());
    rules.lines().filter_map(name).collect()
}

fn is_banned(name: &str, rule: &str) -> bool {
    let (banned, version) = rule.split_once('@').unwrap_or((rule, ""));
    name.strip_prefix(banned).is_some_and(|rest| rest.starts_with(&format!(" v{version}")))
}

#[test]
fn program_and_zip_are_small() {
    for (features, name, budget) in [
        (&["--no-default-features"][..], "bootstrap-without-javascript", WITHOUT_JAVASCRIPT),
        (&[], "bootstrap-with-javascript", WITH_JAVASCRIPT),
    ] {
        let program = built(features, name);
        let weighed = [size(&program).unwrap(), zipped(&program).unwrap()];
        println!("{name}: program and zip have {weighed:?} bytes");
        for (bytes, budget) in weighed.into_iter().zip(budget) {
            assert!(bytes <= budget, "{name}: {bytes} bytes are over the budget of {budget}");
            assert!(bytes > budget / 2, "{name}: {bytes} bytes leave the budget meaningless");
        }
    }
}

#[test]
fn few_crates_and_none_of_those_that_would_undo_the_cold_start() {
    let (crates, banned) = (crates(), banned());
    assert!(crates.len() <= CRATES, "{} crates are over the budget of {CRATES}", crates.len());
    assert!(banned.len() >= 4, "deny.toml bans {banned:?}");
    let found: Vec<_> =
        crates.iter().filter(|name| banned.iter().any(|rule| is_banned(name, rule))).collect();
    assert!(found.is_empty(), "deny.toml bans {found:?}; `cargo tree -i NAME` shows who needs it");
}

#[test]
fn a_ban_means_a_crate_in_all_or_in_one_of_its_versions() {
    assert!(is_banned("aws-lc-sys v0.42.0", "aws-lc-sys"));
    assert!(is_banned("hyper v0.14.32", "hyper@0.14"));
    assert!(!is_banned("hyper v1.12.0", "hyper@0.14"));
    assert!(!is_banned("hyper-util v0.14.0", "hyper@0.14"));
}

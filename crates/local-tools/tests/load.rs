//! `make load DELIVERY=queue` as it runs, only shorter: real processes of both functions, and every id checked.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The function's program, which `cargo test` builds beside the tools.
fn function() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_local")).with_file_name("dodo-customerio");
    assert!(path.exists(), "The function is not built. Type: cargo build --locked --bins");
    path
}

#[test]
fn each_webhook_of_a_load_through_the_queue_arrives_once() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("load").arg(function()).args(["600", "--delivery=queue", "--rate=5000"]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(status.success(), "{stdout}{stderr}");
    let sent: usize = {
        let line =
            stdout.lines().find(|line| line.contains("each is at Customer.io once")).unwrap();
        line.split(' ').next().unwrap().parse().unwrap()
    };
    assert!(sent >= 600, "{stdout}");
    let full = stdout.lines().find(|line| line.starts_with("| at once |")).unwrap();
    let in_a_request: f64 = full.split('|').nth(8).unwrap().trim().parse().unwrap();
    assert!(in_a_request >= 200.0, "{full}");
}

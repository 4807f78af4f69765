//! `make check`: what it prints for good files and for each kind of bad one, and that it fails for those.

use stand_ins::cpu_share::Share;
use stand_ins::dodo::random_hex;
use stand_ins::settings::SETTINGS;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder with transforms; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(random_hex());
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    /// Whether the check passed, and all that it printed.
    fn check(&self) -> (bool, String) {
        check(&[&format!("--transform={}", self.0.display())])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn check(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    let output = command.arg("check").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// A file and a part of the line that says what is wrong with it.
fn fails(text: &str, wanted: &str) {
    let (passed, printed) = Folder::with(&[("own.js", text)]).check();
    assert!(!passed, "{printed}");
    assert!(printed.lines().any(|line| line.contains(wanted)), "{wanted}\nis not in\n{printed}");
}

#[test]
fn each_file_is_listed_with_what_it_did_and_its_dearest_run() {
    let folder = Folder::with(&[
        (
            "a-plan.js",
            "function extend(request, webhook) {
               if (!webhook.eventType.startsWith('payment.')) return request;
               for (const item of request.batch) item.attributes.plan = 'pro';
               return request;
             }",
        ),
        ("b-none.js", "function extend(request, webhook) { return webhook.eventType === 'refund.failed' ? null : request; }"),
        (
            "c-own.js",
            "function handler(webhook) {
               if (webhook.eventType === 'payout.created') {
                 webhook.payload = { type: 'person', identifiers: { id: 'finance' }, action: 'event', name: 'Payout' };
               }
               return webhook;
             }",
        ),
        ("d-idle.js", "function handler(webhook) { return webhook; }"),
    ]);
    let (passed, printed) = folder.check();
    assert!(passed, "{printed}");
    let line =
        |file: &str| printed.lines().find(|line| line.trim_start().starts_with(file)).unwrap();
    assert!(line("a-plan.js").contains("extend   17 changed, "), "{printed}");
    assert!(line("a-plan.js").contains(" of 100 ms of CPU (payment."), "{printed}");
    assert!(line("b-none.js").contains(" 1 dropped"), "{printed}");
    assert!(line("c-own.js").contains("handler  1 handled, "), "{printed}");
    assert!(printed.contains("It does nothing with any sample"), "{printed}");
    assert!(printed.contains(", 0 failed"), "{printed}");
    assert!(printed.contains("At the CPU share of a function of 128 MB: "), "{printed}");
}

#[test]
fn the_built_in_transform_passes_with_any_setting() {
    let (passed, printed) = check(&[]);
    assert!(passed && printed.contains("The built-in transform over "), "{printed}");
    let (passed, printed) = check(&["--transform=none"]);
    assert!(passed && !printed.contains("128 MB"), "{printed}");
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_reason() {
    fails(
        "function extend(request, webhook) {\n  const x = webhook.payload.data.refunds.length;\n  return request;\n}",
        "!! own.js:2: TypeError: cannot read property 'length' of undefined. In abandoned_checkout.detected, ",
    );
    fails(
        "function extend(request, webhook) {\n  for (const item of request.batch) item.timestamp = '2026-11-28';\n  return request;\n}",
        "timestamp: is the string \"2026-11-28\"; it must be an integer",
    );
    fails(
        "function extend(request, webhook) {\n  for (const item of request.batch) item.attributes.note = 'x'.repeat(1001);\n  return request;\n}",
        "own.js: batch[0] (\"identify\"), attributes.note: property value cannot be longer than 1000 bytes.",
    );
    fails(
        "function extend(request, webhook) {\n  while (webhook.eventType === 'refund.failed');\n  return request;\n}",
        ": it took more than 100 ms of CPU. In refund.failed.",
    );
    fails(
        "export default function handler(webhook) {}",
        "write a plain `function handler(webhook)`",
    );
    fails("function main() {}", "there is no `function handler(webhook)`");
    fails("function extend() {", "own.js:1: SyntaxError");
}

/// The process that runs handlers is in the group until it ends.
#[test]
fn no_control_group_is_left_behind() {
    for text in [
        "function handler(webhook) { return webhook; }",
        "function handler(webhook) { if (webhook.eventType === 'refund.failed') for (;;); return webhook; }",
    ] {
        let folder = Folder::with(&[("own.js", text)]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.args(["check", &format!("--transform={}", folder.0.display())]);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let name = format!("dodo-share-{}-128", process.id());
        process.wait().unwrap();
        for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu"] {
            assert!(!Path::new(root).join(&name).exists(), "{root}/{name}");
        }
    }
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let (passed, printed) = check(&["--transform=plan.js"]);
    assert!(!passed);
    assert!(
        printed.starts_with("There is no transforms/plan.js. Did you mean TRANSFORM="),
        "{printed}"
    );
    let (passed, printed) = check(&["--memory=much"]);
    assert!(!passed);
    assert_eq!(printed, "MEMORY=much cannot be used: it must be a number from 128 to 10240.\n");
}

/// Each file stays within its CPU time, but all of them take too long at a small share.
#[test]
fn files_that_are_too_slow_together_for_a_small_function_fail() {
    if let Err(error) = Share::new(128) {
        println!("skipped: no cgroup quota can be set here ({error})");
        return;
    }
    let spin = |rounds: u64| {
        format!(
            "function extend(request, webhook) {{
               if (webhook.eventType === 'refund.failed') for (let i = 0; i < {rounds}; i++);
               return request;
             }}"
        )
    };
    let few = 200_000;
    let (_, printed) = Folder::with(&[("own.js", &spin(few))]).check();
    let milliseconds = printed.split("dearest run ").nth(1).unwrap().split(' ').next().unwrap();
    let milliseconds: f64 = milliseconds.parse().unwrap();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let rounds = (few as f64 * 45.0 / milliseconds) as u64;
    let text = spin(rounds);
    // Together nearly a second of CPU: twice what six seconds at a fourteenth of a CPU give.
    let names: Vec<_> = (10..30).map(|number| format!("{number}.js")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    let (passed, printed) = Folder::with(&files).check();
    assert!(!passed, "{printed}");
    let parts = printed.split_once("At the CPU share");
    let (at_full_speed, at_small_share) = parts.unwrap_or_else(|| panic!("{printed}"));
    assert!(at_full_speed.contains(", 0 failed"), "{printed}");
    assert!(
        at_small_share
            .contains("it was not done after 1700 ms (6000 for all files). In refund.failed."),
        "{printed}"
    );
    assert!(at_small_share.contains("MemorySize="), "{printed}");
}

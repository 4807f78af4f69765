//! Whatever somebody types, they get a sentence and an exit code, never a backtrace: the local tools with
//! wrong values, and each documented target of make without its tools. `tests/ops/test_messages.py` has the
//! commands that go to AWS.

use serde_json::{Value, json};
use stand_ins::dodo::random_hex;
use stand_ins::project::project_file;
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Signs, but is nobody's.
const SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What no user should ever see.
const NEVER: [&str; 7] = [
    "panicked at",
    "Traceback",
    "RUST_BACKTRACE",
    "backtrace",
    "Os {",
    "called `Result",
    "mistake of the tool",
];

/// A command in an environment without a shell's settings, in another folder than the checkout.
fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear().current_dir("/").env("RUST_BACKTRACE", "1");
    command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

fn local(arguments: &[&str]) -> Command {
    let mut command = command(env!("CARGO_BIN_EXE_local"));
    for name in ["PATH", "HOME"] {
        command.env(name, std::env::var(name).unwrap_or_default());
    }
    command.args(arguments);
    command
}

/// Runs a command that must fail with a sentence that has `wanted` in it.
fn fails_saying(command: &mut Command, wanted: &str) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    let shown = format!("{command:?}\n{status}\n{stdout}{stderr}");
    assert!(!status.success(), "{shown}");
    let printed = format!("{stdout}{stderr}");
    assert!(printed.contains(wanted), "no {wanted:?} from {shown}");
    for never in NEVER {
        assert!(!printed.contains(never), "{never:?} from {shown}");
    }
    let is_ours = |line: &&str| !line.trim().is_empty() && !line.starts_with("make: ");
    let first = stderr.lines().chain(stdout.lines()).find(is_ours).unwrap_or_default();
    assert!(first.split_whitespace().count() >= 4, "no sentence from {shown}");
    assert!(!first.starts_with("error: "), "nobody's words from {shown}");
}

/// A file that is removed when dropped.
struct File(PathBuf);

impl File {
    fn with(name: &str, text: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(random_hex());
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.0.parent().unwrap()));
    }
}

#[test]
fn a_sample_that_is_not_there_or_no_event_is_named() {
    let broken = File::with("own.event.json", "{\"type\": ");
    let without_type = File::with("own.event.json", &json!({"data": {}}).to_string());
    let list = File::with("own.event.json", "[]");
    for tool in ["send", "event", "preview"] {
        for (event, wanted) in [
            ("payment.suceeded", "payment.succeeded"),
            ("/never/there/own.json", "/never/there/own.json"),
            (&broken.path(), "is not JSON"),
            (&without_type.path(), "type"),
            (&list.path(), "own.event.json"),
            ("events", ""),
            (env!("CARGO_TARGET_TMPDIR"), " is a folder. EVENT takes"),
        ] {
            fails_saying(local(&[tool, event]).env("DODO_WEBHOOK_SECRET", SECRET), wanted);
        }
    }
}

#[test]
fn a_wrong_secret_or_address_is_named() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", dead.local_addr().unwrap());
    drop(dead);
    for secret in ["garbage", "whsec_", "whsec_%%%", "whsec_replace_me"] {
        let mut send = local(&["send", "payment.succeeded", "--url=http://127.0.0.1:9/"]);
        fails_saying(send.env("DODO_WEBHOOK_SECRET", secret), "DODO_WEBHOOK_SECRET");
        let mut event = local(&["event", "payment.succeeded"]);
        fails_saying(event.env("DODO_WEBHOOK_SECRET", secret), "DODO_WEBHOOK_SECRET");
    }
    for (url, wanted) in [
        (&*address, &*address),
        ("garbage", "URL=garbage is not an address to post to. Type "),
        ("ftp://127.0.0.1/", "URL"),
        ("http://", "URL"),
    ] {
        let mut send = local(&["send", "payment.succeeded", &format!("--url={url}")]);
        fails_saying(send.env("DODO_WEBHOOK_SECRET", SECRET), wanted);
    }
    let mut send = local(&["send", "payment.succeeded", &format!("--url={address}")]);
    fails_saying(&mut send, "DODO_WEBHOOK_SECRET");
}

#[test]
fn a_transform_that_cannot_be_used_is_named() {
    let typescript = File::with("own.ts", "function handler(webhook: Webhook) {}");
    let module = File::with("own.js", "export default function handler(webhook) {}");
    let throws =
        File::with("own.js", "function extend(request) { throw new Error('there is no plan'); }");
    let plain = "write a plain `function handler(webhook)`";
    let readme = File::with("README.md", "");
    for (path, wanted) in [
        (&*readme.path(), "README.md is not a .js file. "),
        ("..", "There is no JavaScript file in the project's folder itself. "),
        ("plan.js", "There is no transforms/plan.js. "),
        ("/never/there", "There is no /never/there. "),
        (&typescript.path(), plain),
        (&module.path(), plain),
        (&throws.path(), "own.js:1: Error: there is no plan"),
    ] {
        let option = format!("--transform={path}");
        fails_saying(&mut local(&["preview", "payment.succeeded", &option]), wanted);
        let mut check = local(&["check", &option]);
        if path == throws.path() {
            fails_saying(&mut check, "samples failed");
        } else {
            fails_saying(&mut check, wanted);
        }
    }
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    for (name, value) in [
        ("PERSON_IDENTIFIER", "nobody"),
        ("EVENT_NAMES", "payment"),
        ("EVENTS", "=,="),
        ("UNKNOWN_FIELDS", "perhaps"),
        ("SUBSCRIPTION_OBJECT_TYPE", "x"),
        ("IDENTIFY_TIME", "late"),
    ] {
        fails_saying(local(&["preview", "payment.succeeded"]).env(name, value), name);
        fails_saying(local(&["check"]).env(name, value), name);
    }
}

#[test]
fn numbers_and_ports_that_cannot_be_used_are_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    for (arguments, wanted) in [
        (["dev", "--port=abc", ""], "PORT=abc cannot be used"),
        (["dev", "--port=-1", ""], "PORT=-1 cannot be used"),
        (["dev", "--page-port=70000", ""], "PAGE_PORT=70000 cannot be used"),
        (["dev", "--customerio-port=x", ""], "CUSTOMERIO_PORT=x cannot be used"),
        (["customerio", "x", ""], "PORT=x cannot be used"),
        (["dev", "--delivery=drain", ""], "DELIVERY=drain cannot be used: it must be direct or"),
        (["demo", "--delivery=", ""], "DELIVERY= cannot be used"),
        (["check", "--memory=0", ""], "MEMORY=0 cannot be used"),
        (["dev", "--port=9123", "--page-port=9123"], "PORT and PAGE_PORT are both 9123. "),
        (["load", "/never/there", "0"], "COUNT=0 cannot be used"),
        (["load", "--delivery=drain", "/x"], "DELIVERY=drain cannot be used: it must be direct or"),
        (["load", "--rate=0", "/x"], "RATE=0 cannot be used: it must be a number from 1 to"),
        (["load", "--environments=x", "/x"], "ENVIRONMENTS=x cannot be used: it must be a number"),
        (["load", "/never/there", "5"], "/never/there"),
        (["flood", "/never/there", ""], "/never/there"),
        (["customerio", &taken, ""], &taken),
    ] {
        let arguments: Vec<_> = arguments.into_iter().filter(|it| !it.is_empty()).collect();
        fails_saying(&mut local(&arguments), wanted);
    }
}

#[test]
fn a_port_in_use_is_named_with_the_variable_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port();
    let variables = ["PORT", "PAGE_PORT", "CUSTOMERIO_PORT"];
    for variable in variables {
        let options = variables.map(|it| {
            let port = if it == variable { taken } else { 0 };
            format!("--{}={port}", it.to_lowercase().replace('_', "-"))
        });
        fails_saying(local(&["dev"]).args(options), &format!("{variable}="));
    }
}

/// A folder for PATH with programs that do nothing.
fn programs(names: &[&str]) -> File {
    let folder = File::with("none", "");
    for name in names {
        let program = folder.0.with_file_name(name);
        fs::write(&program, "#!/bin/sh\nexit 0\n").unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(program, permissions).unwrap();
    }
    folder
}

/// `make` in the checkout, from elsewhere, with only these programs on its PATH.
fn make(programs: &File, words: &[&str]) -> Command {
    let make = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("make"))
        .find(|path| path.exists());
    let mut make = command(make.expect("make"));
    make.env("PATH", programs.0.parent().unwrap()).arg("-C").arg(project_file("")).args(words);
    make
}

/// A target with arguments, the programs that are there, and what must be said.
const TARGETS: [(&[&str], &[&str], &str); 46] = [
    (&["setup", "VENV=nowhere"], &[], "python3 is missing"),
    (&["setup", "VENV=nowhere", "PYTHON=python9"], &[], "python9 is missing"),
    (&["demo"], &[], "cargo is missing"),
    (&["demo"], &["cargo"], "cc is missing"),
    (&["demo", "VENV=nowhere"], &["cargo", "cc"], "python3 is missing"),
    (&["demo", "DELIVERY=drain"], &[], "DELIVERY must be direct or queue, not \"drain\""),
    (&["dev"], &[], "cargo is missing"),
    (&["dev", "DELIVERY=it's"], &[], "DELIVERY must be direct or queue, not \"it's\""),
    (&["send"], &[], "Which event?"),
    (&["send", "EVENT=it's"], &[], "cargo is missing"),
    (&["send", "EVENT=x", "FILE=y"], &[], "EVENT and FILE both name an event"),
    (&["invoke"], &[], "Which event?"),
    (&["invoke", "FILE=x", "PORT=abc"], &["cargo", "cc"], "PORT=abc cannot be used"),
    (&["preview"], &[], "Which event?"),
    (&["preview", "EVENT=payment.succeeded"], &["cargo"], "cc is missing"),
    (&["check", "TRANSFORM=x.js"], &[], "cargo is missing"),
    (&["check", "mine.js"], &[], "Type: make check TRANSFORM=mine.js"),
    (&["test"], &[], "cargo is missing"),
    (&["faults"], &[], "cargo is missing"),
    (&["hostile"], &[], "cargo is missing"),
    (&["hostile", "COUNT=-1"], &["cargo", "cc"], "COUNT must be a number, not \"-1\""),
    (&["hostile", "SEED=it's"], &["cargo", "cc"], "SEED must be a number, not \"it's\""),
    (&["hostile", "SHARE=x"], &["cargo", "cc"], "SHARE must be a number"),
    (&["load", "COUNT=x"], &["cargo", "cc"], "COUNT must be a number"),
    (&["load", "RATE=quick"], &["cargo", "cc"], "RATE must be a number"),
    (&["flood"], &[], "cargo is missing"),
    (&["fuzz", "SECONDS=x"], &["cargo", "cc"], "SECONDS must be a number"),
    (&["fuzz", "TARGET=x"], &["cargo", "cc"], "TARGET must be webhook or redaction"),
    (&["mutants", "SHARD=fifty"], &["cargo", "cc"], "SHARD must be a part of all changes"),
    (&["build", "ARCH=i386"], &["cargo", "cc"], "ARCH must be arm64 or x86_64, not \"i386\""),
    (&["validate"], &[], "cargo is missing"),
    (&["validate", "PREBUILT=nowhere"], &["cargo", "cc", "uname", "rm"], "There is no zip for "),
    (&["package"], &[], "cargo is missing"),
    (&["bench", "ROUNDS=x"], &["cargo", "cc"], "ROUNDS must be a number"),
    (&["bench-stages"], &[], "cargo is missing"),
    (&["bench-backfill", "COUNT=x"], &["cargo", "cc"], "COUNT must be a number"),
    (&["deploy", "VENV=nowhere"], &[], "python3 is missing"),
    (&["connect", "VENV=nowhere"], &[], "python3 is missing"),
    (&["secret", "VENV=nowhere"], &[], "python3 is missing"),
    (&["doctor", "VENV=nowhere"], &[], "python3 is missing"),
    (&["logs", "VENV=nowhere"], &[], "python3 is missing"),
    (&["redrive", "VENV=nowhere"], &[], "python3 is missing"),
    (&["destroy", "VENV=nowhere"], &[], "python3 is missing"),
    (&["backfill"], &[], "cargo is missing"),
    (&["connect", "DODO_WRITE_KEY=x"], &[], "Put the key into the environment"),
    (&["doctor"], &[], "Type: "),
];

/// `help` succeeds, and `clean` would remove what runs this.
const NOT_TRIED: [&str; 2] = ["help", "clean"];

#[test]
fn each_target_without_its_tools_or_with_garbage_says_what_to_type() {
    for (words, there, wanted) in TARGETS {
        fails_saying(&mut make(&programs(there), words), wanted);
    }
}

#[test]
fn each_target_of_make_help_is_tried() {
    let output = make(&programs(&[]), &["help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let listed = text.lines().filter_map(|line| line.trim().strip_prefix("make "));
    let listed: BTreeSet<_> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    let tried: BTreeSet<_> = TARGETS.iter().map(|(words, ..)| words[0]).chain(NOT_TRIED).collect();
    assert_eq!(listed, tried);
}

#[test]
fn another_folder_is_no_obstacle_and_another_makefile_is_named() {
    let programs = programs(&[]);
    let mut elsewhere = make(&programs, &[]);
    let makefile = project_file("Makefile").display().to_string();
    elsewhere.args(["-C", "/", "-f", &makefile, "help"]);
    fails_saying(&mut elsewhere, "Type: make -C ");
    // The tools find the samples and the transforms from anywhere.
    let preview = local(&["preview", "payment.succeeded", "--transform=none"]).output().unwrap();
    assert!(preview.status.success(), "{preview:?}");
    let printed = String::from_utf8(preview.stdout).unwrap();
    let json = printed.lines().skip_while(|line| !line.starts_with('{'));
    let json: Vec<_> = json.take_while(|line| !line.starts_with("Customer.io")).collect();
    let request: Value = serde_json::from_str(&json.join("\n")).unwrap();
    assert_eq!(request["batch"][1]["name"], "Payment Completed");
}

#[test]
fn a_zero_is_no_and_a_dollar_sign_is_meant() {
    let shows = |words: &[&str]| {
        let output = make(&programs(&[]), &[&["-n"], words].concat()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shows(&["preview", "EVENT=x", "INPUT=1"]).contains("--input"));
    assert!(!shows(&["preview", "EVENT=x", "INPUT=0"]).contains("--input"));
    let programs = programs(&["cargo", "cc"]);
    let mut preview = make(&programs, &["preview", "EVENT=payment.succeeded"]);
    preview.arg("PERSON_IDENTIFIER=$nobody");
    fails_saying(&mut preview, "$nobody");
}

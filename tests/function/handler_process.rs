//! The process that runs handlers: what it must not do, and what happens when it does.

use crate::transforms::Folder;
use crate::world::{Process, World};
use dodo_customerio::transform::built_in::Options;
use dodo_customerio::transform::javascript::Handlers;
use dodo_customerio::transform::javascript::engine::Limits;
use dodo_customerio::transform::{Ignored, Unsent};
use stand_ins::dodo::{Webhook, random_secret, sample};
use stand_ins::proc;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Runs what the webhook's metadata say, and else handles nothing.
const OBEDIENT: &str = "const code = webhook.payload.data.metadata?.code;
    return code ? new Function('webhook', code)(webhook) : webhook";

/// A function that has started.
async fn world() -> World {
    let folder = Folder::of(&[("obedient.js", OBEDIENT)]);
    let world = folder.world().await;
    assert_eq!(run(&world, "return webhook").await.0, 200);
    world
}

async fn run(world: &World, code: &str) -> (u64, String) {
    let mut event = stand_ins::dodo::sample("payment.succeeded").unwrap().event;
    event["data"]["metadata"] = serde_json::json!({ "code": code });
    let response = world.deliver(&world.signed(event.to_string())).await;
    (response.status, response.message().to_owned())
}

/// The numbers of a process's open files, and what they are.
fn open_files(pid: &str) -> BTreeSet<(String, String)> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(Result::unwrap);
    let target = |file: &fs::DirEntry| fs::read_link(file.path()).unwrap_or_default();
    let name = |path: PathBuf| path.display().to_string();
    files.map(|file| (name(file.file_name().into()), name(target(&file)))).collect()
}

/// Built-in functions that take hours: the engine asks nobody whether they may go on.
const ENDLESS: [&str; 3] = [
    "new Array(4294967295).join('')",
    "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
    "const t = new Float64Array(500000); for (;;) t.fill(1).sort()",
];

#[tokio::test]
async fn a_built_in_function_that_does_not_return_is_ended_and_the_next_webhook_served() {
    let world = world().await;
    for code in ENDLESS {
        let first = world.children();
        let start = Instant::now();
        let outcome = run(&world, code).await;
        let message = "obedient.js:1: it took more than 100 ms of CPU.".to_owned();
        assert_eq!(outcome, (503, message), "{code}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        let second = world.children();
        assert_eq!(second.len(), 1, "the other is gone, and nothing burns CPU");
        assert_ne!(first, second);
        let next = world.deliver(&world.webhook("payment.failed")).await;
        assert_eq!(next.reason(), "not_handled");
        assert_eq!(world.children(), second, "it was there already");
    }
    let [child] = world.children()[..] else { panic!() };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = proc::cpu(child);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(proc::cpu(child), before, "it waits");
}

#[tokio::test]
async fn the_same_holds_for_an_extend() {
    let text = format!("function extend(request, webhook) {{ {OBEDIENT} && request }}");
    let folder = Folder::of(&[("a.js", "return webhook"), ("extends.js", &text)]);
    let world = folder.world().await;
    for code in ENDLESS {
        let start = Instant::now();
        let message = "extends.js:1: it took more than 100 ms of CPU.".to_owned();
        assert_eq!(run(&world, code).await, (503, message), "{code}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!(run(&world, "").await.0, 200, "the next one is served");
    }
    assert_eq!(world.arrivals(), ENDLESS.len());
}

#[tokio::test]
async fn it_holds_no_credentials_and_can_open_nothing() {
    let world = world().await;
    let [child] = world.children()[..] else { panic!() };
    let read = |name: &str| fs::read_to_string(format!("/proc/{child}/{name}")).unwrap();
    assert_eq!(read("environ"), "");
    assert!(read("cmdline").ends_with("\0run-handlers\0"));
    let limits = read("limits");
    for limit in ["Max open files", "Max file size", "Max core file size"] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        let values: Vec<_> = line[limit.len()..].split_whitespace().take(2).collect();
        assert_eq!(values, ["0", "0"], "{line}");
    }
    assert!(
        !limits
            .lines()
            .any(|line| line.starts_with("Max address space  ") && line.contains("unlimited"))
    );
    // But for what cargo has left open for all below it.
    let files = open_files(&child.to_string());
    let ours = open_files("self");
    let files = files.difference(&ours).map(|(_, target)| target.split(':').next().unwrap());
    let files: BTreeSet<_> = files.collect();
    assert_eq!(files, ["/dev/null", "socket"].into());
}

/// A small function has its CPU in slices, so each file needs time of its own by the clock.
#[test]
fn a_folder_of_slow_files_is_no_failure() {
    let slow = "const end = Date.now() + 700; while (Date.now() < end); return webhook";
    let folder = Folder::of(&[("a.js", slow), ("b.js", slow), ("c.js", slow)]);
    let program = env!("CARGO_BIN_EXE_dodo-customerio").into();
    let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
    let handlers =
        Handlers::load_with(program, folder.path().as_ref(), limits, Options::default()).unwrap();
    let (secret, sample) = (random_secret(), sample("payment.succeeded").unwrap());
    let webhook = Webhook::sign(&secret, "msg_2abcSample", 1, sample.body());
    let result = webhook.event(&secret, |event| handlers.run(event, None, 1)).unwrap();
    assert_eq!(result.unwrap_err(), Unsent::Ignored(Ignored::NotHandled));
}

/// What it makes is copied out of the engine, where the engine's limit does not count it.
#[tokio::test]
async fn a_large_result_is_refused_and_the_next_webhook_served() {
    let world = world().await;
    let code = "webhook.payload = { a: 'x'.repeat(1.2e6) }; return webhook";
    let (status, message) = run(&world, code).await;
    assert_eq!(status, 503);
    assert!(message.ends_with("bytes, more than 1 MiB."), "{message}");
    assert_eq!(run(&world, "return webhook").await.0, 200);
}

#[tokio::test]
async fn if_somebody_kills_it_another_takes_its_place() {
    let world = world().await;
    let [first] = world.children()[..] else { panic!() };
    let kill = std::process::Command::new("kill").args(["-9", &first.to_string()]).status();
    assert!(kill.unwrap().success());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(run(&world, "return webhook").await.0, 200);
    let [second] = world.children()[..] else { panic!() };
    assert_ne!(first, second);
}

#[tokio::test]
async fn it_ends_with_the_function() {
    let world = world().await;
    let [child] = world.children()[..] else { panic!() };
    drop(world);
    for _ in 0..100 {
        if !fs::exists(format!("/proc/{child}")).unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{child} lives on");
}

#[tokio::test]
async fn a_file_whose_top_level_does_not_return_stops_the_start() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{}.js", stand_ins::dodo::random_hex()));
    fs::write(
        &file,
        "function handler(webhook) { return webhook }\nnew Array(4294967295).join('')",
    )
    .unwrap();
    let environment = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
        ("SECRET_ID", "dodo"),
        ("TRANSFORM_FILE", file.to_str().unwrap()),
    ];
    let process = Process::start(environment.map(|(name, value)| (name, value.to_owned())));
    let (status, lines) = process.end().await;
    fs::remove_file(&file).unwrap();
    assert_eq!(status.code(), Some(1));
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains("it took more than 100 ms of CPU"), "{message}");
}

//! Hostile JavaScript in the process that runs handlers: each ends in time, leaks nothing, says nothing
//! of the customer, and harms no other. One test only in this program, since it measures its children.

mod generator;
mod usage;

use dodo_customerio::transform::Unsent;
use dodo_customerio::transform::built_in::Options;
use dodo_customerio::transform::javascript::engine::Limits;
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use serde_json::{Value, json};
use stand_ins::cpu_share::Share;
use stand_ins::dodo::{Sample, Webhook, random_hex, random_secret, sample};
use stand_ins::proc;
use std::fs;
use std::path::PathBuf;
use std::process::id;
use std::time::{Duration, Instant};

/// A handler that does what its webhook says, so that one process meets all of them.
const OBEDIENT: &str = "function handler(webhook) {
  const code = webhook.payload.data.metadata.code;
  return code ? new Function('webhook', code)(webhook) : { ...webhook, payload: {} };
}";

/// Below the real ones, so that thousands can be tried.
const LIMITS: Limits =
    Limits { time: Duration::from_millis(5), memory: 2 * 1024 * 1024, stack: 256 * 1024 };

/// How many are tried. `make hostile` can try others.
const RUNS: u64 = 10_000;

/// How many are tried at the CPU share of a small function, within the real limits: a quarter of an hour.
const RUNS_AT_A_SHARE: u64 = 1_000;

/// The most CPU time that one may cost beside its limit: ticks of the kernel's clock, and the start of the
/// process that takes a killed one's place, in a debug build.
const CPU_BESIDE: Duration = Duration::from_millis(100);

/// The most time, at full speed and at the CPU share of a small function alike.
const TIME_OF_ONE: Duration = Duration::from_secs(2);

/// The most that the process may have resident, in kB.
const RESIDENT: u64 = 64 * 1024;

fn load(text: &str, limits: Limits) -> Handlers {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.js", random_hex()));
    fs::write(&path, text).unwrap();
    let program = env!("CARGO_BIN_EXE_dodo-customerio").into();
    let handlers = Handlers::load_with(program, &path, limits, Options::default());
    fs::remove_file(path).unwrap();
    handlers.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn run(handlers: &Handlers, code: &str) -> Result<HandlerRequests, Unsent> {
    let Sample { mut event, name } = sample("payment.succeeded").unwrap();
    event["data"]["metadata"] = json!({ "code": code });
    let secret = random_secret();
    let webhook = Webhook::sign(&secret, "msg_2abcSample", 1, Sample { event, name }.body());
    webhook.event(&secret, |event| handlers.run(event, None, 1_796_083_200)).unwrap()
}

/// Words of the sample's customer that no message may contain.
fn personal() -> Vec<String> {
    let customer = &sample("payment.succeeded").unwrap().event["data"]["customer"];
    let text = [&customer["name"], &customer["email"]].map(Value::to_string).join(" ");
    let words = text.split(|character: char| !character.is_alphanumeric());
    let words = words.filter(|word| word.len() >= 3 && !["example", "com"].contains(word));
    words.map(str::to_lowercase).collect()
}

/// A setting of `make hostile`.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(
        text.parse()
            .unwrap_or_else(|_| give_up(&format!("{variable} must be a number, not \"{text}\"."))),
    )
}

/// For whoever typed `make hostile`: a panic would say the same less clearly.
fn give_up(sentence: &str) -> ! {
    eprintln!("{sentence}");
    std::process::exit(2)
}

/// The CPU share of a function of so many MB, from here on for this process and its children.
fn share() -> Option<Share> {
    let memory = number("SHARE")?.try_into().unwrap_or(u32::MAX);
    let share = Share::new(memory).map_err(|error| error.to_string());
    let share = share.and_then(|share| share.restrict(id()).map(|()| share));
    Some(share.unwrap_or_else(|error| {
        give_up(&format!(
            "SHARE={memory} cannot be used: no cgroup quota can be set here ({error})."
        ))
    }))
}

#[test]
fn ten_thousand_hostile_handlers_stay_within_their_limits() {
    let share = share();
    let (limits, runs) = match share {
        Some(_) => (Limits::default(), RUNS_AT_A_SHARE),
        None => (LIMITS, RUNS),
    };
    let handlers = load(OBEDIENT, limits);
    let personal = personal();
    let mut rng = fastrand::Rng::with_seed(number("SEED").unwrap_or(7));
    let runs = number("COUNT").unwrap_or(runs);
    let (mut failed, mut settled) = (0, 0);
    let (mut slowest, mut dearest) = (Duration::ZERO, Duration::ZERO);
    for count in 0..runs {
        let code = generator::body(&mut rng);
        let (start, cpu) = (Instant::now(), usage::cpu_of_children());
        let result = run(&handlers, &code);
        let (time, cpu) = (start.elapsed(), usage::cpu_of_children().saturating_sub(cpu));
        assert!(time < TIME_OF_ONE, "{time:?} by the clock for\n{code}");
        assert!(cpu < limits.time + CPU_BESIDE, "{cpu:?} of CPU for\n{code}");
        if let Err(Unsent::Failed(message)) = &result {
            let lower = message.to_lowercase();
            let found = personal.iter().find(|word| lower.contains(*word));
            assert_eq!(found, None, "in {message} of\n{code}");
        }

        failed += u64::from(matches!(result, Err(Unsent::Failed(_))));
        (slowest, dearest) = (slowest.max(time), dearest.max(cpu));
        if count == runs / 10 {
            settled = usage::resident();
        }
        if count % 1000 == 999 {
            println!("{} of {runs}, {failed} failed, slowest {slowest:?}", count + 1);
        }
    }
    let (peak, resident) = (usage::peak_of_children(), usage::resident());
    println!("dearest {dearest:?} of CPU, peak {peak} kB, ours {settled} then {resident} kB");
    assert!(failed > runs / 2, "only {failed} failed: are they hostile?");
    assert!(peak < RESIDENT, "{peak} kB were resident");
    assert!(resident < settled + 20_000, "{settled} kB grew to {resident} kB");
    assert_eq!(proc::children(id()).len(), 1, "nobody is left but the one that waits");
    let next = run(&handlers, "").unwrap();
    assert_eq!(next.items().collect::<Vec<_>>(), [&json!({})], "the next one is served");
}

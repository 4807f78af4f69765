//! How many instructions each stage takes, how that grows with the payload, and how long it takes.
//! `make bench` runs it; instructions are counted by callgrind, if valgrind is installed.

mod stages;

use stages::{SIZES, Stage};
use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs that are timed.
const ROUNDS: usize = 200;

/// Runs whose instructions are counted, in addition to one for start-up.
const COUNTED: u64 = 5;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, stage, size, times] = arguments.as_slice()
        && flag == "--run"
    {
        let number = |text: &String| text.parse::<usize>().expect("a number");
        let [stage, size, times] = [stage, size, times].map(number);
        return Stage::ALL[stage].0.with(size, |run| (0..times).for_each(|_| run()));
    }
    println!(
        "Thousands of instructions by size of the payload; growth is the power of the size between the last two.\n"
    );
    println!(
        "| | 1.3 kB | 10 kB | 100 kB | 1 MB | growth | µs at 1.3 kB | ms at 1 MB |\n|---|---|---|---|---|---|---|---|"
    );
    for (index, (stage, name)) in Stage::ALL.into_iter().enumerate() {
        let counts = SIZES.map(|size| instructions(index, size));
        let cells = counts
            .map(|count| count.map_or("–".to_owned(), |count| format!("{:.0}", count / 1e3)));
        let growth = match counts {
            [.., Some(before), Some(last)] => format!("{:.2}", (last / before).log10()),
            _ => "–".to_owned(),
        };
        println!(
            "| {name} | {} | {growth} | {:.1} | {:.1} |",
            cells.join(" | "),
            time(stage, 0).as_secs_f64() * 1e6,
            time(stage, SIZES[3]).as_secs_f64() * 1e3
        );
    }
    if instructions(0, 0).is_none() {
        eprintln!("    Instructions are not counted: valgrind is missing here.");
    }
}

/// Of one run: the difference of two processes, so that start and preparation do not count.
fn instructions(stage: usize, size: usize) -> Option<f64> {
    let one = collected(stage, size, 1)?;
    let more = collected(stage, size, 1 + COUNTED)?;
    Some((more - one) / f64::from(u32::try_from(COUNTED).ok()?))
}

fn collected(stage: usize, size: usize, times: u64) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["--run".to_owned(), stage.to_string(), size.to_string(), times.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{report}");
    let line = report.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

fn time(stage: Stage, size: usize) -> Duration {
    stage.with(size, |run| {
        let mut times: Vec<_> = (0..ROUNDS).map(|_| timed(run)).collect();
        times.sort_unstable();
        times[ROUNDS / 2]
    })
}

fn timed(run: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

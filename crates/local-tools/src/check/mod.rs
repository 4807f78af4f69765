//! `make check`: runs all samples through a transform, then once more at the share of a CPU that a small
//! function has, and checks the requests against Customer.io's rules.

mod report;
mod small_share;

use crate::command_line::number;
use crate::kept::{self, Basis, Compared};
use crate::settings::{Local, SettingsFile};
use crate::transform_path::from_project;
use crate::webhook::{broken_rules, now, read, transform};
use dodo_customerio::transform::javascript::Handlers;
use dodo_customerio::transform::{Transform, Unsent};
use report::Report;
use small_share::SmallShare;
use stand_ins::dodo::{Sample, samples};
use std::time::Instant;

/// What to check, and for which function.
#[derive(Debug, clap::Args)]
pub struct Choices {
    #[command(flatten)]
    transform: crate::Transform,
    #[command(flatten)]
    settings: SettingsFile,
    /// `MemorySize` of the function, in MB: its share of a CPU follows from it.
    #[arg(long, default_value_t = 128, value_parser = |text: &str| number(text, 128_u32, 10_240))]
    memory: u32,
    /// What kept events of events/own/ become now is what is expected of them from now on.
    #[arg(long)]
    accept: bool,
}

/// Prints a report through `show`.
///
/// # Errors
/// How many samples failed, and what to do.
pub fn run(choices: &Choices, show: impl Fn(String)) -> Result<(), String> {
    let path = choices.transform.path()?;
    let settings = Local::read(&choices.settings.path()?)?;
    let transform = transform(path.as_deref(), &settings)?;
    let samples = samples();
    show(match &path {
        Some(path) => format!("{} over {} samples:", path.display(), samples.len()),
        None => format!("The built-in transform over {} samples:", samples.len()),
    });
    let report = pass(&transform, &samples, || {});
    show(report.to_string());
    report.verdict("")?;
    let basis =
        Basis { transform: path.as_deref().map(from_project), settings: choices.settings.name() };
    kept_events(&transform, &basis, choices.accept, &show)?;
    match transform {
        Transform::BuiltIn(_) => Ok(()),
        Transform::JavaScript(_) => at_small_share(transform, &samples, choices.memory, show),
    }
}

/// Events that were kept from the local page with this transform and these settings.
fn kept_events(
    transform: &Transform,
    basis: &Basis,
    accepts: bool,
    show: impl Fn(String),
) -> Result<(), String> {
    let Compared { same, changed } = kept::compare(transform, basis, accepts);
    for change in &changed {
        show(format!("!! {change}"));
    }
    if same > 0 {
        show(format!("Events of events/own/ that are as they were kept: {same}."));
    }
    if changed.is_empty() {
        return Ok(());
    }
    let count = changed.len();
    let options = basis.options();
    Err(format!(
        "Kept events that changed: {count}; the difference is above. If that is meant: make check{options} ACCEPT=1"
    ))
}

/// What fits into the CPU time of each run may still take too long by the clock.
fn at_small_share(
    transform: Transform,
    samples: &[Sample],
    memory: u32,
    show: impl Fn(String),
) -> Result<(), String> {
    let share = match SmallShare::new(memory) {
        Ok(share) => share,
        Err(why) => {
            show(format!("At the CPU share of a function of {memory} MB: skipped, since {why}."));
            return Ok(());
        }
    };
    let report = pass(&transform, samples, || share.restrict_handlers());
    // Its process ends with it; the group cannot go while that is in it.
    drop(transform);
    drop(share);
    show(format!("At the CPU share of a function of {memory} MB: {}", report.in_short()));
    report.verdict(
        " Make the files cheaper, or the function larger: make deploy PARAMS=\"MemorySize=…\", and \
         MEMORY=… for this check.",
    )
}

/// Runs each sample, after `prepare`.
fn pass(transform: &Transform, samples: &[Sample], prepare: impl Fn()) -> Report {
    let mut report = Report::default();
    if let Transform::JavaScript(handlers) = transform {
        report.expect(handlers.files());
    }
    for sample in samples {
        prepare();
        let start = Instant::now();
        let outcome = match transform {
            Transform::BuiltIn(_) => built_in(transform, sample),
            Transform::JavaScript(handlers) => javascript(handlers, sample, &mut report),
        };
        report.add(&sample.name, start.elapsed(), outcome);
    }
    report
}

/// What became of a sample: sent or not; an error is why it failed.
type Outcome = Result<bool, String>;

fn built_in(transform: &Transform, sample: &Sample) -> Outcome {
    match read(sample, |event| transform.apply(event, None, now())) {
        Ok(outgoing) => judged(broken_rules(&outgoing.into_requests())),
        Err(unsent) => unsent_as(unsent),
    }
}

fn javascript(handlers: &Handlers, sample: &Sample, report: &mut Report) -> Outcome {
    let result = read(sample, |event| {
        handlers.run_watched(event, None, now(), &mut |file, input, answer| {
            report.ran(file, &sample.name, input, answer);
        })
    });
    match result {
        Ok(requests) => judged(broken_rules(&requests.into_outgoing().into_requests()))
            .map_err(|why| format!("{}: {why}", files(handlers))),
        Err(unsent) => unsent_as(unsent),
    }
}

fn judged(broken: Vec<String>) -> Outcome {
    if broken.is_empty() { Ok(true) } else { Err(broken.join(" ")) }
}

fn unsent_as(unsent: Unsent) -> Outcome {
    match unsent {
        Unsent::Ignored(_) => Ok(false),
        unsent => Err(unsent.to_string()),
    }
}

/// One of them made what broke a rule.
fn files(handlers: &Handlers) -> String {
    handlers.files().map(|(name, _)| name).collect::<Vec<_>>().join(" or ")
}

//! What a pass over the samples found.

use super::Outcome;
use dodo_customerio::transform::javascript::engine::{Answer, Input, Kind, Limits, Run};
use dodo_customerio::transform::javascript::process::{PATIENCE, PATIENCE_WITH_ALL};
use serde_json::Value;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// So many samples of one failure are named.
const NAMED: usize = 3;

/// What became of the samples.
#[derive(Debug, Default)]
pub struct Report {
    files: Vec<File>,
    sent: usize,
    ignored: usize,
    failures: Vec<Failure>,
    /// By the clock.
    slowest: Most,
    /// A sample, and its request as the last `extend` left it.
    request: Option<(String, Value)>,
}

/// What one file made of them.
#[derive(Debug)]
struct File {
    name: String,
    kind: Kind,
    /// It made or changed a request.
    handled: usize,
    /// It had nothing to do with them, or left the request as it was.
    untouched: usize,
    /// It said that nothing is to be sent.
    dropped: usize,
    failed: usize,
    /// In CPU time.
    dearest: Most,
}

/// A reason and the samples that it is about.
#[derive(Debug)]
struct Failure {
    reason: String,
    samples: Vec<String>,
}

/// The sample that took most.
#[derive(Debug, Default)]
struct Most {
    time: Duration,
    sample: String,
}

impl Report {
    /// Files that will run.
    pub fn expect<'a>(&mut self, files: impl Iterator<Item = (&'a str, Kind)>) {
        self.files.extend(files.map(|(name, kind)| File {
            name: name.to_owned(),
            kind,
            handled: 0,
            untouched: 0,
            dropped: 0,
            failed: 0,
            dearest: Most::default(),
        }));
    }

    /// A file has run.
    pub fn ran(&mut self, file: &str, sample: &str, input: &Input<'_>, answer: &Answer) {
        let is_changed = self.is_changed(sample, input, answer);
        let Some(file) = self.files.iter_mut().find(|it| it.name == file) else { return };
        file.dearest.add(answer.cpu, sample);
        let count = match &answer.result {
            Ok(Run::Made(_)) => &mut file.handled,
            Ok(Run::Extended(_)) if is_changed => &mut file.handled,
            Ok(Run::Extended(_) | Run::Untouched) => &mut file.untouched,
            Ok(Run::Dropped | Run::Cancelled) => &mut file.dropped,
            Err(_) => &mut file.failed,
        };
        *count += 1;
    }

    /// Whether an `extend` returned another request than it was given.
    fn is_changed(&mut self, sample: &str, input: &Input<'_>, answer: &Answer) -> bool {
        let Ok(Run::Extended(request)) = &answer.result else { return false };
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let before = self.request.take().filter(|(of, _)| of == sample).map(|(_, request)| request);
        let before = before.or_else(|| input.request.as_deref().map(json));
        let after = json(request);
        let is_changed = before.as_ref() != Some(&after);
        self.request = Some((sample.to_owned(), after));
        is_changed
    }

    /// All of it is done with a sample.
    pub fn add(&mut self, sample: &str, time: Duration, outcome: Outcome) {
        self.slowest.add(time, sample);
        match outcome {
            Ok(true) => self.sent += 1,
            Ok(false) => self.ignored += 1,
            Err(reason) => self.fail(sample, reason),
        }
    }

    fn fail(&mut self, sample: &str, reason: String) {
        match self.failures.iter_mut().find(|failure| failure.reason == reason) {
            Some(failure) => failure.samples.push(sample.to_owned()),
            None => self.failures.push(Failure { reason, samples: vec![sample.to_owned()] }),
        }
    }

    fn failed(&self) -> usize {
        self.failures.iter().map(|failure| failure.samples.len()).sum()
    }

    /// Whether none failed.
    ///
    /// # Errors
    /// How many did, and `advice`.
    pub fn verdict(&self, advice: &str) -> Result<(), String> {
        match self.failed() {
            0 => Ok(()),
            1 => Err(format!("1 sample failed; the reason is above.{advice}")),
            failed => Err(format!("{failed} samples failed; the reasons are above.{advice}")),
        }
    }

    /// Without the files, which are known.
    pub fn in_short(&self) -> String {
        let Most { time, sample } = &self.slowest;
        let most = if self.files.len() > 1 { PATIENCE_WITH_ALL } else { PATIENCE };
        let (time, most) = (time.as_millis(), most.as_millis());
        let counts = self.counts();
        let head =
            format!("{counts}; the slowest took {time} of {most} ms by the clock ({sample}).");
        let failures = self.failures.iter().map(ToString::to_string);
        [head].into_iter().chain(failures).collect::<Vec<_>>().join("\n")
    }

    fn counts(&self) -> String {
        format!("{} sent, {} ignored, {} failed", self.sent, self.ignored, self.failed())
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(formatter, "{file}")?;
        }
        for failure in &self.failures {
            writeln!(formatter, "{failure}")?;
        }
        write!(formatter, "{}.", self.counts())
    }
}

impl Display for File {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, kind, handled, untouched, dropped, failed, dearest } = self;
        let [function, verb] = match kind {
            Kind::Extend => ["extend", "changed"],
            Kind::Handler => ["handler", "handled"],
        };
        write!(
            formatter,
            "  {name:<24} {function:<8} {handled} {verb}, {untouched} left alone, {dropped} dropped"
        )?;
        if *failed > 0 {
            write!(formatter, ", {failed} failed")?;
        }
        let (time, limit) = (dearest.time.as_secs_f64() * 1e3, Limits::default().time.as_millis());
        write!(formatter, "; dearest run {time:.1} of {limit} ms of CPU ({})", dearest.sample)?;
        if handled + dropped + failed == 0 {
            write!(
                formatter,
                "\n     It does nothing with any sample: are its event types right?"
            )?;
        }
        Ok(())
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let named = self.samples.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let others = self.samples.len().saturating_sub(NAMED);
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        write!(formatter, "!! {} In {named}{others}.", self.reason)
    }
}

impl Most {
    fn add(&mut self, time: Duration, sample: &str) {
        if time >= self.time {
            *self = Self { time, sample: sample.to_owned() };
        }
    }
}

//! The result: Markdown tables, a chart, and whether the bars are met.

use crate::build::folder;
use crate::candidate::Candidate;
use crate::chart;
use crate::statistics::{Cell, Figures};
use stand_ins::package::output;
use stand_ins::project::project_file;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// The page that shows the report, between these marks.
const PAGE: &str = "docs/performance.md";
const MARKS: [&str; 2] = ["<!-- bench -->", "<!-- /bench -->"];

/// The chart on that page.
const CHART: &str = "benches/chart.svg";

pub struct Report<'a> {
    pub candidates: &'a [Candidate],
    /// Memory sizes, in MB, that follow full CPU in the figures.
    pub shares: &'a [u32],
    pub figures: Figures,
}

/// One candidate at one share.
struct Row<'a> {
    candidate: &'a Candidate,
    cell: Cell<'a>,
    echo: Cell<'a>,
}

/// A heading and the values below it.
type Column = (&'static str, fn(&Row<'_>) -> String);

const TIMES: [Column; 7] = [
    ("start", |row| short(row.cell.start())),
    ("first webhook", |row| short(row.cell.first())),
    ("cold total", |row| short(row.cell.cold())),
    ("× echo", |row| format!("{:.1}", row.cell.cold() / row.echo.cold())),
    ("cold total over TLS", |row| row.cell.cold_tls().map_or("–".to_owned(), short)),
    ("warm, p50", |row| short(row.cell.own(50))),
    ("p99", |row| short(row.cell.own(99))),
];

const COSTS: [Column; 4] = [
    ("CPU a webhook", |row| format!("{:.3}", row.cell.cpu())),
    ("peak, MB", |row| format!("{:.1}", row.cell.peak())),
    ("program, MB", |row| megabytes(row.candidate.size)),
    ("zip, MB", |row| megabytes(row.candidate.zip)),
];

impl Report<'_> {
    /// Prints the report and keeps it; `record` puts it into the page too.
    ///
    /// # Errors
    /// What could not be written.
    pub fn publish(&self, record: bool) -> Result<(), String> {
        let (markdown, chart) = (self.markdown(), self.chart());
        println!("\n{markdown}");
        let text = |error: std::io::Error| error.to_string();
        fs::write(folder()?.join("report.md"), &markdown).map_err(text)?;
        fs::write(folder()?.join("chart.svg"), &chart).map_err(text)?;
        println!("Also in target/bench: report.md, chart.svg.");
        if record {
            fs::write(project_file(CHART), &chart).map_err(text)?;
            let page = fs::read_to_string(project_file(PAGE)).map_err(text)?;
            let page = replace(&page, &markdown).ok_or(format!("{PAGE} has no place for it"))?;
            fs::write(project_file(PAGE), page).map_err(text)?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let full = self.table(0, &[&TIMES[..], &COSTS[..]].concat());
        let mut text = format!("{}\n\nFull CPU, times in ms:\n\n{full}", machine());
        for (column, megabytes) in self.shares.iter().enumerate() {
            let table = self.table(column + 1, &TIMES);
            write!(text, "\nThe CPU share of {megabytes} MB:\n\n{table}").expect("a string");
        }
        let bars = self.bars();
        if !bars.is_empty() {
            write!(text, "\n| bar | measured | |\n|---|---|---|\n{bars}").expect("a string");
        }
        text
    }

    fn table(&self, column: usize, columns: &[Column]) -> String {
        let mut text = "| |".to_owned();
        for (heading, _) in columns {
            write!(text, " {heading} |").expect("a string");
        }
        writeln!(text, "\n|---|{}", "---|".repeat(columns.len())).expect("a string");
        for (index, candidate) in self.candidates.iter().enumerate() {
            let (cell, echo) = (self.figures.of(index, column), self.figures.of(0, column));
            let row = Row { candidate, cell, echo };
            let values: Vec<_> = columns.iter().map(|(_, value)| value(&row)).collect();
            writeln!(text, "| {} | {} |", candidate.name, values.join(" | ")).expect("a string");
        }
        text
    }

    /// The project's own limits, for the candidates that have any.
    fn bars(&self) -> String {
        let mut text = String::new();
        let echo = self.figures.of(0, 0);
        for (row, candidate) in self.candidates.iter().enumerate() {
            let Some((zip, peak)) = bars_of(&candidate.name) else { continue };
            let cell = self.figures.of(row, 0);
            let last = if candidate.name == JAVASCRIPT {
                ("own time above the built-in one, ms", cell.own(50) - self.built_in(), 0.1)
            } else {
                ("CPU a webhook above echo, ms", cell.cpu() - echo.cpu(), 0.12)
            };
            for (what, measured, bar) in [
                ("cold total, × echo", cell.cold() / echo.cold(), 2.0),
                ("zip, MB", candidate.zip as f64 / 1e6, zip),
                ("peak memory, MB", cell.peak(), peak),
                last,
            ] {
                let verdict = if measured <= bar { "met" } else { "**missed**" };
                let name = &candidate.name;
                writeln!(text, "| {name}: {what} ≤ {bar} | {measured:.3} | {verdict} |")
                    .expect("a string");
            }
        }
        text
    }

    /// The own time of the built-in transform, in ms.
    fn built_in(&self) -> f64 {
        let row = self.candidates.iter().position(|candidate| candidate.name == BUILT_IN);
        row.map_or(f64::NAN, |row| self.figures.of(row, 0).own(50))
    }

    /// What a merchant feels and pays: the cold start at the smallest share there is, and memory.
    fn chart(&self) -> String {
        let column = usize::from(!self.shares.is_empty());
        let rows = |value: &dyn Fn(usize) -> Option<f64>| -> Vec<(&str, f64)> {
            let names = self.candidates.iter().map(|candidate| candidate.name.as_str());
            names.enumerate().filter_map(|(row, name)| Some((name, value(row)?))).collect()
        };
        let share = self
            .shares
            .first()
            .map_or("full CPU".to_owned(), |megabytes| format!("the CPU share of {megabytes} MB"));
        chart::bars(&[
            (
                &format!("cold start over TLS, ms, at {share}"),
                rows(&|row| self.figures.of(row, column).cold_tls()),
            ),
            ("CPU time a webhook, ms", rows(&|row| Some(self.figures.of(row, 0).cpu()))),
            ("peak memory, MB", rows(&|row| Some(self.figures.of(row, 0).peak()))),
        ])
    }
}

/// Candidates that have something in common.
const BUILT_IN: &str = "ours, built-in";
const JAVASCRIPT: &str = "ours, JavaScript";

/// Largest zip and peak memory, in MB.
fn bars_of(candidate: &str) -> Option<(f64, f64)> {
    match candidate {
        "ours, no JavaScript" => Some((2.5, 7.0)),
        BUILT_IN => Some((3.1, 7.0)),
        JAVASCRIPT => Some((3.1, 12.0)),
        _ => None,
    }
}

/// The machine and the tools, for comparisons.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or(std::env::consts::ARCH);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let version = |command: &str, argument| output(Command::new(command).arg(argument)).ok();
    let tools = [
        output(Command::new("uname").arg("-sr")).ok(),
        version("rustc", "-V"),
        version("node", "-v").map(|version| format!("Node.js {version}")),
        version("python3", "-V"),
    ];
    let tools: Vec<_> = tools.into_iter().flatten().collect();
    let day = output(Command::new("date").arg("+%F")).unwrap_or_default();
    format!("{day}, {model}, {cores} cores, {}. Medians of interleaved runs.", tools.join(", "))
}

fn short(milliseconds: f64) -> String {
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.0}") }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

fn replace(readme: &str, report: &str) -> Option<String> {
    let (before, rest) = readme.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}\n{report}\n{}{after}", MARKS[0], MARKS[1]))
}

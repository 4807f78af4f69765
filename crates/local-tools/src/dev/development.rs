//! A function that follows its files.

use super::configuration::{self, Configuration, Copies};
use super::entrances::{Entrances, Functions};
use super::files::{Files, Snapshot};
use crate::function::Function;
use crate::page::Board;
use stand_ins::project::project_file;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::Command;

/// How much of the compiler's words is shown, in lines.
const SHOWN_LINES: usize = 40;

/// The function that runs, and what it was made of.
pub struct Development {
    entrances: Entrances,
    board: Board,
    files: Files,
    /// The files when they were last looked at, usable or not.
    seen: Snapshot,
    services: Vec<(&'static str, String)>,
    copies: Copies,
    log: PathBuf,
    /// The last good one.
    configuration: Configuration,
    functions: Functions,
}

impl Development {
    /// Starts the function behind its entrances, of which the URL is on `port`, and tells `board` what it runs
    /// with: a file of settings, which must stay there if it is named, and a transform. `services` are the
    /// variables that lead to the services.
    ///
    /// # Errors
    /// What is wrong with the settings or the transform, or why the function does not start.
    pub async fn start(
        (entrances, board): (Entrances, Board),
        port: u16,
        (settings, transform): ((PathBuf, bool), Option<PathBuf>),
        services: Vec<(&'static str, String)>,
    ) -> Result<Self, String> {
        let program = Function::program()?;
        let transform = transform.map(std::path::absolute).transpose();
        let transform = transform.map_err(|error| format!("The transform's path: {error}."))?;
        let files = Files::of_project(settings, transform, program);
        let mut copies = Copies::new(project_file(format!("target/local/transform-{port}")));
        let log = project_file(format!("target/local/function-{port}.log"));
        drop(std::fs::remove_file(&log));
        let seen = files.look();
        let configuration = configuration::check(&files, &seen, services.clone(), &mut copies)?;
        let functions = entrances.start(&files.program, &configuration.environment, &log).await?;
        let development =
            Self { entrances, board, files, seen, services, copies, log, configuration, functions };
        development.tell();
        Ok(development)
    }

    /// What it runs with.
    pub fn in_words(&self) -> String {
        let transform = self.files.transform.as_ref();
        let transform = transform.map_or("built in".to_owned(), |path| path.display().to_string());
        let Configuration { settings, warnings, .. } = &self.configuration;
        let lines = [
            format!("transform      {transform}"),
            format!("settings       {}", settings.in_words()),
            format!("function's log {}", self.log.display()),
            "Changes to settings, transform and code are taken at once.".to_owned(),
        ];
        [&lines[..], warnings].concat().join("\n")
    }

    /// Follows changes, and starts the function again should it end.
    pub async fn follow(&mut self) {
        loop {
            tokio::select! {
                now = self.files.changed(&self.seen) => self.take(now).await,
                ended = self.functions.ended() => self.again(ended).await,
                () = self.board.restart_asked() => self.restart().await,
            }
        }
    }

    /// Takes a change, if it can be used, and says what became of it.
    async fn take(&mut self, now: Snapshot) {
        let start = Instant::now();
        let changes = now.changes_since(&self.seen, &self.files.settings);
        let before = std::mem::replace(&mut self.seen, now);
        match self.renew(&before).await {
            Ok(before) => {
                let seconds = start.elapsed().as_secs_f64();
                println!("{}", self.configuration.taken(&changes, &before, seconds));
                self.configuration.warnings.iter().for_each(|warning| println!("    {warning}"));
                self.entrances.redrive().await;
            }
            Err(problem) => {
                self.board.problem(&problem);
                println!(
                    "{changes} changed, but cannot be used:\n    {}\n    The function goes on as before.",
                    problem.replace('\n', "\n    ")
                );
            }
        }
    }

    /// A new environment, as Lambda starts one when it likes.
    async fn restart(&mut self) {
        let environment = &self.configuration.environment;
        match self.entrances.start(&self.files.program, environment, &self.log).await {
            Ok(functions) => {
                tokio::spawn(std::mem::replace(&mut self.functions, functions).retire());
                self.tell();
            }
            Err(problem) => self.board.problem(&problem),
        }
    }

    /// What the function runs with, for the page.
    fn tell(&self) {
        let Configuration { copy, settings, .. } = &self.configuration;
        self.board.runs(self.files.transform.as_deref(), copy.clone(), settings);
    }

    /// Returns what it ran with before.
    async fn renew(&mut self, before: &Snapshot) -> Result<Configuration, String> {
        if self.seen.code != before.code {
            println!("Building …");
            build().await?;
            // The program it made is no further change.
            let now = self.files.look();
            self.seen.built(now);
        }
        let services = self.services.clone();
        let configuration =
            configuration::check(&self.files, &self.seen, services, &mut self.copies)?;
        self.replace(configuration).await
    }

    /// Another process takes over; the one before finishes what it is working on. Returns what that ran with.
    async fn replace(&mut self, configuration: Configuration) -> Result<Configuration, String> {
        let environment = &configuration.environment;
        let functions = self.entrances.start(&self.files.program, environment, &self.log).await?;
        let before = std::mem::replace(&mut self.functions, functions);
        tokio::spawn(before.retire());
        let before = std::mem::replace(&mut self.configuration, configuration);
        self.tell();
        Ok(before)
    }

    async fn again(&mut self, (which, log): (&str, PathBuf)) {
        println!("{which} has ended by itself; it is started again. See {}", log.display());
        let environment = &self.configuration.environment;
        match self.entrances.start(&self.files.program, environment, &self.log).await {
            Ok(functions) => {
                let before = std::mem::replace(&mut self.functions, functions);
                tokio::spawn(before.retire());
            }
            Err(problem) => {
                println!("{problem}\nWaiting for a change.");
                let now = self.files.changed(&self.seen).await;
                self.take(now).await;
            }
        }
    }
}

/// Builds the program as `make dev` does.
async fn build() -> Result<(), String> {
    let output = Command::new("cargo")
        .args(["build", "--locked", "--bins"])
        .current_dir(project_file(""))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("cargo does not start ({error})."))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = text.lines().filter(|it| !it.starts_with("   Compiling")).collect();
    Err(lines[..lines.len().min(SHOWN_LINES)].join("\n"))
}

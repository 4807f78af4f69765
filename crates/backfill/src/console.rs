use crate::terminal::{Reply, Terminal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a line says how far it is, where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

/// Standard output for what stays, standard error for progress.
#[derive(Debug, Default)]
pub struct Console {
    progress: Option<Progress>,
}

#[derive(Debug)]
enum Progress {
    Bar(ProgressBar),
    Lines { title: &'static str, total: u64, last: Instant },
}

impl Terminal for Console {
    fn say(&mut self, text: &str) {
        // The reader may have closed the pipe, as `head` does.
        let write = || drop(writeln!(io::stdout(), "{text}"));
        match &self.progress {
            Some(Progress::Bar(bar)) => bar.suspend(write),
            _ => write(),
        }
    }

    fn ask(&mut self, question: &str) -> Reply {
        if !io::stdin().is_terminal() {
            return Reply::Nobody;
        }
        eprint!("{question} [y/N] ");
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(_) if ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) => Reply::Yes,
            _ => Reply::No,
        }
    }

    fn begin(&mut self, title: &'static str, total: u64) {
        self.progress = Some(if io::stderr().is_terminal() {
            Progress::Bar(bar(title, total))
        } else {
            eprintln!("{title} …");
            Progress::Lines { title, total, last: Instant::now() }
        });
    }

    fn advance(&mut self, done: u64, note: &str) {
        match &mut self.progress {
            Some(Progress::Bar(bar)) => {
                bar.set_position(done);
                bar.set_message(note.to_owned());
            }
            Some(Progress::Lines { title, total, last }) if last.elapsed() >= BETWEEN_LINES => {
                *last = Instant::now();
                eprintln!("{title}: {}%, {note}", done * 100 / (*total).max(1));
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if let Some(Progress::Bar(bar)) = self.progress.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(title: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent}%, {eta} left, {msg}");
    bar.set_style(style.expect("a template that is a constant"));
    bar.set_prefix(title);
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

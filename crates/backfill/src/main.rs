//! The program behind `make backfill`.

use backfill::{Arguments, Console, Error, Options, Summary};
use clap::Parser;
use std::process::ExitCode;

/// Items were refused.
const REFUSED: u8 = 3;

/// As shells have it for Ctrl-C.
const STOPPED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut console = Console::default();
    tokio::select! {
        ended = run(&arguments, &mut console) => code(ended),
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nStopped. Type the same command again to go on from here.");
            ExitCode::from(STOPPED)
        }
    }
}

async fn run(arguments: &Arguments, console: &mut Console) -> Result<Summary, Error> {
    let options = Options::read(arguments, |name| std::env::var(name).ok())?;
    backfill::run(&options, console).await
}

fn code(ended: Result<Summary, Error>) -> ExitCode {
    match ended {
        Ok(Summary { refused: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(REFUSED),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

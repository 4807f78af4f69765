//! The program behind `make backfill`.

use backfill::{Arguments, Console, Error, Options, Summary};
use clap::Parser;
use std::process::ExitCode;

/// Items were refused.
const REFUSED: u8 = 3;

/// As shells have it for Ctrl-C.
const STOPPED: i32 = 130;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Beside the work, which may compute for a while. A run may be killed at any moment.
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("\nStopped. Type the same command again to go on from here.");
            std::process::exit(STOPPED);
        }
    });
    code(run(&arguments, &mut Console::default()).await)
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

//! Tools for working on the function on this machine, without an account; the Makefile's targets call
//! them.

mod address;
mod backfill;
mod check;
mod command_line;
mod customerio;
mod delivery;
mod demo;
mod dev;
mod difference;
mod emulator;
mod explained;
mod flood;
mod function;
mod given;
mod kept;
mod load;
mod mail;
mod page;
mod ports;
mod preview;
mod queues;
mod running;
mod send;
mod services;
mod settings;
mod transform_path;
mod webhook;

use clap::{Args, Parser, Subcommand};
use command_line::number;
use delivery::Delivery;
use dodo_customerio::transform::javascript::process;
use load::Load;
use settings::{Local, SettingsFile};
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Tools for working on the function on this machine, without an account.
///
/// `make help` shows the targets that build and call them.
#[derive(Debug, Parser)]
#[command(name = "local", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Send every sample event through the function and show what becomes of it.
    ///
    /// Starts the function under `cargo lambda watch`, with a local Secrets Manager (moto), Customer.io
    /// and Dodo API around it. Posts every sample in events/, then tampered and repeated webhooks, and
    /// prints a line for each and what Customer.io then knows. After that, what a key for Dodo's API adds.
    /// Exits with 1 if anything is not as expected.
    ///
    /// With `--delivery queue`, webhooks wait in a local SQS (moto), and a second function delivers them: what
    /// arrives is compared with what arrives directly, and duplicates, dead letters and an outage are shown.
    Demo {
        /// `direct` or `queue`.
        #[arg(long, default_value = "direct")]
        delivery: Delivery,
    },

    /// Run the function and the services around it until Ctrl-C, with a page to watch them.
    ///
    /// Settings come from the file settings.env and from the environment, which wins. Changes to that file,
    /// to the transform and to the code reach the function at once; what cannot be used is reported, and the
    /// function goes on as before. With `DODO_WEBHOOK_SECRET` in the environment, webhooks signed with it are
    /// accepted too. Prints the addresses, then a line for each request that reaches the local Customer.io.
    Dev(dev::Choices),

    /// Sign an event as of now and post it.
    ///
    /// To a running `local dev`, or with `DODO_WEBHOOK_SECRET` in the environment to any URL. Prints the
    /// status and body of the response; exits with 1 unless it is 2xx.
    Send {
        #[command(flatten)]
        given: Given,
        /// A deployed function; its webhook secret must be in `DODO_WEBHOOK_SECRET`.
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        port: Port,
    },

    /// Print an event, signed as of now, as a function URL hands it to Lambda.
    ///
    /// Signed with `DODO_WEBHOOK_SECRET`, or else for a running `local dev`. The output is what
    /// `cargo lambda invoke --data-file` takes.
    Event {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        port: Port,
    },

    /// Hand a signed event to a running `local dev` with `cargo lambda invoke`.
    Invoke {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        port: Port,
    },

    /// Print the requests that an event becomes, without sending them.
    ///
    /// Checks them against Customer.io's published rules; exits with 1 if they break one. Settings come from
    /// the file settings.env and from the environment, which wins. With a JavaScript transform, also shows
    /// the built-in request and how it was extended, what each handler returned, what came out undefined and
    /// what was repaired.
    Preview {
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        transform: Transform,
        #[command(flatten)]
        settings: SettingsFile,
        /// Show the event itself too, after all else.
        #[arg(long)]
        input: bool,
        /// Show the mail of a campaign in docs/campaigns instead, such as receipt.
        #[arg(long, value_name = "RECIPE", conflicts_with = "input")]
        mail: Option<String>,
        /// As if the function had a key for Dodo's API, for what is looked up: names of products, the link
        /// to pay.
        #[arg(long, requires = "mail")]
        key: bool,
    },

    /// Run all samples through a transform, as the function would.
    ///
    /// Once at full speed and once at the share of a CPU that a small function has. Checks the requests
    /// against Customer.io's published rules. Prints a line for each file, with its dearest run, and each
    /// failure with file and line; exits with 1 if there is one. So it does if an event of events/own/ that was
    /// kept from the local page with this transform no longer becomes what it became.
    Check(check::Choices),

    /// Send many webhooks through real processes of the function.
    ///
    /// The program runs under a local Lambda Runtime API, with stand-ins of the services around it. Prints
    /// Markdown tables: webhooks a second, latency, CPU and memory. Exits with 1 at the first response other
    /// than 200. With `--delivery queue` the webhooks go through both functions of queue mode, and then each
    /// id is looked for at the receiver; exits with 1 unless each is there once.
    Load(Loading),

    /// Measure what a request costs that the function refuses.
    ///
    /// The program runs as for `load`. Prints a Markdown table: CPU time, billed time with 128 MB, log, and
    /// what a flood costs at most.
    Flood {
        /// The function's program, such as target/release/dodo-customerio.
        program: PathBuf,
    },

    /// Measure the backfill of a large business.
    ///
    /// The program reads a local Dodo API without a rate limit, and half as many customers as payments;
    /// what it sends is counted and compared with what the business has. Prints a Markdown table: time, CPU
    /// time, peak memory, requests. Exits with 1 if anything is missing or came twice.
    Backfill {
        /// The backfill's program, such as target/release/backfill.
        program: PathBuf,
        /// How many payments.
        #[arg(value_parser = |text: &str| number::<u64>(text, 1, 100_000_000))]
        payments: u64,
        /// With the events of history.
        #[arg(long)]
        events: bool,
    },

    /// Run the local Customer.io alone and show what arrives, until Ctrl-C.
    ///
    /// Accepts the pair in `CUSTOMERIO_SITE_ID` and `CUSTOMERIO_API_KEY`, or else `site` and `key`.
    Customerio {
        /// Port on 127.0.0.1; 0 takes a free one.
        #[arg(default_value_t = 0, value_parser = command_line::port)]
        port: u16,
    },
}

#[derive(Debug, Args)]
struct Loading {
    /// The function's program, such as target/release/dodo-customerio.
    program: PathBuf,
    /// How many webhooks; the samples in turn.
    #[arg(value_parser = |text: &str| number(text, 1, u32::MAX))]
    count: u32,
    #[command(flatten)]
    transform: Transform,
    /// `direct`: Dodo waits for Customer.io. `queue`: a queue of SQS is between them.
    #[arg(long, default_value = "direct")]
    delivery: Delivery,
    /// In queue mode, webhooks a second; without it, as many as possible.
    #[arg(long, value_parser = |text: &str| number(text, 1, 1_000_000_u32))]
    rate: Option<u32>,
    /// In queue mode, how many processes of the webhook function take them.
    #[arg(long, default_value_t = 2, value_parser = |text: &str| number(text, 1, 100_u32))]
    environments: u32,
}

impl Loading {
    async fn run(&self) -> Result<(), String> {
        let as_size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let load = Load {
            program: self.program.clone(),
            count: as_size(self.count),
            transform: self.transform.path()?,
            delivery: self.delivery,
            rate: self.rate,
            environments: as_size(self.environments),
        };
        load.run().await
    }
}

#[derive(Debug, Args)]
struct Given {
    /// A sample's name, such as payment.succeeded; the path of a file; or - for standard input.
    event: String,
}

#[derive(Debug, Args)]
struct Port {
    /// The port of a running `local dev`; without it, the newest is meant.
    #[arg(long, value_parser = command_line::port)]
    port: Option<u16>,
}

#[derive(Debug, Args)]
struct Transform {
    /// A JavaScript file or a folder of them, in transforms/ or elsewhere; `.` is transforms/ itself,
    /// `none` the built-in transform.
    #[arg(long = "transform", value_name = "PATH", default_value = "", hide_default_value = true)]
    given: String,
}

impl Transform {
    /// `None` is the built-in one.
    fn path(&self) -> Result<Option<PathBuf>, String> {
        transform_path::resolve(&self.given)
    }
}

fn main() -> ExitCode {
    // A preview of a JavaScript transform starts this program again.
    process::run_if_asked().unwrap_or_else(|| {
        std::panic::set_hook(Box::new(command_line::report_panic));
        command_line::parse().map_or_else(|error| failed(&error), run)
    })
}

#[tokio::main]
async fn run(cli: Cli) -> ExitCode {
    let result = match cli.tool {
        Tool::Demo { delivery } => demo::run(delivery).await,
        Tool::Dev(choices) => dev::run(choices).await,
        Tool::Send { given, url, port } => send::send(&given.event, url, port.port).await.map(show),
        Tool::Event { given, port } => send::event(&given.event, port.port).map(show),
        Tool::Invoke { given, port } => send::invoke(&given.event, port.port),
        Tool::Preview { given, transform, settings, mail: Some(recipe), key, .. } => {
            preview_mail(&given, &transform, &settings, &recipe, key).map(show)
        }
        Tool::Preview { given, transform, settings, input, .. } => {
            preview(&given, &transform, &settings, input).map(show)
        }
        Tool::Check(choices) => check::run(&choices, show),
        Tool::Load(loading) => loading.run().await,
        Tool::Flood { program } => flood::run(&program).await,
        Tool::Backfill { program, payments, events } => {
            backfill::run(&program, payments, events).await
        }
        Tool::Customerio { port } => customerio::run(port).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn preview(
    given: &Given,
    transform: &Transform,
    settings: &SettingsFile,
    input: bool,
) -> Result<String, String> {
    let settings = Local::read(&settings.path()?)?;
    preview::preview(&given.event, transform.path()?.as_deref(), &settings, input)
}

fn preview_mail(
    given: &Given,
    transform: &Transform,
    settings: &SettingsFile,
    recipe: &str,
    has_key: bool,
) -> Result<String, String> {
    let settings = Local::read(&settings.path()?)?;
    mail::preview(&given.event, transform.path()?.as_deref(), &settings, recipe, has_key)
}

fn show(text: impl Display) {
    // The reader may have closed the pipe, as `head` does.
    drop(writeln!(std::io::stdout(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

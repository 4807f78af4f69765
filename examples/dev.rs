//! `make dev`: everything of the demo, staying up, with the function restarted when its code changes.

#[path = "local/mod.rs"]
mod local;

use local::customerio::describe;
use local::page::Page;
use local::stack::{self, Choices, Stack, until_interrupted};
use std::env;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let result = until_interrupted(serve()).await;
    stack::forget_announcement();
    match result {
        Err(error) if error != "Interrupted." => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

async fn serve() -> Result<(), String> {
    let choices = Choices {
        function_port: port("PORT", 9000)?,
        customerio_port: port("CUSTOMERIO_PORT", 0)?,
        for_development: true,
    };
    let stack = Stack::start(choices, |step| println!("starting: {step}")).await?;
    let page =
        Page::serve(port("PAGE_PORT", 9001)?, &stack.customerio, &stack.url, &stack.webhook_secret)
            .await
            .map_err(|error| {
                format!("The page cannot start ({error}); choose another port: PAGE_PORT=…")
            })?;
    stack.announce(&format!("http://{}/webhook", page.address))?;
    println!("\npage           http://{}/", page.address);
    println!("function URL   {}", stack.url);
    println!("Customer.io    {}", stack.customerio.url());
    println!("function's log {}", stack::function_log().display());
    println!("\nIn another terminal: make send EVENT=payment.succeeded");
    let url = stack.customerio.url();
    println!("To see Customer.io fail twice:  curl {url}/local/fail/503/2\nCtrl-C ends it.\n");
    stack.customerio.follow(|arrival| println!("{}", describe::arrival(arrival))).await;
    Ok(())
}

fn port(variable: &str, default: u16) -> Result<u16, String> {
    match env::var(variable) {
        Ok(text) if !text.is_empty() => {
            text.parse().map_err(|_| format!("{variable} must be a port number, not \"{text}\"."))
        }
        _ => Ok(default),
    }
}

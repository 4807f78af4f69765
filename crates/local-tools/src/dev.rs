//! `make dev`: the services of the demo until Ctrl-C; the function restarts when its code changes.

use crate::command_line::port;
use crate::stack::{self, Choices, Stack};
use stand_ins::customerio::describe;
use stand_ins::interrupt::until_interrupted;
use stand_ins::page::Page;

/// Ports on 127.0.0.1, and the transform.
#[derive(Debug, clap::Args)]
pub struct Ports {
    /// Port of the function URL.
    #[arg(long, default_value_t = 9000, value_parser = port)]
    port: u16,
    /// Port of the page.
    #[arg(long, default_value_t = 9001, value_parser = port)]
    page_port: u16,
    /// Port of the local Customer.io; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_parser = port)]
    customerio_port: u16,
    #[command(flatten)]
    transform: crate::Transform,
}

pub async fn run(ports: Ports) -> Result<(), String> {
    let result = until_interrupted(serve(ports)).await;
    stack::forget_announcement();
    match result {
        Err(error) if error != "Interrupted." => Err(error),
        _ => Ok(()),
    }
}

async fn serve(ports: Ports) -> Result<(), String> {
    let choices = Choices {
        function_port: ports.port,
        customerio_port: ports.customerio_port,
        for_development: true,
        transform: ports.transform.path()?,
    };
    let stack = Stack::start(choices, |step| println!("starting: {step}")).await?;
    let page = Page::serve(ports.page_port, &stack.customerio, &stack.url, &stack.webhook_secret)
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

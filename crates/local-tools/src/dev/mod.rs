//! `make dev`: the services of the demo and the function until Ctrl-C. What changes on disk, settings,
//! transform or code, reaches the function at once; what cannot be used is reported, and the function goes on
//! as before.

mod configuration;
mod development;
mod entrances;
mod files;
mod queue;

use crate::address::Address;
use crate::command_line::port;
use crate::delivery::Delivery;
use crate::page::{Board, Page, Setup};
use crate::ports;
use crate::send::merchants_secret;
use crate::services::{DodoKey, Services};
use crate::settings::SettingsFile;
use development::Development;
use entrances::Entrances;
use queue::Queue;
use stand_ins::customerio::describe;
use stand_ins::front::Front;
use stand_ins::interrupt::until_interrupted;
use stand_ins::journal::Journal;
use std::sync::Arc;

/// Ports on 127.0.0.1, and what the function is given.
#[derive(Debug, clap::Args)]
pub struct Choices {
    /// Port of the function URL; 0 takes a free one, here and below.
    #[arg(long, default_value_t = 9000, value_parser = port)]
    port: u16,
    /// Port of the page.
    #[arg(long, default_value_t = 9001, value_parser = port)]
    page_port: u16,
    /// Port of the local Customer.io.
    #[arg(long, default_value_t = 0, value_parser = port)]
    customerio_port: u16,
    /// `queue` lets webhooks wait in a local SQS, from which a second function delivers them.
    #[arg(long, default_value = "direct")]
    delivery: Delivery,
    #[command(flatten)]
    transform: crate::Transform,
    #[command(flatten)]
    settings: SettingsFile,
    /// Give the function a key of the local Dodo API, for lifetime values and missing addresses.
    #[arg(long)]
    key: bool,
}

/// Runs until it is interrupted.
///
/// # Errors
/// What did not start, and what to type instead.
pub async fn run(choices: Choices) -> Result<(), String> {
    match until_interrupted(serve(choices)).await {
        Err(error) if error != "Interrupted." => Err(error),
        _ => Ok(()),
    }
}

async fn serve(choices: Choices) -> Result<(), String> {
    let Choices { port, page_port, customerio_port, delivery, transform, settings, key } = choices;
    ports::differ(&[
        ("PORT", port),
        ("PAGE_PORT", page_port),
        ("CUSTOMERIO_PORT", customerio_port),
    ])?;
    let files = ((settings.path()?, settings.is_named()), transform.path()?);
    let merchants_secret = merchants_secret()?;
    let (journal, invocations) = Journal::recording();
    let front = Front::default();
    front.record(journal.clone());
    let door = front.serve(port).await.map_err(|error| ports::taken("PORT", port, &error))?;
    let (is_fresh, port) = (port == 0, door.address.port());

    let progress = |step: &str| println!("starting: {step}");
    let merchants = merchants_secret.as_deref();
    let services = Services::start_recorded(customerio_port, merchants, &journal, progress).await?;
    let services = Arc::new(services);
    let secret = services.webhook_secret.clone();
    let board = Board::new();
    let setup = Setup {
        services: services.clone(),
        front: front.clone(),
        journal,
        board: board.clone(),
        port,
        is_fresh,
        settings_file: settings.name(),
        has_key: key,
        delivery,
    };
    let page = Page::serve(page_port, setup, invocations).await;
    let page = page.map_err(|error| ports::taken("PAGE_PORT", page_port, &error))?;

    let queue = queue(delivery, &services, port, progress).await?;
    progress("function");
    let key = if key { DodoKey::With } else { DodoKey::Without };
    let mut environment = services.environment(key);
    environment.extend(queue.iter().flat_map(|queue| queue.environment()));
    let entrances = (Entrances { front, queue: queue.clone() }, board);
    let mut development = Development::start(entrances, port, files, environment).await?;
    let address = Address { port, webhook_secret: secret };
    let _announced = address.announce()?;

    let customerio = services.customerio.url();
    println!("\npage           http://{}/", page.address);
    println!("function URL   {}\nCustomer.io    {customerio}", address.url());
    if let Some(queue) = &queue {
        println!("{}", queue.in_words());
    }
    println!("{}\n{}", development.in_words(), next_steps(&address, &customerio));
    println!("{}\nCtrl-C ends it.\n", tunnel(&address.url(), merchants_secret.is_some()));
    tokio::select! {
        () = services.customerio.follow(|it| println!("{}", describe::arrival(it))) => {}
        () = development.follow() => {}
        () = follow(queue.as_deref()) => {}
    }
    Ok(())
}

async fn queue(
    delivery: Delivery,
    services: &Services,
    port: u16,
    progress: impl Fn(&str),
) -> Result<Option<Arc<Queue>>, String> {
    if delivery == Delivery::Direct {
        return Ok(None);
    }
    progress("SQS (moto): a queue, and one for dead letters");
    let queue = Box::pin(Queue::create(services.aws_endpoint(), port)).await?;
    Ok(Some(Arc::new(queue)))
}

async fn follow(queue: Option<&Queue>) {
    match queue {
        Some(queue) => Box::pin(queue.follow()).await,
        None => std::future::pending().await,
    }
}

fn next_steps(address: &Address, customerio: &str) -> String {
    // The newest is found without it.
    let port = if address.port == 9000 { String::new() } else { format!(" PORT={}", address.port) };
    format!(
        "\nIn another terminal: make send EVENT=payment.succeeded{port}\n\
         To see Customer.io fail twice: curl {customerio}/local/fail/503/2"
    )
}

/// How events of Dodo's test mode get here. The tunnel leads to the function, which checks signatures, and
/// not to the page, which signs whatever it is given.
fn tunnel(url: &str, has_secret: bool) -> String {
    let url = url.trim_end_matches('/');
    let secret = if has_secret {
        "DODO_WEBHOOK_SECRET is set: what your endpoint at Dodo signs is accepted."
    } else {
        "Put its signing secret into DODO_WEBHOOK_SECRET and start this again: see docs/local.md."
    };
    format!(
        "\nFor events of Dodo's test mode, start a tunnel to the function URL, such as\n    \
         cloudflared tunnel --url {url}\nand add the https address that it prints as an endpoint in Dodo's \
         dashboard (test mode, Webhooks).\n{secret}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tunnel_leads_to_the_function_and_the_secret_is_asked_for_once() {
        let url = "http://127.0.0.1:9010/";
        let (without, with) = (tunnel(url, false), tunnel(url, true));
        for text in [&without, &with] {
            assert!(text.contains("cloudflared tunnel --url http://127.0.0.1:9010\n"), "{text}");
        }
        assert!(without.contains("Put its signing secret into DODO_WEBHOOK_SECRET"), "{without}");
        assert!(with.contains("DODO_WEBHOOK_SECRET is set") && !with.contains("start this again"));
    }
}

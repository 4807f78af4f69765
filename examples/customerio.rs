//! A local Customer.io by itself: `cargo run --example customerio -- [PORT]`.
//!
//! It takes the pair `site`/`key`, or what `CUSTOMERIO_SITE_ID` and `CUSTOMERIO_API_KEY` say, and shows
//! what arrives.

#[path = "local/mod.rs"]
mod local;

use local::customerio::{CustomerIo, describe};
use std::env;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let of = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let (site_id, api_key) = (of("CUSTOMERIO_SITE_ID", "site"), of("CUSTOMERIO_API_KEY", "key"));
    let customerio = CustomerIo::start(port, &site_id, &api_key).await?;
    println!("Customer.io's Track API at {}", customerio.url());
    customerio.follow(|arrival| println!("{}", describe::arrival(arrival))).await;
    Ok(())
}

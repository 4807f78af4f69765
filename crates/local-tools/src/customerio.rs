//! `local customerio`: a local Customer.io by itself.
//!
//! It accepts the credentials in `CUSTOMERIO_SITE_ID` and `CUSTOMERIO_API_KEY`, or else `site` and `key`,
//! and shows each request.

use stand_ins::customerio::{CustomerIo, describe};
use std::env;

pub async fn run(port: u16) -> Result<(), String> {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let (site_id, api_key) =
        (setting("CUSTOMERIO_SITE_ID", "site"), setting("CUSTOMERIO_API_KEY", "key"));
    let customerio = CustomerIo::start(port, &site_id, &api_key)
        .await
        .map_err(|error| format!("Port {port} cannot be used ({error}); type another one."))?;
    println!("Customer.io's Track API at {}", customerio.url());
    customerio.follow(|arrival| println!("{}", describe::arrival(arrival))).await;
    Ok(())
}

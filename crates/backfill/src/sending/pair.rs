//! Whether Customer.io accepts the credentials, before hours of reading.

use crate::{Error, Options};
use dodo_customerio::customerio::Credentials;
use dodo_customerio::http::{client, read_body};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;

const PATH: &str = "api/v1/accounts/region";
const TIME_LIMIT: Duration = Duration::from_secs(10);
const MAX_RESPONSE: usize = 64 * 1024;

/// Asks Customer.io for the workspace's region. A failure that says nothing of the pair is left to the sending.
///
/// # Errors
/// If the pair is refused, or the workspace is in the other region.
pub async fn check_pair(options: &Options, pair: &Credentials) -> Result<(), Error> {
    let mut url = options.track_url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(PATH.split('/'));
    }
    let (site_id, api_key) = (pair.site_id.expose_secret(), pair.api_key.expose_secret());
    let request = client().get(url).basic_auth(site_id, Some(api_key)).timeout(TIME_LIMIT);
    let Ok(mut response) = request.send().await else { return Ok(()) };
    match response.status().as_u16() {
        200 => {
            let body = read_body(&mut response, MAX_RESPONSE).await.ok().flatten();
            check_region(options, &body.unwrap_or_default())
        }
        status @ (401 | 403) => Err(Error::PairRefused(status)),
        _ => Ok(()),
    }
}

/// Only Customer.io's own hosts belong to a region.
fn check_region(options: &Options, body: &[u8]) -> Result<(), Error> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let chosen = match options.track_url.host_str() {
        Some("track.customer.io") => "us",
        Some("track-eu.customer.io") => "eu",
        _ => return Ok(()),
    };
    match body["region"].as_str() {
        Some(region @ ("us" | "eu")) if region != chosen => {
            Err(Error::WrongRegion(region.to_owned()))
        }
        _ => Ok(()),
    }
}

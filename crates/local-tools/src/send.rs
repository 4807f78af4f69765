//! `make send` and `make invoke`: a signed event for a function that runs.

use crate::address::Address;
use crate::given;
use serde_json::Value;
use stand_ins::dodo::{self, Sample, Webhook};
use stand_ins::project::project_file;
use std::env;
use std::fs;
use std::process::Command;

const SECRET: &str = "DODO_WEBHOOK_SECRET";

/// Signs an event as of now and posts it to `url`, or to the `make dev` of `port`, or to the newest.
///
/// # Errors
/// What to type instead, or a response that is not 2xx.
pub async fn send(event: &str, url: Option<String>, port: Option<u16>) -> Result<String, String> {
    let sample = given::event(event)?.of_now();
    let (url, secret) = target(url, port)?;
    let webhook = signed(&sample, &secret);
    let posted = webhook.post(&dodo_customerio::http::client(), &url).await;
    let (status, response) = posted.map_err(|error| {
        if error.is_builder() {
            return format!(
                "URL={url} is not an address to post to. Type the function URL as `make deploy` shows it: URL=https://…"
            );
        }
        format!("{url} does not respond: {}.", innermost(&error))
    })?;
    let text = format!("{} as {} → {status} {response}", sample.event_type(), webhook.id);
    if status < 300 { Ok(text) } else { Err(text) }
}

/// What an error comes from; what is around it says the same less clearly.
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

fn target(url: Option<String>, port: Option<u16>) -> Result<(String, String), String> {
    let secret = merchants_secret()?;
    match (url, secret) {
        (Some(url), Some(secret)) => Ok((url, secret)),
        (Some(_), None) => Err(format!(
            "What goes to a URL is signed with the secret of its endpoint: put it into {SECRET} in the \
             environment. For the function of `make dev`, leave out URL."
        )),
        (None, _) => {
            let address = Address::find(port)?;
            Ok((address.url(), address.webhook_secret))
        }
    }
}

/// The webhook secret in the environment, if there is one.
///
/// # Errors
/// If it cannot be one.
pub fn merchants_secret() -> Result<Option<String>, String> {
    let given = env::var(SECRET).ok().filter(|given| !given.trim().is_empty());
    let secret = given.map(|given| dodo::webhook_secret(&given)).transpose();
    secret.map_err(|problem| {
        format!(
            "{SECRET} {problem}. Copy the signing secret (whsec_…) from the endpoint in Dodo's dashboard, or \
             take the variable out of the environment."
        )
    })
}

/// An event as a function URL hands it to Lambda, signed as of now with the secret in the environment or
/// that of a running `make dev`.
///
/// # Errors
/// What to type instead.
pub fn event(event: &str, port: Option<u16>) -> Result<String, String> {
    let sample = given::event(event)?;
    let secret = match merchants_secret()? {
        Some(secret) => secret,
        None => Address::find(port)?.webhook_secret,
    };
    Ok(function_url_event(&sample, &secret))
}

/// Hands an event to a running `make dev` with `cargo lambda invoke`.
///
/// # Errors
/// What to type instead, or that it failed.
pub fn invoke(event: &str, port: Option<u16>) -> Result<(), String> {
    let sample = given::event(event)?;
    let address = Address::find(port)?;
    let file = project_file(format!("target/local/event-{}.json", address.port));
    fs::write(&file, function_url_event(&sample, &address.webhook_secret))
        .map_err(|error| format!("{} cannot be written ({error}).", file.display()))?;
    let status = Command::new(project_file(".venv/bin/cargo-lambda"))
        .args(["lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port"])
        .arg(address.port.to_string())
        .args(["dodo-customerio", "--data-file"])
        .arg(&file)
        .status();
    drop(fs::remove_file(file));
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo lambda invoke failed ({status}).")),
        Err(error) => Err(format!(
            "cargo lambda does not start ({error}). Type: rm -rf .venv, then the same again"
        )),
    }
}

fn function_url_event(sample: &Sample, secret: &str) -> String {
    let event: Value = signed(&sample.clone().of_now(), secret).function_url_event();
    event.to_string()
}

fn signed(sample: &Sample, secret: &str) -> Webhook {
    Webhook::sign(secret, &dodo::random_message_id(), dodo::unix_now(), sample.body())
}

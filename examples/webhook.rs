//! One sample event: sent, made into a Lambda event, or shown as the request that it becomes.
//!
//! `cargo run --example webhook -- send|event|preview EVENT`; `make send`, `make invoke` and
//! `make preview` call it.

#[path = "local/mod.rs"]
mod local;

use dodo_customerio::config::Mistake;
use dodo_customerio::transform::{Options, transform};
use local::dodo::{self, Sample, Webhook};
use local::{customerio, stack};
use std::env;
use std::io::Write;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["send", name] => send(name).await,
        ["event", name] => event(name),
        ["preview", name] => preview(name),
        _ => Err("Usage: webhook send|event|preview EVENT, a name from events/".to_owned()),
    };
    match result {
        Ok(text) => {
            // Whoever reads may have enough, as `head` has.
            drop(writeln!(std::io::stdout(), "{text}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Signs a sample as of now and posts it to `URL`, or to the stack of `make dev`.
async fn send(name: &str) -> Result<String, String> {
    let sample = dodo::sample(name)?.of_now();
    let (url, secret) = target()?;
    let webhook = signed(&sample, &secret);
    let posted = webhook.post(&dodo_customerio::http::client(), &url).await;
    let (status, answer) = posted.map_err(|error| format!("{url} does not answer: {error}"))?;
    let text = format!("{} as {} → {status} {answer}", sample.event_type(), webhook.id);
    if status < 300 { Ok(text) } else { Err(text) }
}

fn target() -> Result<(String, String), String> {
    let given = |name| env::var(name).ok().filter(|value| !value.is_empty());
    match (given("URL"), given("DODO_WEBHOOK_SECRET")) {
        (Some(url), Some(secret)) => Ok((url, secret)),
        (None, None) => stack::announced().ok_or_else(|| {
            "No function is running here. Start one with `make dev`, or name a deployed one: \
             DODO_WEBHOOK_SECRET=whsec_… make send EVENT=… URL=https://…"
                .to_owned()
        }),
        _ => {
            Err("For a function elsewhere give both: URL=https://… and DODO_WEBHOOK_SECRET in the \
                  environment."
                .to_owned())
        }
    }
}

/// A function URL event of a sample, signed as of now, with the secret of `make dev` or the
/// environment.
fn event(name: &str) -> Result<String, String> {
    let secret = env::var("DODO_WEBHOOK_SECRET").ok();
    let secret = secret.or_else(|| stack::announced().map(|(_, secret)| secret));
    let secret = secret.ok_or("No function is running here. Start one with `make dev`.")?;
    Ok(signed(&dodo::sample(name)?.of_now(), &secret).function_url_event().to_string())
}

fn signed(sample: &Sample, secret: &str) -> Webhook {
    Webhook::sign(secret, &dodo::random_message_id(), dodo::unix_now(), sample.body())
}

/// The request that a sample becomes, and what Customer.io's rules say of it.
fn preview(name: &str) -> Result<String, String> {
    let options =
        Options::read(|name| env::var(name).ok()).map_err(|mistakes| sentences(&mistakes))?;
    let secret = dodo::random_secret();
    let webhook =
        Webhook::sign(&secret, "msg_preview", dodo::unix_now(), dodo::sample(name)?.body());
    let envelope = webhook.envelope(&secret).map_err(|error| error.to_string())?;
    let now = dodo::unix_now().cast_unsigned();
    let batch = match transform(&envelope, &webhook.id, now, &options) {
        Ok(batch) => batch,
        Err(ignored) => return Ok(format!("Nothing is sent ({}). {ignored}", ignored.code())),
    };
    let items =
        batch.items.iter().map(|item| serde_json::to_value(item).expect("an item serialises"));
    let errors: Vec<_> = items.flat_map(|item| customerio::rules::errors(&item)).collect();
    let request = serde_json::to_string_pretty(&batch).expect("a batch serialises");
    let text = format!("POST /api/v2/batch\n{request}");
    if errors.is_empty() {
        Ok(format!("{text}\nCustomer.io's rules: kept."))
    } else {
        Err(format!("{text}\nCustomer.io's rules are broken: {errors:#?}"))
    }
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

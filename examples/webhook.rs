//! One sample event: sent, made into a Lambda event, or shown as the request that it becomes.
//!
//! `cargo run --example webhook -- send|event|preview EVENT` or `check`; `make send`, `make invoke`,
//! `make preview` and `make test TRANSFORM=…` call it.

#[path = "local/mod.rs"]
mod local;

use dodo_customerio::choice::Transform;
use dodo_customerio::config::Mistake;
use dodo_customerio::script::{ScriptError, Scripts, Shipment, Unhandled};
use dodo_customerio::track::Call;
use dodo_customerio::webhook::{Envelope, Verified};
use local::dodo::{self, Sample, Webhook};
use local::{customerio, stack};
use serde_json::Value;
use std::env;
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["send", name] => send(name).await,
        ["event", name] => event(name),
        ["preview", name] => preview(name),
        ["check"] => check(),
        _ => Err("Usage: webhook send|event|preview EVENT, a name from events/, or webhook check"
            .to_owned()),
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

/// The request that a sample becomes, and what Customer.io's rules say of it. With `TRANSFORM_FILE`,
/// also what each handler made and what was repaired.
fn preview(name: &str) -> Result<String, String> {
    let sample = dodo::sample(name)?;
    match transform()? {
        built_in @ Transform::BuiltIn(_) => judged(&sample, &built_in, |verdict, _| verdict),
        Transform::Scripts(scripts) => {
            let input = format!("in, {}\n{:#}", sample.event_type(), sample.event);
            let shipped =
                shipped(&sample, &scripts).map_err(|error| format!("{input}\n\n{error}"))?;
            let shipment = match shipped {
                Ok(shipment) => shipment,
                Err(unhandled) => return Ok(format!("{input}\n\nNothing is sent. {unhandled}")),
            };
            let made = shipment.made().iter().map(|made| {
                format!("\n\nmade by {}, for {}\n{:#}", made.file, made.url, made.payload)
            });
            let repaired = shipment.repaired().iter();
            let repaired = repaired.map(|it| format!("\n\nrepaired, {}: {}", it.file, it.repair));
            let text: String = [input].into_iter().chain(made).chain(repaired).collect();
            match verdict(&shipment.into_calls()) {
                Ok(verdict) => Ok(format!("{text}\n\n{verdict}")),
                Err(verdict) => Err(format!("{text}\n\n{verdict}")),
            }
        }
    }
}

/// Runs the handlers of `TRANSFORM_FILE` over all samples; an error if any is refused.
fn check() -> Result<String, String> {
    let transform = transform()?;
    let (mut lines, mut refused) = (Vec::new(), 0);
    for sample in dodo::samples() {
        let result = judged(&sample, &transform, |_, calls| format!("{} request(s)", calls.len()));
        refused += usize::from(result.is_err());
        let (Ok(text) | Err(text)) = &result;
        let mark = if result.is_ok() { "  " } else { "!!" };
        lines.push(format!("{mark} {:<38} {text}", sample.name));
    }
    let text = lines.join("\n");
    let summary = format!("{} passed, {refused} failed", lines.len() - refused);
    if refused == 0 { Ok(format!("{text}\n{summary}")) } else { Err(format!("{text}\n{summary}")) }
}

const NOTHING: &str = "Nothing is sent";

fn transform() -> Result<Transform, String> {
    Transform::read(|name| env::var(name).ok()).map_err(|mistakes| sentences(&mistakes))
}

fn calls(sample: &Sample, transform: &Transform) -> Result<Vec<Call>, String> {
    let now = dodo::unix_now().cast_unsigned();
    let calls = verified(sample, |webhook, envelope| transform.calls(webhook, envelope, now));
    calls.map_err(|outcome| match (outcome.name(), outcome.reason()) {
        ("ignored", Some((code, message))) => format!("{NOTHING} ({code}). {message}"),
        (name, reason) => format!("{name}: {}", reason.unwrap_or_default().1),
    })
}

/// What `show` makes of an accepted sample's verdict and calls; that nothing is sent is no error.
fn judged(
    sample: &Sample,
    transform: &Transform,
    show: impl FnOnce(String, &[Call]) -> String,
) -> Result<String, String> {
    match calls(sample, transform) {
        Ok(calls) => verdict(&calls).map(|verdict| show(verdict, &calls)),
        Err(nothing) if nothing.starts_with(NOTHING) => Ok(nothing),
        Err(error) => Err(error),
    }
}

fn shipped(sample: &Sample, scripts: &Scripts) -> Result<Result<Shipment, Unhandled>, ScriptError> {
    let now = dodo::unix_now().cast_unsigned();
    verified(sample, |webhook, envelope| scripts.ship(webhook, envelope, now))
}

fn verified<T>(sample: &Sample, work: impl FnOnce(&Verified<'_>, &Envelope) -> T) -> T {
    let secret = dodo::random_secret();
    let webhook = Webhook::sign(&secret, "msg_preview", dodo::unix_now(), sample.body());
    webhook.verified(&secret, |webhook| {
        work(webhook, &Envelope::parse(webhook).expect("a sample is an event"))
    })
}

/// The calls as they would go out; an error if Customer.io would refuse one.
fn verdict(calls: &[Call]) -> Result<String, String> {
    let (mut text, mut errors) = (String::new(), Vec::new());
    for call in calls {
        let json: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let items = json["batch"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.extend(items.iter().flat_map(customerio::rules::errors));
        let _ = writeln!(text, "{} /{}\n{json:#}", call.method, call.path);
    }
    let older = calls.iter().any(|call| !call.path.starts_with("api/v2/"));
    let older = if older { " (Of older paths only the batch is checked.)" } else { "" };
    if errors.is_empty() {
        Ok(format!("{text}Customer.io's rules: kept.{older}"))
    } else {
        Err(format!("{text}Customer.io's rules are broken: {}", Value::from(errors)))
    }
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

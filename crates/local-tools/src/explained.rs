//! What becomes of an event, step by step, computed with the function's own library: what is built in, what
//! each JavaScript file makes of it, what is repaired, and the requests.

use crate::difference;
use crate::webhook::{broken_rules, now};
use dodo_customerio::customerio::{OutgoingRequests, Request};
use dodo_customerio::dodo::Enrichment;
use dodo_customerio::event::Event;
use dodo_customerio::transform::javascript::engine::{Answer, Failure, Kind, Run};
use dodo_customerio::transform::javascript::{HandlerRequests, Handlers};
use dodo_customerio::transform::{Transform, Unsent};
use serde_json::{Value, json};
use stand_ins::dodo::{self, Webhook};

/// The steps of one event.
#[derive(Debug, Default)]
pub struct Explained {
    /// `sent`, `ignored`, `rejected` or `failed`.
    pub outcome: &'static str,
    /// The short code, if it was not sent.
    pub reason: Option<String>,
    /// Why it was not sent.
    pub message: Option<String>,
    /// The request that files extend.
    pub built_in: Option<Value>,
    /// That request as the last of them left it, repaired.
    pub extended: Option<Value>,
    /// What each file made of it.
    pub files: Vec<Value>,
    /// What is sent.
    pub requests: Vec<Value>,
    /// Customer.io's rules that the requests break.
    pub rules: Vec<String>,
}

/// What a transform makes of a webhook's body; `found` is what lookups brought.
///
/// # Errors
/// Why the body is not one of Dodo's events.
pub fn explain(
    transform: &Transform,
    webhook_id: &str,
    body: &str,
    found: Option<&Enrichment>,
) -> Result<Explained, String> {
    let secret = dodo::random_secret();
    let webhook = Webhook::sign(&secret, webhook_id, dodo::unix_now(), body.to_owned());
    let explained = webhook.event(&secret, |event| match transform {
        Transform::BuiltIn(_) => Explained::default()
            .with(transform.apply(event, found, now()).map(OutgoingRequests::into_requests)),
        Transform::JavaScript(handlers) => by_files(handlers, event, found),
    });
    explained.map_err(|error| error.to_string())
}

fn by_files(handlers: &Handlers, event: &Event<'_>, found: Option<&Enrichment>) -> Explained {
    let kinds: Vec<(String, Kind)> =
        handlers.files().map(|(name, kind)| (name.to_owned(), kind)).collect();
    let (mut explained, mut given) = (Explained::default(), None);
    let mut kinds = kinds.into_iter();
    let result = handlers.run_watched(event, found, now(), &mut |file, input, answer| {
        let kind = kinds.next().map_or(Kind::Handler, |(_, kind)| kind);
        let request = input.request.as_deref().and_then(|it| serde_json::from_str(it).ok());
        explained.built_in.clone_from(&request);
        let given = given.get_or_insert(request);
        explained.files.push(step(file, kind, given, answer));
    });
    match result {
        Ok(requests) => {
            explained.repaired(&requests);
            let is_extended = requests.built_in().is_some();
            explained.extended = is_extended.then(|| json!({"batch": requests.extended()}));
            explained.with(Ok(requests.into_outgoing().into_requests()))
        }
        Err(unsent) => explained.with(Err(unsent)),
    }
}

/// What one file made. `given` is the request so far, which an `extend` replaces.
fn step(file: &str, kind: Kind, given: &mut Option<Value>, answer: &Answer) -> Value {
    let mut step = json!({
        "file": file,
        "kind": match kind { Kind::Handler => "handler", Kind::Extend => "extend" },
        "console": answer.notes.console,
        "undefined": answer.notes.undefined,
        "repaired": [],
        "difference": [],
        "made": null,
        "url": null,
        "error": null,
        "cpu_ms": (answer.cpu.as_secs_f64() * 100_000.0).round() / 100.0,
    });
    step["result"] = match &answer.result {
        Err(failure) => {
            step["error"] = said(failure).into();
            "failed"
        }
        Ok(Run::Untouched) => "untouched",
        Ok(Run::Cancelled) => "cancelled",
        Ok(Run::Dropped) => "dropped",
        Ok(Run::Made(made)) => {
            step["made"] = serde_json::from_str(&made.payload).unwrap_or_default();
            step["url"] = made.url.as_str().into();
            "made"
        }
        Ok(Run::Extended(request)) => {
            let made: Value = serde_json::from_str(request).unwrap_or_default();
            step["difference"] = difference::lines(given.as_ref().unwrap_or(&Value::Null), &made);
            step["made"] = made.clone();
            *given = Some(made);
            "extended"
        }
    }
    .into();
    step
}

fn said(failure: &Failure) -> String {
    let line = failure.line.map(|line| format!("Line {line}: ")).unwrap_or_default();
    format!("{line}{}", failure.message)
}

impl Explained {
    /// As the page gets it.
    pub fn to_json(&self) -> Value {
        json!({
            "outcome": self.outcome,
            "reason": self.reason,
            "message": self.message,
            "requests": self.requests,
            "files": self.files,
            "rules": self.rules,
        })
    }

    fn with(mut self, sent: Result<Vec<Request>, Unsent>) -> Self {
        let unsent = match sent {
            Ok(requests) => {
                self.outcome = "sent";
                self.rules = broken_rules(&requests);
                self.requests = requests.iter().map(request).collect();
                return self;
            }
            Err(unsent) => unsent,
        };
        let (outcome, reason) = match &unsent {
            Unsent::Ignored(why) => ("ignored", Some(why.code())),
            Unsent::NoPerson(_) => ("rejected", Some("no_customer")),
            Unsent::Failed(_) => ("failed", Some("transform_failed")),
            Unsent::Wait(_) => ("failed", None),
        };
        self.outcome = outcome;
        self.reason = reason.map(str::to_owned);
        self.message = Some(unsent.to_string());
        self
    }

    fn repaired(&mut self, requests: &HandlerRequests) {
        for repaired in requests.repaired() {
            let is_it = |step: &&mut Value| step["file"] == repaired.file.as_str();
            let step = self.files.iter_mut().find(is_it);
            if let Some(list) = step.and_then(|step| step["repaired"].as_array_mut()) {
                list.push(repaired.repair.to_string().into());
            }
        }
    }
}

fn request(request: &Request) -> Value {
    json!({
        "method": request.method.as_str(),
        "path": format!("/{}", request.path),
        "body": serde_json::from_slice::<Value>(&request.body).unwrap_or_default(),
    })
}

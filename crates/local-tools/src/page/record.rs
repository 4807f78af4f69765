//! What is remembered of one webhook: made of what was seen while the function handled it.

use super::lookups::{Found, is_list};
use super::{advice, changes, person};
use crate::explained::Explained;
use serde_json::{Value, json};
use stand_ins::journal::{Call, Invocation, Service};
use std::collections::BTreeSet;

/// What else is known when a webhook is over.
#[derive(Debug, Default)]
pub struct Known {
    /// Its number in the history.
    pub number: u64,
    /// Which one it repeats.
    pub replay_of: Option<u64>,
    /// Whether the page sent it.
    pub is_from_page: bool,
    /// The value of `PERSON_IDENTIFIER`.
    pub mode: String,
    /// Whether the function has a key for Dodo's API.
    pub has_key: bool,
    /// The merchant's file or folder.
    pub transform: Option<String>,
    /// The steps of the transform, unless the body is no event.
    pub explained: Option<Explained>,
    /// What Dodo's API has said of what the event names.
    pub found: Found,
}

/// Whether an invocation is a webhook's: somebody posted something.
pub fn is_webhook(invocation: &Invocation) -> bool {
    let event = &invocation.event;
    event["headers"].get("webhook-id").is_some()
        || event["requestContext"]["http"]["method"] == "POST"
}

/// The body that was posted.
pub fn body(invocation: &Invocation) -> &str {
    invocation.event["body"].as_str().unwrap_or_default()
}

/// The record of a webhook, as the page shows it.
pub fn of(invocation: &Invocation, known: &Known) -> Value {
    let body = body(invocation);
    let event: Value = serde_json::from_str(body).unwrap_or_default();
    let response = response(invocation.response.as_ref());
    let said = &response["body"];
    let [outcome, reason] = ["outcome", "reason"].map(|name| said[name].as_str());
    let requests = requests(invocation);
    let changes = changes::merged(requests.iter().map(|it| &it["changes"]));
    let mut person = person(&event, &requests, known);
    let explanation = advice::on(outcome, reason, known.has_key, &event);
    if person["why"].is_null() {
        let nobody =
            if outcome == Some("queued") { known.nobody(&event) } else { explanation.clone() };
        for part in ["why", "advice"] {
            person[part] = nobody[part].clone();
        }
    }
    json!({
        "number": known.number,
        "at": invocation.at,
        "type": event["type"].as_str().unwrap_or("?"),
        "webhook_id": invocation.event["headers"]["webhook-id"],
        "status": response["status"],
        "outcome": outcome,
        "delivery": null,
        "reason": reason,
        "message": said["message"],
        "took": milliseconds(invocation.took),
        "people": people(&event, &requests, &changes),
        "attempts": requests.len(),
        "repeated": changes["repeated"].as_array().is_some_and(|ids| !ids.is_empty()),
        "replay_of": known.replay_of,
        "by": if known.is_from_page { "page" } else { "outside" },
        "headers": headers(&invocation.event),
        "body": body,
        "response": response,
        "person": person,
        "explanation": explanation,
        "has_key": known.has_key,
        "lookups": lookups(invocation),
        "secrets": of_service(invocation, Service::SecretsManager)
            .map(|call| without_secret(shown(call, invocation))).collect::<Vec<_>>(),
        "transform": transform(known, invocation.calls.iter().any(is_list)),
        "requests": requests,
        "changes": changes,
        "deliveries": [],
        "rules": known.explained.as_ref().map(|it| it.rules.clone()).unwrap_or_default(),
    })
}

/// Who it is about, as it was sent or would be.
pub fn person(event: &Value, requests: &[Value], known: &Known) -> Value {
    person::explain(&person::Facts {
        mode: &known.mode,
        event,
        lookups: known.found.iter().map(|(path, object)| (path.as_str(), object)).collect(),
        identifiers: identifiers(requests, known.explained.as_ref()),
        is_built_in: known.is_built_in(),
    })
}

/// Requests to Dodo's API.
pub fn lookups(invocation: &Invocation) -> Vec<Value> {
    of_service(invocation, Service::DodoApi).map(|call| shown(call, invocation)).collect()
}

impl Known {
    /// Why a webhook that waits in the queue names nobody.
    fn nobody(&self, event: &Value) -> Value {
        match &self.explained {
            Some(_) if self.has_key => {
                json!({"why": "The queue function asks Dodo's API who it is.", "advice": null})
            }
            Some(it) => advice::on(Some(it.outcome), it.reason.as_deref(), false, event),
            None => Value::Null,
        }
    }

    /// Whether the built-in transform chose the person: no handler makes requests of its own.
    fn is_built_in(&self) -> bool {
        let files = self.explained.iter().flat_map(|it| &it.files);
        !files.into_iter().any(|step| step["result"] == "made")
    }
}

/// Requests to Customer.io, with what was sent and what came back.
pub fn requests(invocation: &Invocation) -> Vec<Value> {
    let calls = of_service(invocation, Service::CustomerIo);
    let numbered = (1..).zip(calls);
    let request = |(attempt, call): (u32, &Call)| {
        let mut request = shown(call, invocation);
        request["attempt"] = attempt.into();
        request["body"] = call.body.clone();
        request["changes"] = call.changes.clone();
        request
    };
    numbered.map(request).collect()
}

fn of_service(invocation: &Invocation, service: Service) -> impl Iterator<Item = &Call> + Clone {
    invocation.calls.iter().filter(move |call| call.service == service)
}

fn shown(call: &Call, invocation: &Invocation) -> Value {
    let broken = match (call.status, call.is_broken) {
        (Some(_), _) => None,
        (None, true) => Some("The connection was broken."),
        (None, false) => Some("The function stopped waiting."),
    };
    json!({
        "at": call.at,
        "offset": call.at.saturating_sub(invocation.at),
        "took": milliseconds(call.took),
        "method": call.method,
        "path": call.path,
        "status": call.status,
        "fault": call.fault,
        "broken": broken,
        "response": call.response,
    })
}

/// A secret is shown nowhere, and goes into no file.
fn without_secret(mut call: Value) -> Value {
    if let Some(call) = call.as_object_mut() {
        call.remove("response");
    }
    call
}

/// What became of the transform; `null` stands for the built-in one.
pub fn transform(known: &Known, without_lookups: bool) -> Value {
    let explained = known.explained.as_ref();
    json!({
        "name": known.transform,
        "without_lookups": without_lookups,
        "built_in": explained.and_then(|it| it.built_in.clone()),
        "outcome": explained.map(|it| it.outcome),
        "reason": explained.and_then(|it| it.reason.clone()),
        "requests": explained.map(|it| it.requests.clone()).unwrap_or_default(),
        "files": explained.map(|it| it.files.clone()).unwrap_or_default(),
    })
}

/// Status, headers and body; a body that is not JSON stays a string.
fn response(response: Option<&Value>) -> Value {
    let Some(response) = response else {
        return json!({"status": 502, "headers": {}, "body": null});
    };
    let text = response["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    let headers = response.get("headers").cloned().unwrap_or_else(|| json!({}));
    let status = response["statusCode"].as_u64().unwrap_or(502);
    json!({"status": status, "headers": headers, "body": body})
}

/// Those that make a webhook.
fn headers(event: &Value) -> Value {
    let headers = event["headers"].as_object().into_iter().flatten();
    let ours = headers.filter(|(name, _)| name.starts_with("webhook-") || *name == "content-type");
    ours.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Of the first item about a person that was sent, or would have been.
fn identifiers<'r>(requests: &'r [Value], explained: Option<&'r Explained>) -> Option<&'r Value> {
    let computed = explained.iter().flat_map(|it| &it.requests).collect::<Vec<_>>();
    let all = requests.iter().chain(computed);
    let batches = all.filter_map(|request| request["body"]["batch"].as_array());
    let mut items = batches.flatten().filter(|item| item["type"] == "person");
    items.find_map(|item| item.get("identifiers"))
}

/// All that names somebody, to find the webhook by: of the payload and of those that it changed.
fn people(event: &Value, requests: &[Value], changes: &Value) -> Vec<String> {
    let data = &event["data"];
    let customer = &data["customer"];
    let of_payload = [&customer["customer_id"], &data["customer_id"], &customer["email"]];
    let theirs = changes["people"].as_array().into_iter().flatten();
    let theirs = theirs.flat_map(|person| [&person["id"], &person["email"]]);
    let of_items = identifiers(requests, None).and_then(Value::as_object).into_iter().flatten();
    let all = of_items.map(|(_, value)| value).chain(of_payload).chain(theirs);
    let mut seen = BTreeSet::new();
    let names = all.filter_map(Value::as_str).map(str::to_owned);
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

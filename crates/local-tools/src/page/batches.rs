//! Queue mode: batches of the queue function, and what each made of the webhooks in it.

use super::{Page, advice, changes, record};
use serde_json::{Value, json};
use stand_ins::journal::Invocation;

/// All requests to Customer.io that a record knows of, its own and those of batches.
pub fn all_requests(record: &Value) -> impl Iterator<Item = &Value> {
    let of_batches = record["deliveries"].as_array().into_iter().flatten();
    let of_batches = of_batches.flat_map(|it| it["requests"].as_array().into_iter().flatten());
    record["requests"].as_array().into_iter().flatten().chain(of_batches)
}

/// Whether Customer.io applied a request's items, but for those that it refused.
pub fn is_applied(request: &Value) -> bool {
    request["changes"].is_object()
        && request["status"].as_u64().is_none_or(|status| (200..300).contains(&status))
}

/// Whether a webhook is in the queue.
pub fn waits(record: &Value) -> bool {
    record["outcome"] == "queued" && (record["delivery"].is_null() || record["delivery"] == "retry")
}

/// The record of a webhook that was in the queue of an earlier run.
pub fn lost(mut record: Value) -> Value {
    record["delivery"] = "lost".into();
    record["explanation"] = json!({
        "why": "It was in the queue when make dev ended. The local queue is in memory, so it is gone; a deployed one \
                keeps it.",
        "advice": "Replay the webhook.",
    });
    record
}

/// The positions of the items that Customer.io refused.
pub fn refused(request: &Value) -> Vec<u64> {
    let errors = request["response"]["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["batch_index"].as_u64()).collect()
}

impl Page {
    /// Adds a batch to the record of each webhook that was in it.
    pub(super) fn keep_batch(&self, invocation: &Invocation) {
        let messages = invocation.event["Records"].as_array().into_iter().flatten();
        let messages: Vec<&Value> = messages.collect();
        let requests = record::requests(invocation);
        let lookups = record::lookups(invocation);
        self.learn(invocation);
        for message in &messages {
            let id = message["messageAttributes"]["webhook-id"]["stringValue"].as_str();
            let number = id.and_then(|id| self.history().newest(id, 0));
            let Some(mut record) = number.and_then(|number| self.history().record(number)) else {
                continue;
            };
            self.explain_again(&mut record, invocation.at);
            let delivery = json!({
                "at": invocation.at,
                "took": u64::try_from(invocation.took.as_millis()).unwrap_or(u64::MAX),
                "webhooks": messages.len(),
                "comes_again": comes_again(invocation.response.as_ref(), &message["messageId"]),
                "requests": requests,
                "lookups": own_lookups(&record, &lookups),
            });
            self.history().add(&delivered(record, delivery, self.setup().has_key));
        }
    }
}

/// Whether a message was not done.
fn comes_again(response: Option<&Value>, message_id: &Value) -> bool {
    let Some(response) = response.filter(|it| it.get("error").is_none()) else { return true };
    let failures = response["batchItemFailures"].as_array().into_iter().flatten();
    failures.into_iter().any(|failure| failure["itemIdentifier"] == *message_id)
}

/// The record with one more delivery, which says what became of it.
fn delivered(mut record: Value, mut delivery: Value, has_key: bool) -> Value {
    let requests = delivery["requests"].as_array().cloned().unwrap_or_default();
    let own: Vec<Value> = requests.iter().filter_map(|it| own_request(&record, it)).collect();
    let computed = record["transform"]["outcome"].as_str();
    let is_unclear = computed == Some("sent") && own.is_empty() && !requests.is_empty();
    let verdict = if delivery["comes_again"] == true {
        "retry"
    } else if computed == Some("rejected")
        || own.iter().any(|it| !refused(it).is_empty() || it["status"] == 400)
    {
        "rejected"
    } else if computed == Some("ignored") && own.is_empty() {
        "ignored"
    } else {
        "delivered"
    };
    record["delivery"] = verdict.into();
    record["explanation"] = explanation(&record, verdict, has_key);
    if record["person"]["why"].is_null() && record["explanation"].is_object() {
        for part in ["why", "advice"] {
            record["person"][part] = record["explanation"][part].clone();
        }
    }
    let changed = changes::merged(requests.iter().map(|it| &it["changes"]));
    let changed = if is_unclear { changed } else { own_changes(&record, &changed, &own) };
    record["changes"] = changes::merged([&record["changes"], &changed].into_iter());
    let repeated = record["changes"]["repeated"].as_array().is_some_and(|ids| !ids.is_empty());
    record["repeated"] = repeated.into();
    let attempts = if is_unclear { requests.len() } else { own.len() };
    record["attempts"] = (record["attempts"].as_u64().unwrap_or_default() + attempts as u64).into();
    delivery["is_unclear"] = is_unclear.into();
    if let Some(deliveries) = record["deliveries"].as_array_mut() {
        deliveries.push(delivery);
    }
    record
}

/// Why the queue function did not deliver it, and what to do; null if it did.
fn explanation(record: &Value, verdict: &str, has_key: bool) -> Value {
    let transform = &record["transform"];
    let event =
        serde_json::from_str(record["body"].as_str().unwrap_or_default()).unwrap_or_default();
    match (verdict, transform["reason"].as_str()) {
        ("delivered", _) => Value::Null,
        (_, Some(reason)) => advice::on(Some(verdict), Some(reason), has_key, &event),
        ("rejected", None) => {
            advice::on(Some(verdict), Some("refused_by_customerio"), has_key, &event)
        }
        (_, None) => json!({
            "why": "The queue function could not deliver it, so it comes again, and after many times it is a dead \
                    letter. Its log says why.",
            "advice": "Look at the requests and lookups below. Once the cause is gone, it is delivered by itself.",
        }),
    }
}

/// A record that shows no items of other webhooks, which are in the same requests.
pub fn own_part(mut record: Value) -> Value {
    let whole = record.clone();
    for delivery in record["deliveries"].as_array_mut().into_iter().flatten() {
        let requests = delivery["requests"].as_array().into_iter().flatten();
        delivery["requests"] = requests.filter_map(|it| own_request(&whole, it)).collect();
    }
    record
}

/// Of a batch's request what is this webhook's; `None` if nothing is.
fn own_request(record: &Value, request: &Value) -> Option<Value> {
    let Some(items) = request["body"]["batch"].as_array() else {
        let is_own = |it: &&Value| it["path"] == request["path"] && it["body"] == request["body"];
        return computed(record).any(|it| is_own(&it)).then(|| request.clone());
    };
    let own = own_indices(record, items);
    let place = |index: u64| own.iter().position(|own| *own as u64 == index);
    let errors = request["response"]["errors"].as_array().into_iter().flatten();
    let errors: Vec<Value> = errors
        .filter_map(|error| {
            let mut error = error.clone();
            if let Some(index) = error["batch_index"].as_u64() {
                error["batch_index"] = place(index)?.into();
            }
            Some(error)
        })
        .collect();
    let mut part = request.clone();
    part["body"]["batch"] = own.iter().map(|index| items[*index].clone()).collect();
    part["others"] = (items.len() - own.len()).into();
    if request["response"]["errors"].is_array() {
        part["response"]["errors"] = errors.into();
    }
    (!own.is_empty()).then_some(part)
}

fn computed(record: &Value) -> impl Iterator<Item = &Value> {
    record["transform"]["requests"].as_array().into_iter().flatten()
}

/// The positions of a webhook's items: those that were computed here, and those that name it. What only the queue
/// function could look up changes attributes, so an item may also be known by whom and when it is about.
fn own_indices(record: &Value, items: &[Value]) -> Vec<usize> {
    let is_named = |item: &Value| {
        let id = &item["attributes"]["dodo_webhook_id"];
        id.is_string() && *id == record["webhook_id"]
    };
    let mut own: Vec<usize> = (0..items.len()).filter(|index| is_named(&items[*index])).collect();
    let expected = computed(record).filter_map(|it| it["body"]["batch"].as_array()).flatten();
    for wanted in expected {
        let is_like = |item: &Value| {
            ["type", "action", "identifiers", "timestamp", "name"]
                .iter()
                .all(|part| item[*part] == wanted[*part])
        };
        let is_other = |item: &Value| item["attributes"]["dodo_webhook_id"].is_string();
        let exact = items.iter().position(|item| item == wanted);
        let like = || items.iter().position(|item| is_like(item) && !is_other(item));
        own.extend(exact.or_else(like));
    }
    own.sort_unstable();
    own.dedup();
    own
}

/// Of a batch's lookups those of what the event names, and of what that names.
fn own_lookups(record: &Value, lookups: &[Value]) -> Vec<Value> {
    let mut text = record["body"].as_str().unwrap_or_default().to_owned();
    let mut own: Vec<&Value> = Vec::new();
    for _ in 0..2 {
        own = lookups.iter().filter(|it| names_part_of(it, &text)).collect();
        text.extend(own.iter().map(|it| it["response"].to_string()));
    }
    own.into_iter().cloned().collect()
}

/// Whether an id in a path is also in a text.
fn names_part_of(lookup: &Value, text: &str) -> bool {
    let path = lookup["path"].as_str().unwrap_or_default();
    let mut parts =
        path.split(['/', '?', '&']).map(|it| it.split_once('=').map_or(it, |(_, value)| value));
    parts.any(|it| it.contains('_') && text.contains(it))
}

/// Of what a batch changed, what is about this webhook's person, objects and event ids.
fn own_changes(record: &Value, changes: &Value, requests: &[Value]) -> Value {
    let items: Vec<&Value> =
        requests.iter().filter_map(|it| it["body"]["batch"].as_array()).flatten().collect();
    let people = changes["people"].as_array().into_iter().flatten();
    let of = |list: &str, is_own: &dyn Fn(&&Value) -> bool| -> Vec<Value> {
        changes[list].as_array().into_iter().flatten().filter(is_own).cloned().collect()
    };
    let is_object =
        |change: &&Value| items.iter().any(|it| it["identifiers"]["object_id"] == change["id"]);
    let is_event = |id: &&Value| items.iter().any(|item| item["id"] == **id);
    json!({
        "people": people.filter_map(|it| own_person(record, it, &items)).collect::<Vec<_>>(),
        "objects": of("objects", &is_object),
        "repeated": of("repeated", &is_event),
    })
}

/// What a webhook's own items changed of a person; `None` if nothing.
fn own_person(record: &Value, change: &Value, items: &[&Value]) -> Option<Value> {
    let names: Vec<&Value> = record["people"].as_array().into_iter().flatten().collect();
    let identified = items.iter().filter_map(|item| item["identifiers"].as_object());
    let names: Vec<&Value> =
        names.into_iter().chain(identified.flat_map(|it| it.values())).collect();
    let mut identities = [&change["id"], &change["email"]].into_iter();
    if items.is_empty() || !identities.any(|it| it.is_string() && names.contains(&it)) {
        return None;
    }
    let sent = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        items.iter().any(|it| {
            it["identifiers"].get(name).is_some()
                || it["action"] != "event" && it["attributes"].get(name).is_some()
        })
    };
    let is_own_event = |event: &Value| match &event["attributes"]["dodo_webhook_id"] {
        Value::String(id) => record["webhook_id"] == id.as_str(),
        _ => items.iter().any(|it| it["action"] == "event" && it["name"] == event["name"]),
    };
    let mut own = change.clone();
    let retain = |list: &mut Value, is_own: &dyn Fn(&Value) -> bool| {
        list.as_array_mut().is_none_or(|all| {
            all.retain(is_own);
            all.is_empty()
        })
    };
    let is_same = [
        retain(&mut own["attributes"], &|it| sent(&it["name"])),
        retain(&mut own["kept"], &|it| sent(&it["name"])),
        retain(&mut own["events"], &is_own_event),
    ];
    let is_gone = change["deleted"] == true;
    (is_gone || is_same.contains(&false)).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Value {
        json!({
            "webhook_id": "msg_1", "people": ["cus_1"], "attempts": 0, "deliveries": [], "changes": null,
            "transform": {"outcome": "sent", "requests": []}, "person": {"why": "named"}, "body": "{}",
        })
    }

    fn delivery(comes_again: bool, errors: Value) -> Value {
        let item = |id: &str, ulid: &str| {
            json!({
                "id": ulid, "action": "event", "name": "Paid", "identifiers": {"id": "cus_1"},
                "attributes": {"dodo_webhook_id": id},
            })
        };
        let event = |id: &str| json!({"name": "Paid", "attributes": {"dodo_webhook_id": id}});
        let person = |id: &str| {
            json!({
                "cio_id": format!("cio_{id}"), "id": id, "attributes": [{"name": "plan"}], "kept": [],
                "events": [event("msg_0"), event("msg_1")],
            })
        };
        json!({"comes_again": comes_again, "requests": [{
            "body": {"batch": [item("msg_0", "00"), item("msg_1", "01")]},
            "response": {"errors": errors},
            "changes": {"people": [person("cus_0"), person("cus_1")], "objects": [], "repeated": ["00", "01"]},
        }]})
    }

    #[test]
    fn of_a_batch_each_webhook_has_its_own_part() {
        let first = delivered(record(), delivery(true, json!([])), false);
        assert_eq!((&first["delivery"], &first["attempts"]), (&json!("retry"), &json!(1)));
        let done = delivered(first, delivery(false, json!([{"batch_index": 0}])), false);
        assert_eq!((&done["delivery"], &done["attempts"]), (&json!("delivered"), &json!(2)));
        let people = done["changes"]["people"].as_array().unwrap();
        assert_eq!((people.len(), &people[0]["id"]), (1, &json!("cus_1")));
        assert_eq!(people[0]["attributes"], json!([]));
        let events = people[0]["events"].as_array().unwrap();
        assert!(
            events.iter().all(|it| it["attributes"]["dodo_webhook_id"] == "msg_1"),
            "{events:?}"
        );
        assert_eq!(
            (&done["changes"]["repeated"], &done["repeated"]),
            (&json!(["01", "01"]), &json!(true))
        );
        assert_eq!(
            (done["deliveries"].as_array().unwrap().len(), all_requests(&done).count()),
            (2, 2)
        );
        let refused = delivered(record(), delivery(false, json!([{"batch_index": 1}])), false);
        assert_eq!(refused["delivery"], "rejected");
        let part = own_part(refused);
        let request = &part["deliveries"][0]["requests"][0];
        assert_eq!(request["body"]["batch"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&request["others"], &request["response"]["errors"]),
            (&json!(1), &json!([{"batch_index": 0}]))
        );
    }

    #[test]
    fn what_was_ignored_has_nothing_of_its_batch_and_a_reason() {
        let mut ignored = record();
        ignored["webhook_id"] = "msg_2".into();
        ignored["person"] = json!({"why": null, "advice": null});
        ignored["transform"] =
            json!({"outcome": "ignored", "reason": "no_customer", "requests": []});
        let ignored = delivered(ignored, delivery(false, json!([])), false);
        assert_eq!((&ignored["delivery"], &ignored["attempts"]), (&json!("ignored"), &json!(0)));
        assert_eq!(ignored["changes"]["people"], json!([]));
        assert!(ignored["person"]["why"].as_str().unwrap().starts_with("No customer"), "{ignored}");
        assert_eq!(own_part(ignored)["deliveries"][0]["requests"], json!([]));
    }

    #[test]
    fn what_was_in_the_queue_of_an_earlier_run_is_lost() {
        let mut queued = record();
        queued["outcome"] = "queued".into();
        assert!(waits(&queued) && !waits(&record()));
        let lost = lost(queued.clone());
        assert!(!waits(&lost) && lost["explanation"]["why"].is_string());
        assert!(waits(&delivered(queued.clone(), delivery(true, json!([])), false)));
        assert!(!waits(&delivered(queued, delivery(false, json!([])), false)));
    }

    #[test]
    fn a_message_is_done_unless_the_response_names_it_or_there_is_none() {
        let response = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        let again = |response: Option<&Value>, id: &str| comes_again(response, &json!(id));
        assert!(again(Some(&response), "a") && !again(Some(&response), "b"));
        assert!(again(None, "b") && again(Some(&json!({"error": {}})), "b"));
    }
}

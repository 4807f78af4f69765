//! Queue mode: batches of the queue function, and what each made of the webhooks in it.

use super::{Page, changes, record};
use serde_json::{Value, json};
use stand_ins::journal::Invocation;

/// All requests to Customer.io that a record knows of, its own and those of batches.
pub fn all_requests(record: &Value) -> impl Iterator<Item = &Value> {
    let of_batches = record["deliveries"].as_array().into_iter().flatten();
    let of_batches = of_batches.flat_map(|it| it["requests"].as_array().into_iter().flatten());
    record["requests"].as_array().into_iter().flatten().chain(of_batches)
}

impl Page {
    /// Adds a batch to the record of each webhook that was in it.
    pub(super) fn keep_batch(&self, invocation: &Invocation) {
        let messages = invocation.event["Records"].as_array().into_iter().flatten();
        let messages: Vec<&Value> = messages.collect();
        let requests = record::requests(invocation);
        for message in &messages {
            let id = &message["messageAttributes"]["webhook-id"]["stringValue"];
            let delivery = json!({
                "at": invocation.at,
                "took": u64::try_from(invocation.took.as_millis()).unwrap_or(u64::MAX),
                "webhooks": messages.len(),
                "comes_again": comes_again(invocation.response.as_ref(), &message["messageId"]),
                "requests": requests,
            });
            let mut history = self.history();
            let number = id.as_str().and_then(|id| history.newest(id, 0));
            if let Some(record) = number.and_then(|number| history.record(number)) {
                history.add(&delivered(record, delivery));
            }
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
fn delivered(mut record: Value, delivery: Value) -> Value {
    let requests = delivery["requests"].as_array().cloned().unwrap_or_default();
    let items = own_items(&record, &requests);
    let is_refused = items.iter().any(|(_, is_refused)| *is_refused);
    record["delivery"] = if delivery["comes_again"] == true {
        "retry"
    } else if is_refused {
        "rejected"
    } else if record["transform"]["outcome"] == "ignored" {
        "ignored"
    } else {
        "delivered"
    }
    .into();
    let changed = changes::merged(requests.iter().map(|it| &it["changes"]));
    let before = record["changes"].clone();
    record["changes"] =
        changes::merged([&before, &own_changes(&record, &changed, &items)].into_iter());
    let repeated = record["changes"]["repeated"].as_array().is_some_and(|ids| !ids.is_empty());
    record["repeated"] = repeated.into();
    record["attempts"] =
        (record["attempts"].as_u64().unwrap_or_default() + requests.len() as u64).into();
    if let Some(deliveries) = record["deliveries"].as_array_mut() {
        deliveries.push(delivery);
    }
    record
}

/// The items in a batch's requests that are this webhook's, and whether Customer.io refused each.
fn own_items(record: &Value, requests: &[Value]) -> Vec<(Value, bool)> {
    let computed = record["transform"]["requests"].as_array().into_iter().flatten();
    let computed: Vec<&Value> =
        computed.filter_map(|it| it["body"]["batch"].as_array()).flatten().collect();
    let is_own = |item: &Value| {
        let id = &item["attributes"]["dodo_webhook_id"];
        computed.contains(&item) || (id.is_string() && *id == record["webhook_id"])
    };
    let of_request = |request: &Value| -> Vec<(Value, bool)> {
        let errors = request["response"]["errors"].as_array().cloned().unwrap_or_default();
        let is_refused = |index: usize| errors.iter().any(|it| it["batch_index"] == index);
        let items = request["body"]["batch"].as_array().into_iter().flatten().enumerate();
        let own = items.filter(|(_, item)| is_own(item));
        own.map(|(index, item)| (item.clone(), is_refused(index))).collect()
    };
    requests.iter().flat_map(of_request).collect()
}

/// Of what a batch changed, what is about this webhook's person, objects and event ids.
fn own_changes(record: &Value, changes: &Value, items: &[(Value, bool)]) -> Value {
    let names: Vec<&Value> = record["people"].as_array().into_iter().flatten().collect();
    let is_named = |change: &&Value| {
        let own = [&change["id"], &change["email"]];
        own.into_iter().any(|name| name.is_string() && names.contains(&name))
    };
    let is_object = |change: &&Value| {
        let id = &change["id"];
        items.iter().any(|(item, _)| item["identifiers"]["object_id"] == *id)
    };
    let is_event = |id: &&Value| items.iter().any(|(item, _)| item["id"] == **id);
    let of = |list: &str, is_own: &dyn Fn(&&Value) -> bool| -> Vec<Value> {
        changes[list].as_array().into_iter().flatten().filter(is_own).cloned().collect()
    };
    json!({
        "people": of("people", &is_named),
        "objects": of("objects", &is_object),
        "repeated": of("repeated", &is_event),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Value {
        json!({
            "webhook_id": "msg_1", "people": ["cus_1"], "attempts": 0, "deliveries": [], "changes": null,
            "transform": {"outcome": "sent", "requests": []},
        })
    }

    fn delivery(comes_again: bool, errors: Value) -> Value {
        let item =
            |id: &str, ulid: &str| json!({"id": ulid, "attributes": {"dodo_webhook_id": id}});
        let person = |id: &str| json!({"cio_id": format!("cio_{id}"), "id": id, "attributes": [], "events": []});
        json!({"comes_again": comes_again, "requests": [{
            "body": {"batch": [item("msg_0", "00"), item("msg_1", "01")]},
            "response": {"errors": errors},
            "changes": {"people": [person("cus_0"), person("cus_1")], "objects": [], "repeated": ["00", "01"]},
        }]})
    }

    #[test]
    fn of_a_batch_each_webhook_has_its_own_part() {
        let first = delivered(record(), delivery(true, json!([])));
        assert_eq!((&first["delivery"], &first["attempts"]), (&json!("retry"), &json!(1)));
        let done = delivered(first, delivery(false, json!([{"batch_index": 0}])));
        assert_eq!((&done["delivery"], &done["attempts"]), (&json!("delivered"), &json!(2)));
        let people = done["changes"]["people"].as_array().unwrap();
        assert_eq!((people.len(), &people[0]["id"]), (1, &json!("cus_1")));
        assert_eq!(
            (&done["changes"]["repeated"], &done["repeated"]),
            (&json!(["01", "01"]), &json!(true))
        );
        assert_eq!(
            (done["deliveries"].as_array().unwrap().len(), all_requests(&done).count()),
            (2, 2)
        );
        let refused = delivered(record(), delivery(false, json!([{"batch_index": 1}])));
        assert_eq!(refused["delivery"], "rejected");
    }

    #[test]
    fn a_message_is_done_unless_the_response_names_it_or_there_is_none() {
        let response = json!({"batchItemFailures": [{"itemIdentifier": "a"}]});
        let again = |response: Option<&Value>, id: &str| comes_again(response, &json!(id));
        assert!(again(Some(&response), "a") && !again(Some(&response), "b"));
        assert!(again(None, "b") && again(Some(&json!({"error": {}})), "b"));
    }
}

//! Why a webhook was not delivered, and what to do: the rows of `docs/troubleshooting.md`, as they apply here.

use serde_json::{Value, json};

/// `{why, advice}` for the reason of a response; null for what was delivered.
pub fn on(outcome: Option<&str>, reason: Option<&str>, has_key: bool, event: &Value) -> Value {
    let Some(reason) = reason else {
        return match outcome {
            Some("delivered" | "queued") => Value::Null,
            Some(_) => json!({"why": null, "advice": null}),
            None => json!({
                "why": "The function did not respond in time, or is not there.",
                "advice": "Look at its log; the page names the file.",
            }),
        };
    };
    let (why, advice) = match reason {
        "no_email" => no_email(has_key, event),
        other => known(other),
    };
    json!({ "why": why, "advice": advice })
}

fn no_email(has_key: bool, event: &Value) -> (String, String) {
    let data = &event["data"];
    let id = data["customer_id"].as_str().or_else(|| data["customer"]["customer_id"].as_str());
    let carries = id.map_or("no address".to_owned(), |id| format!("only a customer id ({id})"));
    let why = format!(
        "PERSON_IDENTIFIER is email, but the event carries {carries}, so nobody knows the address."
    );
    let advice = if has_key {
        "The function has a dodo_api_key, but Dodo's API gave no address for this id."
    } else {
        "Give the function a dodo_api_key, which finds the address: here by starting make dev KEY=1, for a stack with \
         make secret. Or let PERSON_IDENTIFIER be customer_id."
    };
    (why, advice.to_owned())
}

/// Reason, why, what to do.
type Row = (&'static str, &'static str, &'static str);

const ROWS: [Row; 28] = [
    (
        "no_customer",
        "No customer can be read from this event.",
        "If it is a payout, this is right: it is about nobody. Otherwise look at the field that the message names; for a dispute, \
         a dodo_api_key finds the customer by the payment.",
    ),
    (
        "no_own_id",
        "PERSON_IDENTIFIER names a key of metadata that is not in the event, and no address is known either.",
        "Put your own id into the metadata of checkouts and subscriptions, or give the function a dodo_api_key: make \
         dev KEY=1.",
    ),
    (
        "event_off",
        "EVENTS leaves this type out, or EVENT_NAMES gives it an empty name.",
        "Change the file with the settings; it is taken at once. Then replay the webhook.",
    ),
    (
        "not_handled",
        "No handler of the JavaScript transform changed webhook.url or webhook.payload.",
        "If this type should be sent, let a handler handle it; the file is taken at once. Then replay the webhook.",
    ),
    (
        "cancelled",
        "A handler set webhook.cancel.",
        "That is what the file says; change it if it is wrong.",
    ),
    (
        "dropped",
        "An extend of the JavaScript transform returned null, or a batch without items.",
        "That is what the file says; change it if it is wrong.",
    ),
    (
        "signature_mismatch",
        "The signature does not match any secret that the function has.",
        "The stored secret belongs to another endpoint or was rotated: store the new one. Here: clear the \
         rotation, or send it without the wrong signature.",
    ),
    (
        "timestamp_outside_tolerance",
        "The webhook was signed more than WEBHOOK_TOLERANCE_SECONDS ago, so it may be a copy that somebody kept.",
        "Replay it as Dodo retries: the same bytes and id, signed as of now.",
    ),
    (
        "headers_missing",
        "The headers of a webhook are missing.",
        "Nothing; Dodo always sends them.",
    ),
    (
        "headers_malformed",
        "The headers of a webhook cannot be read.",
        "Nothing; Dodo always sends them.",
    ),
    (
        "no_dodo_event",
        "The body is signed, but it is not JSON with a type and data.",
        "Compare it with a sample, such as payment.succeeded.",
    ),
    (
        "refused_by_customerio",
        "Customer.io refuses something for good; its own reasons are in the response. Dodo does not retry.",
        "Change what makes the item, such as the transform, then replay the webhook: what was accepted before is not \
         counted again.",
    ),
    (
        "transform_failed",
        "A JavaScript file failed; the message names file and line.",
        "Change the file; it is taken at once. Dodo retries by itself; here, replay the webhook.",
    ),
    (
        "credentials_refused",
        "Customer.io refuses the Site ID and the API Key that the function has. It reads the secret again at most every \
         30 s.",
        "Store the right ones, make secret, unless they are; then wait for 30 s. Here: clear the fault.",
    ),
    (
        "wrong_region",
        "Customer.io says that the workspace is in its other region.",
        "make deploy PARAMS=CustomerIoRegion=… Here: clear the fault.",
    ),
    (
        "secret_invalid",
        "The secret lacks a field, or has one that cannot be used.",
        "Store it again: make secret. Here: clear the fault.",
    ),
    (
        "secret_refused",
        "AWS Secrets Manager does not give the secret to the function.",
        "Check the permission, key or setting that the message names. Here: clear the fault.",
    ),
    (
        "secret_unreachable",
        "AWS Secrets Manager could not be reached, and no earlier secret was there to serve.",
        "Nothing; Dodo retries. Here: clear the fault.",
    ),
    ("customerio_unreachable", "Customer.io could not be reached.", RETRIES),
    ("customerio_broken_connection", "The connection to Customer.io broke, three times.", RETRIES),
    ("customerio_timeout", "Customer.io did not respond in time.", RETRIES),
    ("customerio_unavailable", "Customer.io had a failure of its own.", RETRIES),
    (
        "customerio_rate_limited",
        "Customer.io was asked to wait for longer than the webhook can.",
        RETRIES,
    ),
    (
        "customerio_unreadable_response",
        "What came back is not Customer.io's; a proxy may stand before it.",
        "If it stays: check CUSTOMERIO_TRACK_URL. Here: clear the fault.",
    ),
    (
        "customerio_unexpected_response",
        "Customer.io gave a status without one of its reasons; a proxy may stand before it.",
        "If it stays: check CUSTOMERIO_TRACK_URL. Here: clear the fault.",
    ),
    (
        "dodo_rate_limited",
        "Only Dodo's API knows something that this event waits for, and it asked to wait. Until then the function \
         asks nothing.",
        "Nothing: Dodo retries for 27 hours. Here: clear the fault, wait for 10 s, then replay the webhook.",
    ),
    (
        "body_size",
        "The body is larger than 1 MiB: no webhook of Dodo's.",
        "Nothing; Dodo's are smaller.",
    ),
    ("method", "It was not posted: no webhook of Dodo's.", "Nothing; Dodo always posts."),
];

const RETRIES: &str =
    "Nothing: Dodo retries for 27 hours. Here: clear the fault, then replay the webhook.";

fn known(reason: &str) -> (String, String) {
    if let Some((_, why, advice)) = ROWS.into_iter().find(|(known, _, _)| *known == reason) {
        return (why.to_owned(), advice.to_owned());
    }
    if reason.starts_with("dodo_") {
        return (
            "Only Dodo's API knows something that this event waits for, and it did not respond as it should.".to_owned(),
            RETRIES.to_owned(),
        );
    }
    (String::new(), "See docs/troubleshooting.md.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_troubleshooting_page_is_explained() {
        let page = include_str!("../../../../docs/troubleshooting.md");
        let table = page.split("## Replaying messages").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
        let reasons: Vec<&str> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(reasons.len() > 20, "{reasons:?}");
        for reason in reasons.iter().map(|reason| reason.replace('…', "timeout")) {
            let explained = on(Some("x"), Some(&reason), false, &Value::Null);
            assert_ne!(explained["why"], "", "{reason}");
        }
        for (reason, ..) in ROWS {
            assert!(table.contains(&format!("`{reason}`")), "{reason}");
        }
    }

    #[test]
    fn an_event_without_an_address_says_which_id_it_has_and_what_finds_the_address() {
        let event = json!({"data": {"customer_id": "cus_1"}});
        let explained = |has_key| on(Some("ignored"), Some("no_email"), has_key, &event);
        assert!(explained(false)["why"].as_str().unwrap().contains("(cus_1)"));
        assert!(explained(false)["advice"].as_str().unwrap().contains("make dev KEY=1"));
        assert!(explained(true)["advice"].as_str().unwrap().contains("gave no address"));
        assert_eq!(on(Some("delivered"), None, false, &event), Value::Null);
    }
}

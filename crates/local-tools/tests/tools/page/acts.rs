//! What somebody does on the page: replay, let services fail, keep an event, compare transforms.

use super::Page;
use crate::running::{Folder, local, root};
use serde_json::{Value, json};
use stand_ins::dodo::random_hex;
use std::fs;

#[tokio::test]
async fn a_replay_counts_once_and_an_edited_one_is_signed_again() {
    let page = Page::start(&[]).await;
    let first = page.send_sample("payment.succeeded").await;
    let number = &first["number"];
    for how in ["retry", "exact"] {
        let sent = page.post(&format!("webhooks/{number}/replay"), json!({"how": how})).await;
        let record = page.record(&sent).await;
        assert_eq!(
            (&record["body"], &record["webhook_id"]),
            (&first["body"], &first["webhook_id"])
        );
        assert_eq!((&record["repeated"], &record["replay_of"]), (&json!(true), number));
        assert_eq!(record["changes"]["people"], json!([]));
        let is_same =
            record["headers"]["webhook-signature"] == first["headers"]["webhook-signature"];
        assert!(how == "retry" || is_same);
    }
    let mut event: Value = serde_json::from_str(first["body"].as_str().unwrap()).unwrap();
    event["data"]["total_amount"] = 4_200.into();
    let edited = json!({"body": event.to_string(), "replay_of": number});
    let record = page.record(&page.post("send", edited).await).await;
    assert_eq!((&record["repeated"], &record["replay_of"]), (&json!(false), number));
    assert!(record["changes"].to_string().contains("42.00"));
    for (path, body, expected) in [
        ("webhooks/99/replay", json!({"how": "retry"}), 404),
        ("webhooks/1/replay", json!({"how": "anyhow"}), 400),
        ("send", json!({}), 400),
        ("send", json!({"body": "{}", "id": "two words"}), 400),
        ("send", json!([]), 400),
    ] {
        let (status, response) = page.try_post(path, body).await;
        assert!(status == expected && response["error"].is_string(), "{path}: {status} {response}");
    }
    let malformed = page.post("send", json!({"body": "no JSON"})).await;
    assert_eq!(
        (&malformed["status"], &malformed["response"]["outcome"]),
        (&json!(400), &json!("malformed"))
    );
    page.end().await;
}

#[tokio::test]
async fn each_fault_makes_the_function_give_the_reason_that_it_names() {
    let page = Page::start(&[]).await;
    let event = page.sample("payment.succeeded").await;
    let faults = page.get("faults").await["faults"].clone();
    for fault in faults.as_array().unwrap().iter().filter(|it| it["shows"].is_string()) {
        let (id, service) = (fault["id"].as_str().unwrap(), fault["service"].as_str().unwrap());
        let active = page.post("faults", json!({"id": id, "times": null})).await["active"].clone();
        assert_eq!(active, json!([{"id": id, "times": null}]));
        // A secret that was read before would serve on.
        if service == "secrets_manager" {
            page.restart().await;
        }
        let record = page.send(&event).await;
        assert_eq!(record["reason"], fault["shows"], "{id}: {}", record["message"]);
        let explanation = record["explanation"]["why"].as_str();
        assert!(explanation.is_some_and(|why| !why.is_empty()), "{id}");
        if service == "customerio" {
            let request = &record["requests"][0];
            assert!(request["fault"].is_string() && request["took"].is_u64(), "{id}: {request}");
        }
        page.post("faults/clear", json!({})).await;
        if service == "secrets_manager" {
            page.restart().await;
        }
        let state = page.get("state").await;
        assert!(state["faults"].as_object().unwrap().values().all(Value::is_null), "{state}");
    }
    assert_eq!(page.send(&event).await["outcome"], "delivered");
    for (body, expected) in [
        (json!({"id": "customerio.999"}), 404),
        (json!({"id": "customerio.503", "times": 0}), 400),
        (json!({"id": "customerio.503", "times": "two"}), 400),
    ] {
        assert_eq!(page.try_post("faults", body).await.0, expected);
    }
    page.end().await;
}

#[tokio::test]
async fn of_a_207_all_but_the_refused_item_is_applied() {
    let page = Page::start(&[]).await;
    page.post("faults", json!({"id": "customerio.207", "times": 1})).await;
    let refused = page.send_sample("payment.succeeded").await;
    assert_eq!((&refused["status"], &refused["requests"][0]["status"]), (&json!(422), &json!(207)));
    assert_eq!(refused["requests"][0]["response"]["errors"][0]["batch_index"], 1);
    let person = &refused["changes"]["people"][0];
    assert_eq!((&person["created"], &person["events"]), (&json!(true), &json!([])));
    let sent = page.post("webhooks/1/replay", json!({"how": "retry"})).await;
    let replayed = page.record(&sent).await;
    assert_eq!((&replayed["status"], &replayed["repeated"]), (&json!(200), &json!(false)));
    assert_eq!(replayed["changes"]["people"][0]["events"][0]["name"], "Payment Completed");
    page.end().await;
}

#[tokio::test]
async fn a_rotated_secret_that_was_stored_costs_no_webhook() {
    let page = Page::start(&[]).await;
    // The function reads the secret at most every 30 s.
    page.restart().await;
    page.post("faults", json!({"id": "rotation.webhook_secret_stored"})).await;
    page.restart().await;
    assert_eq!(page.send_sample("payment.succeeded").await["status"], 200);
    page.post("faults", json!({"id": "rotation.customerio_stored"})).await;
    page.restart().await;
    let record = page.send_sample("payment.succeeded").await;
    assert_eq!(record["status"], 200, "{}", record["message"]);
    // "All well again" means that the next webhook is delivered, whatever pair the function has read.
    page.post("faults", json!({"id": "rotation.customerio_stored"})).await;
    page.post("faults/clear", json!({})).await;
    let record = page.send_sample("payment.succeeded").await;
    assert_eq!(record["status"], 200, "{}", record["message"]);
    // Another terminal signs with the secret of the start.
    let port = page.dev().port.clone();
    let send = move || local(&["send", "payment.failed", "--port", &port], &[]);
    assert_eq!(tokio::task::spawn_blocking(send).await.unwrap().code, Some(0));
    page.end().await;
}

/// A name in `events/own/`; its files are removed when this is dropped.
struct Kept(String);

impl Kept {
    fn paths(&self) -> [std::path::PathBuf; 2] {
        let folder = root().join("events/own");
        [folder.join(format!("{}.json", self.0)), folder.join(format!("expected/{}.json", self.0))]
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.paths().iter().for_each(|path| drop(fs::remove_file(path)));
    }
}

/// A transform that gives the event another name.
fn naming(name: &str) -> String {
    format!("function extend(request) {{ request.batch.at(-1).name = '{name}'; return request }}")
}

#[tokio::test]
async fn a_kept_event_has_no_person_in_it_and_is_a_test_of_the_transform() {
    let folder = Folder::new();
    let path = folder.write("mine.js", &naming("One"));
    let settings = folder.write("email.env", "PERSON_IDENTIFIER=email\n");
    let page = Page::start(&["--transform", &path, "--settings", &settings]).await;
    let kept = Kept(format!("kept-{}", random_hex()));
    let mut event = page.sample("payment.failed").await;
    event["data"]["customer"]["email"] = "Grace@navy.example.org".into();
    event["data"]["customer"]["name"] = "Grace Hopper".into();
    let record = page.send(&event).await;
    let keep = format!("webhooks/{}/keep", record["number"]);
    let would_be = page.post(&keep, json!({"name": kept.0, "write": false})).await;
    assert!(!would_be["event"].to_string().contains("Grace"), "{would_be}");
    assert!(would_be["replaced"].as_array().unwrap().contains(&json!("data.customer.email")));
    assert_eq!(would_be["expected"]["requests"][0]["body"]["batch"][1]["name"], "One");
    assert!(kept.paths().iter().all(|path| !path.exists()));

    let command = format!("make check TRANSFORM={path} SETTINGS={settings}");
    assert_eq!(would_be["check"], command.as_str());
    page.post(&keep, json!({"name": kept.0, "write": true})).await;
    assert!(kept.paths().iter().all(|path| path.exists()));
    assert_eq!(page.try_post(&keep, json!({"name": kept.0, "write": true})).await.0, 409);
    for name in ["", "../mine", "a/b", ".hidden"] {
        assert_eq!(
            page.try_post(&keep, json!({"name": name, "write": true})).await.0,
            400,
            "{name}"
        );
    }
    assert_eq!(
        page.get(&format!("samples/own/{}", kept.0)).await["event"]["type"],
        "payment.failed"
    );

    let check = |accept: bool| {
        let option = format!("--transform={path}");
        let mut arguments = vec!["check", &option, "--settings", &settings];
        arguments.extend(accept.then_some("--accept"));
        let ended = local(&arguments, &[]);
        (ended.code, ended.output + &ended.errors)
    };
    let (code, output) = check(false);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("Events of events/own/ that are as they were kept: 1."), "{output}");
    // With other settings it is no test.
    let other = local(&["check", &format!("--transform={path}")], &[]);
    assert!(other.code == Some(0) && !other.output.contains("as they were kept"), "{other:?}");
    folder.write("mine.js", &naming("Two"));
    let (code, output) = check(false);
    assert_eq!(code, Some(1), "{output}");
    for text in [
        &format!("own/{} is no longer as it was kept", kept.0),
        "-",
        "\"name\": \"Two\"",
        "ACCEPT=1",
    ] {
        assert!(output.contains(text), "{text} in {output}");
    }
    assert_eq!((check(true).0, check(false).0), (Some(0), Some(0)));
    page.end().await;
}

#[tokio::test]
async fn two_transforms_side_by_side_and_each_version_of_a_file() {
    let folder = Folder::new();
    let path = folder.write("mine.js", &naming("One"));
    let page = Page::start(&["--transform", &path]).await;
    let record = page.send_sample("payment.failed").await;
    let first = page.get("state").await["function"]["since"].clone();
    folder.write("mine.js", &naming("Two"));
    page.until(|state| state["function"]["since"] != first).await;
    let choices = page.get("transforms").await["choices"].clone();
    let ids: Vec<&str> =
        choices.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids[..4], ["built_in", "current", "version:1", "version:2"]);
    assert!(ids.iter().any(|id| id.starts_with("file:examples/")), "{ids:?}");

    let name_in = |side: &Value| side["requests"][0]["body"]["batch"][1]["name"].clone();
    let changed = |difference: &Value| -> Vec<String> {
        let lines = difference.as_array().unwrap().iter().filter(|line| line["kind"] == "added");
        lines.map(|line| line["text"].as_str().unwrap().trim().to_owned()).collect()
    };
    for (left, right, names, added) in [
        ("built_in", "current", ["Payment Failed", "Two"], vec!["\"name\": \"Two\","]),
        ("version:1", "version:2", ["One", "Two"], vec!["\"name\": \"Two\","]),
        ("version:2", "current", ["Two", "Two"], vec![]),
    ] {
        let body = json!({"webhook": record["number"], "left": left, "right": right});
        let compared = page.post("compare", body).await;
        assert_eq!([name_in(&compared["left"]), name_in(&compared["right"])], names);
        assert_eq!(changed(&compared["difference"]), added, "{left} {right}");
        let item = &compared["left"]["requests"][0]["body"]["batch"][1];
        assert_eq!(item["attributes"]["dodo_webhook_id"], record["webhook_id"]);
    }
    let second = page.send_sample("payment.failed").await;
    let made = &second["transform"]["files"][0]["made"];
    assert_eq!(made["batch"][1]["name"], "Two");
    // A file that cannot be used is shown as it is, while the last good one runs on.
    folder.write("mine.js", "function extend(request) {\n  return request +;\n}");
    let state = page.until(|state| state["function"]["problem"].is_string()).await;
    assert!(state["function"]["problem"].as_str().unwrap().contains("mine.js:2"), "{state}");
    let body = json!({"event": page.sample("payment.failed").await, "left": "version:2", "right": "current"});
    let compared = page.post("compare", body).await;
    assert_eq!(compared["right"]["outcome"], "failed");
    assert!(compared["right"]["message"].as_str().unwrap().contains("mine.js:2"));
    for body in [
        json!({"webhook": 1, "left": "built_in", "right": "file:../../secret"}),
        json!({"webhook": 99, "left": "built_in", "right": "built_in"}),
    ] {
        assert_eq!(page.try_post("compare", body).await.0, 404);
    }
    let body = json!({"event": {"no": "type"}, "left": "built_in", "right": "current"});
    assert_eq!(page.try_post("compare", body).await.0, 422);
    page.end().await;
}

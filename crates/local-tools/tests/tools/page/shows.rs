//! What the page shows of webhooks and of people.

use super::Page;
use crate::running::Folder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The line about an attribute in a list.
fn attribute<'l>(list: &'l Value, name: &str) -> &'l Value {
    let found = list.as_array().unwrap().iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list}"))
}

#[tokio::test]
async fn a_webhook_is_opened_step_by_step() {
    let folder = Folder::new();
    let text = "function extend(request, webhook) {\n  console.log('hello');\n  for (const item of request.batch) \
                if (item.action === 'event') { item.attributes.plan = 'pro'; item.attributes.gone = webhook.nothing; }\n  \
                return request;\n}\nfunction unused() {}\n";
    let path = folder.write("mine.js", text);
    let settings = folder.write("settings.env", "PERSON_IDENTIFIER=email\n");
    let page = Page::start(&["--transform", &path, "--settings", &settings]).await;
    let record = page.send_sample("payment.succeeded").await;
    assert_eq!((&record["status"], &record["outcome"]), (&json!(200), &json!("delivered")));
    assert_eq!((&record["by"], &record["replay_of"]), (&json!("page"), &Value::Null));
    assert_eq!(record["person"]["rule"], "email.payload");
    assert_eq!(record["person"]["identifier"], json!({"email": "ada@example.com"}));
    assert!(record["person"]["why"].as_str().unwrap().contains("data.customer.email"));

    let step = &record["transform"]["files"][0];
    assert_eq!(
        (&step["file"], &step["kind"], &step["result"]),
        (&json!("mine.js"), &json!("extend"), &json!("extended"))
    );
    assert_eq!(step["console"], json!(["hello"]));
    assert!(step["undefined"][0].as_str().unwrap().ends_with("attributes.gone"), "{step}");
    let added =
        step["difference"].as_array().unwrap().iter().filter(|line| line["kind"] == "added");
    let added: Vec<&str> = added.map(|line| line["text"].as_str().unwrap().trim()).collect();
    assert_eq!(added, ["\"plan\": \"pro\","]);

    let request = &record["requests"][0];
    assert_eq!(
        (&request["status"], &request["attempt"], &request["path"]),
        (&json!(200), &json!(1), &json!("/api/v2/batch"))
    );
    assert_eq!(request["body"]["batch"][1]["attributes"]["plan"], "pro");
    let person = &record["changes"]["people"][0];
    assert_eq!(person["created"], true);
    let amount = attribute(&person["attributes"], "last_payment_amount");
    assert_eq!((&amount["before"], &amount["after"]), (&Value::Null, &json!("29.00")));
    assert_eq!(person["events"][0]["name"], "Payment Completed");
    let mails: Vec<&str> = record["mails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["recipe"].as_str().unwrap())
        .collect();
    assert_eq!(mails, ["receipt", "welcome"]);
    assert_eq!(record["mails"][0]["subject"], "Your payment of 29.00 EUR");

    // An id alone in `email` mode.
    let ignored = page.send_sample("abandoned_checkout.detected").await;
    assert_eq!((&ignored["outcome"], &ignored["reason"]), (&json!("ignored"), &json!("no_email")));
    assert_eq!(ignored["person"]["identifier"], Value::Null);
    let id = page.sample("abandoned_checkout.detected").await["data"]["customer_id"].clone();
    for text in ["PERSON_IDENTIFIER is email", id.as_str().unwrap()] {
        assert!(ignored["person"]["why"].as_str().unwrap().contains(text), "{ignored}");
    }
    assert!(ignored["person"]["advice"].as_str().unwrap().contains("dodo_api_key"));
    assert_eq!(ignored["requests"], json!([]));
    page.end().await;
}

#[tokio::test]
async fn lookups_are_shown_with_what_they_brought_and_how_they_failed() {
    let folder = Folder::new();
    let settings = folder.write("settings.env", "PERSON_IDENTIFIER=email\n");
    let page = Page::start(&["--key", "--settings", &settings]).await;
    page.post("faults", json!({"id": "dodo_api.503", "times": null})).await;
    let failed = page.send_sample("abandoned_checkout.detected").await;
    assert_eq!(failed["status"], 503, "{failed}");
    assert!(failed["reason"].as_str().unwrap().starts_with("dodo_"), "{failed}");
    assert_eq!(failed["lookups"][0]["status"], 503);
    assert_eq!(failed["lookups"][0]["fault"], "503");
    page.post("faults/clear", json!({})).await;

    let sent =
        page.post(&format!("webhooks/{}/replay", failed["number"]), json!({"how": "retry"})).await;
    let found = page.record(&sent).await;
    assert_eq!((&found["outcome"], &found["replay_of"]), (&json!("delivered"), &failed["number"]));
    assert_eq!(found["person"]["rule"], "email.lookup", "{found}");
    let lookups = found["lookups"].as_array().unwrap();
    let customer =
        lookups.iter().find(|it| it["path"].as_str().unwrap().starts_with("/customers/")).unwrap();
    assert_eq!((&customer["status"], &customer["method"]), (&json!(200), &json!("GET")));
    let address = customer["response"]["email"].as_str().unwrap().to_lowercase();
    assert_eq!(found["person"]["identifier"]["email"], address);

    // What was looked up counts on both sides of a comparison.
    let sides = json!({"webhook": found["number"], "left": "built_in", "right": "built_in"});
    let compared = page.post("compare", sides).await;
    assert_eq!(
        (&compared["left"]["outcome"], &compared["without_lists"]),
        (&json!("sent"), &json!(true))
    );

    // The function remembers the address, and the page does too.
    let second = page.send_sample("abandoned_checkout.detected").await;
    let asked = second["lookups"].to_string();
    assert!(!asked.contains("/customers/"), "{asked}");
    assert_eq!(
        (&second["outcome"], &second["person"]["rule"]),
        (&json!("delivered"), &json!("email.lookup"))
    );
    page.end().await;
}

#[tokio::test]
async fn a_persons_timeline_has_each_step_with_its_webhook() {
    let folder = Folder::new();
    let settings = folder.write("settings.env", "SUBSCRIPTION_OBJECT_TYPE=7\n");
    let page = Page::start(&["--settings", &settings]).await;
    let active = page.send_sample("subscription.active").await;
    let mut older = page.sample("subscription.cancelled").await;
    older["timestamp"] = "2026-01-02T03:04:05.000000Z".into();
    let customer = page.sample("subscription.active").await["data"]["customer"].clone();
    older["data"]["customer"] = customer.clone();
    let older = page.send(&older).await;
    let kept = attribute(&older["changes"]["people"][0]["kept"], "subscription_status");
    assert_eq!((&kept["sent"], &kept["kept"]), (&json!("cancelled"), &json!("active")));

    let list = page.get("people?text=NOBODY").await;
    assert_eq!((&list["people"], &list["total"]), (&json!([]), &json!(1)));
    let list = page.get(&format!("people?text={}", customer["email"].as_str().unwrap())).await;
    let listed = &list["people"][0];
    assert_eq!((&listed["events"], &listed["last"]), (&json!(2), &older["at"]));
    let person = page.get(&format!("people/{}", listed["cio_id"].as_str().unwrap())).await;
    assert_eq!(attribute(&person["attributes"], "subscription_status")["value"], "active");
    assert_eq!(person["relationships"][0]["type"], "7");
    let steps: Vec<(&str, &Value)> = person["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["kind"].as_str().unwrap(), &step["webhook"]))
        .collect();
    let [second, first] = [&older["number"], &active["number"]];
    assert!(steps.contains(&("created", first)) && steps.contains(&("event", first)), "{steps:?}");
    assert!(steps.contains(&("event", second)) && steps.contains(&("related", first)), "{steps:?}");
    assert_eq!(steps.last(), Some(&("created", first)));
    let (status, missing) =
        page.request(reqwest::Method::GET, "/api/people/cio0", &[], String::new()).await;
    assert!(status == 404 && missing["error"].is_string());
    page.end().await;
}

#[tokio::test]
async fn the_history_survives_a_restart_with_the_people_and_is_cleared() {
    let page = Page::start(&[]).await;
    let sent = page.send_sample("payment.succeeded").await;
    let failed = page.send_sample("payment.failed").await;
    let wrong = page.post("send", json!({"body": "{\"type\":\"x\"}", "signature": "wrong"})).await;
    assert_eq!(wrong["status"], 401);
    assert!(
        page.record(&wrong).await["explanation"]["why"].as_str().unwrap().contains("signature")
    );
    let people = page.get("people").await;
    let port = page.dev().port.clone();
    page.end().await;

    let page = Page::start(&["--port", &port]).await;
    assert_eq!(page.get("people").await, people);
    for (query, expected) in [
        ("", vec![3, 2, 1]),
        ("?type=payment.failed", vec![2]),
        ("?outcome=unauthorized", vec![3]),
        ("?person=ADA%40example.com", vec![1]),
        ("?text=card_declined&outcome=delivered", vec![]),
        ("?before=3&limit=1", vec![2]),
    ] {
        let list = page.get(&format!("webhooks{query}")).await;
        let numbers: Vec<u64> = list["webhooks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["number"].as_u64().unwrap())
            .collect();
        if query.contains("person") {
            assert!(numbers.contains(&1), "{query}: {list}");
        } else if !query.contains("text") {
            assert_eq!(numbers, expected, "{query}");
        }
    }
    assert_eq!(page.get("webhooks/2").await["body"], failed["body"]);
    // What was delivered before the restart counts once after it too.
    let again = page.post("webhooks/1/replay", json!({"how": "retry"})).await;
    let again = page.record(&again).await;
    assert_eq!((&again["repeated"], &again["webhook_id"]), (&json!(true), &sent["webhook_id"]));
    assert_eq!(again["changes"]["people"], json!([]));

    page.post("history/clear", json!({})).await;
    assert_eq!(page.get("webhooks").await["total"], 0);
    assert_eq!(page.get("people").await["total"], 0);
    assert_eq!(page.send_sample("payment.succeeded").await["number"], 5);
    page.end().await;
}

#[tokio::test]
async fn the_state_waits_for_something_new_and_shows_what_is_on_its_way() {
    let page = Page::start(&[]).await;
    let state = page.get("state").await;
    let revision = state["revision"].as_u64().unwrap();
    page.post("faults", json!({"id": "customerio.503", "times": 2})).await;
    let state = page.get(&format!("state?since={revision}")).await;
    assert_eq!(state["faults"]["customerio"], "503");
    let revision = state["revision"].as_u64().unwrap();
    let event = page.sample("payment.succeeded").await;
    let news = format!("state?since={revision}");
    let waiting = page.get(&news);
    let sending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        page.send(&event).await
    };
    let (state, record) = tokio::join!(waiting, sending);
    let on_its_way = &state["in_progress"][0];
    assert_eq!(
        (&on_its_way["type"], &on_its_way["webhook_id"]),
        (&json!("payment.succeeded"), &record["webhook_id"])
    );
    let statuses: Vec<&Value> =
        record["requests"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [503, 503, 200]);
    assert_eq!(record["attempts"], 3);
    assert!(record["requests"][2]["offset"].as_u64() > record["requests"][1]["offset"].as_u64());
    let state = page.get("state").await;
    assert_eq!(state["faults"]["customerio"], Value::Null);

    // Changes that are no webhooks wake it too.
    let news = format!("state?since={}", state["revision"]);
    let failing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        page.post("faults", json!({"id": "dodo_api.503", "times": null})).await
    };
    let start = Instant::now();
    let (state, _) = tokio::join!(page.get(&news), failing);
    assert_eq!(state["faults"]["dodo_api"], "503");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    page.end().await;
}

/// The record of a webhook in queue mode, once a batch had it.
async fn after_its_batch(page: &Page, number: &Value) -> Value {
    for _ in 0..200 {
        let record = page.get(&format!("webhooks/{number}")).await;
        if record["delivery"].is_string() {
            return record;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("webhook {number} is in no batch");
}

#[tokio::test]
async fn each_webhook_of_a_batch_shows_its_own_part_and_what_was_looked_up_for_it() {
    let folder = Folder::new();
    let settings = folder.write("settings.env", "PERSON_IDENTIFIER=email\n");
    let page = Page::start(&["--delivery", "queue", "--key", "--settings", &settings]).await;
    let types =
        ["abandoned_checkout.detected", "payment.failed", "payment.succeeded", "payout.created"];
    let mut numbers = Vec::new();
    for event_type in types {
        numbers.push(page.send_sample(event_type).await["number"].clone());
    }
    let mut records = Vec::new();
    for number in &numbers {
        records.push(after_its_batch(&page, number).await);
    }
    for record in &records[..3] {
        assert_eq!(
            (&record["delivery"], &record["explanation"]),
            (&json!("delivered"), &Value::Null)
        );
        let requests = record["deliveries"][0]["requests"].as_array().unwrap();
        let items = requests.iter().flat_map(|it| it["body"]["batch"].as_array().unwrap());
        let events: Vec<&Value> = items.filter(|it| it["action"] == "event").collect();
        let own = |it: &&Value| it["attributes"]["dodo_webhook_id"] == record["webhook_id"];
        assert!(events.len() == 1 && events.iter().all(own), "{events:?}");
        let person = &record["changes"]["people"][0]["events"];
        assert_eq!(person.as_array().map(Vec::len), Some(1), "{person}");
    }
    // Only Dodo's API knows the address, and the queue function asked.
    let looked_up = &records[0];
    assert_eq!(looked_up["person"]["rule"], "email.lookup", "{}", looked_up["person"]);
    let lookups = looked_up["deliveries"][0]["lookups"].as_array().unwrap();
    assert!(lookups.iter().any(|it| it["path"].as_str().unwrap().starts_with("/customers/")));

    let ignored = &records[3];
    assert_eq!((&ignored["delivery"], &ignored["attempts"]), (&json!("ignored"), &json!(0)));
    for requests in ignored["deliveries"].as_array().unwrap() {
        assert_eq!((&requests["requests"], &requests["lookups"]), (&json!([]), &json!([])));
    }
    assert_eq!((&ignored["changes"]["people"], &ignored["mails"]), (&json!([]), &json!([])));
    for part in [&ignored["explanation"]["why"], &ignored["person"]["why"]] {
        assert!(part.as_str().unwrap().starts_with("No customer"), "{ignored}");
    }
    page.end().await;
}

#[tokio::test]
async fn mails_follow_only_what_customer_io_took_for_the_first_time() {
    let page = Page::start(&[]).await;
    page.post("faults", json!({"id": "customerio.400", "times": 1})).await;
    let refused = page.send_sample("payment.succeeded").await;
    assert_eq!((&refused["status"], &refused["mails"]), (&json!(422), &json!([])));
    page.post("faults", json!({"id": "customerio.207", "times": 1})).await;
    assert_eq!(page.send_sample("payment.succeeded").await["mails"], json!([]));
    let forged =
        json!({"body": page.sample("payment.succeeded").await.to_string(), "signature": "wrong"});
    let forged = page.post("send", forged).await;
    assert_eq!(page.record(&forged).await["mails"], json!([]));
    // Its response breaks off, but it has done what it was asked; the retry counts once.
    page.post("faults", json!({"id": "customerio.cut", "times": 1})).await;
    let delivered = page.send_sample("payment.succeeded").await;
    assert_eq!(
        (&delivered["status"], &delivered["mails"][0]["recipe"]),
        (&json!(200), &json!("receipt"))
    );
    let path = format!("webhooks/{}/replay", delivered["number"]);
    let again = page.post(&path, json!({"how": "retry"})).await;
    assert_eq!(page.record(&again).await["mails"], json!([]));
    page.end().await;
}

#[tokio::test]
async fn a_queued_webhook_shows_the_batch_that_delivered_it() {
    let page = Page::start(&["--delivery", "queue"]).await;
    assert_eq!(page.get("state").await["function"]["delivery"], "queue");
    let queued = page.send_sample("payment.succeeded").await;
    assert_eq!((&queued["outcome"], &queued["requests"]), (&json!("queued"), &json!([])));
    assert_eq!(queued["person"]["rule"], "customer_id.payload");
    page.until(|state| state["people"] == 1).await;
    let mut record = queued;
    for _ in 0..100 {
        record = page.get("webhooks/1").await;
        if record["delivery"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((&record["outcome"], &record["delivery"]), (&json!("queued"), &json!("delivered")));
    let delivery = &record["deliveries"][0];
    assert_eq!(
        (&delivery["webhooks"], &delivery["requests"][0]["status"]),
        (&json!(1), &json!(200))
    );
    let person = &record["changes"]["people"][0];
    assert_eq!(person["events"][0]["name"], "Payment Completed");
    assert_eq!(record["mails"][0]["recipe"], "receipt");
    let listed = page.get("webhooks?outcome=delivered").await;
    assert_eq!(listed["webhooks"][0]["number"], 1);
    let person = page.get(&format!("people/{}", person["cio_id"].as_str().unwrap())).await;
    assert_eq!(person["timeline"][0]["webhook"], 1);
    page.end().await;
}

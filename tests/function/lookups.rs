//! What Dodo's API adds to events, and what happens when it fails.

use crate::world::{Response, World};
use serde_json::{Value, json};
use stand_ins::dodo::{self, sample, samples};
use stand_ins::fault::Fault;
use std::time::{Duration, Instant};

/// Event groups that carry a customer's id and nothing else about them.
const ID_ONLY: [&str; 5] =
    ["license_key", "credit", "abandoned_checkout", "dunning", "entitlement_grant"];

fn is_id_only(event_type: &str) -> bool {
    ID_ONLY.iter().any(|group| event_type.starts_with(&format!("{group}.")))
}

/// A successful payment of one customer.
fn payment(number: usize, amount: i64, currency: &str) -> Value {
    let mut event = sample("payment.succeeded").unwrap().event;
    let data = &mut event["data"];
    data["payment_id"] = format!("pay_{number}").into();
    data["total_amount"] = amount.into();
    data["currency"] = currency.into();
    data["created_at"] = format!("2026-03-{:02}T12:00:00Z", number % 28 + 1).into();
    event
}

/// A successful refund of it.
fn refund(number: usize, of: usize, amount: Value, currency: &str) -> Value {
    let mut event = sample("refund.succeeded").unwrap().event;
    let data = &mut event["data"];
    data["refund_id"] = format!("ref_{number}").into();
    data["payment_id"] = format!("pay_{of}").into();
    data["is_partial"] = (!amount.is_null()).into();
    data["amount"] = amount;
    data["currency"] = currency.into();
    event
}

/// Delivers an event and returns the attributes of the person in the request: what the payload says,
/// and then what the lookups say.
async fn person_after(world: &World, event: &Value) -> Value {
    let response = world.deliver(&world.signed(event.to_string())).await;
    assert_eq!(response.outcome(), (200, "delivered"), "{response:?}");
    last_person(world)
}

/// The attributes of the person in the last request.
fn last_person(world: &World) -> Value {
    let state = world.customerio.state();
    let items = state.arrivals.last().unwrap().items();
    let identifies = items.iter().filter(|item| item["action"] == "identify");
    let attributes = identifies.flat_map(|item| item["attributes"].as_object().unwrap().clone());
    Value::Object(attributes.collect())
}

fn of_now(event: Value) -> Value {
    dodo::Sample { name: String::new(), event }.of_now().event
}

fn sums(person: &Value) -> [&Value; 4] {
    ["total_spent", "total_spent_minor", "total_spent_currency", "payments_count"]
        .map(|name| &person[name])
}

#[tokio::test]
async fn without_a_key_no_call_is_made_and_nothing_is_added() {
    let world = World::start().await;
    for sample in samples() {
        world.deliver(&world.webhook(&sample.name)).await;
    }
    assert_eq!(world.dodo_api.state().requests.len(), 0);
    let arrivals = &world.customerio.state().arrivals;
    assert!(arrivals.iter().all(|arrival| !arrival.body.to_string().contains("total_spent")));
}

#[tokio::test]
async fn all_pages_count_and_each_currency_by_itself() {
    let world = World::with_dodo_api(&[]).await;
    let mut number = 0;
    for (currency, amount, times) in [("EUR", 1_000, 250), ("JPY", 500, 3), ("KWD", 1_500, 2)] {
        for _ in 0..times {
            number += 1;
            world.dodo_api.state().happened(&payment(number, amount, currency));
        }
    }
    let euros = payment(250, 1_000, "EUR");
    world.dodo_api.state().happened(&euros);
    let person = person_after(&world, &euros).await;
    assert_eq!(sums(&person), [&json!("2500.00"), &json!(250_000), &json!("EUR"), &json!(255)]);
    assert_eq!(person["first_payment_date"], 1_772_366_400);
    assert_eq!(person["customer_since"], 1_767_323_045);
    assert_eq!(person["preferred_locale"], Value::Null, "null says nothing");

    // The currency with the most payments leads, whichever the webhook is about.
    let person = person_after(&world, &payment(252, 500, "JPY")).await;
    assert_eq!(sums(&person), [&json!("2500.00"), &json!(250_000), &json!("EUR"), &json!(255)]);
    assert_eq!(
        (&person["total_spent_jpy"], &person["total_spent_jpy_minor"]),
        (&json!("1500"), &json!(1_500))
    );
    assert_eq!(
        (&person["total_spent_kwd"], &person["total_spent_kwd_minor"]),
        (&json!("3.000"), &json!(3_000))
    );
}

#[tokio::test]
async fn the_webhooks_own_payment_and_refund_count_once_listed_or_not() {
    let world = World::with_dodo_api(&[]).await;
    world.dodo_api.state().happened(&payment(1, 2_000, "EUR"));
    for customer in world.dodo_api.state().customers.values_mut() {
        customer["preferred_locale"] = "fr".into();
    }
    let second = payment(2, 1_000, "EUR");
    let person = person_after(&world, &second).await;
    assert_eq!(person["total_spent"], "30.00", "not listed yet");
    assert_eq!(person["preferred_locale"], "fr");
    world.dodo_api.state().happened(&second);
    let person = person_after(&world, &second).await;
    assert_eq!(sums(&person), [&json!("30.00"), &json!(3_000), &json!("EUR"), &json!(2)]);

    let partial = refund(1, 2, json!(250), "EUR");
    assert_eq!(person_after(&world, &partial).await["total_spent"], "27.50", "not listed yet");
    world.dodo_api.state().happened(&partial);
    assert_eq!(person_after(&world, &partial).await["total_spent"], "27.50");
    let whole = refund(2, 1, Value::Null, "EUR");
    let person = person_after(&world, &whole).await;
    assert_eq!(sums(&person), [&json!("7.50"), &json!(750), &json!("EUR"), &json!(2)]);
}

/// What the payload says is true of its own time, what lookups say is true of now.
#[tokio::test]
async fn a_replayed_webhook_brings_the_newest_sum_with_the_time_of_the_lookup() {
    let world = World::with_dodo_api(&[]).await;
    let (old, new) = (payment(1, 2_000, "EUR"), payment(2, 1_000, "EUR"));
    world.dodo_api.state().happened(&old);
    world.dodo_api.state().happened(&new);
    assert_eq!(person_after(&world, &old).await["total_spent"], "30.00");
    let state = world.customerio.state();
    let [stated, found, event] = state.arrivals[0].items() else { panic!("three items") };
    assert_eq!(stated["timestamp"], 1_795_166_103, "as in the sample");
    assert_eq!(stated["attributes"].get("total_spent"), None);
    assert!((dodo::unix_now() - found["timestamp"].as_i64().unwrap()).abs() < 10, "{found}");
    assert_eq!(found["attributes"].get("last_payment_amount"), None);
    assert_eq!(event["timestamp"], 1_795_166_103);
}

#[tokio::test]
async fn a_fresh_webhook_brings_both_in_one_identify() {
    let world = World::with_dodo_api(&[]).await;
    let event = of_now(payment(1, 2_000, "EUR"));
    world.dodo_api.state().happened(&event);
    assert_eq!(person_after(&world, &event).await["total_spent"], "20.00");
    let state = world.customerio.state();
    let [identify, event] = state.arrivals[0].items() else { panic!("two items") };
    assert_eq!(identify["timestamp"], event["timestamp"]);
    assert_eq!(identify["attributes"]["last_payment_amount"], "20.00");
}

#[tokio::test]
async fn identifies_carry_no_time_where_arrival_counts() {
    let world = World::with_dodo_api(&[("IDENTIFY_TIME", "arrival")]).await;
    let event = payment(1, 2_000, "EUR");
    world.dodo_api.state().happened(&event);
    person_after(&world, &event).await;
    let state = world.customerio.state();
    let [stated, found, event] = state.arrivals[0].items() else { panic!("three items") };
    assert_eq!((stated.get("timestamp"), found.get("timestamp")), (None, None));
    assert_eq!(event["timestamp"], 1_795_166_103);
}

/// A sum that cannot be computed is left out, never wrong.
#[tokio::test]
async fn a_sum_that_is_not_sure_is_left_out() {
    for (what, spoil) in [
        (
            "a partial refund without its amount",
            (|state| {
                let mut unknown = refund(1, 1, Value::Null, "EUR");
                unknown["data"]["is_partial"] = true.into();
                state.happened(&unknown);
            }) as fn(&mut stand_ins::dodo_api::State),
        ),
        ("a refund in another currency", |state| {
            state.happened(&refund(1, 1, json!(5), "USD"));
        }),
        ("a payment without an amount", |state| {
            let mut unreadable = payment(1, 2_000, "EUR")["data"].clone();
            unreadable["total_amount"] = Value::Null;
            state.payments.push(unreadable);
        }),
        ("somebody else's payment", |state| {
            state.ignores_filters = true;
            let mut other = payment(7, 5, "EUR")["data"].clone();
            other["customer"]["customer_id"] = "cus_other".into();
            state.payments.push(other);
        }),
    ] {
        let world = World::with_dodo_api(&[]).await;
        let event = payment(1, 2_000, "EUR");
        world.dodo_api.state().happened(&event);
        spoil(&mut world.dodo_api.state());
        let person = person_after(&world, &event).await;
        assert_eq!(sums(&person), [&Value::Null; 4], "{what}: {person}");
        assert_eq!(person["last_payment_amount"], "20.00", "{what}");
    }
}

#[tokio::test]
async fn in_email_mode_every_event_with_an_id_alone_is_delivered() {
    let world = World::with_dodo_api(&[("PERSON_IDENTIFIER", "email")]).await;
    let mut delivered = 0;
    for sample in samples().into_iter().filter(|sample| is_id_only(sample.event_type())) {
        let id = sample.event["data"]["customer_id"].as_str().unwrap().to_owned();
        world.dodo_api.state().know(&id, "ada@example.com", "Ada Beispiel", "2026-01-02T03:04:05Z");
        let response = world.deliver(&world.webhook(&sample.name)).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{}: {response:?}", sample.name);
        let state = world.customerio.state();
        // The payload says nothing about the person, so there is what the lookup says alone.
        let [identify, event] = state.arrivals.last().unwrap().items() else { panic!("two items") };
        for item in [identify, event] {
            assert_eq!(item["identifiers"], json!({"email": "ada@example.com"}), "{}", sample.name);
        }
        assert_eq!(identify["attributes"]["name"], "Ada Beispiel");
        assert_eq!(identify["attributes"]["dodo_customer_id"], id);
        let since = identify["attributes"].get("customer_since");
        assert_eq!(since, None, "it comes with the sums, of all customers with this address");
        assert_eq!(event["attributes"]["email"], "ada@example.com");
        assert_eq!(event["attributes"]["name"], "Ada Beispiel");
        delivered += 1;
    }
    assert!(delivered >= 17, "{delivered} samples");
}

#[tokio::test]
async fn a_customer_is_asked_for_once() {
    let world = World::with_dodo_api(&[]).await;
    let sample = sample("license_key.created").unwrap();
    world.dodo_api.state().happened(&sample.event);
    for _ in 0..3 {
        let person = person_after(&world, &sample.event).await;
        assert!(person["email"].as_str().unwrap().ends_with("@example.com"));
    }
    let customers = |request: &&String| request.starts_with("/customers");
    assert_eq!(world.dodo_api.state().requests.iter().filter(customers).count(), 1);
}

#[tokio::test]
async fn an_event_that_is_switched_off_still_brings_its_state_where_it_has_one() {
    let off = "payment.succeeded=,subscription.active=,refund.succeeded=,payment.processing=";
    let world = World::with_dodo_api(&[("EVENT_NAMES", off)]).await;
    for (name, attribute) in [
        ("payment.succeeded", "last_payment_amount"),
        ("subscription.active", "subscription_status"),
    ] {
        let sample = sample(name).unwrap();
        world.dodo_api.state().happened(&sample.event);
        assert!(person_after(&world, &sample.event).await[attribute].is_string(), "{name}");
        let state = world.customerio.state();
        let items = state.arrivals.last().unwrap().items();
        assert!(items.iter().all(|item| item["action"] == "identify"), "{name}");
    }
    let calls = world.dodo_api.state().requests.len();
    for name in ["refund.succeeded", "payment.processing"] {
        let response = world.deliver(&world.webhook(name)).await;
        assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), "event_off"));
    }
    assert_eq!(world.dodo_api.state().requests.len(), calls);
}

/// Every kind of failure, at every attempt, with the reason in the log.
fn outages() -> [(Fault, &'static str); 8] {
    let long = vec![("retry-after", "60".to_owned())];
    [
        (Fault::status(401), "dodo_key_refused"),
        (Fault::status(403), "dodo_key_refused"),
        (Fault::status(404), "dodo_not_found"),
        (Fault::Response(429, long, "{}".to_owned()), "dodo_rate_limited"),
        (Fault::status(500), "dodo_unavailable"),
        (Fault::BreakBefore, "dodo_unreachable"),
        (Fault::Response(200, Vec::new(), "not JSON".to_owned()), "dodo_unreadable_response"),
        (Fault::Slow(Duration::from_mins(1)), "dodo_timeout"),
    ]
}

async fn during(fault: Fault, name: &str, settings: &[(&'static str, &str)]) -> (World, Response) {
    let world = World::with_dodo_api(settings).await;
    world.dodo_api.state().happened(&sample(name).unwrap().event);
    world.dodo_api.state().faults.plan = Some(Box::new(move || Some(fault.clone())));
    let start = Instant::now();
    let response = world.deliver(&world.webhook(name)).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    (world, response)
}

#[tokio::test]
async fn an_outage_holds_no_event_back_and_sends_no_wrong_sum() {
    for (fault, reason) in outages() {
        let (world, response) = during(fault, "payment.succeeded", &[]).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{reason}");
        let person = last_person(&world);
        assert_eq!(sums(&person), [&Value::Null; 4], "{reason}");
        assert_eq!(person["customer_since"], Value::Null, "{reason}");
        assert!(world.log().contains(reason), "{reason}: {}", world.log());
    }
}

/// Whether a failure will pass: then whoever needs the lookup waits. Otherwise it is as if there were
/// no key.
fn passes(reason: &str) -> bool {
    !["dodo_key_refused", "dodo_not_found"].contains(&reason)
}

#[tokio::test]
async fn an_event_whose_person_only_dodo_knows_waits_for_the_end_of_an_outage() {
    let email: [(&str, &str); 1] = [("PERSON_IDENTIFIER", "email")];
    for (fault, reason) in outages() {
        let (world, response) = during(fault.clone(), "dunning.started", &email).await;
        if passes(reason) {
            assert_eq!((response.outcome(), response.reason()), ((503, "retry"), reason));
            assert!(response.headers["retry-after"].is_string(), "{response:?}");
        } else {
            assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), "no_email"));
        }
        assert!(world.customerio.state().arrivals.is_empty());
        assert!(world.log().contains(reason), "{reason}: {}", world.log());

        let (_, response) = during(fault, "dunning.started", &[]).await;
        assert_eq!(response.outcome(), (200, "delivered"), "by id, days later: {reason}");
    }
}

#[tokio::test]
async fn what_is_good_to_know_is_waited_for_within_an_hour() {
    for (name, lookup) in
        [("dunning.started", "customers"), ("subscription.cancelled", "subscriptions")]
    {
        let world = World::with_dodo_api(&[]).await;
        let late = sample(name).unwrap();
        world.dodo_api.state().happened(&late.event);
        world.dodo_api.state().faults.plan = Some(Box::new(|| Some(Fault::status(500))));
        let fresh = world.signed(late.clone().of_now().body());
        let response = world.deliver(&fresh).await;
        let expected = ((503, "retry"), "dodo_unavailable");
        assert_eq!((response.outcome(), response.reason()), expected, "{name}");
        let response = world.deliver(&world.signed(late.body())).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{name}, days later");
        world.dodo_api.state().faults.plan = None;
        assert_eq!(world.deliver(&fresh).await.outcome(), (200, "delivered"), "{lookup} are back");
    }
}

#[tokio::test]
async fn payments_refunds_and_disputes_never_wait() {
    for name in ["payment.succeeded", "refund.succeeded", "dispute.lost", "subscription.renewed"] {
        let world = World::with_dodo_api(&[]).await;
        world.dodo_api.state().faults.plan = Some(Box::new(|| Some(Fault::status(500))));
        let response = world.deliver(&world.signed(sample(name).unwrap().of_now().body())).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{name}");
    }
}

/// After a 429 the environment asks nothing for as long as it was told.
#[tokio::test]
async fn a_429_ends_all_lookups_for_a_while() {
    let world = World::with_dodo_api(&[]).await;
    let busy = || Some(Fault::Response(429, vec![("retry-after", "30".to_owned())], "{}".into()));
    world.dodo_api.state().faults.plan = Some(Box::new(busy));
    for number in 0..5 {
        let response = world.deliver(&world.signed(payment(number, 5, "EUR").to_string())).await;
        assert_eq!(response.outcome(), (200, "delivered"));
    }
    let calls = world.dodo_api.state().requests.len();
    assert!(calls <= 3, "{calls} calls: those that were on their way together");
}

#[tokio::test]
async fn passing_failures_are_tried_again() {
    for fault in [Fault::status(502), Fault::BreakBefore] {
        let world = World::with_dodo_api(&[]).await;
        let event = payment(1, 2_000, "EUR");
        world.dodo_api.state().happened(&event);
        world.dodo_api.state().faults.queue.extend(vec![fault.clone(); 2]);
        assert_eq!(person_after(&world, &event).await["total_spent"], "20.00", "{fault:?}");
    }
}

/// The lookups leave enough time for Customer.io.
#[tokio::test]
async fn everything_slow_at_once_is_handled_within_ten_seconds() {
    let world = World::with_dodo_api(&[]).await;
    let slow = || Some(Box::new(|| Some(Fault::Slow(Duration::from_mins(1)))) as _);
    world.dodo_api.state().faults.plan = slow();
    world.customerio.state().faults.plan = slow();
    let start = Instant::now();
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "customerio_timeout"));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn lookups_run_at_the_same_time() {
    let world = World::with_dodo_api(&[]).await;
    let event = payment(1, 2_000, "EUR");
    world.dodo_api.state().happened(&event);
    // Customer, payments and product: one after the other they would outlast the lookups' time.
    let slow = Fault::Slow(Duration::from_millis(1_500));
    world.dodo_api.state().faults.queue.extend(vec![slow; 3]);
    let person = person_after(&world, &event).await;
    assert_eq!(person["total_spent"], "20.00");
    assert!(person["customer_since"].is_u64());
}

#[tokio::test]
async fn ids_that_look_like_paths_lead_nowhere_else() {
    let world = World::with_dodo_api(&[]).await;
    for id in ["..", "../payments", "cus_1/../../x", "a b?c#d", "é"] {
        let event = json!({"type": "dunning.started", "data": {"customer_id": id}});
        let response = world.deliver(&world.signed(event.to_string())).await;
        assert_eq!(response.outcome(), (200, "delivered"), "{id}");
    }
    for request in &world.dodo_api.state().requests {
        assert!(request.starts_with("/customers"), "{request}");
        assert!(
            !request["/customers".len()..].trim_start_matches('/').contains(['/', '?']),
            "{request}"
        );
    }
}

#[cfg(feature = "javascript")]
#[tokio::test]
async fn a_handler_gets_the_same_facts() {
    let handler = r#"
        function handler(webhook) {
            const { email, total_spent, payments_count, customer_since } = webhook.customer ?? {};
            webhook.url = "https://track.customer.io/api/v2/entity";
            webhook.payload = {
                type: "person",
                identifiers: { id: webhook.payload.data.customer_id ?? webhook.payload.data.customer.customer_id },
                action: "identify",
                attributes: { has: "customer" in webhook, email, total_spent, payments_count, customer_since },
            };
            return webhook;
        }
    "#;
    let folder = tempfile(handler);
    let setting = [("TRANSFORM_FILE", folder.as_str())];
    let world = World::with_dodo_api(&setting).await;
    let event = payment(1, 2_000, "EUR");
    world.dodo_api.state().happened(&event);
    let expected = json!({
        "has": true, "email": event["data"]["customer"]["email"],
        "total_spent": "20.00", "payments_count": 1, "customer_since": 1_767_323_045,
    });
    assert_eq!(person_after(&world, &event).await, expected);
    let world = World::with(&setting).await;
    assert_eq!(person_after(&world, &event).await, json!({"has": false}), "without a key");
    std::fs::remove_file(folder).unwrap();
}

#[cfg(feature = "javascript")]
fn tempfile(text: &str) -> String {
    let path = std::env::temp_dir().join(format!("{}.js", dodo::random_hex()));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

//! Who an event is about, which state the person ends in, and what was bought.

use crate::world::World;
use serde_json::{Value, json};
use stand_ins::dodo::{sample, unix_now};
use stand_ins::fault::Fault;

const OWN_ID: [(&str, &str); 1] = [("PERSON_IDENTIFIER", "metadata.user_id")];

/// A sample with some of its `data` replaced.
fn event(name: &str, changes: Value) -> Value {
    let mut event = sample(name).unwrap().event;
    for (field, value) in changes.as_object().unwrap() {
        event["data"][field] = value.clone();
    }
    event
}

/// A moment, in Unix seconds, as Dodo writes it.
fn at(seconds: i64) -> String {
    let moment = time::UtcDateTime::from_unix_timestamp(seconds).unwrap();
    let (hour, minute, second) = moment.as_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}.000000Z", moment.date())
}

async fn deliver(world: &World, event: &Value) {
    world.dodo_api.state().happened(event);
    let response = world.deliver(&world.signed(event.to_string())).await;
    assert_eq!(response.outcome(), (200, "delivered"), "{response:?}");
}

/// The items of the last request.
fn items(world: &World) -> Vec<Value> {
    world.customerio.state().arrivals.last().unwrap().items().to_vec()
}

/// The attributes of the event in the last request.
fn last_event(world: &World) -> Value {
    items(world).last().unwrap()["attributes"].clone()
}

/// A customer who bought as `user_42`.
fn ada() -> Value {
    json!({"customer_id": "cus_ada", "email": "ada@example.com", "name": "Ada Beispiel"})
}

#[tokio::test]
async fn what_follows_a_payment_goes_to_the_same_person() {
    let world = World::with_dodo_api(&OWN_ID).await;
    let bought = json!({
        "payment_id": "pay_1", "customer": ada(), "metadata": {"user_id": "user_42"},
        "subscription_id": null,
    });
    deliver(&world, &event("payment.succeeded", bought)).await;
    let of_payment = json!({"payment_id": "pay_1", "customer": ada(), "metadata": {}});
    let id_only = json!({"payment_id": "pay_1", "customer_id": "cus_ada", "subscription_id": null});
    for (name, changes) in [
        ("refund.succeeded", of_payment.clone()),
        ("dispute.opened", of_payment),
        ("dunning.started", id_only.clone()),
        ("abandoned_checkout.detected", id_only),
    ] {
        deliver(&world, &event(name, changes)).await;
        for item in items(&world) {
            assert_eq!(item["identifiers"], json!({"id": "user_42"}), "{name}: {item}");
            if item["action"] == "identify" {
                let attributes = &item["attributes"];
                assert_eq!((attributes.get("email"), attributes.get("name")), (None, None));
            }
        }
    }
    let state = world.customerio.state();
    assert_eq!(state.people.profiles().len(), 1);
    assert_eq!(state.people.profiles()[0].attributes["dodo_customer_id"], "cus_ada");
}

/// Only the subscription knows; the refund names nothing but its payment.
#[tokio::test]
async fn a_renewal_and_its_refund_belong_to_the_owner_of_the_subscription() {
    let world = World::with_dodo_api(&OWN_ID).await;
    let started = json!({
        "subscription_id": "sub_1", "customer": ada(), "metadata": {"user_id": "user_42"},
    });
    deliver(&world, &event("subscription.active", started)).await;
    for names in [json!({"subscription_id": "sub_1"}), json!({"subscription_ids": ["sub_1"]})] {
        let mut renewal =
            event("payment.succeeded", json!({"subscription_id": null}))["data"].take();
        renewal["payment_id"] = "pay_1".into();
        renewal["customer"] = ada();
        renewal["metadata"] = json!({});
        renewal.as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
        let refund = json!({"payment_id": "pay_1", "customer": ada(), "metadata": {}});
        for (name, changes) in [("payment.succeeded", renewal), ("refund.succeeded", refund)] {
            deliver(&world, &event(name, changes)).await;
            assert_eq!(items(&world)[0]["identifiers"], json!({"id": "user_42"}), "{name}");
        }
    }
}

#[tokio::test]
async fn while_nobody_knows_whose_it_is_the_event_waits() {
    let world = World::with_dodo_api(&OWN_ID).await;
    world.dodo_api.state().faults.plan = Some(Box::new(|| Some(Fault::status(503))));
    let refund = event("refund.succeeded", json!({"customer": ada(), "metadata": null}));
    let response = world.deliver(&world.signed(refund.to_string())).await;
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), "dodo_unavailable"));
    assert_eq!(world.arrivals(), 0);
}

/// Without a key nobody can be asked; the address is better than an id that the merchant never saw.
#[tokio::test]
async fn without_an_own_id_the_address_is_the_person() {
    let world = World::with(&OWN_ID).await;
    for id in [json!("undefined"), json!("null"), json!(true), json!(" ")] {
        let changes = json!({"customer": ada(), "metadata": {"user_id": id}});
        deliver(&world, &event("payment.succeeded", changes)).await;
        assert_eq!(items(&world)[0]["identifiers"], json!({"email": "ada@example.com"}));
    }
    let dunning = event("dunning.started", json!({"customer_id": "cus_ada"}));
    let response = world.deliver(&world.signed(dunning.to_string())).await;
    assert_eq!((response.outcome(), response.reason()), ((200, "ignored"), "no_own_id"));
}

#[tokio::test]
async fn an_address_is_one_person_in_any_case() {
    let world = World::with(&[("PERSON_IDENTIFIER", "email")]).await;
    for email in ["ada@example.com", "Ada@Example.COM", " ADA@example.com "] {
        let customer = json!({"customer_id": "cus_1", "email": email, "name": "Ada"});
        deliver(&world, &event("payment.succeeded", json!({"customer": customer}))).await;
    }
    assert_eq!(world.customerio.state().people.profiles().len(), 1);
}

#[tokio::test]
async fn in_email_mode_all_customers_with_an_address_count() {
    let world = World::with_dodo_api(&[("PERSON_IDENTIFIER", "email")]).await;
    for (number, id) in ["cus_a", "cus_b"].into_iter().enumerate() {
        let customer = json!({"customer_id": id, "email": "ada@example.com", "name": "Ada"});
        let changes = json!({
            "payment_id": format!("pay_{number}"), "customer": customer, "total_amount": 1000,
            "currency": "EUR",
        });
        deliver(&world, &event("payment.succeeded", changes)).await;
    }
    let state = world.customerio.state();
    let [ada] = state.people.profiles() else { panic!("one person") };
    assert_eq!(ada.attributes["total_spent_eur"], "20.00");
    assert_eq!(ada.attributes["payments_count"], 2);
}

#[tokio::test]
async fn a_dispute_without_a_customer_belongs_to_the_customer_of_its_payment() {
    let payment = event("payment.succeeded", json!({"payment_id": "pay_1", "customer": ada()}));
    let mut dispute = event("dispute.opened", json!({"payment_id": "pay_1"}));
    dispute["data"].as_object_mut().unwrap().remove("customer");
    let world = World::with_dodo_api(&[]).await;
    world.dodo_api.state().happened(&payment);
    deliver(&world, &dispute).await;
    assert_eq!(items(&world).last().unwrap()["identifiers"], json!({"id": "cus_ada"}));
    assert_eq!(last_event(&world)["email"], "ada@example.com");

    let without_key = World::start().await;
    let response = without_key.deliver(&without_key.signed(dispute.to_string())).await;
    assert_eq!((response.outcome(), response.reason()), ((422, "rejected"), "no_customer"));
}

/// A subscription of Ada's in some state, changed `ago` seconds before now.
fn subscription(name: &str, id: &str, status: &str, ago: i64) -> Value {
    let changes = json!({
        "subscription_id": id, "status": status, "customer": ada(),
        "product_id": format!("pdt_{id}"), "created_at": at(unix_now() - 5_000 - ago),
        "cancelled_at": (status == "cancelled").then(|| at(unix_now() - ago)),
    });
    let mut event = event(name, changes);
    event["timestamp"] = at(unix_now() - ago).into();
    event
}

/// PRO runs, the old plan is cancelled a second later, and an add-on is declined.
fn two_plans() -> [Value; 3] {
    [
        subscription("subscription.active", "pro", "active", 30),
        subscription("subscription.cancelled", "old", "cancelled", 29),
        subscription("subscription.failed", "addon", "failed", 28),
    ]
}

#[tokio::test]
async fn a_person_shows_the_plan_that_runs() {
    let world = World::with_dodo_api(&[]).await;
    for event in two_plans() {
        deliver(&world, &event).await;
    }
    let state = world.customerio.state();
    let ada = &state.people.find("cus_ada").unwrap().attributes;
    assert_eq!(ada["subscription_id"], "pro");
    assert_eq!(ada["subscription_status"], "active");
    assert_eq!(ada["subscription_product_id"], "pdt_pro");
    assert_eq!(ada["active_subscriptions"], 1);
    assert!(ada["next_billing"].is_u64());
    assert_eq!(ada.get("cancelled_at"), None);
}

#[tokio::test]
async fn without_a_key_the_newest_event_wins_but_a_failed_checkout_never_does() {
    let world = World::start().await;
    for event in two_plans() {
        deliver(&world, &event).await;
    }
    let state = world.customerio.state();
    let ada = &state.people.find("cus_ada").unwrap().attributes;
    assert_eq!(
        (&ada["subscription_id"], &ada["subscription_status"]),
        (&json!("old"), &json!("cancelled"))
    );
    assert_eq!(ada.get("next_billing"), None, "nothing more is charged");
}

#[tokio::test]
async fn each_subscription_is_an_object_too_if_that_is_wanted() {
    let world = World::with(&[("SUBSCRIPTION_OBJECT_TYPE", "7")]).await;
    for event in two_plans() {
        deliver(&world, &event).await;
        let items = items(&world);
        let object = items.iter().find(|item| item["type"] == "object").unwrap();
        let id = &event["data"]["subscription_id"];
        assert_eq!(object["identifiers"], json!({"object_type_id": "7", "object_id": id}));
        assert_eq!(object["cio_relationships"], json!([{"identifiers": {"id": "cus_ada"}}]));
        assert_eq!(object["attributes"]["status"], event["data"]["status"]);
    }
    deliver(&world, &event("payment.succeeded", json!({}))).await;
    assert!(items(&world).iter().all(|item| item["type"] == "person"));
}

#[tokio::test]
async fn what_was_bought_arrives_by_name() {
    let world = World::with_dodo_api(&[]).await;
    // Dodo does not document that a product repeats its id.
    let book = json!({"name": "The book", "price": 2900});
    world.dodo_api.state().products.insert("pdt_a".to_owned(), book);
    world.dodo_api.state().sell("pdt_b", None);
    let cart =
        json!([{"product_id": "pdt_a", "quantity": 2}, {"product_id": "pdt_b", "quantity": 1}]);
    let bought = event("payment.succeeded", json!({"product_cart": cart, "payment_id": "pay_1"}));
    deliver(&world, &bought).await;
    let expected = json!([
        {"product_id": "pdt_a", "quantity": 2, "name": "The book"},
        {"product_id": "pdt_b", "quantity": 1},
    ]);
    let attributes = last_event(&world);
    assert_eq!(attributes["products"], expected);
    assert_eq!(
        (&attributes["product_id"], &attributes["product_name"]),
        (&json!("pdt_a"), &json!("The book"))
    );

    let calls = |world: &World| {
        let state = world.dodo_api.state();
        state.requests.iter().filter(|request| request.starts_with("/products")).count()
    };
    let before = calls(&world);
    deliver(&world, &bought).await;
    assert_eq!(calls(&world), before, "names are remembered");

    let gone = json!({"product_cart": [{"product_id": "pdt_gone"}], "payment_id": "pay_2"});
    deliver(&world, &event("payment.succeeded", gone.clone())).await;
    deliver(&world, &event("payment.succeeded", gone)).await;
    assert_eq!(calls(&world), before + 1, "and so is that there is none");
}

#[tokio::test]
async fn an_abandoned_checkout_carries_its_link_and_what_was_in_it() {
    let world = World::with_dodo_api(&[]).await;
    world.dodo_api.state().sell("pdt_a", Some("The book"));
    let payment = json!({
        "payment_id": "pay_1", "customer": ada(), "total_amount": 2900, "currency": "EUR",
        "payment_link": "https://pay.example.com/1", "status": "failed",
        "product_cart": [{"product_id": "pdt_a", "quantity": 1}],
    });
    world.dodo_api.state().happened(&event("payment.failed", payment));
    for name in ["abandoned_checkout.detected", "dunning.started"] {
        let changes = json!({"payment_id": "pay_1", "customer_id": "cus_ada"});
        deliver(&world, &event(name, changes)).await;
        let attributes = last_event(&world);
        assert_eq!(attributes["payment_link"], "https://pay.example.com/1", "{name}");
        assert_eq!(attributes["payment_amount"], "29.00", "{name}");
        assert_eq!(attributes["currency"], "EUR", "{name}");
        assert_eq!(attributes["products"][0]["name"], "The book", "{name}");
        assert_eq!(attributes["product_name"], "The book", "{name}");
        assert_eq!(attributes["email"], "ada@example.com", "{name}");
    }
}

#[tokio::test]
async fn one_payment_of_a_known_customer_costs_one_call() {
    let world = World::with_dodo_api(&[]).await;
    let bought =
        |number: u8| event("payment.succeeded", json!({"payment_id": format!("pay_{number}")}));
    world.dodo_api.state().sell("pdt_eNTKArcrt8eTbt6wnFnJ", Some("The book"));
    deliver(&world, &bought(1)).await;
    let before = world.dodo_api.state().requests.len();
    deliver(&world, &bought(2)).await;
    let state = world.dodo_api.state();
    assert_eq!(state.requests[before..].len(), 1, "{:?}", &state.requests[before..]);
}

#[tokio::test]
async fn a_lost_dispute_comes_off_the_sum() {
    let world = World::with_dodo_api(&[]).await;
    let payment = json!({
        "payment_id": "pay_1", "customer": ada(), "total_amount": 2900, "currency": "EUR",
    });
    deliver(&world, &event("payment.succeeded", payment)).await;
    let lost = json!({
        "payment_id": "pay_1", "customer": ada(), "amount": "29.00", "currency": "EUR",
        "dispute_status": "dispute_lost",
    });
    deliver(&world, &event("dispute.lost", lost)).await;
    let state = world.customerio.state();
    assert_eq!(state.people.find("cus_ada").unwrap().attributes["total_spent"], "0.00");
}

#[tokio::test]
async fn many_pages_are_read_in_time() {
    let world = World::with_dodo_api(&[]).await;
    let bought = |number: usize| {
        let id = format!("pay_{number}");
        event(
            "payment.succeeded",
            json!({"payment_id": id, "total_amount": 100, "currency": "EUR"}),
        )
    };
    for number in 0..950 {
        world.dodo_api.state().happened(&bought(number));
    }
    let slow = std::time::Duration::from_millis(300);
    world.dodo_api.state().faults.plan = Some(Box::new(move || Some(Fault::Slow(slow))));
    deliver(&world, &bought(949)).await;
    let people = &world.customerio.state().people;
    assert_eq!(people.profiles()[0].attributes["total_spent"], "950.00");
}

#[tokio::test]
async fn sums_that_are_left_out_say_why_in_the_log() {
    let world = World::with_dodo_api(&[]).await;
    let payment = event("payment.succeeded", json!({"payment_id": "pay_1", "customer": ada()}));
    deliver(&world, &payment).await;
    let unknown = json!({
        "payment_id": "pay_1", "customer": ada(), "amount": null, "is_partial": true,
    });
    deliver(&world, &event("refund.succeeded", unknown)).await;
    assert!(world.log().contains("sums_partial_refund_without_amount"), "{}", world.log());
}

//! The local Dodo API lists what the real one lists, and leaves out what that leaves out.

use serde_json::{Value, json};
use stand_ins::dodo::sample;
use stand_ins::dodo_api::DodoApi;
use stand_ins::fault::Fault;

/// The local Dodo API, called over HTTP.
pub struct Client(pub DodoApi);

impl Client {
    pub async fn start() -> Self {
        Self(DodoApi::start("key").await.unwrap())
    }

    pub async fn send(&self, path: &str, key: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.0.url());
        dodo_customerio::http::client().get(url).bearer_auth(key).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.send(path, "key").await.text().await.unwrap()).unwrap()
    }

    pub async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().unwrap().clone()
    }

    pub fn happened(&self, event_type: &str, timestamp: &str, changes: Value) {
        let mut event = sample(event_type).unwrap().event;
        event["timestamp"] = timestamp.into();
        for (name, value) in changes.as_object().unwrap() {
            event["data"][name] = value.clone();
        }
        event["data"]["customer"]["customer_id"] = "cus_1".into();
        self.0.state().happened(&event);
    }
}

const FIRST: &str = "2026-11-01T00:00:00.000001Z";
const LATER: &str = "2026-11-02T00:00:00Z";
const LATEST: &str = "2026-11-02T00:00:00.5Z";

pub fn ids(items: &[Value], field: &str) -> Value {
    items.iter().map(|item| item[field].clone()).collect()
}

#[tokio::test]
async fn a_payment_is_whole_by_its_id_and_short_in_the_list() {
    let client = Client::start().await;
    let changes = json!({"payment_id": "pay_1", "payment_link": "https://pay.example.com/1"});
    client.happened("payment.succeeded", FIRST, changes);
    let whole = client.get("/payments/pay_1").await;
    assert_eq!(whole["payment_link"], "https://pay.example.com/1");
    assert_eq!(whole["product_cart"][0]["quantity"], 1);

    let items = client.list("/payments?customer_id=cus_1").await;
    for absent in
        ["product_cart", "settlement_amount", "is_update_payment_method", "billing", "error_code"]
    {
        assert!(items[0].get(absent).is_none(), "{absent}");
    }
    assert_eq!(items[0]["payment_method"], whole["payment_method"]);
    assert_eq!(
        (&items[0]["refund_status"], &items[0]["dispute_status"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_payment_knows_what_was_refunded_and_how_its_newest_dispute_stands() {
    let client = Client::start().await;
    for id in ["partly", "summed", "whole", "pending"] {
        client.happened("payment.succeeded", FIRST, json!({"payment_id": id, "total_amount": 100}));
    }
    for (number, (payment, amount, is_partial, status)) in [
        ("partly", json!(40), true, "succeeded"),
        ("summed", json!(40), true, "succeeded"),
        ("summed", json!(60), true, "succeeded"),
        ("whole", Value::Null, false, "succeeded"),
        ("pending", json!(100), false, "pending"),
    ]
    .into_iter()
    .enumerate()
    {
        let refund = json!({
            "refund_id": format!("ref_{number}"), "payment_id": payment, "amount": amount,
            "is_partial": is_partial, "status": status,
        });
        client.happened("refund.succeeded", LATER, refund);
    }
    for (payment, expected) in [
        ("partly", json!("partial")),
        ("summed", json!("full")),
        ("whole", json!("full")),
        ("pending", Value::Null),
    ] {
        let payment = client.get(&format!("/payments/{payment}")).await;
        assert_eq!(payment["refund_status"], expected, "{payment}");
    }

    // The older dispute was lost, but the newest counts.
    for (id, created_at, status) in
        [("dp_2", LATER, "dispute_opened"), ("dp_1", FIRST, "dispute_lost")]
    {
        client.happened(
            "dispute.lost",
            LATEST,
            json!({
                "dispute_id": id, "payment_id": "partly", "created_at": created_at,
                "dispute_status": status, "amount": "4.00",
            }),
        );
    }
    let items = client.list("/payments?customer_id=cus_1&page_size=100").await;
    let partly = items.iter().find(|item| item["payment_id"] == "partly").unwrap();
    assert_eq!(partly["dispute_status"], "dispute_opened");
    let whole = client.get("/payments/partly").await;
    assert_eq!(ids(whole["disputes"].as_array().unwrap(), "dispute_id"), json!(["dp_1", "dp_2"]));

    let lost = client.list("/disputes?customer_id=cus_1&dispute_status=dispute_lost").await;
    assert_eq!(ids(&lost, "dispute_id"), json!(["dp_1"]));
    assert_eq!((&lost[0]["amount"], &lost[0]["customer"]), (&json!("4.00"), &Value::Null));
    let refunds = client.list("/refunds?customer_id=cus_1&status=succeeded").await;
    assert_eq!(refunds.len(), 4);
    assert_eq!(refunds[0]["customer"], Value::Null);
}

#[tokio::test]
async fn a_dispute_without_a_customer_belongs_to_the_one_who_paid() {
    let client = Client::start().await;
    let mut dispute = sample("dispute.opened.no_customer_object").unwrap().event;
    client.happened("payment.succeeded", FIRST, json!({"payment_id": "pay_1"}));
    dispute["data"]["payment_id"] = "pay_1".into();
    client.0.state().happened(&dispute);
    assert_eq!(client.list("/disputes?customer_id=cus_1").await.len(), 1);
}

#[tokio::test]
async fn only_the_list_of_subscriptions_names_the_product() {
    let client = Client::start().await;
    client.0.state().sell("pdt_1", Some("PRO"));
    for (id, product, status) in [("sub_1", "pdt_1", "active"), ("sub_2", "pdt_2", "cancelled")] {
        let changes = json!({
            "subscription_id": id, "product_id": product, "status": status,
            "metadata": {"user_id": "user_1"}, "expires_at": LATER,
        });
        client.happened("subscription.active", FIRST, changes);
    }
    let active = client.list("/subscriptions?customer_id=cus_1&status=active").await;
    assert_eq!(ids(&active, "product_name"), json!(["PRO"]));
    for absent in ["expires_at", "addons", "meters", "cancellation_feedback"] {
        assert!(active[0].get(absent).is_none(), "{absent}");
    }
    let whole = client.get("/subscriptions/sub_1").await;
    assert_eq!(whole["metadata"]["user_id"], "user_1");
    assert_eq!((&whole["expires_at"], &whole["product_name"]), (&json!(LATER), &Value::Null));

    assert_eq!(client.get("/products/pdt_1").await["name"], "PRO");
    assert_eq!(
        client.get("/products/pdt_2").await["name"],
        Value::Null,
        "seen, but without a name"
    );
    for unknown in
        ["/products/pdt_3", "/payments/pay_1", "/subscriptions/sub_3", "/customers/x", "/x"]
    {
        assert_eq!(client.send(unknown, "key").await.status(), 404, "{unknown}");
    }
    assert_eq!(client.send("/products/pdt_1", "wrong").await.status(), 401);
}

#[tokio::test]
async fn an_older_event_does_not_replace_what_a_newer_one_said() {
    let client = Client::start().await;
    for (timestamp, status) in [(LATER, "on_hold"), (FIRST, "active"), (LATEST, "cancelled")] {
        let changes = json!({"subscription_id": "sub_1", "status": status});
        client.happened("subscription.updated", timestamp, changes);
        let expected = if status == "active" { "on_hold" } else { status };
        assert_eq!(client.get("/subscriptions/sub_1").await["status"], expected);
    }
}

#[tokio::test]
async fn customers_are_found_by_an_encoded_address_in_any_case() {
    let client = Client::start().await;
    for (id, email) in
        [("cus_1", "Ada+x@Example.com"), ("cus_2", "ada+x@example.com"), ("cus_3", "b@example.com")]
    {
        client.0.state().know(id, email, "Ada", FIRST);
    }
    let found = client.list("/customers?email=ada%2Bx%40example.com").await;
    assert_eq!(ids(&found, "customer_id"), json!(["cus_1", "cus_2"]));
}

#[tokio::test]
async fn a_page_has_ten_items_unless_asked_for_more_and_a_hundred_at_most() {
    let client = Client::start().await;
    for number in 1..=120 {
        let created_at = format!("2026-11-01T00:{:02}:{:02}Z", number / 60, number % 60);
        let changes = json!({"payment_id": format!("pay_{number}"), "created_at": created_at});
        client.happened("payment.succeeded", FIRST, changes);
    }
    for (query, length, newest) in [
        ("", 10, "pay_120"),
        ("&page_number=1", 10, "pay_110"),
        ("&page_size=100", 100, "pay_120"),
        ("&page_size=100&page_number=1", 20, "pay_20"),
        ("&created_at_gte=2026-11-01T00:01:58Z", 3, "pay_120"),
        ("&created_at_lte=2026-11-01T00:00:02Z", 2, "pay_2"),
    ] {
        let items = client.list(&format!("/payments?customer_id=cus_1{query}")).await;
        assert_eq!((items.len(), &items[0]["payment_id"]), (length, &json!(newest)), "{query}");
    }
    assert!(client.list("/payments?page_number=12").await.is_empty());
    assert!(client.list("/payments?customer_id=cus_2").await.is_empty());
}

#[tokio::test]
async fn requests_are_counted_by_path_failed_ones_too() {
    let client = Client::start().await;
    client.0.state().faults.queue.push_back(Fault::status(500));
    for path in ["/customers/cus_1", "/customers/cus_2", "/payments?customer_id=cus_1"] {
        client.send(path, "key").await;
    }
    let expected = json!({"/customers/{id}": 2, "/payments": 1});
    assert_eq!(json!(client.0.state().requests_by_path()), expected);
}

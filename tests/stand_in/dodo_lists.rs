//! The local Dodo API's lists of everything: windows, pages that shift, and how deep they go.

use crate::dodo_api::{Client, ids};
use serde_json::{Value, json};
use stand_ins::dodo_api::{Archive, Beyond, PageCap};
use std::collections::BTreeSet;

const LISTS: [&str; 5] = ["customers", "payments", "subscriptions", "refunds", "disputes"];

/// November 2025 to November 2026.
const YEAR: std::ops::Range<i64> = 1_762_000_000..1_793_491_200;

fn pay(client: &Client, number: u32, created_at: &str) {
    let changes = json!({"payment_id": format!("pay_{number}"), "created_at": created_at});
    client.happened("payment.succeeded", created_at, changes);
}

fn names(item: &Value) -> BTreeSet<String> {
    item.as_object().unwrap().keys().cloned().collect()
}

/// A whole list, in two windows.
async fn all(client: &Client, list: &str) -> Vec<Value> {
    let mut items = Vec::new();
    for half in
        ["created_at_lte=2026-05-01T00:00:00Z", "created_at_gte=2026-05-01T00:00:00.000001Z"]
    {
        for page in 0.. {
            let path = format!("/{list}?{half}&page_size=100&page_number={page}");
            let found = client.list(&path).await;
            let is_last = found.len() < 100;
            items.extend(found);
            if is_last {
                break;
            }
        }
    }
    items
}

#[tokio::test]
async fn a_window_holds_both_its_ends_and_the_newest_comes_first() {
    let client = Client::start().await;
    let second = |second| format!("2026-11-01T00:00:0{second}.5Z");
    for number in [3, 1, 4, 2] {
        pay(&client, number, &second(number));
    }
    pay(&client, 5, &second(4));
    let window = |from, to| {
        format!("/payments?created_at_gte={}&created_at_lte={}", second(from), second(to))
    };
    let found = client.list(&window(2, 4)).await;
    assert_eq!(ids(&found, "payment_id"), json!(["pay_5", "pay_4", "pay_3", "pay_2"]));
    assert_eq!(ids(&client.list(&window(3, 3)).await, "payment_id"), json!(["pay_3"]));
    assert!(client.list(&window(4, 2)).await.is_empty());
    let all = client.list("/payments").await;
    assert_eq!((all.len(), &all[4]["payment_id"]), (5, &json!("pay_1")));
    let customers = client.list("/customers?created_at_lte=2025-01-01T00:00:00Z").await;
    assert!(customers.is_empty());
}

#[tokio::test]
async fn what_is_not_valid_is_refused() {
    let client = Client::start().await;
    for (query, status) in [
        ("page_size=100", 200),
        ("page_size=101", 422),
        ("page_size=0", 422),
        ("page_number=-1", 422),
        ("created_at_gte=2026-11-01", 422),
        ("created_at_lte=2026-11-01T00:00:00%2B00:00", 200),
    ] {
        for list in LISTS {
            let response = client.send(&format!("/{list}?{query}"), "key").await;
            assert_eq!(response.status(), status, "{list} {query}");
        }
    }
}

#[tokio::test]
async fn past_the_last_page_is_an_error_or_nothing_or_the_last_page_again() {
    let client = Client::start().await;
    for number in 0..5 {
        pay(&client, number, &format!("2026-11-01T00:00:0{number}Z"));
    }
    let page = async |number: u32| {
        let path = format!("/payments?page_size=1&page_number={number}");
        let response = client.send(&path, "key").await;
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        (status, body["items"][0]["payment_id"].clone())
    };
    assert_eq!(page(4).await, (200, json!("pay_0")));
    for (beyond, expected) in [
        (Beyond::Refused, (422, Value::Null)),
        (Beyond::Empty, (200, Value::Null)),
        (Beyond::Repeated, (200, json!("pay_2"))),
    ] {
        client.0.state().page_caps.insert("payments", PageCap { last: 2, beyond });
        assert_eq!(page(2).await, (200, json!("pay_2")), "{beyond:?}");
        assert_eq!(page(3).await, expected, "{beyond:?}");
    }
    assert_eq!(client.send("/refunds?page_number=3", "key").await.status(), 200, "another list");
}

#[tokio::test]
async fn pages_shift_when_something_happens_meanwhile() {
    let client = Client::start().await;
    for number in 0..4 {
        pay(&client, number, &format!("2026-11-01T00:00:0{number}Z"));
    }
    let first = client.list("/payments?page_size=2").await;
    assert_eq!(ids(&first, "payment_id"), json!(["pay_3", "pay_2"]));
    client.0.state().meanwhile = Some(Box::new(|state| {
        assert_eq!(state.requests.last().unwrap(), "/payments?page_size=2&page_number=1");
        let mut new = state.payments.get("pay_3").unwrap().clone();
        (new["payment_id"], new["created_at"]) = ("pay_4".into(), "2026-11-01T00:00:09Z".into());
        state.payments.push(new);
    }));
    let second = client.list("/payments?page_size=2&page_number=1").await;
    assert_eq!(ids(&second, "payment_id"), json!(["pay_2", "pay_1"]), "the second time");
}

#[tokio::test]
async fn an_archive_lists_the_same_fields_and_each_item_once() {
    let client = Client::start().await;
    let mut expected = Vec::new();
    for (list, event) in [
        ("payments", "payment.succeeded"),
        ("customers", "payment.succeeded"),
        ("subscriptions", "subscription.active"),
        ("refunds", "refund.succeeded"),
        ("disputes", "dispute.lost"),
    ] {
        client.happened(event, "2026-11-01T00:00:00Z", json!({}));
        expected.push((list, client.list(&format!("/{list}")).await.remove(0)));
    }
    let archive = Archive::new(300, 1_001, YEAR);
    client.0.state().archive = Some(archive.clone());
    for (list, like) in expected {
        let items = all(&client, list).await;
        for item in &items {
            let other: Vec<_> = names(item).symmetric_difference(&names(&like)).cloned().collect();
            // A subscription's optional fields are not all in the sample.
            assert!(list == "subscriptions" || other.is_empty(), "{list}: {other:?}");
        }
        let id = format!("{}_id", list.trim_end_matches('s'));
        let different: BTreeSet<_> = items.iter().map(|item| item[&id].to_string()).collect();
        assert_eq!((items.len(), different.len()), (archive.count(list), items.len()), "{list}");

        let then = items[1]["created_at"].as_str().unwrap();
        let moment = format!("/{list}?created_at_gte={then}&created_at_lte={then}");
        assert_eq!(client.list(&moment).await, items[1..2]);
    }
    assert_eq!(client.send("/payments?customer_id=cus_1", "key").await.status(), 422);
}

#[tokio::test]
async fn what_an_archive_refunds_and_disputes_are_payments_that_say_so() {
    let client = Client::start().await;
    client.0.state().archive = Some(Archive::new(30, 1_000, YEAR));
    let payments = all(&client, "payments").await;
    let joined = async |list: &str, status: &str| {
        for item in all(&client, list).await {
            let is_it = |payment: &&Value| payment["payment_id"] == item["payment_id"];
            let payment = payments.iter().find(is_it).unwrap();
            assert_eq!(
                (&payment["status"], &payment["currency"]),
                (&json!("succeeded"), &item["currency"])
            );
            assert!(!payment[status].is_null(), "{payment}");
        }
        payments.iter().filter(|payment| !payment[status].is_null()).count()
    };
    assert_eq!(joined("refunds", "refund_status").await, 20);
    assert_eq!(joined("disputes", "dispute_status").await, 2);
}

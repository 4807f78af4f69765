//! Responses that depend on Customer.io.

use crate::world::{Response, World};
use serde_json::json;
use stand_ins::dodo::{samples, unix_now};
use stand_ins::fault::Fault;
use std::time::{Duration, Instant};

const MAX_ATTEMPTS: usize = 3;

/// The response if Customer.io fails like this at every attempt.
async fn response_to(fault: Fault) -> Response {
    let world = World::start().await;
    world.customerio.fail(vec![fault; MAX_ATTEMPTS]);
    let webhook = world.webhook("payment.succeeded");
    let response = world.deliver(&webhook).await;
    world.customerio.state().faults.queue.clear();
    // In any case, the same webhook is delivered when it is sent again, and counted once.
    assert_eq!(world.deliver(&webhook).await.outcome(), (200, "delivered"));
    assert_eq!(world.customerio.state().people.events().count(), 1);
    response
}

/// How many requests it takes to deliver a webhook despite these faults.
async fn attempts_through(faults: impl IntoIterator<Item = Fault>) -> u64 {
    let world = World::start().await;
    world.customerio.fail(faults);
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_eq!(response.outcome(), (200, "delivered"));
    assert_eq!(world.customerio.state().people.events().count(), 1);
    assert!(world.customerio.state().faults.queue.is_empty());
    world.log_lines(1).await[0]["Attempts"].as_u64().unwrap()
}

fn assert_retry(response: &Response, reason: &str) {
    assert_eq!((response.outcome(), response.reason()), ((503, "retry"), reason));
    assert_eq!(response.headers["retry-after"], "30");
    assert!(response.message().ends_with('.'), "{response:?}");
}

#[tokio::test]
async fn every_sample_is_accepted() {
    let world = World::start().await;
    let mut sent = 0;
    for sample in samples() {
        let response = world.deliver(&world.webhook(&sample.name)).await;
        let is_payout = sample.event_type().starts_with("payout.");
        let expected = if is_payout { "ignored" } else { "delivered" };
        assert_eq!(response.outcome(), (200, expected), "{}", sample.name);
        sent += usize::from(!is_payout);
    }
    assert_eq!(world.customerio.state().people.events().count(), sent);
}

#[tokio::test]
async fn a_repeated_webhook_is_the_same_request_and_counts_once() {
    let world = World::start().await;
    let webhook = world.webhook("subscription.active");
    for _ in 0..3 {
        assert_eq!(world.deliver(&webhook).await.outcome(), (200, "delivered"));
    }
    let state = world.customerio.state();
    assert!(state.arrivals.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!((state.people.events().count(), state.people.repeated), (1, 2));
}

#[tokio::test]
async fn times_are_the_payloads_own_but_never_in_the_future() {
    let world = World::start().await;
    let at = |time: &str| {
        let event = json!({"type": "a.b", "timestamp": time, "data": {"customer_id": "cus_1"}});
        world.signed(event.to_string())
    };
    for time in ["2026-10-31T12:00:00.9+01:00", "2999-01-01T00:00:00Z", "soon"] {
        assert_eq!(world.deliver(&at(time)).await.outcome(), (200, "delivered"));
    }
    let state = world.customerio.state();
    let [past, future, unreadable] =
        [0, 1, 2].map(|n| &state.arrivals[n].body["batch"][0]["timestamp"]);
    assert_eq!(past, &json!(1_793_444_400));
    assert!((unix_now() - future.as_i64().unwrap()).abs() < 10, "{future}");
    assert_eq!(unreadable, &json!(null));
}

#[tokio::test]
async fn what_customer_io_refuses_for_good_ends_the_retries() {
    for (status, body, field) in [
        (400, r#"{"errors":[{"reason":"invalid","field":"name","message":"is odd"}]}"#, "name"),
        (413, r#"{"meta":{"error":"is odd"}}"#, ""),
        (207, r#"{"errors":[{"batch_index":1,"field":"id","message":"is odd"}]}"#, "id"),
        (200, r#"{"errors":[{"batch_index":1,"field":"id","message":"is odd"}]}"#, "id"),
    ] {
        let response = response_to(Fault::Response(status, vec![], body.into())).await;
        assert_eq!(response.outcome(), (422, "rejected"));
        assert_eq!(response.headers["webhook-delivery"], "abort-message");
        assert_eq!(response.body["errors"][0]["message"], "is odd");
        let given = response.body["errors"][0].get("field").and_then(|field| field.as_str());
        assert_eq!(given.unwrap_or_default(), field);
        assert!(response.message().contains("is odd"));
    }
}

/// Dodo keeps what is answered so, for replay; with a 200 it would be gone.
#[tokio::test]
async fn an_event_that_has_lost_its_person_is_kept_by_dodo() {
    let world = World::start().await;
    for (event_type, field) in [
        ("payment.succeeded", "data.customer"),
        ("subscription.active", "data.customer"),
        ("refund.succeeded", "data.customer"),
        ("dispute.opened", "data.customer"),
        ("license_key.created", "data.customer_id"),
        ("credit.added", "data.customer_id"),
        ("abandoned_checkout.detected", "data.customer_id"),
        ("dunning.started", "data.customer_id"),
        ("entitlement_grant.created", "data.customer_id"),
    ] {
        for customer in [json!(null), json!("?"), json!({"email": "nobody"}), json!({})] {
            let event = json!({"type": event_type, "data": {"customer": customer}});
            let response = world.deliver(&world.signed(event.to_string())).await;
            assert_eq!((response.outcome(), response.reason()), ((422, "rejected"), "no_customer"));
            assert_eq!(response.headers["webhook-delivery"], "abort-message");
            assert!(response.message().contains(field), "{}", response.message());
        }
    }
    assert_eq!(world.arrivals(), 0);
}

#[tokio::test]
async fn customer_ios_reasons_repeat_nothing_personal() {
    // `World::invoke` checks that no personal data gets out.
    let echo = r#"{"errors":[{"reason":"invalid","field":"email","message":"ada@example.com of Ada Beispiel is taken"}]}"#;
    let response = response_to(Fault::Response(400, vec![], echo.into())).await;
    assert_eq!(response.body["errors"][0]["message"], "[redacted] of [redacted] is taken");
}

/// Parts, other cases, URL-encoded and as JSON; what Customer.io says about them stays.
#[tokio::test]
async fn customer_ios_reasons_stay_readable_without_what_they_quote() {
    for (quoted, expected) in [
        ("ADA BEISPIEL is too long", "[redacted] is too long"),
        ("beispiel is not valid", "[redacted] is not valid"),
        ("name=Ada+Beispiel is not valid", "name=[redacted] is not valid"),
        ("ada%40example.com is taken", "[redacted] is taken"),
        (r"\u0041da is not a number", "[redacted] is not a number"),
        (
            "property value cannot be longer than 1000 bytes",
            "property value cannot be longer than 1000 bytes",
        ),
    ] {
        let reason = format!(
            r#"{{"errors":[{{"reason":"invalid","field":"attributes.name","message":"{quoted}"}}]}}"#
        );
        let response = response_to(Fault::Response(400, vec![], reason)).await;
        assert_eq!(response.body["errors"][0]["field"], "attributes.name");
        assert_eq!(response.body["errors"][0]["message"], expected);
    }
}

#[tokio::test]
async fn what_may_work_later_is_asked_for_again() {
    for (status, reason) in [
        (408, "customerio_unavailable"),
        (429, "customerio_rate_limited"),
        (500, "customerio_unavailable"),
        (503, "customerio_unavailable"),
        (522, "customerio_unavailable"),
        (401, "credentials_refused"),
        (403, "credentials_refused"),
        (404, "customerio_unexpected_response"),
    ] {
        assert_retry(&response_to(Fault::status(status)).await, reason);
    }
}

fn retry_after(value: &str) -> Fault {
    Fault::Response(429, vec![("retry-after", value.to_owned())], "{}".into())
}

#[tokio::test]
async fn a_passing_fault_costs_another_attempt() {
    assert_eq!(attempts_through([]).await, 1);
    for fault in [
        Fault::status(408),
        Fault::status(429),
        Fault::status(500),
        Fault::status(503),
        Fault::status(524),
        Fault::BreakBefore,
        Fault::BreakAfter,
        Fault::Cut,
        Fault::Slow(Duration::from_secs(6)),
        Fault::Response(200, vec![], "<html>".into()),
    ] {
        assert_eq!(attempts_through([fault.clone()]).await, 2, "{fault:?}");
    }
    assert_eq!(attempts_through([Fault::status(500), Fault::status(503)]).await, 3);
}

#[tokio::test]
async fn retry_after_is_waited_for_if_it_fits() {
    let start = Instant::now();
    assert_eq!(attempts_through([retry_after("2")]).await, 2);
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
}

#[tokio::test]
async fn retry_after_is_passed_on_if_it_does_not_fit() {
    let start = Instant::now();
    let response = response_to(retry_after("70")).await;
    assert_eq!(
        (response.outcome(), response.reason()),
        ((503, "retry"), "customerio_rate_limited")
    );
    assert_eq!(response.headers["retry-after"], "70");
    for (asked, passed_on) in [("86400", "3600"), ("99999999999999999999", "3600"), ("0", "1")] {
        let response = response_to(retry_after(asked)).await;
        assert_eq!(response.headers["retry-after"], passed_on, "{asked}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "it is not waited for");
}

#[tokio::test]
async fn what_somebody_must_change_is_asked_once() {
    for status in [301, 404] {
        let world = World::start().await;
        world.customerio.fail([Fault::status(status)]);
        assert_eq!(world.deliver(&world.webhook("payment.succeeded")).await.status, 503);
        assert_eq!(world.log_lines(1).await[0]["Attempts"], 1);
        assert_eq!(world.arrivals(), 0);
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let headers = vec![("location", "https://track-eu.customer.io/api/v2/batch".to_owned())];
    let response = response_to(Fault::Response(301, headers, String::new())).await;
    assert_retry(&response, "wrong_region");
    assert!(response.message().contains("CUSTOMERIO_REGION"));
}

#[tokio::test]
async fn a_response_that_cannot_be_read_proves_nothing() {
    for body in ["<html>".to_owned(), format!("[\"{}\"]", "x".repeat(65 * 1024))] {
        assert_retry(
            &response_to(Fault::Response(200, vec![], body)).await,
            "customerio_unreadable_response",
        );
    }
}

#[tokio::test]
async fn a_broken_connection_before_or_after_is_asked_for_again() {
    for fault in [Fault::BreakBefore, Fault::BreakAfter] {
        assert_retry(&response_to(fault).await, "customerio_broken_connection");
    }
    assert_retry(&response_to(Fault::Cut).await, "customerio_unreadable_response");
}

#[tokio::test]
async fn an_unreachable_customer_io_is_asked_for_again() {
    let world = World::with(&[("CUSTOMERIO_TRACK_URL", "http://127.0.0.1:1")]).await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_retry(&response, "customerio_unreachable");
    assert_eq!(world.log_lines(1).await[0]["Attempts"], 3);
}

#[tokio::test]
async fn a_slow_response_is_given_up_in_time() {
    let start = Instant::now();
    let response = response_to(Fault::Slow(Duration::from_mins(1))).await;
    assert_retry(&response, "customerio_timeout");
    assert!(start.elapsed() < Duration::from_secs(13), "Dodo gives up after 15 s");
    assert!(start.elapsed() > Duration::from_secs(9), "the time there is gets used");
}

#[tokio::test]
async fn wrong_credentials_name_the_fields_and_lose_nothing() {
    let world = World::with_credentials("0123456789abcdef0123", "0123456789abcdef0123").await;
    let response = world.deliver(&world.webhook("payment.succeeded")).await;
    assert_retry(&response, "credentials_refused");
    assert!(response.message().contains("customerio_site_id and customerio_api_key"));
    assert_eq!(world.customerio.state().people.events().count(), 0);
}

/// Customer.io may quote what it knew of a person before: everything in the payload is redacted, sent or not.
#[tokio::test]
async fn what_customer_io_quotes_of_the_payload_is_redacted_even_if_it_was_not_sent() {
    let mut event = stand_ins::dodo::sample("payment.succeeded").unwrap().event;
    event["data"]["customer"]["phone_number"] = json!("+49 170 5551234");
    event["data"]["card_holder_name"] = json!("Leopoldine Zwirn");
    let world = World::start().await;
    let quote = "phone +49 170 5551234 of LEOPOLDINE at 1 Sample Street";
    let body = json!({"errors": [{"reason": "invalid", "field": "phone", "message": quote}]});
    world.customerio.fail([Fault::Response(400, vec![], body.to_string())]);
    let response = world.deliver(&world.signed(event.to_string())).await;
    assert_eq!(response.outcome(), (422, "rejected"));
    let body = response.body.to_string();
    for word in ["5551234", "LEOPOLDINE", "Sample Street"] {
        assert!(!body.contains(word) && !world.log().contains(word), "{word} in {body}");
    }
}

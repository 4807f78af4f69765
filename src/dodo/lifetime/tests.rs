use super::*;
use serde_json::json;

fn object(value: &Value) -> Object {
    value.as_object().unwrap().clone()
}

fn payment(id: &str, amount: i64, currency: &str) -> Value {
    json!({
        "payment_id": id, "total_amount": amount, "currency": currency,
        "created_at": "2026-10-31T12:00:00Z",
    })
}

fn refund(id: &str, payment: &str, amount: Value) -> Value {
    json!({"refund_id": id, "payment_id": payment, "amount": amount, "is_partial": true})
}

fn dispute(id: &str, payment: &str, amount: Value, status: &str) -> Value {
    json!({
        "dispute_id": id, "payment_id": payment, "amount": amount, "currency": "EUR",
        "dispute_status": status,
    })
}

fn event(event_type: &str, data: &Value) -> Event<'static> {
    Event {
        id: "msg_1",
        event_type: event_type.to_owned(),
        timestamp_ms: None,
        data: object(data),
        raw: "",
    }
}

fn history(payments: &[Value], refunds: &[Value], disputes: &[Value]) -> History {
    let mut history = History::default();
    for item in payments {
        history.add_payment(&object(item), &BTreeSet::new()).unwrap();
    }
    for item in refunds {
        history.add_refund(&object(item)).unwrap();
    }
    for item in disputes {
        history.add_dispute(&object(item)).unwrap();
    }
    history
}

/// After a payment of ten euros that is not listed.
fn after(payments: &[Value], refunds: &[Value]) -> Result<LifetimeValue, SumError> {
    let mut history = history(payments, refunds, &[]);
    history.add_own(&event("payment.succeeded", &payment("own", 1_000, "EUR")), true)?;
    history.value()
}

fn total(payments: &[Value], refunds: &[Value]) -> Result<i64, SumError> {
    after(payments, refunds).map(|value| value.sums[0].minor)
}

#[test]
fn an_item_counts_once_however_often_it_is_listed() {
    let own = payment("own", 1_000, "EUR");
    let other = payment("other", 500, "EUR");
    assert_eq!(total(&[], &[]), Ok(1_000));
    assert_eq!(total(&[own.clone(), other.clone(), own, other.clone()], &[]), Ok(1_500));
    let half = refund("half", "other", json!(250));
    assert_eq!(total(std::slice::from_ref(&other), &[half.clone(), half]), Ok(1_250));
}

#[test]
fn refunds_come_off_their_own_payments_only() {
    let yen = payment("yen", 700, "jpy");
    let of_yen = refund("of_yen", "yen", json!(700));
    let of_nothing = refund("of_nothing", "unknown", json!(900));
    let value = after(&[yen], &[of_yen, of_nothing]).unwrap();
    let sum = |currency| value.sums.iter().find(|sum| sum.currency == currency).unwrap().minor;
    assert_eq!((sum("EUR"), sum("JPY"), value.payments_count), (1_000, 0, 2));
    assert_eq!(value.first_payment_date, Some(1_793_448_000));
}

#[test]
fn a_whole_refund_needs_no_amount_and_a_partial_one_does() {
    let mut whole = refund("whole", "own", Value::Null);
    let unknown = Err(SumError::PartialRefundWithoutAmount);
    assert_eq!(total(&[], std::slice::from_ref(&whole)), unknown);
    whole["is_partial"] = false.into();
    assert_eq!(total(&[], &[whole]), Ok(0));
}

#[test]
fn amounts_that_cannot_be_added_make_no_sum() {
    assert_eq!(total(&[payment("other", i64::MAX, "EUR")], &[]), Err(SumError::TooLarge));
    let mut foreign = refund("foreign", "own", json!(100));
    foreign["currency"] = "USD".into();
    assert_eq!(total(&[], &[foreign]), Err(SumError::OtherCurrency));
}

#[test]
fn only_what_has_succeeded_counts() {
    let with_status = |mut item: Value, status: &str| {
        item["status"] = json!(status);
        item
    };
    for (status, counted) in [("succeeded", 500), ("failed", 0), ("processing", 0)] {
        let other = with_status(payment("other", 500, "EUR"), status);
        assert_eq!(total(&[other], &[]), Ok(1_000 + counted), "{status}");
        let refund = with_status(refund("half", "own", json!(100)), status);
        let refunded = if counted > 0 { 100 } else { 0 };
        assert_eq!(total(&[], &[refund]), Ok(1_000 - refunded), "{status}");
    }
}

#[test]
fn a_payment_says_whether_it_has_refunds_or_disputes() {
    for (field, has) in
        [("", (false, false)), ("refund_status", (true, false)), ("dispute_status", (false, true))]
    {
        let mut item = payment("a", 500, "EUR");
        item[field] = json!("partial");
        let history = history(&[item], &[], &[]);
        assert_eq!((history.has_refunds(), history.has_disputes()), has, "{field}");
    }
}

#[test]
fn payments_of_zero_do_not_count() {
    let value = after(&[payment("trial", 0, "USD")], &[]).unwrap();
    assert_eq!((value.payments_count, value.sums.len()), (1, 1));
}

#[test]
fn somebody_elses_payment_makes_no_sum() {
    let mut other = payment("other", 500, "EUR");
    other["customer"] = json!({"customer_id": "cus_2"});
    let own = BTreeSet::from(["cus_1".to_owned()]);
    let added = History::default().add_payment(&object(&other), &own);
    assert_eq!(added, Err(SumError::OtherCustomer));
}

#[test]
fn the_currency_with_the_most_payments_leads() {
    let payments =
        [payment("a", 60_000, "EUR"), payment("b", 500, "USD"), payment("c", 700, "USD")];
    let value = history(&payments, &[], &[]).value().unwrap();
    let sum = |currency: &str, minor| Sum { currency: currency.to_owned(), minor };
    assert_eq!(
        value,
        LifetimeValue {
            sums: vec![sum("USD", 1_200), sum("EUR", 60_000)],
            payments_count: 3,
            first_payment_date: Some(1_793_448_000),
        }
    );
    let many: Vec<_> = (0..12).map(|n| payment(&n.to_string(), 100, &format!("X{n:02}"))).collect();
    assert_eq!(history(&many, &[], &[]).value().unwrap().sums.len(), MAX_CURRENCIES);
}

#[test]
fn lost_and_accepted_disputes_come_off_and_others_do_not() {
    for (status, expected) in [
        ("dispute_lost", 600),
        ("dispute_accepted", 600),
        ("dispute_won", 1_000),
        ("dispute_opened", 1_000),
        ("dispute_cancelled", 1_000),
    ] {
        for amount in [json!("400"), json!(400), json!("4.00")] {
            let disputes = [dispute("d", "p", amount, status)];
            let value = history(&[payment("p", 1_000, "EUR")], &[], &disputes).value().unwrap();
            assert_eq!(value.sums[0].minor, expected, "{status}");
        }
    }
}

#[test]
fn a_dispute_that_has_ended_does_not_open_again() {
    for (listed, own, is_fresh, expected) in [
        ("dispute_opened", "dispute_lost", true, 600),
        ("dispute_opened", "dispute_lost", false, 600),
        ("dispute_lost", "dispute_opened", true, 600),
        ("dispute_won", "dispute_lost", false, 1_000),
        ("dispute_lost", "dispute_won", true, 1_000),
        ("dispute_challenged", "dispute_won", true, 1_000),
    ] {
        let of = |status| dispute("d", "p", json!("400"), status);
        let mut history = history(&[payment("p", 1_000, "EUR")], &[], &[of(listed)]);
        history.add_own(&event("dispute.lost", &of(own)), is_fresh).unwrap();
        let left = history.value().unwrap().sums[0].minor;
        assert_eq!(left, expected, "{listed} in the list, {own} in the event");
    }
}

#[test]
fn a_refund_of_an_unlisted_payment_makes_no_sum() {
    let own = refund("r", "unlisted", json!(100));
    let added = History::default().add_own(&event("refund.succeeded", &own), true);
    assert_eq!(added, Err(SumError::PaymentNotListed));
}

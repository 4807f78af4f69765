//! Lifetime values in Customer.io are right in the end, even if webhooks arrive late, twice, out of order or
//! between failures.

use crate::clock::{DAY, MINUTE, SECOND, START, rfc3339};
use crate::world::World;
use fastrand::Rng;
use lambda_runtime::Context;
use serde_json::{Value, json};
use stand_ins::customerio::People;
use stand_ins::dodo::{self, sample};
use stand_ins::dodo_api::DodoApi;
use stand_ins::fault::Fault;
use std::collections::{BTreeMap, HashSet};

const SEED: u64 = 7;
const EVENTS: usize = 500;
const CUSTOMERS: usize = 12;
const CURRENCIES: [&str; 5] = ["USD", "EUR", "JPY", "KWD", "CLP"];

/// Payments and refunds, in the order in which they happened.
struct History(Vec<Happening>);

struct Happening {
    at: u64,
    event: Value,
}

/// The attributes that a person should have in the end.
#[derive(Debug, PartialEq)]
struct Truth {
    total_spent: Value,
    total_spent_minor: Value,
    payments_count: Value,
    customer_since: Value,
}

fn customer_id(number: usize) -> String {
    format!("cus_{number}")
}

impl History {
    fn random(rng: &mut Rng) -> Self {
        let mut happenings: Vec<Happening> = Vec::new();
        let mut refundable: Vec<Value> = Vec::new();
        for number in 0..EVENTS {
            let at = START + number as u64 * 10 * MINUTE + rng.u64(..MINUTE);
            let is_refund = !refundable.is_empty() && rng.u8(..4) == 0;
            let event = if is_refund {
                refund(number, at, refundable.swap_remove(rng.usize(..refundable.len())), rng)
            } else {
                payment(number, at, rng)
            };
            if !is_refund {
                refundable.push(event.clone());
            }
            happenings.push(Happening { at, event });
        }
        Self(happenings)
    }

    /// Computed from the history itself, independently of the function.
    fn truth(&self, customer: &str) -> Truth {
        let own = self
            .0
            .iter()
            .map(|it| &it.event)
            .filter(|it| it["data"]["customer"]["customer_id"] == customer);
        let own: Vec<&Value> = own.collect();
        let currency = leading_currency(&own);
        let (mut total, mut count) = (0, 0);
        for event in &own {
            let data = &event["data"];
            let same = &data["currency"] == currency;
            if event["type"] == "payment.succeeded" {
                count += 1;
                total += if same { data["total_amount"].as_i64().unwrap() } else { 0 };
            } else if same {
                total -= data["refunded"].as_i64().unwrap();
            }
        }
        let text = match currency.as_str().unwrap() {
            "JPY" | "CLP" => total.to_string(),
            "KWD" => format!("{}.{:03}", total / 1000, total % 1000),
            _ => format!("{}.{:02}", total / 100, total % 100),
        };
        Truth {
            total_spent: text.into(),
            total_spent_minor: total.into(),
            payments_count: count.into(),
            customer_since: (joined(customer) / SECOND).into(),
        }
    }
}

/// The currency with the most payments, then the newest.
fn leading_currency<'a>(own: &[&'a Value]) -> &'a Value {
    let payments: Vec<_> = own.iter().filter(|it| it["type"] == "payment.succeeded").collect();
    let of = |currency: &str| {
        let same = payments.iter().filter(|it| it["data"]["currency"] == currency);
        let newest = same.clone().filter_map(|it| it["data"]["created_at"].as_str()).max();
        (same.count(), newest)
    };
    let currencies = payments.iter().map(|it| &it["data"]["currency"]);
    currencies.max_by_key(|currency| of(currency.as_str().unwrap())).unwrap()
}

/// When a customer signed up: long before the first payment.
fn joined(customer: &str) -> u64 {
    let number: u64 = customer["cus_".len()..].parse().unwrap();
    START - 100 * DAY + number * DAY
}

fn payment(number: usize, at: u64, rng: &mut Rng) -> Value {
    let mut event = sample("payment.succeeded").unwrap().event;
    let customer = rng.usize(..CUSTOMERS);
    event["timestamp"] = rfc3339(at).into();
    let data = &mut event["data"];
    data["payment_id"] = format!("pay_{number}").into();
    data["total_amount"] = rng.i64(1..100_000).into();
    data["currency"] = CURRENCIES[rng.usize(..CURRENCIES.len())].into();
    data["created_at"] = rfc3339(at).into();
    data["customer"] = json!({
        "customer_id": customer_id(customer),
        "email": format!("person{customer}@example.com"),
        "name": "Pat Sample",
    });
    event
}

/// Full or partial; Dodo may leave out the amount of a full one. `refunded` is for [`History::truth`].
fn refund(number: usize, at: u64, payment: Value, rng: &mut Rng) -> Value {
    let mut event = sample("refund.succeeded").unwrap().event;
    let paid = payment["data"]["total_amount"].as_i64().unwrap();
    let refunded = if rng.bool() { paid } else { rng.i64(0..=paid) };
    event["timestamp"] = rfc3339(at).into();
    let data = &mut event["data"];
    data["refund_id"] = format!("ref_{number}").into();
    for field in ["payment_id", "currency", "customer"] {
        data[field] = payment["data"][field].clone();
    }
    data["is_partial"] = (refunded < paid).into();
    data["amount"] = if refunded == paid && rng.bool() { Value::Null } else { refunded.into() };
    data["refunded"] = refunded.into();
    data["created_at"] = rfc3339(at).into();
    event
}

/// When each webhook is first sent: late by up to three hours, some of them twice.
fn deliveries(history: &History, rng: &mut Rng) -> Vec<(u64, usize)> {
    let mut deliveries = Vec::new();
    for (index, happening) in history.0.iter().enumerate() {
        for _ in 0..=usize::from(rng.u8(..4) == 0) {
            let late = if rng.bool() { rng.u64(..5 * SECOND) } else { rng.u64(..180 * MINUTE) };
            deliveries.push((happening.at + late, index));
        }
    }
    deliveries.sort_unstable();
    deliveries
}

/// Every fifth request fails temporarily, never twice in a row.
fn now_and_then(mut rng: Rng, faults: Vec<Fault>) -> impl FnMut() -> Option<Fault> + Send {
    let mut failed = false;
    move || {
        failed = !failed && rng.u8(..5) == 0;
        failed.then(|| faults[rng.usize(..faults.len())].clone())
    }
}

/// After a 429 of Dodo's API an event goes without sums, so that the last one of a customer would leave
/// them as they were. What happens then is tested elsewhere.
fn brief() -> Vec<Fault> {
    vec![Fault::status(503), Fault::BreakBefore]
}

fn brief_or_busy() -> Vec<Fault> {
    let soon = vec![("retry-after", "0".to_owned())];
    [brief(), vec![Fault::Response(429, soon, "{}".to_owned())]].concat()
}

fn known(people: &People, customer: &str) -> Truth {
    let profiles = people.profiles();
    let person = profiles.iter().find(|person| person.id.as_deref() == Some(customer)).unwrap();
    let of = |name: &str| person.attributes.get(name).cloned().unwrap_or_default();
    Truth {
        total_spent: of("total_spent"),
        total_spent_minor: of("total_spent_minor"),
        payments_count: of("payments_count"),
        customer_since: of("customer_since"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lifetime_values_are_the_truth_in_the_end() {
    let mut rng = Rng::with_seed(SEED);
    let history = History::random(&mut rng);
    let dodo_api = DodoApi::start("key").await.unwrap();
    for number in 0..CUSTOMERS {
        let (id, email) = (customer_id(number), format!("person{number}@example.com"));
        dodo_api.state().know(&id, &email, "Pat Sample", &rfc3339(joined(&id)));
    }
    let world = World::start(|_| false).await.with_dodo_api(dodo_api.url());
    let secret = dodo::random_secret();
    world.put(json!(secret), "customerio");
    world.accept("customerio");
    let function = world.new_environment().await;

    let ids: Vec<_> = history.0.iter().map(|_| dodo::random_message_id()).collect();
    let (mut listed, mut seen, mut held_back) = (0, HashSet::new(), 0);
    let deliveries = deliveries(&history, &mut rng);
    for (number, (time, index)) in deliveries.iter().enumerate() {
        // For some webhooks the list does not have the latest item yet.
        let lag = u64::from(rng.u8(..4) == 0);
        while listed < history.0.len()
            && history.0[listed].at + lag <= *time
            && !(lag == 1 && listed == *index)
        {
            dodo_api.state().happened(&history.0[listed].event);
            listed += 1;
        }
        let is_down = (100..150).contains(&number);
        let faults = now_and_then(rng.fork(), brief());
        dodo_api.state().faults.plan =
            Some(if is_down { Box::new(|| Some(Fault::status(500))) } else { Box::new(faults) });
        world.customerio.state().faults.plan =
            Some(Box::new(now_and_then(rng.fork(), brief_or_busy())));
        world.clock.set(*time);
        let body = history.0[*index].event.to_string();
        let request = world.request(&ids[*index], &body, &[&secret]);
        while function.handle(&request, &Context::default()).await.status_code != 200 {
            held_back += 1;
        }
        seen.insert(index);
    }
    assert_eq!((seen.len(), listed), (EVENTS, EVENTS));
    assert!(deliveries.len() > EVENTS, "some were sent twice");

    let state = world.customerio.state();
    let expected: BTreeMap<_, _> = (0..CUSTOMERS)
        .map(|number| (customer_id(number), history.truth(&customer_id(number))))
        .collect();
    for (customer, truth) in &expected {
        assert_eq!(known(&state.people, customer), *truth, "{customer}");
    }
    assert_eq!(state.people.events().count(), EVENTS, "{held_back} webhooks were sent again");
}

//! What happens at Dodo in a run: its webhooks, and what fails meanwhile.

use crate::clock::{SECOND, rfc3339};
use crate::plan::Plan;
use fastrand::Rng;
use stand_ins::dodo::{self, Sample, samples};

const PEOPLE: usize = 60;

/// A webhook and its state at Dodo.
pub struct Message {
    pub id: String,
    pub body: String,
    /// When it happened, in Unix milliseconds.
    pub happened: u64,
    /// When Customer.io had it, as far as the function knows.
    pub delivered: Option<u64>,
    pub aborted: bool,
    /// Whose payment it is, if it is one.
    payment_of: Option<String>,
}

/// What is sent, and what fails meanwhile.
pub struct Scenario {
    pub seed: u64,
    pub plan: Plan,
    pub messages: Vec<Message>,
    /// For what else is random.
    pub rng: Rng,
}

impl Scenario {
    /// Webhooks at random times, with a plan of failures.
    pub fn of_days(seed: u64, count: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::of(&mut rng);
        let happening = plan.happening.clone();
        let messages = messages(&mut rng, count, |rng| rng.u64(happening.clone()));
        Self { seed, plan, messages, rng }
    }

    /// Webhooks at the times that `time` gives, with this plan.
    pub fn at_times(
        seed: u64,
        plan: Plan,
        count: usize,
        time: impl FnMut(&mut Rng) -> u64,
    ) -> Self {
        let mut rng = Rng::with_seed(seed);
        let messages = messages(&mut rng, count, time);
        Self { seed, plan, messages, rng }
    }
}

/// Webhooks of every type that has a customer, for a few people, at the times that `time` gives.
fn messages(rng: &mut Rng, count: usize, mut time: impl FnMut(&mut Rng) -> u64) -> Vec<Message> {
    let samples: Vec<_> = samples()
        .into_iter()
        .filter(|sample| {
            !sample.event_type().starts_with("payout.") && sample.body().len() < 10_000
        })
        .collect();
    let message = |_| {
        let happened = time(rng);
        let sample = samples[rng.usize(..samples.len())].clone();
        Message::of(sample, happened, rng.usize(..PEOPLE))
    };
    (0..count).map(message).collect()
}

impl Message {
    fn of(mut sample: Sample, happened: u64, person: usize) -> Self {
        sample.event["timestamp"] = rfc3339(happened).into();
        let id = format!("cus_{person}");
        let data = &mut sample.event["data"];
        match data.get_mut("customer") {
            Some(customer) => {
                customer["customer_id"] = id.clone().into();
                customer["email"] = format!("person{person}@example.com").into();
            }
            None => data["customer_id"] = id.clone().into(),
        }
        Self {
            id: dodo::random_message_id(),
            body: sample.body(),
            happened,
            delivered: None,
            aborted: false,
            payment_of: is_payment(&sample).then_some(id),
        }
    }
}

fn is_payment(sample: &Sample) -> bool {
    let data = &sample.event["data"];
    sample.event_type() == "payment.succeeded"
        && data["is_update_payment_method"] != true
        && amount(&data["total_amount"]) > 0
}

/// Some samples write numbers as strings.
fn amount(value: &serde_json::Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// The time of the newest payment of a person, in Unix seconds, as their profile should have it.
pub fn newest_payment(messages: &[Message], person: &str) -> Option<u64> {
    let of_person = messages.iter().filter(|it| it.payment_of.as_deref() == Some(person));
    of_person.map(|message| message.happened / SECOND).max()
}

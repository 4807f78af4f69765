//! Messages that are refused for good, and events that Customer.io cannot cope with for a while.

use super::consumer::{DEAD_LETTERS, QUEUE};
use super::plan::{POISON, QueuePlan};
use crate::clock::rfc3339;
use crate::world::World;
use serde_json::{Value, json};
use stand_ins::customerio::People;
use stand_ins::dodo::sample;
use stand_ins::fault::Fault;
use stand_ins::sqs::{Queue, Sqs};
use std::collections::BTreeSet;

/// So many may wait in the queue.
const AT_ONCE: usize = 3;

/// What was put into the queue beside webhooks.
pub struct Poison {
    plan: QueuePlan,
    /// The webhook ids of what must become dead letters.
    refused: BTreeSet<String>,
    /// Those of what is delivered in the end.
    sick: BTreeSet<String>,
}

impl Poison {
    pub fn new(plan: &QueuePlan) -> Self {
        Self { plan: plan.clone(), refused: BTreeSet::new(), sick: BTreeSet::new() }
    }

    /// Puts into the queue what the plan says for now.
    pub fn spread(&mut self, now: u64, sqs: &Sqs, world: &World) {
        let sick = if now < self.plan.healed { Some(Fault::status(500)) } else { None };
        let [poison, cause] = POISON.map(|id| format!("\"{id}\""));
        let faults = [(poison, Some(refusal())), (cause, sick)];
        world.customerio.state().poison =
            faults.into_iter().filter_map(|(text, fault)| Some((text, fault?))).collect();

        // Not ever more while they cannot be copied.
        let waiting = self.refused.len().saturating_sub(sqs.state().queues[DEAD_LETTERS].len());
        if now < self.plan.poisonous_until && waiting < AT_ONCE {
            let id = format!("poison_{}", self.refused.len());
            let no_event = "Ada, ada@example.com".to_owned();
            let is_event = self.refused.len().is_multiple_of(2);
            let body = if is_event { event_of(POISON[0], now) } else { no_event };
            sqs.put(QUEUE, &body, &[("webhook-id", &id)]);
            self.refused.insert(id);
        }
        if self.plan.sick.iter().filter(|time| **time <= now).count() > self.sick.len() {
            let id = format!("sick_{}", self.sick.len());
            sqs.put(QUEUE, &event_of(POISON[1], now), &[("webhook-id", &id)]);
            self.sick.insert(id);
        }
    }

    /// What is not where it should be: among the dead letters with a reason, or counted once.
    pub fn misplaced(&self, dead_letters: &Queue, people: &People) -> Vec<String> {
        let dead: BTreeSet<_> = dead_letters
            .messages()
            .filter(|it| is_reason(&it.attributes["reason"]["StringValue"]))
            .filter_map(|it| it.attributes["webhook-id"]["StringValue"].as_str())
            .map(str::to_owned)
            .collect();
        let counted = |id: &str| {
            people.events().filter(|event| event.attributes["dodo_webhook_id"] == *id).count()
        };
        let unhealed = self.sick.iter().filter(|id| counted(id) != 1).cloned();
        self.refused.symmetric_difference(&dead).cloned().chain(unhealed).collect()
    }
}

/// Says what is wrong, and nothing of a person.
fn is_reason(reason: &Value) -> bool {
    reason.as_str().is_some_and(|reason| reason.contains(": ") && !reason.contains('@'))
}

fn refusal() -> Fault {
    let errors = json!({"errors": [{"reason": "invalid", "field": "", "message": "is odd"}]});
    Fault::Response(400, vec![], errors.to_string())
}

fn event_of(customer: &str, now: u64) -> String {
    let mut event = sample("payment.succeeded").unwrap().event;
    event["timestamp"] = rfc3339(now).into();
    event["data"]["customer"]["customer_id"] = customer.into();
    event["data"]["customer"]["email"] = format!("{customer}@example.com").into();
    event.to_string()
}

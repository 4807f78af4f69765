//! Who gets which mail when, over a sequence of items as Customer.io gets them.

use super::liquid::render;
use super::recipe::Located;
use super::{Campaign, Condition, Exit, Frequency, Recipe, Step, Trigger, Vocabulary};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Events older than this start no campaign, in seconds.
const STARTS_WITHIN: u64 = 72 * HOUR;

/// An item and when it arrived, in Unix seconds.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Of one person: `identify` or `event`.
    pub item: Value,
    /// In Unix seconds.
    pub at: u64,
}

/// A mail that is due, with what it is rendered from.
#[derive(Debug, Clone)]
pub struct SentMail {
    /// `id …` or `email …`.
    pub person: String,
    /// In Unix seconds.
    pub at: u64,
    /// Its name on the page.
    pub mail: String,
    /// Attributes of the event that started the campaign; empty if a date did.
    pub event: Map<String, Value>,
    /// What is known of the person by then.
    pub customer: Map<String, Value>,
}

/// All mails of a recipe for these items, which are in the order of their arrival. Waits that last longer
/// than the items end all the same.
///
/// # Errors
/// If Liquid that sets an attribute cannot be rendered.
pub fn run(
    recipe: &Recipe,
    items: &[Arrived],
    vocabulary: &Vocabulary,
) -> Result<Vec<SentMail>, String> {
    let mut world = World::new(recipe, vocabulary);
    for arrived in items {
        world.pass_time(arrived.at)?;
        world.take(arrived)?;
    }
    world.pass_time(u64::MAX)?;
    Ok(world.sent)
}

/// One person's way through a campaign.
#[derive(Debug, Clone)]
struct Journey {
    person: String,
    campaign: usize,
    event: Map<String, Value>,
    step: usize,
}

struct World<'a> {
    recipe: &'a Recipe,
    vocabulary: &'a Vocabulary,
    people: BTreeMap<String, Map<String, Value>>,
    /// By the time at which they go on.
    waiting: BTreeMap<u64, Vec<Journey>>,
    entered: BTreeSet<(String, usize)>,
    sent: Vec<SentMail>,
}

impl<'a> World<'a> {
    fn new(recipe: &'a Recipe, vocabulary: &'a Vocabulary) -> Self {
        let (people, waiting, entered, sent) = Default::default();
        Self { recipe, vocabulary, people, waiting, entered, sent }
    }

    /// Journeys whose wait ends before this time go on.
    fn pass_time(&mut self, until: u64) -> Result<(), String> {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() < until) {
            let (at, journeys) = entry.remove_entry();
            for journey in journeys {
                if self.is_still_due(&journey, at) {
                    self.go_on(journey, at)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, arrived: &Arrived) -> Result<(), String> {
        let item = &arrived.item;
        let Some(person) = name(item).filter(|_| item["type"] == "person") else { return Ok(()) };
        let attributes = item["attributes"].as_object().cloned().unwrap_or_default();
        match item["action"].as_str() {
            Some("identify") => {
                for (name, value) in attributes {
                    self.set(&person, &name, value, arrived.at);
                }
                Ok(())
            }
            Some("event") => {
                let event = item["name"].as_str().unwrap_or_default();
                self.end_waits(&person, event);
                let happened = item["timestamp"].as_u64().unwrap_or(arrived.at);
                if happened + STARTS_WITHIN < arrived.at {
                    return Ok(());
                }
                self.start_by_event(&person, event, &attributes, arrived.at)
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, person: &str, name: &str, value: Value, now: u64) {
        let known = self.people.entry(person.to_owned()).or_default();
        if value == "" {
            known.remove(name);
            return;
        }
        let is_new = known.insert(name.to_owned(), value.clone()).as_ref() != Some(&value);
        for (campaign, own) in self.recipe.campaigns.iter().enumerate() {
            let Trigger::Date(attribute, days) = &own.trigger.value else { continue };
            let Some(date) = value.as_u64().filter(|_| is_new && attribute == name) else {
                continue;
            };
            let at = date.saturating_sub(days * DAY);
            // Customer.io starts nothing for a date that has passed.
            if at >= now {
                let journey =
                    Journey { person: person.to_owned(), campaign, event: Map::new(), step: 0 };
                self.waiting.entry(at).or_default().push(journey);
            }
        }
    }

    /// A date that has moved since starts nothing at its old time.
    fn is_still_due(&self, journey: &Journey, at: u64) -> bool {
        match &self.recipe.campaigns[journey.campaign].trigger.value {
            Trigger::Date(attribute, days) if journey.step == 0 => {
                let date = self.people[&journey.person].get(attribute).and_then(Value::as_u64);
                date.is_some_and(|date| date.saturating_sub(days * DAY) == at)
            }
            _ => true,
        }
    }

    /// Journeys end that go on only unless this event comes.
    fn end_waits(&mut self, person: &str, event: &str) {
        let campaigns = &self.recipe.campaigns;
        for journeys in self.waiting.values_mut() {
            journeys.retain(|journey| {
                let steps = &campaigns[journey.campaign].steps;
                let wait = journey.step.checked_sub(1).map(|last| &steps[last].value);
                let ends = matches!(wait, Some(Step::WaitUnless(name, _)) if name == event);
                journey.person != person || !ends
            });
        }
    }

    fn start_by_event(
        &mut self,
        person: &str,
        name: &str,
        event: &Map<String, Value>,
        now: u64,
    ) -> Result<(), String> {
        for (campaign, own) in self.recipe.campaigns.iter().enumerate() {
            let starts = own.trigger.value == Trigger::Event(name.to_owned())
                && all_hold(&own.event_filters, event)
                && self.matches(own, person);
            if !starts {
                continue;
            }
            let is_first = self.entered.insert((person.to_owned(), campaign));
            if is_first || own.frequency == Frequency::EveryTime {
                let (person, event) = (person.to_owned(), event.clone());
                self.go_on(Journey { person, campaign, event, step: 0 }, now)?;
            }
        }
        Ok(())
    }

    /// Whether the person is in the campaign's segments now.
    fn matches(&self, campaign: &Campaign, person: &str) -> bool {
        let nobody = Map::new();
        let attributes = self.people.get(person).unwrap_or(&nobody);
        let segments = campaign.segments.iter().map(|name| &self.recipe.segments[&name.value]);
        segments.into_iter().all(|conditions| all_hold(conditions, attributes))
    }

    /// Does what is due, up to the next wait.
    fn go_on(&mut self, mut journey: Journey, now: u64) -> Result<(), String> {
        let recipe = self.recipe;
        let campaign = &recipe.campaigns[journey.campaign];
        let filters_end_it = campaign.exit.value == Exit::FiltersFail;
        let by_date = matches!(campaign.trigger.value, Trigger::Date(..)) && journey.step == 0;
        if (filters_end_it || by_date) && !self.matches(campaign, &journey.person) {
            return Ok(());
        }
        while let Some(step) = campaign.steps.get(journey.step) {
            journey.step += 1;
            match &step.value {
                Step::Send(mail) => self.send(&journey, mail, now),
                Step::Set(attribute, template) => {
                    let value = self.liquid(&journey, template)?;
                    self.set(&journey.person.clone(), attribute, value, now);
                }
                Step::Wait(hours) | Step::WaitUnless(_, hours) => {
                    return self.wait(journey, now + hours * HOUR);
                }
                Step::WaitUntil(attribute, days) => {
                    let date = journey.event.get(attribute).and_then(Value::as_u64).unwrap_or(now);
                    return self.wait(journey, date.saturating_sub(days * DAY).max(now));
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "so that a step may end with it")]
    fn wait(&mut self, journey: Journey, until: u64) -> Result<(), String> {
        self.waiting.entry(until).or_default().push(journey);
        Ok(())
    }

    fn send(&mut self, journey: &Journey, mail: &str, at: u64) {
        let customer = self.people.get(&journey.person).cloned().unwrap_or_default();
        let (person, event) = (journey.person.clone(), journey.event.clone());
        self.sent.push(SentMail { person, at, mail: mail.to_owned(), event, customer });
    }

    /// A number if it is one.
    fn liquid(&self, journey: &Journey, template: &str) -> Result<Value, String> {
        let customer = self.people.get(&journey.person).cloned().unwrap_or_default();
        let text = render(template, &journey.event, &customer, self.vocabulary)?;
        Ok(text.parse::<u64>().map_or(Value::String(text), Value::from))
    }
}

fn all_hold(conditions: &[Located<Condition>], attributes: &Map<String, Value>) -> bool {
    conditions.iter().all(|condition| condition.value.holds(attributes))
}

/// How the item names its person.
fn name(item: &Value) -> Option<String> {
    let (kind, value) = item["identifiers"].as_object()?.iter().next()?;
    Some(format!("{kind} {}", value.as_str()?))
}

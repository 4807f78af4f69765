//! A mail as text, for a terminal.

use super::liquid::{Rendered, render};
use super::{Mail, Recipe, Step, Trigger, Vocabulary};
use serde_json::{Map, Value};
use std::fmt::Write as _;

impl Mail {
    /// Renders subject and body.
    ///
    /// # Errors
    /// What is wrong, with the line at which the part begins.
    pub fn render(
        &self,
        event: &Map<String, Value>,
        customer: &Map<String, Value>,
        vocabulary: &Vocabulary,
    ) -> Result<Rendered, String> {
        let part = |template: &super::recipe::Located<String>| {
            render(&template.value, event, customer, vocabulary)
                .map_err(|error| format!("{} (from line {}): {error}", self.name, template.line))
        };
        Ok(Rendered { subject: part(&self.subject)?.trim().to_owned(), body: part(&self.body)? })
    }
}

/// The mails of a recipe for the items of one request, with what keeps a campaign from starting.
///
/// # Errors
/// A sentence that names the recipes, or the events that the recipe is for.
pub fn preview(name: &str, items: &[Value]) -> Result<String, String> {
    let all = super::recipes().map_err(|faults| lines(&faults))?;
    let names: Vec<&str> = all.iter().map(|recipe| recipe.name.as_str()).collect();
    let recipe = all
        .iter()
        .find(|recipe| recipe.name == name)
        .ok_or_else(|| format!("There is no recipe {name}. There are: {}.", names.join(", ")))?;
    let customer = attributes(items, "identify");
    let event = items.iter().find(|item| item["action"] == "event");
    let event_name = event.and_then(|item| item["name"].as_str()).unwrap_or("nothing");
    let event = attributes(items, "event");
    let mut text = String::new();
    for campaign in &recipe.campaigns {
        if campaign.trigger.value != Trigger::Event(event_name.to_owned()) {
            continue;
        }
        for filter in campaign.event_filters.iter().filter(|it| !it.value.holds(&event)) {
            let attribute = &filter.value.attribute;
            let value = event.get(attribute).map_or("absent".to_owned(), Value::to_string);
            writeln!(text, "Customer.io would not send this: {attribute} is {value}.\n").ok();
        }
        text += &mails(recipe, campaign, &event, &customer)?;
    }
    if text.is_empty() {
        return Err(format!(
            "{event_name} starts no mail of {name}. {} says which event does.",
            recipe.file
        ));
    }
    Ok(text.trim_end().to_owned())
}

fn mails(
    recipe: &Recipe,
    campaign: &super::Campaign,
    event: &Map<String, Value>,
    customer: &Map<String, Value>,
) -> Result<String, String> {
    let (vocabulary, mut hours, mut text) = (Vocabulary::read(), 0, String::new());
    for step in &campaign.steps {
        match &step.value {
            Step::Wait(more) => hours += more,
            Step::Send(name) => {
                let Some(mail) = recipe.mails.iter().find(|mail| mail.name == *name) else {
                    continue;
                };
                let rendered = mail.render(event, customer, &vocabulary)?;
                let body = to_text(&rendered.body);
                let when =
                    if hours == 0 { "at once".to_owned() } else { format!("after {hours} hours") };
                writeln!(text, "{name}, {when}\nSubject: {}\n\n{body}\n", rendered.subject).ok();
            }
            Step::WaitUntil(attribute, days) => {
                writeln!(text, "waits until {days} days before {attribute}\n").ok();
            }
            Step::Set(attribute, _) => {
                writeln!(text, "sets {attribute} on the person\n").ok();
            }
        }
    }
    Ok(text)
}

fn lines(faults: &[super::Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// All attributes of the items with this action, cleared ones left out.
fn attributes(items: &[Value], action: &str) -> Map<String, Value> {
    let of_action = items.iter().filter(|it| it["action"] == action && it["type"] == "person");
    let pairs = of_action.filter_map(|item| item["attributes"].as_object()).flatten();
    pairs
        .filter(|(_, value)| **value != "")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// HTML without its tags: paragraphs as paragraphs, links with their targets.
pub fn to_text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let Some((tag, rest)) = part.split_once('>') else {
            text += part;
            continue;
        };
        match tag.split(' ').next().unwrap_or_default() {
            "/p" | "/ul" => text += "\n",
            "li" => text += "- ",
            "a" => {
                let target = tag.split('"').nth(1).unwrap_or_default();
                write!(text, "[{target}] ").ok();
            }
            _ => {}
        }
        text += rest;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut text = lines.join("\n");
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.trim().to_owned(), |text, (from, to)| text.replace(from, to))
}

//! A mail as text, for a terminal.

use super::liquid::{Rendered, render};
use super::{Campaign, Mail, Recipe, Step, Trigger, Vocabulary};
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
    let request = Request::of(items);
    let started = recipe.campaigns.iter().filter(|it| request.starts(it));
    let vocabulary = Vocabulary::read();
    let text: String =
        started.map(|campaign| request.preview(recipe, campaign, &vocabulary)).collect();
    if text.is_empty() {
        let Some(event) = &request.event_name else {
            return Err("Nothing starts a campaign: only the person is updated, since the settings leave this event out (EVENTS, EVENT_NAMES).".to_owned());
        };
        return Err(format!(
            "{event} starts no campaign of {name}. {} says what does. If EVENT_NAMES or a transform gives the \
             event its name, preview the mail without them.",
            recipe.file
        ));
    }
    Ok(text.trim_end().to_owned())
}

/// A mail of a campaign that a request would start.
#[derive(Debug, Clone)]
pub struct StartedMail {
    /// The recipe's name.
    pub recipe: String,
    /// Its page.
    pub file: String,
    /// The mail's name.
    pub mail: String,
    /// Such as `at once` or `3 days later`.
    pub when: String,
    /// What keeps the campaign from starting, or must hold until then; a sentence each.
    pub notes: Vec<String>,
    /// The mail, or why it cannot be made.
    pub rendered: Result<Rendered, String>,
}

/// The mails of all campaigns that start with the event in the items of one request. `customer` is what is known
/// of the person beside what the items say.
///
/// # Errors
/// What is wrong with the pages.
pub fn started_mails(
    items: &[Value],
    customer: &Map<String, Value>,
) -> Result<Vec<StartedMail>, String> {
    let recipes = super::recipes().map_err(|faults| lines(&faults))?;
    let mut request = Request::of(items);
    for (name, value) in customer {
        request.customer.entry(name.clone()).or_insert_with(|| value.clone());
    }
    let vocabulary = Vocabulary::read();
    let of_recipe = |recipe: &Recipe| -> Vec<StartedMail> {
        let started = recipe.campaigns.iter().filter(|it| request.starts(it));
        started.flat_map(|campaign| request.mails(recipe, campaign, &vocabulary)).collect()
    };
    Ok(recipes.iter().flat_map(of_recipe).collect())
}

/// The attributes that a request brings.
struct Request {
    /// None if the request only updates the person.
    event_name: Option<String>,
    event: Map<String, Value>,
    customer: Map<String, Value>,
}

impl Request {
    fn of(items: &[Value]) -> Self {
        let event = items.iter().find(|item| item["action"] == "event");
        let event_name = event.and_then(|item| item["name"].as_str());
        Self {
            event_name: event_name.map(str::to_owned),
            event: attributes(items, "event"),
            customer: attributes(items, "identify"),
        }
    }

    fn starts(&self, campaign: &Campaign) -> bool {
        let name = self.event_name.as_ref();
        matches!(&campaign.trigger.value, Trigger::Event(trigger) if Some(trigger) == name)
    }

    /// What keeps the campaign from starting, a sentence each.
    fn conditions(&self, campaign: &Campaign) -> Vec<String> {
        let failing = campaign.event_filters.iter().filter(|it| !it.value.holds(&self.event));
        let failing = failing.map(|filter| {
            let attribute = &filter.value.attribute;
            let value = self.event.get(attribute).map_or("absent".to_owned(), Value::to_string);
            format!("Customer.io would not start this: {attribute} is {value}.")
        });
        let segments = campaign.segments.iter();
        let segments = segments.map(|it| format!("Only to people in the segment {}.", it.value));
        failing.chain(segments).collect()
    }

    /// The mails of a campaign, with all that is said before each.
    fn mails(
        &self,
        recipe: &Recipe,
        campaign: &Campaign,
        vocabulary: &Vocabulary,
    ) -> Vec<StartedMail> {
        let (mut notes, mut hours, mut mails) = (self.conditions(campaign), 0, Vec::new());
        for step in &campaign.steps {
            match &step.value {
                Step::Wait(more) => hours += more,
                Step::WaitUnless(event, more) => {
                    hours += more;
                    notes.push(format!("Unless {event} comes first."));
                }
                Step::WaitUntil(attribute, days) => {
                    notes.push(format!("Waits until {days} days before {attribute}."));
                }
                Step::Set(..) => {}
                Step::Send(name) => {
                    let mail = recipe.mails.iter().find(|mail| mail.name == *name);
                    mails.extend(mail.map(|mail| StartedMail {
                        recipe: recipe.name.clone(),
                        file: recipe.file.clone(),
                        mail: name.clone(),
                        when: when(hours),
                        notes: notes.clone(),
                        rendered: mail.render(&self.event, &self.customer, vocabulary),
                    }));
                }
            }
        }
        mails
    }

    /// What keeps the campaign from starting, then what it does.
    fn preview(&self, recipe: &Recipe, campaign: &Campaign, vocabulary: &Vocabulary) -> String {
        let conditions = self.conditions(campaign).into_iter();
        let conditions = conditions.map(|sentence| format!("{sentence}\n\n"));
        let mut hours = 0;
        let steps = campaign.steps.iter().map(|step| {
            if let Step::Wait(more) | Step::WaitUnless(_, more) = &step.value {
                hours += more;
            }
            self.step(recipe, &step.value, hours, vocabulary)
        });
        conditions.chain(steps).collect()
    }

    fn step(&self, recipe: &Recipe, step: &Step, hours: u64, vocabulary: &Vocabulary) -> String {
        match step {
            Step::Wait(_) => String::new(),
            Step::WaitUnless(event, _) => format!("Unless {event} comes first:\n\n"),
            Step::WaitUntil(attribute, days) => {
                format!("Waits until {days} days before {attribute}.\n\n")
            }
            Step::Set(attribute, template) => {
                match render(template, &self.event, &self.customer, vocabulary) {
                    Ok(value) => format!("Sets {attribute} on the person: {value}.\n\n"),
                    Err(error) => format!("{attribute} cannot be set: {error}.\n\n"),
                }
            }
            Step::Send(name) => {
                let mail = recipe.mails.iter().find(|mail| mail.name == *name);
                let rendered =
                    mail.map(|mail| mail.render(&self.event, &self.customer, vocabulary));
                match rendered {
                    None => String::new(),
                    Some(Err(error)) => format!("The mail cannot be made: {error}.\n\n"),
                    Some(Ok(Rendered { subject, body })) => {
                        let (when, body) = (when(hours), to_text(&body));
                        format!("--- {name}, {when}\nSubject: {subject}\n\n{body}\n\n")
                    }
                }
            }
        }
    }
}

fn when(hours: u64) -> String {
    match hours {
        0 => "at once".to_owned(),
        _ if hours.is_multiple_of(24) => format!("{} days later", hours / 24),
        1 => "an hour later".to_owned(),
        _ => format!("{hours} hours later"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(event: &str, attributes: Value) -> [Value; 1] {
        [json!({"type": "person", "action": "event", "name": event, "attributes": attributes})]
    }

    #[test]
    fn a_mail_is_shown_as_text_with_what_would_stop_it() {
        let event = json!({
            "dodo_environment": "test", "payment_amount": "29.00", "payment_amount_minor": 2900,
            "currency": "EUR", "payment_id": "pay_1", "name": "A & B",
        });
        let text = preview("receipt", &request("Payment Completed", event)).unwrap();
        assert!(
            text.starts_with("Customer.io would not start this: dodo_environment is \"test\".")
        );
        assert!(text.contains(
            "--- receipt, at once\nSubject: Your payment of 29.00 EUR\n\nHello A & B,\n"
        ));
    }

    #[test]
    fn the_mails_that_an_event_starts_know_the_person_too() {
        let event = json!({
            "dodo_environment": "live", "payment_amount": "29.00", "payment_amount_minor": 2900,
            "currency": "EUR", "payment_id": "pay_1",
        });
        let known = json!({"name": "Ada", "email": "ada@example.com"});
        let known = known.as_object().unwrap();
        let mails = started_mails(&request("Payment Completed", event.clone()), known).unwrap();
        let receipt = mails.iter().find(|it| it.recipe == "receipt").unwrap();
        assert_eq!((receipt.mail.as_str(), receipt.when.as_str()), ("receipt", "at once"));
        assert_eq!(receipt.notes, Vec::<String>::new());
        let rendered = receipt.rendered.as_ref().unwrap();
        assert_eq!(rendered.subject, "Your payment of 29.00 EUR");
        assert!(rendered.body.contains("Hello Ada,"), "{}", rendered.body);
        assert!(receipt.file.ends_with("docs/campaigns/receipt.md"), "{}", receipt.file);
        assert!(started_mails(&request("Nobody Waits", event), known).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_shown_is_a_sentence() {
        let nothing = request("Payment Completed", json!({}));
        assert!(preview("receit", &nothing).unwrap_err().starts_with("There is no recipe receit."));
        let error = preview("refund", &nothing).unwrap_err();
        assert!(error.starts_with("Payment Completed starts no campaign of refund."), "{error}");
        let person = [json!({"type": "person", "action": "identify", "attributes": {}})];
        let error = preview("receipt", &person).unwrap_err();
        assert!(error.starts_with("Nothing starts a campaign: only the person"), "{error}");
        let text =
            preview("abandoned-checkout", &request("Abandoned Checkout Detected", json!({})));
        let text = text.unwrap();
        assert!(
            text.contains("payment_link is absent, and it is printed without a default"),
            "{text}"
        );
    }

    #[test]
    fn html_becomes_text() {
        let html = "<p>A &lt;b&gt;</p>\n<ul>\n<li>one</li>\n</ul><p><a href=\"https://a.example\">go</a></p>";
        assert_eq!(to_text(html), "A <b>\n\n- one\n\n[https://a.example] go");
    }
}

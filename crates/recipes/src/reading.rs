//! Reads the pages of `docs/campaigns`, line by line.

use super::page::{Page, Section, Text};
use super::recipe::{Campaign, Exit, Frequency, Located, Mail, Recipe, Step, Trigger};
use super::{Condition, Fault, project_file};
use std::collections::BTreeMap;
use std::fs;

/// Where the pages are.
const FOLDER: &str = "docs/campaigns";

/// All recipes, by name.
///
/// # Errors
/// The first line of each page that cannot be read.
pub fn recipes() -> Result<Vec<Recipe>, Vec<Fault>> {
    let entries = fs::read_dir(project_file(FOLDER)).into_iter().flatten().flatten();
    let names = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".md")?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    let (mut recipes, mut faults) = (Vec::new(), Vec::new());
    for name in names {
        let file = format!("{FOLDER}/{name}.md");
        let text = fs::read_to_string(project_file(&file)).unwrap_or_default();
        match recipe(&file, &text) {
            Ok(recipe) => recipes.push(recipe),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(recipes) } else { Err(faults) }
}

/// Reads one page.
///
/// # Errors
/// The first line that cannot be read.
pub fn recipe(file: &str, text: &str) -> Result<Recipe, Fault> {
    let page = Page::parse(file, text);
    let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".md").to_owned();
    let promise = page.sections.iter().find_map(|section| section.quote.clone());
    let promise = promise.ok_or_else(|| page.fault(1, "the sentence after > is missing"))?.text;
    let (mut campaigns, mut segments, mut mails) = (Vec::new(), BTreeMap::new(), Vec::new());
    for section in &page.sections {
        match section.heading.split_once(':').unwrap_or((&section.heading, "")) {
            ("Campaign", name) => campaigns.push(campaign(&page, section, name.trim())?),
            ("Segments", _) => segments = read_segments(&page, section)?,
            ("Mail", name) => mails.push(mail(&page, section, name.trim())?),
            _ => {}
        }
    }
    if campaigns.is_empty() {
        return Err(page.fault(1, "no section ## Campaign"));
    }
    Ok(Recipe { name, file: file.to_owned(), promise, campaigns, segments, mails })
}

fn read_segments(
    page: &Page,
    section: &Section,
) -> Result<BTreeMap<String, Vec<Located<Condition>>>, Fault> {
    let segment = |item: &Text| {
        let (name, conditions) = item.text.split_once(": ").ok_or_else(|| {
            page.fault(item.line, "write `Name`: `attribute` is equal to `value`")
        })?;
        let condition = |text: &str| {
            let value = Condition::parse(text).map_err(|error| page.fault(item.line, error))?;
            Ok(Located { value, line: item.line })
        };
        let conditions = conditions.split(" and ").map(condition).collect::<Result<_, Fault>>()?;
        Ok((name.trim_matches('`').to_owned(), conditions))
    };
    section.items.iter().map(segment).collect()
}

fn mail(page: &Page, section: &Section, name: &str) -> Result<Mail, Fault> {
    let [subject, body] = section.blocks.as_slice() else {
        let message = "a mail has two ```liquid blocks: its subject and its body";
        return Err(page.fault(section.line, message));
    };
    let located = |text: &Text| Located { value: text.text.clone(), line: text.line };
    Ok(Mail { name: name.to_owned(), subject: located(subject), body: located(body) })
}

/// A campaign as its lines say it.
struct Draft {
    trigger: Option<Located<Trigger>>,
    frequency: Option<Frequency>,
    exit: Option<Located<Exit>>,
    event_filters: Vec<Located<Condition>>,
    segments: Vec<Located<String>>,
    steps: Vec<Located<Step>>,
}

fn campaign(page: &Page, section: &Section, name: &str) -> Result<Campaign, Fault> {
    let (trigger, frequency, exit) = Default::default();
    let (event_filters, segments, steps) = Default::default();
    let mut draft = Draft { trigger, frequency, exit, event_filters, segments, steps };
    for item in &section.items {
        draft.add(item).map_err(|message| page.fault(item.line, message))?;
    }
    let missing = |what: &str| page.fault(section.line, format!("the campaign has no {what}"));
    Ok(Campaign {
        name: name.to_owned(),
        trigger: draft.trigger.ok_or_else(|| missing("Trigger"))?,
        event_filters: draft.event_filters,
        segments: draft.segments,
        frequency: draft.frequency.ok_or_else(|| missing("Frequency"))?,
        steps: draft.steps,
        exit: draft.exit.ok_or_else(|| missing("Exit"))?,
    })
}

impl Draft {
    fn add(&mut self, item: &Text) -> Result<(), String> {
        let (label, text) =
            item.text.split_once(": ").ok_or("write “Label: what it is set to”".to_owned())?;
        let line = item.line;
        match label {
            "Trigger" => self.trigger = Some(Located { value: trigger(text)?, line }),
            "Event filter" => {
                self.event_filters.push(Located { value: Condition::parse(text)?, line });
            }
            "Person filter" => {
                let segment = quoted(text, "in segment `").ok_or("write “in segment `Name`”")?;
                self.segments.push(Located { value: segment, line });
            }
            "Frequency" => self.frequency = Some(frequency(text)?),
            "Exit" => self.exit = Some(Located { value: exit(text)?, line }),
            "Send" | "Wait" | "Wait until" | "Set person attribute" => {
                self.steps.push(Located { value: step(label, text)?, line });
            }
            _ => return Err(format!("“{label}” is not part of a campaign: {LABELS}")),
        }
        Ok(())
    }
}

const LABELS: &str = "there are Trigger, Event filter, Person filter, Frequency, Send, Wait, Wait until, \
                      Set person attribute and Exit";

/// What stands in backticks after a prefix that ends with one.
fn quoted(text: &str, prefix: &str) -> Option<String> {
    Some(text.strip_prefix(prefix)?.split_once('`')?.0.to_owned())
}

/// ``3 days before the date in `attribute` ``
fn days_before(text: &str) -> Option<(String, u64)> {
    let (days, rest) = text.split_once(" days before ")?;
    let attribute = rest.split('`').nth(1)?;
    Some((attribute.to_owned(), days.parse().ok()?))
}

fn trigger(text: &str) -> Result<Trigger, String> {
    let event = quoted(text, "event `").map(Trigger::Event);
    let date = || days_before(text).map(|(attribute, days)| Trigger::Date(attribute, days));
    event.or_else(date).ok_or_else(|| {
        "write “event `Name`” or “30 days before the date in `person attribute`”".to_owned()
    })
}

fn frequency(text: &str) -> Result<Frequency, String> {
    match text {
        "once for each person" => Ok(Frequency::Once),
        "every time" => Ok(Frequency::EveryTime),
        _ => Err("write “once for each person” or “every time”".to_owned()),
    }
}

fn exit(text: &str) -> Result<Exit, String> {
    match text {
        "never early" => Ok(Exit::Never),
        "when they stop matching the filters" => Ok(Exit::FiltersFail),
        _ => Err("write “never early” or “when they stop matching the filters”".to_owned()),
    }
}

fn step(label: &str, text: &str) -> Result<Step, String> {
    let step = match label {
        "Send" => quoted(text, "mail `").map(Step::Send),
        "Wait" => hours(text).map(Step::Wait),
        "Wait until" => wait_until(text),
        _ => set(text),
    };
    step.ok_or_else(|| {
        "write “mail `name`”, “3 days”, “1 hours”, “3 days before the date in `event attribute`”, \
         “event `Name`, which ends the journey; 1 hour at most” or “`attribute` to `Liquid`”"
            .to_owned()
    })
}

fn wait_until(text: &str) -> Option<Step> {
    let Some(event) = quoted(text, "event `") else {
        return days_before(text).map(|(attribute, days)| Step::WaitUntil(attribute, days));
    };
    let (_, time) = text.split_once("`, which ends the journey; ")?;
    Some(Step::WaitUnless(event, hours(time.strip_suffix(" at most")?)?))
}

fn hours(text: &str) -> Option<u64> {
    let (count, unit) = text.split_once(' ')?;
    let count: u64 = count.parse().ok()?;
    match unit {
        "hour" | "hours" => Some(count),
        "day" | "days" => Some(count * 24),
        _ => None,
    }
}

fn set(text: &str) -> Option<Step> {
    let mut parts = text.split('`').skip(1).step_by(2);
    Some(Step::Set(parts.next()?.to_owned(), parts.next()?.to_owned()))
}

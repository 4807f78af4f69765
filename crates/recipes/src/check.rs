//! Names that do not exist: events, attributes, segments, mails, filters and tags, each with its line.

use super::liquid::{FILTERS, TAGS, syntax_error};
use super::recipe::Located;
use super::{Campaign, Condition, Fault, Mail, Recipe, Step, Trigger, Vocabulary};
use std::collections::BTreeSet;

/// Everything on a page that names what does not exist.
pub fn check(recipe: &Recipe, vocabulary: &Vocabulary) -> Vec<Fault> {
    let mut checker = Checker::new(recipe, vocabulary);
    recipe.campaigns.iter().for_each(|campaign| checker.campaign(campaign));
    for condition in recipe.segments.values().flatten() {
        checker.condition(condition, "a person", &checker.people.clone());
    }
    recipe.mails.iter().for_each(|mail| checker.mail(mail));
    checker.faults
}

struct Checker<'a> {
    recipe: &'a Recipe,
    vocabulary: &'a Vocabulary,
    /// Attributes of people, with those that the recipe sets itself.
    people: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn new(recipe: &'a Recipe, vocabulary: &'a Vocabulary) -> Self {
        let steps = recipe.campaigns.iter().flat_map(|campaign| &campaign.steps);
        let set = steps.filter_map(|step| match &step.value {
            Step::Set(attribute, _) => Some(attribute.clone()),
            _ => None,
        });
        let people = vocabulary.of_people().into_iter().chain(set).collect();
        Self { recipe, vocabulary, people, faults: Vec::new() }
    }

    fn fault(&mut self, line: usize, message: String) {
        self.faults.push(Fault { file: self.recipe.file.clone(), line, message });
    }

    fn campaign(&mut self, campaign: &Campaign) {
        let event = self.vocabulary.of_events(event_of(campaign));
        match &campaign.trigger.value {
            Trigger::Event(name) => self.event(campaign.trigger.line, name),
            Trigger::Date(name, _) => {
                self.attribute(campaign.trigger.line, name, "a person", &self.people.clone());
            }
        }
        for filter in &campaign.event_filters {
            self.condition(filter, "this event", &event);
        }
        for segment in &campaign.segments {
            if !self.recipe.segments.contains_key(&segment.value) {
                self.fault(segment.line, format!("no segment is called {}", segment.value));
            }
        }
        for step in &campaign.steps {
            self.step(step, &event);
        }
    }

    fn step(&mut self, step: &Located<Step>, event: &BTreeSet<String>) {
        match &step.value {
            Step::Send(name) if !self.recipe.mails.iter().any(|mail| mail.name == *name) => {
                self.fault(step.line, format!("no mail is called {name}"));
            }
            Step::WaitUntil(name, _) => self.attribute(step.line, name, "this event", event),
            Step::WaitUnless(name, _) => self.event(step.line, name),
            Step::Set(_, template) => {
                let located = Located { value: template.clone(), line: step.line };
                self.template(&located, event);
            }
            Step::Send(_) | Step::Wait(_) => {}
        }
    }

    fn event(&mut self, line: usize, name: &str) {
        if !self.vocabulary.has_event(name) {
            self.fault(line, format!("no event is called {name}: docs/events.md lists them"));
        }
    }

    fn condition(&mut self, condition: &Located<Condition>, of: &str, known: &BTreeSet<String>) {
        self.attribute(condition.line, &condition.value.attribute, of, known);
    }

    fn attribute(&mut self, line: usize, name: &str, of: &str, known: &BTreeSet<String>) {
        if !known.contains(name) {
            self.fault(line, format!("{of} has no attribute {name}: docs/events.md lists them"));
        }
    }

    /// What a mail may use is what every campaign that sends it has.
    fn mail(&mut self, mail: &Mail) {
        let sends = |campaign: &&Campaign| {
            campaign.steps.iter().any(|step| step.value == Step::Send(mail.name.clone()))
        };
        let mut campaigns = self.recipe.campaigns.iter().filter(sends).peekable();
        if campaigns.peek().is_none() {
            self.fault(mail.subject.line, format!("no campaign sends the mail {}", mail.name));
            return;
        }
        let known = campaigns.map(|campaign| match event_of(campaign) {
            Some(name) => self.vocabulary.of_events([name]),
            None => BTreeSet::new(),
        });
        let known = known.reduce(|one, other| &one & &other).unwrap_or_default();
        self.template(&mail.subject, &known);
        self.template(&mail.body, &known);
    }

    /// Names first: the engine's own message says less of them.
    fn template(&mut self, template: &Located<String>, event: &BTreeSet<String>) {
        let before = self.faults.len();
        self.names(template, event);
        if let Some((line, why)) =
            syntax_error(&template.value).filter(|_| self.faults.len() == before)
        {
            self.fault(template.line + line, format!("this Liquid cannot be read: {why}"));
        }
    }

    fn names(&mut self, template: &Located<String>, event: &BTreeSet<String>) {
        let mut own = BTreeSet::new();
        for code in codes(template) {
            let mut words = words(&code.text);
            if code.is_tag {
                own.extend(self.tag(code.line, &mut words));
            }
            self.expression(code.line, &words, &own, event);
        }
    }

    /// Takes the tag's name away, and the variable that it makes, which it returns.
    fn tag(&mut self, line: usize, words: &mut Vec<String>) -> Option<String> {
        let tag = if words.is_empty() { String::new() } else { words.remove(0) };
        if !TAGS.contains(&tag.strip_prefix("end").unwrap_or(&tag)) {
            self.fault(line, format!("there is no tag {tag}"));
        }
        (tag == "for" && !words.is_empty()).then(|| words.remove(0))
    }

    fn expression(
        &mut self,
        line: usize,
        words: &[String],
        own: &BTreeSet<String>,
        event: &BTreeSet<String>,
    ) {
        let mut after_pipe = false;
        for word in words.iter().map(String::as_str) {
            if after_pipe && !FILTERS.contains(&word) {
                self.fault(line, format!("there is no filter {word} among those checked"));
            } else if !after_pipe && word != "|" {
                self.variable(line, word, own, event);
            }
            after_pipe = word == "|";
        }
    }

    fn variable(
        &mut self,
        line: usize,
        word: &str,
        own: &BTreeSet<String>,
        event: &BTreeSet<String>,
    ) {
        let (root, name) = word.split_once('.').unwrap_or((word, ""));
        let name = name.split('.').next().unwrap_or_default();
        match root {
            "event" => self.attribute(line, name, "this event", event),
            "customer" => self.attribute(line, name, "a person", &self.people.clone()),
            _ if own.contains(root) || KEYWORDS.contains(&root) => {}
            _ => self.fault(line, format!("there is no variable {root}")),
        }
    }
}

const KEYWORDS: [&str; 9] =
    ["and", "or", "in", "contains", "blank", "empty", "true", "false", "nil"];

fn event_of(campaign: &Campaign) -> Option<&str> {
    match &campaign.trigger.value {
        Trigger::Event(name) => Some(name),
        Trigger::Date(..) => None,
    }
}

/// What stands in `{{ }}` or `{% %}`.
struct Code {
    line: usize,
    text: String,
    is_tag: bool,
}

fn codes(template: &Located<String>) -> Vec<Code> {
    let mut codes = Vec::new();
    for (line, mut rest) in (template.line..).zip(template.value.lines()) {
        while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
            let is_tag = rest[start..].starts_with("{%");
            rest = &rest[start + 2..];
            let end = rest.find(if is_tag { "%}" } else { "}}" }).unwrap_or(rest.len());
            codes.push(Code { line, text: rest[..end].to_owned(), is_tag });
            rest = &rest[end..];
        }
    }
    codes
}

/// Variables, filters after `|`, and keywords; no strings, numbers or comparisons.
fn words(code: &str) -> Vec<String> {
    let without_strings: String = code.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let spaced = without_strings.replace('|', " | ").replace([':', ',', '-'], " ");
    let is_word =
        |word: &&str| *word == "|" || word.starts_with(|it: char| it.is_ascii_alphabetic());
    spaced.split_whitespace().filter(is_word).map(str::to_owned).collect()
}

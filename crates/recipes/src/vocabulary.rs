//! The events and attributes that exist. `docs/events.md` lists them, and tests compare its tables with
//! the code, so a recipe is compared with what the function really sends.

use super::project_file;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Names of a payment that only updates a card; the page has them in a sentence, not in the table.
const CARD_UPDATES: [&str; 2] = ["Payment Method Updated", "Payment Method Update Failed"];

/// What stands in the column *kind* of a list of objects.
const OBJECTS: &str = "list of objects (";

/// Attributes with the fields of their objects, if they are lists of objects.
type Attributes = BTreeMap<String, Vec<String>>;

/// All names that a recipe may use.
#[derive(Debug, Default)]
pub struct Vocabulary {
    /// The group of each event name, such as `payment`.
    groups: BTreeMap<String, String>,
    /// Of the events of each group; of all under the empty name.
    events: BTreeMap<String, Attributes>,
    person: Attributes,
}

impl Vocabulary {
    /// As `docs/events.md` has it.
    ///
    /// # Panics
    /// If the page cannot be read.
    pub fn read() -> Self {
        let path = project_file("docs/events.md");
        Self::parse(&fs::read_to_string(&path).expect("docs/events.md"))
    }

    fn parse(page: &str) -> Self {
        let mut own = Self::default();
        let (mut chapter, mut section) = ("", "");
        for line in page.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                (chapter, section) = (heading, "");
            } else if let Some(heading) = line.strip_prefix("### ") {
                section = heading;
            } else {
                own.add(chapter, section, line);
            }
        }
        for name in CARD_UPDATES {
            own.groups.insert(name.to_owned(), "payment".to_owned());
        }
        own
    }

    fn add(&mut self, chapter: &str, section: &str, line: &str) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let name = cells[0].trim_matches('`');
        match (chapter, line.starts_with("| `")) {
            ("Events", true) => {
                let group = name.split('.').next().unwrap_or_default();
                self.groups.insert(cells[1].to_owned(), group.to_owned());
            }
            ("Event attributes", true) => {
                let groups: &[&str] = match section {
                    "every event" | "computed" => &[""],
                    "from the payment" => &["abandoned_checkout", "dunning"],
                    group => &[group],
                };
                for group in groups {
                    let attributes = self.events.entry((*group).to_owned()).or_default();
                    add_attribute(attributes, name, cells[2]);
                }
            }
            ("Person", true) => add_attribute(&mut self.person, name, cells[2]),
            ("Person", false) => {
                for name in line.split('`').skip(1).step_by(2).filter(|it| is_name(it)) {
                    self.person.insert(name.to_owned(), Vec::new());
                }
            }
            _ => {}
        }
    }

    /// Whether there is an event of this name.
    pub fn has_event(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }

    /// Attributes of the events with one of these names.
    pub fn of_events<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let groups = names.into_iter().filter_map(|name| self.groups.get(name));
        let all = groups.map(String::as_str).chain([""]);
        all.filter_map(|group| self.events.get(group)).flat_map(|it| it.keys().cloned()).collect()
    }

    /// Attributes of people.
    pub fn of_people(&self) -> BTreeSet<String> {
        self.person.keys().cloned().collect()
    }

    /// The fields of the objects in a list, empty if it is no such list.
    pub fn fields_of(&self, attribute: &str) -> &[String] {
        let mut lists = self.events.values().filter_map(|it| it.get(attribute));
        lists.next().map(Vec::as_slice).unwrap_or_default()
    }
}

fn add_attribute(attributes: &mut Attributes, name: &str, kind: &str) {
    let fields = kind.strip_prefix(OBJECTS).and_then(|rest| rest.split_once(')'));
    let fields = fields.map(|(names, _)| names.split(", ").map(str::to_owned).collect());
    attributes.insert(name.to_owned(), fields.unwrap_or_default());
    if kind.starts_with("money") {
        attributes.insert(format!("{name}_minor"), Vec::new());
    }
}

fn is_name(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_read_with_groups_money_and_lists() {
        let own = Vocabulary::read();
        assert!(own.groups.len() > 50, "{}", own.groups.len());
        assert!(own.has_event("Payment Completed") && !own.has_event("payment.succeeded"));
        let payment = own.of_events(["Payment Completed"]);
        assert!(payment.contains("payment_amount_minor") && payment.contains("dodo_environment"));
        assert!(!payment.contains("is_partial"));
        assert!(own.of_events(["Dunning Started"]).contains("payment_link"));
        assert_eq!(own.fields_of("products"), ["product_id", "quantity", "name"]);
        assert!(own.of_people().contains("active_subscriptions"));
    }
}

//! The webhooks so far. They survive a restart, in a file of JSON lines; the oldest go when there are too many.

mod file;
mod search;

pub use search::Query;

use file::File;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;

/// How many webhooks are kept.
const MAX_WEBHOOKS: usize = 2_000;

/// What a browser takes for a time, in Unix milliseconds, and for a whole number.
const MAX_NUMBER: u64 = 8_640_000_000_000_000;

/// How much of them, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Fields of a record that a list shows.
const LISTED: [&str; 15] = [
    "number",
    "at",
    "type",
    "webhook_id",
    "status",
    "outcome",
    "delivery",
    "reason",
    "message",
    "took",
    "people",
    "attempts",
    "repeated",
    "replay_of",
    "by",
];

/// All webhooks that are remembered, oldest first.
pub struct History {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: u64,
    file: File,
}

/// One webhook.
struct Entry {
    number: u64,
    /// What a list shows of it.
    summary: Value,
    /// The whole record, as JSON.
    record: String,
    /// What is searched, in lower case.
    text: String,
    /// The `cio_id` of each person that it changed.
    changed: Vec<String>,
}

impl History {
    /// What the file at `path` holds. Lines that cannot be read are left out.
    pub fn open(path: PathBuf) -> Self {
        let file = File::new(path);
        let mut history = Self { entries: VecDeque::new(), bytes: 0, last: 0, file };
        for line in history.file.read() {
            let record = serde_json::from_str::<Value>(&line).unwrap_or_default();
            if is_record(&record) {
                history.keep(&record, line);
            }
        }
        history
    }

    /// The number that the next webhook gets.
    pub fn next_number(&self) -> u64 {
        self.last + 1
    }

    /// Adds a record, which has its number, or replaces the one with this number.
    pub fn add(&mut self, record: &Value) {
        let line = record.to_string();
        self.keep(record, line.clone());
        let is_long = self.file.append(&line) > 2 * MAX_BYTES;
        if is_long {
            self.file.write(self.entries.iter().map(|entry| entry.record.as_str()));
        }
    }

    /// Forgets everything; numbers go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.file.write(std::iter::empty());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The whole record of a webhook.
    pub fn record(&self, number: u64) -> Option<Value> {
        let position = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        serde_json::from_str(&self.entries.get(position)?.record).ok()
    }

    /// All records, oldest first.
    pub fn records(&self) -> impl Iterator<Item = Value> {
        self.entries.iter().filter_map(|entry| serde_json::from_str(&entry.record).ok())
    }

    /// The records that changed a person, oldest first.
    pub fn of_person(&self, cio_id: &str) -> impl Iterator<Item = Value> {
        let entries =
            self.entries.iter().filter(move |it| it.changed.iter().any(|it| it == cio_id));
        entries.filter_map(|entry| serde_json::from_str(&entry.record).ok())
    }

    /// When each person was last changed, by `cio_id`, in Unix milliseconds.
    pub fn last_changes(&self) -> HashMap<&str, u64> {
        let times = self.entries.iter().flat_map(|entry| {
            let at = entry.summary["at"].as_u64().unwrap_or_default();
            entry.changed.iter().map(move |cio_id| (cio_id.as_str(), at))
        });
        times.collect()
    }

    /// The number of the newest webhook with this id that came after another number.
    pub fn newest(&self, webhook_id: &str, after: u64) -> Option<u64> {
        let newer = self.entries.iter().rev().take_while(|entry| entry.number > after);
        let mut theirs = newer.filter(|entry| entry.summary["webhook_id"] == webhook_id);
        theirs.next().map(|entry| entry.number)
    }

    /// What a query finds, newest first, and what could be asked for.
    pub fn list(&self, query: &Query) -> Value {
        let all = self.entries.iter().rev();
        let found: Vec<&Entry> = all.filter(|it| query.finds(&it.summary, &it.text)).collect();
        let page = found.iter().filter(|it| query.before.is_none_or(|before| it.number < before));
        let page: Vec<&Value> = page.take(query.limit).map(|it| &it.summary).collect();
        let values = |field: &str| -> BTreeSet<&str> {
            self.entries.iter().filter_map(|it| it.summary[field].as_str()).collect()
        };
        json!({
            "webhooks": page,
            "total": self.len(),
            "matching": found.len(),
            "types": values("type"),
            "outcomes": values("outcome").union(&values("delivery")).collect::<Vec<_>>(),
        })
    }

    fn keep(&mut self, record: &Value, line: String) {
        let summary: Value =
            LISTED.into_iter().map(|field| (field.to_owned(), record[field].clone())).collect();
        let number = record["number"].as_u64().unwrap_or(self.last + 1);
        self.last = self.last.max(number);
        self.bytes += line.len();
        let text = searched(record);
        let changed = changed(record);
        let entry = Entry { number, summary, record: line, text, changed };
        match self.entries.binary_search_by_key(&number, |entry| entry.number) {
            Ok(known) => {
                let before = std::mem::replace(&mut self.entries[known], entry);
                self.bytes -= before.record.len();
            }
            Err(place) => self.entries.insert(place, entry),
        }
        while self.entries.len() > MAX_WEBHOOKS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.record.len();
        }
    }
}

/// Whether somebody else changed the file.
fn is_record(record: &Value) -> bool {
    let is_number = |name: &str| record[name].as_u64().is_some_and(|it| it < MAX_NUMBER);
    is_number("number") && is_number("at")
}

/// What the webhook said, what it became and what came back, in lower case.
fn searched(record: &Value) -> String {
    let body = record["body"].as_str().unwrap_or_default();
    let last = record["requests"].as_array().and_then(|requests| requests.last());
    let rest = [&record["webhook_id"], &record["people"], &record["response"]["body"]];
    let rest = rest.into_iter().chain(last.map(|request| &request["body"]));
    let rest = rest.map(ToString::to_string).collect::<Vec<_>>().join(" ");
    format!("{body} {rest}").to_lowercase()
}

fn changed(record: &Value) -> Vec<String> {
    let people = record["changes"]["people"].as_array().into_iter().flatten();
    people.filter_map(|person| person["cio_id"].as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::{Duration, Instant};

    fn path() -> PathBuf {
        std::env::temp_dir().join(format!("history-{}", stand_ins::dodo::random_hex()))
    }

    fn record(number: u64, event_type: &str, text: &str) -> Value {
        json!({
            "number": number, "type": event_type, "at": number, "outcome": "delivered", "webhook_id": format!("msg_{number}"),
            "people": [format!("person{number}@example.com")], "body": text,
        })
    }

    fn numbers(history: &History, query: &str) -> Vec<u64> {
        let list = history.list(&Query::read(Some(query)));
        list["webhooks"].as_array().unwrap().iter().filter_map(|it| it["number"].as_u64()).collect()
    }

    #[test]
    fn it_survives_a_restart_is_searched_and_cleared() {
        let path = path();
        let mut history = History::open(path.clone());
        assert_eq!(history.next_number(), 1);
        history.add(&record(1, "payment.failed", "Declined by the bank"));
        history.add(&record(2, "refund.succeeded", "Ärger"));
        let mut broken = fs::read_to_string(&path).unwrap();
        for (number, at) in
            [(json!(u64::MAX), json!(1)), (json!(7), json!("y")), (json!("x"), json!(1))]
        {
            broken += &json!({"number": number, "at": at, "type": "?"}).to_string();
            broken.push('\n');
        }
        fs::write(&path, format!("{broken}half a li")).unwrap();

        let mut history = History::open(path.clone());
        assert_eq!((history.len(), history.next_number()), (2, 3));
        assert_eq!(history.record(1).unwrap()["body"], "Declined by the bank");
        assert_eq!(history.record(3), None);
        for (query, expected) in [
            ("", &[2, 1][..]),
            ("type=payment.failed", &[1]),
            ("outcome=ignored", &[]),
            ("person=PERSON2%40example.com", &[2]),
            ("text=declined+by", &[1]),
            ("text=%C3%A4rger", &[2]),
            ("text=MSG_2", &[2]),
            ("text=declined&type=refund.succeeded", &[]),
            ("before=2", &[1]),
            ("limit=1", &[2]),
        ] {
            assert_eq!(numbers(&history, query), expected, "{query}");
        }
        history.add(&record(3, "payment.failed", "after half a line"));
        history.add(&record(3, "payment.failed", "replaced"));
        let mut history = History::open(path.clone());
        assert_eq!((history.len(), numbers(&history, "text=replaced")), (3, vec![3]));
        history.clear();
        let history = History::open(path.clone());
        assert_eq!((history.len(), numbers(&history, "")), (0, vec![]));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_thousand_webhooks_stay_quick_and_too_many_lose_the_oldest() {
        let path = path();
        let mut history = History::open(path.clone());
        let text = "x".repeat(5_000);
        for number in 1..=MAX_WEBHOOKS as u64 + 5 {
            history.add(&record(number, "payment.failed", &text));
        }
        assert!(history.len() <= MAX_WEBHOOKS && history.record(5).is_none());
        assert!(history.record(MAX_WEBHOOKS as u64 + 5).is_some());
        let start = Instant::now();
        let list = history.list(&Query::read(Some("text=nowhere")));
        assert_eq!(list["matching"], 0);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let list = history.list(&Query::read(None)).to_string();
        assert!(list.len() < 50_000, "{}", list.len());
        fs::remove_file(path).unwrap();
    }
}

//! Customer.io's reasons and a handler's errors go into Dodo's delivery log and into ours. They may
//! quote what they were given, so personal data and secrets are redacted first.
//!
//! Everything in a payload is personal but the fields that `fields` lists. No word of a personal
//! value leaves, in any case, URL-encoded or as JSON, and neither does the whole value: `personal`
//! remembers both, `view` reads a message in each encoding, `message` puts it together again, and
//! `plain` tells which of its words are ours. All of it takes time linear in payload and message.

mod fields;
mod glued;
mod message;
mod personal;
mod plain;
mod view;

pub use fields::is_personal;
use glued::Glued;
use message::Marks;
#[cfg(any(feature = "javascript", test))]
pub(crate) use message::cut;
use personal::Personal;
use plain::FieldNames;
pub use plain::SENTENCES;
use serde_json::Value;
use view::View;

const REDACTED: &str = "[redacted]";

/// As much of a message as a person reads, in characters.
const MAX_MESSAGE: usize = 300;

/// As much of a message as is looked at, in bytes. What comes after it is left out.
const MAX_READ: usize = 16 * 1024;

/// What to redact from anything that leaves the process.
#[derive(Debug)]
pub struct Redactor {
    personal: Personal,
    glued: Glued,
    names: FieldNames,
}

impl Redactor {
    /// Redacts the personal values of a payload or a request, and `secrets`.
    pub fn new(json: &Value, secrets: impl IntoIterator<Item = String>) -> Self {
        let found = fields::classify(json);
        Self {
            personal: Personal::new(&found.personal, &found.numbers),
            glued: Glued::new(&found.personal, secrets),
            names: FieldNames::new(&found.names),
        }
    }

    /// Redacts a message, also of anything that looks like an e-mail address, and cuts it.
    pub fn redact(&self, message: &str) -> String {
        let Some(head) = message::head(message, MAX_READ) else { return REDACTED.to_owned() };
        let redacted = message::without(head, &self.marks(head));
        match redacted.char_indices().nth(MAX_MESSAGE) {
            Some((end, _)) => self.cut(&redacted, end),
            None => redacted,
        }
    }

    /// A cut may turn a longer word into a personal one, which is then left out.
    fn cut(&self, redacted: &str, end: usize) -> String {
        let cut = &redacted[..end];
        let whole_words = cut.trim_end_matches(message::is_in_chunk);
        let is_made = self.marks(cut).touch(&(whole_words.len()..end));
        if is_made { whole_words.to_owned() } else { cut.to_owned() }
    }

    /// What to redact, whole words at least.
    fn marks(&self, head: &str) -> Marks {
        let (plain, mut marks) = (plain::marks(head, &self.names), Marks::none(head));
        for view in View::all(head) {
            self.personal.find(&view, &plain, &mut marks);
            self.glued.find(&view, &plain, &mut marks);
            message::addresses(head, &view, &mut marks);
        }
        marks.widen(head);
        marks
    }
}

#[cfg(test)]
mod tests;

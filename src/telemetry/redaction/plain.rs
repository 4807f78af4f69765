//! Which words of a message stay although a personal value has the same: those of sentences that
//! Customer.io, `QuickJS` and we are known to write, names of fields, and limits.
//!
//! A list of single words ("email", "value") would let the same words of a comment pass. So a word
//! stays only in a sentence or before a unit, outside quotation marks, or in a path of field names. A
//! personal value of several words is redacted even there.

use super::message::Span;
use super::personal::{Hashes, exact};
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Input, MatchKind};
use std::sync::LazyLock;

/// Parts of the sentences.
pub const SENTENCES: [&str; 50] = [
    // Ours.
    "Customer.io finds the request too large",
    "Customer.io finds the request invalid and does not say why",
    "it took more than",
    "it used more than",
    "of memory",
    "of CPU",
    // Customer.io's.
    "property name",
    "property value",
    "attribute name",
    "attribute value",
    "cannot be longer than",
    "cannot be larger than",
    "there cannot be more than",
    "cannot be more than",
    "cannot be empty",
    "cannot be blank",
    "an identifier must have",
    "an event's name must have",
    "an event's id must be a ULID",
    "exactly one of",
    "must identify the person",
    "must identify the object",
    "must be a string",
    "must be a number",
    "must be a boolean",
    "must be a list",
    "must be an object",
    "must be an array",
    "must be an integer",
    "is not a string",
    "is not a number",
    "is not an object",
    "is not valid",
    "is not allowed",
    "is invalid",
    "is missing",
    "is required",
    "is too long",
    "is too large",
    "is taken",
    "is already taken",
    // QuickJS's.
    "cannot read property",
    "cannot set property",
    "of undefined",
    "of null",
    "is not defined",
    "is not a function",
    "not a function",
    "is not iterable",
    "is read-only",
];

/// What a limit is counted in.
const UNITS: [&str; 8] =
    ["attributes", "bytes", "characters", "errors", "items", "ms", "kB", "MiB"];

/// What a path of field names begins with.
const ROOTS: [&str; 8] = [
    "attributes",
    "batch",
    "cio_relationships",
    "data",
    "identifiers",
    "payload",
    "primary",
    "secondary",
];

/// Fields that may be what is wrong with a request that lacks them.
const REQUIRED: [&str; 8] =
    ["action", "cio_id", "email", "id", "name", "phone", "timestamp", "type"];

static MATCHER: LazyLock<NFA> = LazyLock::new(|| {
    let mut builder = NFA::builder();
    builder.match_kind(MatchKind::LeftmostLongest).prefilter(false);
    builder.build(SENTENCES).expect("a few sentences")
});

/// The names of a payload's or a request's fields.
#[derive(Debug)]
pub(super) struct FieldNames(Hashes);

impl FieldNames {
    pub(super) fn new(names: &[&str]) -> Self {
        let known = ROOTS.iter().chain(&REQUIRED).chain(names);
        let are_names = known.filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase()));
        Self(Hashes::new(are_names.map(|name| exact(name.chars())).collect()))
    }

    fn contain(&self, name: &str) -> bool {
        self.0.contains(exact(name.chars()))
    }
}

/// Which bytes of a message stay.
pub(super) struct Plain(Vec<bool>);

impl Plain {
    pub(super) fn new(message: &str, names: &FieldNames) -> Self {
        let mut plain = Self(vec![false; message.len()]);
        let quoted = Self::quoted(message);
        plain.add_sentences(message, &quoted);
        plain.add_limits(message, &quoted);
        plain.add_fields(message, names);
        plain
    }

    /// Whether all of this stays.
    pub(super) fn covers(&self, span: &Span) -> bool {
        self.0[span.clone()].iter().all(|stays| *stays)
    }

    fn add(&mut self, span: Span) {
        self.0[span].fill(true);
    }

    /// What is in quotation marks; an apostrophe is none.
    fn quoted(message: &str) -> Self {
        let mut quoted = Self(vec![false; message.len()]);
        let (mut before, mut open) = (' ', None);
        for (at, char) in message.char_indices() {
            let after = || message[at..].chars().nth(1).unwrap_or(' ');
            let is_mark = matches!(char, '"' | '\'' | '`') && before != '\\';
            if open == Some(char) && is_mark && !after().is_alphanumeric() {
                open = None;
            } else if open.is_none() && is_mark && !before.is_alphanumeric() {
                open = Some(char);
            }
            quoted.0[at] = open.is_some();
            before = char;
        }
        quoted
    }

    fn add_sentences(&mut self, message: &str, quoted: &Self) {
        let found = MATCHER.try_find_iter(Input::new(message)).expect("no special search");
        for span in found.map(|found| found.start()..found.end()) {
            if is_whole(message, &span) && !quoted.0[span.start] && !quoted.0[span.end - 1] {
                self.add(span);
            }
        }
    }

    /// A number before a unit, and the unit.
    fn add_limits(&mut self, message: &str, quoted: &Self) {
        let words = runs(message, |char| !char.is_whitespace());
        for (number, word) in words.iter().zip(words.iter().skip(1)) {
            let unit = message[word.clone()].trim_end_matches(['.', ',', ')']);
            if is_number(&message[number.clone()]) && UNITS.contains(&unit) && !quoted.0[word.start]
            {
                self.add(number.clone());
                self.add(word.start..word.start + unit.len());
            }
        }
    }

    /// The parts of `attributes.plan`, `data.customer.email`, `cancel_at`, of `plan` if that is all, and
    /// of `plan` in `QuickJS`'s "cannot read property 'plan'".
    fn add_fields(&mut self, message: &str, names: &FieldNames) {
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
        for path in runs(message, |it| is_part(it) || matches!(it, '.' | '[' | ']')) {
            let text = &message[path.clone()];
            let is_all = text.len() == message.len();
            let is_read = message[..path.start].ends_with(" property '");
            let is_path = ROOTS.iter().any(|root| {
                text.strip_prefix(root).is_some_and(|rest| rest.starts_with(['.', '[']))
            });
            for part in runs(text, is_part) {
                let name = &text[part.clone()];
                if (is_all || is_read || is_path || name.contains('_')) && names.contain(name) {
                    self.add(path.start + part.start..path.start + part.end);
                }
            }
        }
    }
}

/// The longest parts of a text that have such characters only.
fn runs(text: &str, belongs: impl Fn(char) -> bool) -> Vec<Span> {
    let parts = text.split(|char| !belongs(char)).filter(|part| !part.is_empty());
    let start = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
    parts.map(|part| start(part)..start(part) + part.len()).collect()
}

/// `1000` and `32,000`.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
}

/// Whether it begins and ends where a word does.
fn is_whole(message: &str, span: &Span) -> bool {
    let before = message[..span.start].chars().next_back();
    let after = message[span.end..].chars().next();
    ![before, after].into_iter().flatten().any(char::is_alphanumeric)
}

//! Which words of a message stay although a personal value has the same: those of sentences that
//! Customer.io, `QuickJS` and we are known to write, names of fields, and limits.
//!
//! A list of single words ("email", "value") would let the same words of a comment pass. So a word
//! stays only in a sentence or before a unit, outside quotation marks, or in a path of field names. A
//! personal value of several words is redacted even there.

use super::glued::{matcher, matches};
use super::message::{Marks, Span, runs};
use super::personal::Hashes;
use aho_corasick::nfa::noncontiguous::NFA;
use std::sync::LazyLock;

/// Parts of the sentences.
pub const SENTENCES: [&str; 64] = [
    // Ours.
    "Customer.io finds the request too large",
    "it took more than",
    "it took too long",
    "it used more than",
    "it made",
    "bytes, more than",
    "it was not done after",
    "its process was killed twice",
    "handler returned no webhook; it must end with: return webhook",
    "extend returned no request; it must end with: return request, or with: return null, to send nothing",
    "it returned a promise that nothing will settle",
    "webhook.url must be a string",
    "webhook.method must be a string",
    "it threw a string that is empty, or one long word",
    "it threw null, or there was no memory left to say more",
    "instead of an error",
    "without a message",
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
    "RangeError: Maximum call stack size exceeded",
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

static MATCHER: LazyLock<NFA> = LazyLock::new(|| matcher(&SENTENCES));

/// The names of a payload's or a request's fields.
#[derive(Debug)]
pub(super) struct FieldNames(Hashes);

impl FieldNames {
    pub(super) fn new(names: &[&str]) -> Self {
        let known = ROOTS.iter().chain(&REQUIRED).chain(names).copied();
        Self(Hashes::of(known.filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase()))))
    }
}

/// What stays of a message.
pub(super) fn marks(message: &str, names: &FieldNames) -> Marks {
    let (mut marks, quoted) = (Marks::none(message), quoted(message));
    sentences(message, &quoted, &mut marks);
    limits(message, &quoted, &mut marks);
    fields(message, names, &mut marks);
    marks
}

/// What is in quotation marks; an apostrophe is none.
fn quoted(message: &str) -> Marks {
    let mut quoted = Marks::none(message);
    let (mut before, mut open) = (' ', None);
    let mut chars = message.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let is_mark = matches!(char, '"' | '\'' | '`') && before != '\\';
        let ends_word = chars.peek().is_none_or(|(_, after)| !after.is_alphanumeric());
        if is_mark && open == Some(char) && ends_word {
            open = None;
        } else if is_mark && open.is_none() && !before.is_alphanumeric() {
            open = Some(char);
        }
        if open.is_some() {
            quoted.add(at..at + char.len_utf8());
        }
        before = char;
    }
    quoted
}

fn sentences(message: &str, quoted: &Marks, into: &mut Marks) {
    for (_, span) in matches(&MATCHER, message) {
        if is_whole(message, &span) && !quoted.touch(&span) {
            into.add(span);
        }
    }
}

/// Numbers before units, and these units.
fn limits(message: &str, quoted: &Marks, into: &mut Marks) {
    let words: Vec<_> = runs(message, |char| !char.is_whitespace()).collect();
    for (number, word) in words.iter().zip(words.iter().skip(1)) {
        let unit = message[word.clone()].trim_end_matches(['.', ',', ';', ')']);
        if is_number(&message[number.clone()]) && UNITS.contains(&unit) && !quoted.touch(word) {
            into.add(number.clone());
            into.add(word.start..word.start + unit.len());
        }
    }
}

/// The parts of `attributes.plan`, `data.customer.email`, `cancel_at`, of `plan` if that is all, and of
/// `plan` in the engine's "cannot read property 'plan'".
fn fields(message: &str, names: &FieldNames, into: &mut Marks) {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    for path in runs(message, |it| is_part(it) || matches!(it, '.' | '[' | ']')) {
        let text = &message[path.clone()];
        let stands_alone = text.len() == message.len();
        let is_read = message[..path.start].ends_with(" property '");
        let is_path = stands_alone || is_read || has_root(text);
        for part in runs(text, is_part) {
            let name = &text[part.clone()];
            if (is_path || name.contains('_')) && names.0.contains(name) {
                into.add(path.start + part.start..path.start + part.end);
            }
        }
    }
}

fn has_root(path: &str) -> bool {
    let after =
        |root| path.strip_prefix(root).is_some_and(|rest: &str| rest.starts_with(['.', '[']));
    ROOTS.into_iter().any(after)
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

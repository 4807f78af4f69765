//! A message is redacted in chunks: runs of letters, digits and what may begin an escape. Whatever
//! decodes a message, each word lies within one chunk, so redacting one makes no words of others.

use super::REDACTED;
use super::view::View;
use std::ops::Range;

/// A part of a message, in bytes.
pub(super) type Span = Range<usize>;

/// Some parts of a message, as a mark for each byte.
pub(super) struct Marks(Vec<bool>);

impl Marks {
    pub(super) fn none(message: &str) -> Self {
        Self(vec![false; message.len()])
    }

    pub(super) fn add(&mut self, span: Span) {
        self.0[span].fill(true);
    }

    /// Whether all of this is marked.
    pub(super) fn cover(&self, span: &Span) -> bool {
        self.0[span.clone()].iter().all(|marked| *marked)
    }

    /// Whether any of this is marked.
    pub(super) fn touch(&self, span: &Span) -> bool {
        self.0[span.clone()].contains(&true)
    }

    /// Extends marks to whole chunks, and joins those with nothing but separators between.
    pub(super) fn widen(&mut self, message: &str) {
        let mut last = None;
        for chunk in chunks(message) {
            let is_marked = self.touch(&chunk);
            if is_marked {
                self.add(last.unwrap_or(chunk.start)..chunk.end);
            }
            last = is_marked.then_some(chunk.end);
        }
    }
}

pub(super) fn is_in_chunk(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '%' | '\\')
}

fn chunks(message: &str) -> impl Iterator<Item = Span> {
    // A backslash at the end escapes what is no letter.
    let chunks = runs(message, is_in_chunk).map(|span| {
        let length = message[span.clone()].trim_end_matches('\\').len();
        span.start..span.start + length
    });
    chunks.filter(|span| !span.is_empty())
}

/// The longest parts of a text that have such characters only.
pub(super) fn runs(text: &str, belongs: impl Fn(char) -> bool) -> impl Iterator<Item = Span> {
    let parts = text.split(move |char| !belongs(char)).filter(|part| !part.is_empty());
    let start = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
    parts.map(move |part| start(part)..start(part) + part.len())
}

/// The start of a message, up to the end of a chunk; `None` if there is no end.
pub(super) fn head(message: &str, length: usize) -> Option<&str> {
    if message.len() <= length {
        return Some(message);
    }
    let head = &message[..message.floor_char_boundary(length)];
    // An address is one word until the next space.
    let words = head.trim_end_matches(|char: char| !char.is_whitespace());
    let chunks = head.trim_end_matches(is_in_chunk);
    [words, chunks].into_iter().find(|part| !part.is_empty())
}

/// Cuts a message that is redacted later, as [`head`] does: half a word could not be recognised as
/// somebody's name.
#[cfg(any(feature = "javascript", test))]
pub(crate) fn cut(message: &mut String, length: usize) {
    message.truncate(head(message, length).map_or(0, str::len));
}

/// The message without what is marked.
pub(super) fn without(message: &str, marks: &Marks) -> String {
    let (mut redacted, mut before) = (String::new(), false);
    for (at, char) in message.char_indices() {
        let is_marked = marks.0[at];
        if !is_marked {
            redacted.push(char);
        } else if !before {
            redacted.push_str(REDACTED);
        }
        before = is_marked;
    }
    redacted
}

/// Whatever has an `@` in it, from space to space, looks like an e-mail address.
pub(super) fn addresses(message: &str, view: &View, into: &mut Marks) {
    let mut done = 0;
    for unit in view.units().iter().filter(|unit| unit.char == '@') {
        let at = View::span(&[*unit]);
        if at.end > done {
            let start = message[..at.start].rfind(char::is_whitespace);
            let start = start.map_or(0, |space| message.ceil_char_boundary(space + 1));
            let length = message[at.end..].find(char::is_whitespace);
            done = length.map_or(message.len(), |length| at.end + length);
            into.add(start..done);
        }
    }
}

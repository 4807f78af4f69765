//! A message is redacted in chunks: runs of letters, digits and what may begin an escape. Whatever
//! decodes a message, each word lies within one chunk, so redacting one makes no words of others.

use super::REDACTED;
use super::view::View;
use std::ops::Range;

/// A part of a message, in bytes.
pub(super) type Span = Range<usize>;

/// The chunks of a message, in order.
pub(super) struct Chunks(Vec<Span>);

pub(super) fn is_in_chunk(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '%' | '\\')
}

impl Chunks {
    pub(super) fn of(message: &str) -> Self {
        let mut at = 0;
        let mut chunks = Vec::new();
        for part in message.split_inclusive(|char| !is_in_chunk(char)) {
            // A backslash at the end escapes what is no letter.
            let chunk = part.trim_end_matches(|char| !is_in_chunk(char)).trim_end_matches('\\');
            if !chunk.is_empty() {
                chunks.push(at..at + chunk.len());
            }
            at += part.len();
        }
        Self(chunks)
    }

    /// Extends spans to whole chunks, sorts them, and joins those with nothing but separators between.
    pub(super) fn widen(&self, mut spans: Vec<Span>) -> Vec<Span> {
        spans.sort_by_key(|span| span.start);
        let mut widened: Vec<Span> = Vec::new();
        for span in spans.into_iter().map(|span| self.whole(span)) {
            match widened.last_mut() {
                Some(last) if self.are_adjacent(last.end, span.start) => {
                    last.end = last.end.max(span.end);
                }
                _ => widened.push(span),
            }
        }
        widened
    }

    fn whole(&self, span: Span) -> Span {
        let first = self.0.partition_point(|chunk| chunk.end <= span.start);
        let after = self.0.partition_point(|chunk| chunk.start < span.end);
        match self.0.get(first..after) {
            Some([first, .., last]) => first.start.min(span.start)..last.end.max(span.end),
            Some([only]) => only.start.min(span.start)..only.end.max(span.end),
            _ => span,
        }
    }

    /// Whether no chunk lies between two places.
    fn are_adjacent(&self, end: usize, start: usize) -> bool {
        let next = self.0.partition_point(|chunk| chunk.start < end);
        self.0.get(next).is_none_or(|chunk| chunk.start >= start)
    }
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

/// The message without these parts, which are in order.
pub(super) fn without(message: &str, spans: &[Span]) -> String {
    let (mut redacted, mut at) = (String::new(), 0);
    for span in spans {
        redacted.push_str(&message[at..span.start]);
        redacted.push_str(REDACTED);
        at = span.end;
    }
    redacted + &message[at..]
}

/// Whatever has an `@` in it, from space to space, looks like an e-mail address.
pub(super) fn addresses(message: &str, view: &View, into: &mut Vec<Span>) {
    let mut done = 0;
    for unit in view.units().iter().filter(|unit| unit.char == '@') {
        let at = View::span(&[*unit]);
        if at.end > done {
            let start = message[..at.start].rfind(char::is_whitespace);
            let start = start.map_or(0, |space| message.ceil_char_boundary(space + 1));
            let length = message[at.end..].find(char::is_whitespace);
            done = length.map_or(message.len(), |length| at.end + length);
            into.push(start..done);
        }
    }
}

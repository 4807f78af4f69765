//! Whole values that stand within other words, as in "userAda Lovelace" or in a language without
//! spaces, and secrets, which must not be seen anywhere.

use super::message::{Marks, Span};
use super::personal::fold;
use super::view::{Unit, View};
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Input, MatchKind};

/// Shorter values are common parts of other words ("ann" in "cannot"), unless no English word has their
/// letters.
const SHORTEST_VALUE: usize = 8;

/// The same for values with other letters or signs.
const SHORTEST_FOREIGN_VALUE: usize = 2;

/// Longer values are no names. In bytes.
const LONGEST_VALUE: usize = 100;

/// As much as is looked for, in bytes, shortest values first: each byte costs a fifth of a microsecond.
const MAX_VALUES: usize = 16 * 1024;

/// A matcher of whole values and secrets, in any case.
#[derive(Debug)]
pub(super) struct Glued {
    matcher: NFA,
    /// The first so many patterns are secrets; they are redacted in our own sentences too.
    secrets: usize,
}

impl Glued {
    pub(super) fn new(values: &[&str], secrets: impl IntoIterator<Item = String>) -> Self {
        let mut patterns: Vec<_> = secrets.into_iter().map(|secret| folded(&secret)).collect();
        patterns.retain(|secret| !secret.trim().is_empty());
        let secrets = patterns.len();
        patterns.extend(shortest(values).map(folded));
        Self { matcher: matcher(&patterns), secrets }
    }

    /// Adds where a message has them.
    pub(super) fn find(&self, view: &View, plain: &Marks, into: &mut Marks) {
        let (text, sources) = folded_view(view.units());
        for (pattern, found) in matches(&self.matcher, &text) {
            let units = sources[found.start]..=sources[found.end - 1];
            let span = View::span(&view.units()[units]);
            if pattern < self.secrets || !plain.cover(&span) {
                into.add(span);
            }
        }
    }
}

/// A matcher of the longest patterns at each place.
pub(super) fn matcher(patterns: &[impl AsRef<[u8]>]) -> NFA {
    let mut builder = NFA::builder();
    builder.match_kind(MatchKind::LeftmostLongest).prefilter(false);
    let Ok(matcher) = builder.build(patterns) else {
        unreachable!("the patterns are few and short")
    };
    matcher
}

/// Which patterns a text has, and where.
pub(super) fn matches(matcher: &NFA, text: &str) -> impl Iterator<Item = (usize, Span)> {
    let Ok(found) = matcher.try_find_iter(Input::new(text)) else {
        unreachable!("the matcher supports a search for all")
    };
    found.map(|found| (found.pattern().as_usize(), found.start()..found.end()))
}

/// The values that are looked for.
fn shortest<'a>(values: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let mut by_length = vec![Vec::new(); LONGEST_VALUE + 1];
    for value in values.iter().map(|value| value.trim()).filter(|value| is_name(value)) {
        by_length[value.len()].push(value);
    }
    let mut left = MAX_VALUES;
    by_length.into_iter().flatten().map_while(move |value| {
        left = left.checked_sub(value.len())?;
        Some(value)
    })
}

fn is_name(value: &str) -> bool {
    let least = if value.is_ascii() { SHORTEST_VALUE } else { SHORTEST_FOREIGN_VALUE };
    value.len() <= LONGEST_VALUE && value.chars().count() >= least
}

fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|char| fold(char, &mut folded));
    folded
}

/// The text, and the unit that each of its bytes comes from.
fn folded_view(units: &[Unit]) -> (String, Vec<usize>) {
    let (mut text, mut sources) = (String::with_capacity(units.len()), Vec::new());
    for (index, unit) in units.iter().enumerate() {
        fold(unit.char, &mut text);
        sources.resize(text.len(), index);
    }
    (text, sources)
}

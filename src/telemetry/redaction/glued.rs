//! Whole values that stand within other words, as in "userAda Lovelace" or in a language without
//! spaces, and secrets, which must not be seen anywhere.

use super::message::Span;
use super::personal::fold;
use super::plain::Plain;
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
        let mut builder = NFA::builder();
        builder.match_kind(MatchKind::LeftmostLongest).prefilter(false);
        Self { matcher: builder.build(patterns).expect("few patterns"), secrets }
    }

    /// Adds where a message has them.
    pub(super) fn find(&self, view: &View, plain: &Plain, into: &mut Vec<Span>) {
        let (text, sources) = folded_view(view.units());
        let found = self.matcher.try_find_iter(Input::new(&text)).expect("no special search");
        for found in found {
            let units = sources[found.start()]..=sources[found.end() - 1];
            let span = View::span(&view.units()[units]);
            if found.pattern().as_usize() < self.secrets || !plain.covers(&span) {
                into.push(span);
            }
        }
    }
}

/// The values that are looked for.
fn shortest<'a>(values: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let trimmed = values.iter().map(|value| value.trim());
    let mut named: Vec<_> = trimmed.filter(|value| is_name(value)).collect();
    named.sort_unstable_by_key(|value| (value.len(), *value));
    named.dedup();
    let mut left = MAX_VALUES;
    named.into_iter().map_while(move |value| {
        left = left.checked_sub(value.len())?;
        Some(value)
    })
}

fn is_name(value: &str) -> bool {
    let least = if value.is_ascii() { SHORTEST_VALUE } else { SHORTEST_FOREIGN_VALUE };
    value.len() <= LONGEST_VALUE && value.chars().count() >= least
}

fn folded(text: &str) -> String {
    text.chars().flat_map(fold).collect()
}

/// The text, and the unit that each of its bytes comes from.
fn folded_view(units: &[Unit]) -> (String, Vec<usize>) {
    let (mut text, mut sources) = (String::with_capacity(units.len()), Vec::new());
    for (index, unit) in units.iter().enumerate() {
        text.extend(fold(unit.char));
        sources.resize(text.len(), index);
    }
    (text, sources)
}

//! The words and the whole values of personal fields, as hashes: a payload of 1 MB has some 200,000
//! words, and a multi-pattern matcher of them would take ten times as long to build.

use super::message::Marks;
use super::view::{Unit, View};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// A word of fewer characters is redacted with its whole value only, or every sentence would suffer.
const SHORTEST_WORD: usize = 3;

/// A value of one word may be shorter, in the case that it has. One letter names nobody.
const SHORTEST_VALUE: usize = 2;

/// Values of more words are remembered as sequences of that many.
const LONGEST_SEQUENCE: usize = 8;

/// Some hashes. One that is found by chance, once in billions of messages, redacts a word too many.
#[derive(Debug)]
pub(super) struct Hashes(Vec<u64>);

/// What is personal in a payload.
#[derive(Debug)]
pub(super) struct Personal {
    words: Hashes,
    short_values: Hashes,
    sequences: Hashes,
}

impl Hashes {
    fn new(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// Of whole strings, in the case that they have.
    pub(super) fn of<'a>(strings: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(strings.into_iter().map(hash_of_word).collect())
    }

    pub(super) fn contains(&self, string: &str) -> bool {
        self.has(hash_of_word(string))
    }

    fn has(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }
}

impl Personal {
    /// Of a number, only the words count: 12 would be redacted in too many sentences.
    pub(super) fn new(values: &[&str], numbers: &[String]) -> Self {
        let mut found = Collector::default();
        for number in numbers {
            found.add_words(number);
        }
        for value in values {
            found.add(value);
        }
        Self {
            words: Hashes::new(found.words),
            short_values: Hashes::new(found.short_values),
            sequences: Hashes::new(found.sequences),
        }
    }

    /// Adds where a message has them.
    pub(super) fn find(&self, view: &View, plain: &Marks, into: &mut Marks) {
        let words: Vec<_> = view.words().collect();
        let mut buffer = String::new();
        let folded: Vec<_> = words.iter().map(|word| folded(chars(word), &mut buffer)).collect();
        for (index, word) in words.iter().enumerate() {
            let span = View::span(word);
            if self.is_word(word, folded[index]) && !plain.cover(&span) {
                into.add(span.clone());
            }
            if let Some(length) = self.sequence(&folded[index..]) {
                into.add(span.start..View::span(words[index + length - 1]).end);
            }
        }
    }

    fn is_word(&self, word: &[Unit], folded: u64) -> bool {
        self.words.has(folded)
            || word.len() < SHORTEST_WORD && self.short_values.has(exact(chars(word)))
    }

    /// Of how many words the longest value is that begins here.
    fn sequence(&self, words: &[u64]) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        let mut longest = None;
        for (index, word) in words.iter().take(LONGEST_SEQUENCE).enumerate() {
            word.hash(&mut hasher);
            if index > 0 && self.sequences.has(hasher.finish()) {
                longest = Some(index + 1);
            }
        }
        longest
    }
}

#[derive(Debug, Default)]
struct Collector {
    words: Vec<u64>,
    short_values: Vec<u64>,
    sequences: Vec<u64>,
    /// The words of one value; the same memory for all.
    value: Vec<u64>,
    folded: String,
}

impl Collector {
    fn add(&mut self, value: &str) {
        self.add_words(value);
        if let [_] = self.value.as_slice() {
            let word = words(value).filter(|word| word.chars().count() >= SHORTEST_VALUE);
            self.short_values.extend(word.map(|word| exact(word.chars())));
        } else {
            let parts = self.value.windows(self.value.len().clamp(1, LONGEST_SEQUENCE));
            self.sequences.extend(parts.map(hash_of));
        }
    }

    fn add_words(&mut self, value: &str) {
        self.value.clear();
        for word in words(value) {
            let (length, hash) = (word.chars().count(), folded(word.chars(), &mut self.folded));
            self.value.push(hash);
            if length >= SHORTEST_WORD {
                self.words.push(hash);
                // "İ" in lower case is an "i" and a dot, which ends the word.
                if self.folded.chars().count() > length {
                    self.words.extend(words(&self.folded).map(hash_of_word));
                }
            }
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn chars(word: &[Unit]) -> impl Iterator<Item = char> {
    word.iter().map(|unit| unit.char)
}

/// A character in each case at once: "ß" is "ss" as "SS" is.
pub(super) fn fold(char: char, into: &mut String) {
    match ALPHABETS.get(char as usize) {
        Some(Some(folded)) => into.push(*folded),
        _ if char == 'ẞ' => into.push_str("ss"),
        _ => both_cases(char).for_each(|char| into.push(char)),
    }
}

/// What the letters of Europe fold to, where that is one letter: it takes the standard library two
/// searches to find, and a payload may have half a million of them.
static ALPHABETS: LazyLock<[Option<char>; 0x600]> = LazyLock::new(|| {
    std::array::from_fn(|index| {
        let char = u32::try_from(index).ok().and_then(char::from_u32)?;
        let mut folded = both_cases(char);
        folded.next().filter(|_| folded.next().is_none())
    })
});

fn both_cases(char: char) -> impl Iterator<Item = char> {
    char.to_uppercase().flat_map(char::to_lowercase)
}

/// The hash of a word in any case. The buffer holds the word afterwards.
fn folded(word: impl Iterator<Item = char>, buffer: &mut String) -> u64 {
    buffer.clear();
    word.for_each(|char| fold(char, buffer));
    hash_of_word(buffer)
}

fn hash_of_word(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(word.as_bytes());
    hasher.finish()
}

/// The hash of a word in the case that it has.
fn exact(word: impl Iterator<Item = char>) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.for_each(|char| char.hash(&mut hasher));
    hasher.finish()
}

fn hash_of(words: &[u64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in words {
        word.hash(&mut hasher);
    }
    hasher.finish()
}

//! A message as its reader might decode it: each character, and where in the message it comes from.

use super::message::Span;

/// A character after decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub char: char,
    start: usize,
    end: usize,
}

/// A message in one encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View(Vec<Unit>);

impl View {
    /// The message as it is, without JSON's escapes, URL-decoded, and both in either order; those only
    /// that differ.
    pub(super) fn all(message: &str) -> Vec<Self> {
        let plain = Self::new(message);
        let (json, url) = (plain.decoded(json_escape), plain.decoded(percent_escape));
        let both = [json.decoded(percent_escape), url.decoded(json_escape)];
        let mut views = vec![plain];
        for view in [json, url].into_iter().chain(both) {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        views
    }

    fn new(message: &str) -> Self {
        let unit =
            |(start, char): (usize, char)| Unit { char, start, end: start + char.len_utf8() };
        Self(message.char_indices().map(unit).collect())
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.0
    }

    /// Where a run of units comes from. It must not be empty.
    pub(super) fn span(units: &[Unit]) -> Span {
        units[0].start..units[units.len() - 1].end
    }

    /// The words: runs of letters and digits.
    pub(super) fn words(&self) -> impl Iterator<Item = &[Unit]> {
        let words = self.0.split(|unit| !unit.char.is_alphanumeric());
        words.filter(|word| !word.is_empty())
    }

    /// `escape` decodes the escapes that a string begins with and says how many units they take.
    fn decoded(&self, escape: fn(&[Unit], &mut Vec<Unit>) -> usize) -> Self {
        let (mut rest, mut decoded) = (self.0.as_slice(), Vec::with_capacity(self.0.len()));
        while let [first, others @ ..] = rest {
            let taken = escape(rest, &mut decoded);
            if taken == 0 {
                decoded.push(*first);
                rest = others;
            } else {
                rest = &rest[taken..];
            }
        }
        Self(decoded)
    }
}

/// A number in hexadecimal digits.
fn hex(digits: &[Unit]) -> Option<u32> {
    digits.iter().try_fold(0, |number, unit| Some(number * 16 + unit.char.to_digit(16)?))
}

/// The numbers of the escapes in a row that a string begins with, each of `mark` and `digits` digits.
fn numbers(units: &[Unit], mark: &[char], digits: usize) -> Vec<u32> {
    let number = |escape: &[Unit]| {
        let (start, digits) = escape.split_at(mark.len());
        let is_marked = start.iter().zip(mark).all(|(unit, mark)| unit.char == *mark);
        if is_marked { hex(digits) } else { None }
    };
    units.chunks_exact(mark.len() + digits).map_while(number).collect()
}

/// `%C3%BC`. What is not UTF-8 is no letter.
fn percent_escape(units: &[Unit], into: &mut Vec<Unit>) -> usize {
    let bytes = numbers(units, &['%'], 2);
    let bytes: Vec<u8> = bytes.into_iter().filter_map(|byte| byte.try_into().ok()).collect();
    let mut escapes = units.chunks_exact(3);
    let mut push = |char, length: usize| {
        let first = escapes.next().expect("an escape for each byte");
        let last = if length > 1 { escapes.nth(length - 2) } else { None }.unwrap_or(first);
        into.push(Unit { char, start: first[0].start, end: last[2].end });
    };
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|char| push(char, char.len_utf8()));
        chunk.invalid().iter().for_each(|_| push(char::REPLACEMENT_CHARACTER, 1));
    }
    bytes.len() * 3
}

/// `\u00fc`, also in pairs, and `\n`.
fn json_escape(units: &[Unit], into: &mut Vec<Unit>) -> usize {
    let codes = numbers(units, &['\\', 'u'], 4);
    let codes = codes.into_iter().filter_map(|code| u16::try_from(code).ok());
    let mut escapes = units.chunks_exact(6);
    let mut taken = 0;
    for decoded in char::decode_utf16(codes) {
        let char = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        let first = escapes.next().expect("an escape for each code");
        let last = if char.len_utf16() > 1 { escapes.next() } else { None }.unwrap_or(first);
        into.push(Unit { char, start: first[0].start, end: last[5].end });
        taken += char.len_utf16() * 6;
    }
    if taken > 0 { taken } else { short_escape(units, into) }
}

fn short_escape(units: &[Unit], into: &mut Vec<Unit>) -> usize {
    let [backslash @ Unit { char: '\\', .. }, escaped, ..] = units else { return 0 };
    let char = match escaped.char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '"' | '\\' | '/' => escaped.char,
        _ => return 0,
    };
    into.push(Unit { char, start: backslash.start, end: escaped.end });
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(message: &str) -> Vec<String> {
        let text = |view: &View| view.0.iter().map(|unit| unit.char).collect();
        View::all(message).iter().map(text).collect()
    }

    #[test]
    fn a_message_without_escapes_has_one_view() {
        assert_eq!(views("100 % of \u{fc}"), ["100 % of \u{fc}"]);
    }

    #[test]
    fn escapes_are_decoded() {
        for (message, decoded) in [
            ("a%40b%C3%BC%e7%94%b0%zz", "a@b\u{fc}\u{7530}%zz"),
            ("%C3%28%41", "\u{fffd}(A"),
            (r"\u00fc\uD83D\uDE00\ud83d.\", "\u{fc}\u{1f600}\u{fffd}.\\"),
            (r#"a\"b\\c\/d\n\x"#, "a\"b\\c/d\n\\x"),
        ] {
            assert_eq!(views(message)[1], decoded, "{message}");
        }
        assert_eq!(views(r"%5Cu00fc").last().unwrap(), "\u{fc}");
        assert_eq!(views(r"\u0025C3\u0025BC").last().unwrap(), "\u{fc}");
    }

    #[test]
    fn each_character_knows_where_it_comes_from() {
        let view = &View::all(r"x%C3%BC\u0041\n")[3];
        let spans: Vec<_> = view.0.iter().map(|unit| View::span(&[*unit])).collect();
        assert_eq!(spans, [0..1, 1..7, 7..13, 13..15]);
    }
}

//! What redaction must not let pass, decided slowly and obviously: split into words, and compare.
//! Property tests and the fuzz target use it.

/// Words with fewer characters need not be redacted by themselves.
const SHORTEST_WORD: usize = 3;

/// The words of personal `values` that a message has as words: as it is, URL-decoded or without JSON's
/// escapes, in any case. Words for which `is_ours` do not count.
pub fn leaks(values: &[&str], message: &str, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    let personal: Vec<_> =
        values.iter().flat_map(|value| words(value)).filter(|word| !is_ours(word)).collect();
    let views = [message.to_owned(), url_decoded(message), json_decoded(message)];
    let said = views.iter().flat_map(|view| words(view));
    said.filter(|said| personal.iter().any(|word| are_equal(word, said))).collect()
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|char: char| !char.is_alphanumeric());
    words.filter(|word| word.chars().count() >= SHORTEST_WORD).map(str::to_owned).collect()
}

fn are_equal(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase() || one.to_uppercase() == other.to_uppercase()
}

fn url_decoded(text: &str) -> String {
    let (mut rest, mut bytes) = (text.as_bytes(), Vec::new());
    while let Some(first) = rest.first() {
        let digits = rest.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let is_escape = |it: &&str| *first == b'%' && it.bytes().all(|it| it.is_ascii_hexdigit());
        if let Some(digits) = digits.filter(is_escape) {
            bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = &rest[1..];
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What JSON makes of it, escape by escape; what is no escape stays.
fn json_decoded(text: &str) -> String {
    let (mut rest, mut decoded) = (text, String::new());
    while let Some(first) = rest.chars().next() {
        let escape = [12, 6, 2].into_iter().find_map(|length| {
            let escape = rest.get(..length).filter(|escape| escape.starts_with('\\'))?;
            Some((length, serde_json::from_str::<String>(&format!("\"{escape}\"")).ok()?))
        });
        let (length, char) = escape.unwrap_or_else(|| (first.len_utf8(), first.to_string()));
        decoded.push_str(&char);
        rest = &rest[length..];
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_each_encoding() {
        for message in ["a müller", "MÜLLER", "m%C3%BCller!", r"\nM\u00fcller"] {
            assert!(!leaks(&["Ada Müller"], message, |_| false).is_empty(), "{message}");
        }
        for message in ["Müllers", "Ad a", "%C3Müll", "[redacted]"] {
            assert!(leaks(&["Ada Müller"], message, |_| false).is_empty(), "{message}");
        }
        assert!(leaks(&["Ada"], "Ada", |word| word == "Ada").is_empty());
    }
}

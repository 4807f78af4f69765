/// What a placeholder may begin with because real values do.
const PREFIXES: [&str; 3] = ["whsec_", "dodo_live_", "dodo_test_"];

/// Values that are a placeholder as a whole, in lower case and without their prefix.
const VALUES: [&str; 15] = [
    "none",
    "null",
    "undefined",
    "apikey",
    "api_key",
    "site_id",
    "webhook_secret",
    "yourapikey",
    "yoursiteid",
    "yourkey",
    "yoursecret",
    "dodo_webhook_secret",
    "customerio_site_id",
    "customerio_api_key",
    "dodo_api_key",
];

/// What a placeholder in words begins with.
const FIRST_WORDS: [&str; 15] = [
    "change",
    "changeme",
    "dummy",
    "enter",
    "example",
    "fixme",
    "insert",
    "paste",
    "placeholder",
    "replace",
    "replaceme",
    "sample",
    "tbd",
    "todo",
    "your",
];

/// What a placeholder in words ends with.
const LAST_WORDS: [&str; 2] = ["here", "placeholder"];

/// What surrounds a placeholder.
const BRACKETS: [(&str, char); 5] = [("<", '>'), ("{", '}'), ("${", '}'), ("[", ']'), ("(", ')')];

/// What a placeholder without words is made of.
const FILLERS: [char; 7] = ['x', '*', '.', '…', '-', '_', ' '];

/// Longer words are not English but a key's.
const MAX_LETTERS: usize = 12;
/// As in "your 20 character key".
const MAX_DIGITS: usize = 3;

/// Whether a value as a whole is what templates and documentation write where a secret belongs: one of
/// a few known values, something in brackets, filler (`xxxx`, `...`), or only words, the first or last
/// of which say so (`REPLACE_ME`, `your-api-key-here`). A real key may well contain any of these.
///
/// `ops/secret_rules.py` has the same rule; `tests/secret-cases.json` keeps both alike.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let value = PREFIXES.iter().find_map(|it| value.strip_prefix(it)).unwrap_or(&value);
    let is_enclosed =
        BRACKETS.iter().any(|(open, close)| value.starts_with(open) && value.ends_with(*close));
    !value.is_empty()
        && (is_enclosed
            || VALUES.contains(&value)
            || value.chars().all(|it| FILLERS.contains(&it))
            || is_instruction(value))
}

fn is_instruction(value: &str) -> bool {
    let words: Vec<_> = value.split(['-', '_', '.', ' ']).filter(|word| !word.is_empty()).collect();
    let first = words.first().is_some_and(|word| FIRST_WORDS.contains(word));
    let last = words.last().is_some_and(|word| LAST_WORDS.contains(word));
    (first || last) && words.into_iter().all(is_word)
}

fn is_word(word: &str) -> bool {
    let all = |is_one: fn(&u8) -> bool| word.bytes().all(|it| is_one(&it));
    all(u8::is_ascii_lowercase) && word.len() <= MAX_LETTERS
        || all(u8::is_ascii_digit) && word.len() <= MAX_DIGITS
}

/// What a message with its attributes may have at most, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Kept free in a message for its attributes, those of a dead letter included.
const FOR_ATTRIBUTES: usize = 4 * 1024;

/// An attribute's value, so that all of them have room.
const MAX_ATTRIBUTE: usize = 1024;

/// Whether a webhook fits into a message, and SQS accepts its characters.
pub(super) fn fits(body: &str, attributes: &[(&str, &str)]) -> bool {
    let is_short = |(_, value): &(&str, &str)| value.len() <= MAX_ATTRIBUTE && is_accepted(value);
    let fits = !body.is_empty() && body.len() <= MAX_MESSAGE - FOR_ATTRIBUTES;
    fits && is_accepted(body) && attributes.iter().all(is_short)
}

fn is_accepted(text: &str) -> bool {
    text.chars().all(is_character)
}

/// The characters of XML 1.0, which SQS accepts. A Rust string has no surrogates.
fn is_character(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// A string as the value of an attribute: cut, and without the characters that SQS refuses.
pub(crate) fn attribute(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(MAX_ATTRIBUTE)];
    cut.chars().map(|char| if is_character(char) { char } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_fill_a_message_but_for_its_attributes() {
        let largest = "x".repeat(1_044_480);
        assert!(fits(&largest, &[("webhook-id", "msg_1")]));
        assert!(!fits(&(largest + "x"), &[]));
        assert!(!fits("", &[]));
        assert!(!fits("{}", &[("webhook-id", &"m".repeat(MAX_ATTRIBUTE + 1))]));
    }

    #[test]
    fn characters_that_sqs_refuses_are_known() {
        for fine in ["\t\r\n ~", "ü\u{fffd}\u{e000}", "😀\u{10ffff}", "\u{7f}\u{85}"] {
            assert!(fits(fine, &[]), "{fine:?}");
        }
        for odd in ["\u{0}", "\u{b}", "\u{1f}", "\u{fffe}", "a\u{ffff}"] {
            assert!(!fits(odd, &[]), "{odd:?}");
            assert!(!fits("{}", &[("webhook-id", odd)]), "{odd:?}");
        }
    }

    #[test]
    fn an_attribute_is_cut_and_clean() {
        assert_eq!(attribute("is\u{0}odd\u{ffff}"), "is odd ");
        let cut = attribute(&"ü".repeat(MAX_ATTRIBUTE));
        assert!(fits("{}", &[("reason", &cut)]) && cut.len() == MAX_ATTRIBUTE);
    }
}

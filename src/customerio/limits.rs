//! Customer.io's published limits, in bytes of UTF-8.

/// One batch, serialised.
pub const MAX_BATCH: usize = 500_000;
/// One item of a batch, serialised.
pub const MAX_ITEM: usize = 32_000;
/// The name of an event.
pub const MAX_EVENT_NAME: usize = 100;
/// A person's `id` or `email`.
pub const MAX_IDENTIFIER: usize = 150;
/// The name of an attribute.
pub const MAX_ATTRIBUTE_NAME: usize = 150;
/// A string inside an attribute; a longer one fails the whole item.
pub const MAX_ATTRIBUTE_VALUE: usize = 1_000;
/// Attributes of one item.
pub const MAX_ATTRIBUTES: usize = 300;

/// Cuts a string to at most `limit` bytes without splitting a character.
pub(crate) fn cut(text: &mut String, limit: usize) {
    text.truncate(text.floor_char_boundary(limit));
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_string_is_cut_at_a_character() {
        let mut text = "ü".repeat(600);
        cut(&mut text, 999);
        assert_eq!(text, "ü".repeat(499));
    }
}

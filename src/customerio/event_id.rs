use ring::digest::{Context, SHA256};
use ulid::Ulid;

/// The id under which Customer.io counts an event once, however often it arrives.
///
/// A ULID made of the payload's own timestamp (Unix milliseconds, 48 bits) and the first 80 bits of
/// SHA-256(`webhook-id` ‖ 0x00 ‖ event name). Dodo's retries and replays repeat all three, so they
/// repeat the id. A webhook without a timestamp counts from zero: still the same id every time.
pub(crate) fn event_id(timestamp_ms: Option<u64>, webhook_id: &str, event_name: &str) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(webhook_id.as_bytes());
    hash.update(&[0]);
    hash.update(event_name.as_bytes());
    let first_80_bits = hash.finish().as_ref()[..10]
        .iter()
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    Ulid::from_parts(timestamp_ms.unwrap_or(0), first_80_bits).to_string()
}

#[cfg(test)]
mod tests {
    use super::event_id;

    #[test]
    fn the_vector_of_the_contract_holds() {
        let id = event_id(Some(1_793_450_000_123), "msg_2abc", "payment_succeeded");
        assert_eq!(id, "01M68Z6FQVNT81W6PRGAHN5331");
    }

    #[test]
    fn each_part_counts() {
        let id = event_id(Some(1), "msg_1", "a");
        assert_eq!(id, event_id(Some(1), "msg_1", "a"));
        for other in [
            event_id(Some(2), "msg_1", "a"),
            event_id(None, "msg_1", "a"),
            event_id(Some(1), "msg_2", "a"),
            event_id(Some(1), "msg_1", "b"),
            event_id(Some(1), "msg_", "1a"),
        ] {
            assert_ne!(id, other);
        }
    }
}

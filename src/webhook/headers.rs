use ::http::HeaderMap;

/// A request that claims to be a webhook: its three headers have the right form, and that is all that
/// is known. The body stays out of reach until [`verify`](Self::verify) has succeeded.
pub struct Unverified<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: Timestamp<'a>,
    pub(super) signatures: &'a str,
    pub(super) body: &'a [u8],
}

/// `webhook-timestamp`: the string that was signed, and its value in Unix seconds.
#[derive(Clone, Copy)]
pub(super) struct Timestamp<'a> {
    pub(super) text: &'a str,
    pub(super) seconds: i64,
}

/// Why a request is not a webhook. Nothing of its content is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// At least one of the three.
    #[error(
        "The headers webhook-id, webhook-timestamp and webhook-signature are missing. \
         Only Dodo Payments should call this URL."
    )]
    Missing,
    /// `webhook-id`.
    #[error("The header webhook-id is malformed.")]
    Id,
    /// `webhook-timestamp`.
    #[error("The header webhook-timestamp is not a number of Unix seconds.")]
    Timestamp,
    /// `webhook-signature`.
    #[error("The header webhook-signature is malformed.")]
    Signature,
}

/// The header names of the Standard Webhooks specification, and those of Svix, Dodo's sender, which
/// mean the same.
const FAMILIES: [[&str; 3]; 2] = [
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
    ["svix-id", "svix-timestamp", "svix-signature"],
];

impl<'a> Unverified<'a> {
    /// Takes the webhook headers of a request and its raw body.
    ///
    /// # Errors
    /// The first header that is missing or malformed.
    pub fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Result<Self, HeaderError> {
        let [id, timestamp, signatures] =
            FAMILIES.iter().find_map(|names| family(headers, names)).ok_or(HeaderError::Missing)?;
        Ok(Self {
            id: message_id(id?)?,
            timestamp: unix_seconds(timestamp?)?,
            signatures: signatures.map_err(|_| HeaderError::Signature)?,
            body,
        })
    }
}

type HeaderText<'a> = Result<&'a str, HeaderError>;

/// The three headers of one family, or `None` unless all are there.
fn family<'a>(headers: &'a HeaderMap, names: &[&str; 3]) -> Option<[HeaderText<'a>; 3]> {
    let text = |name: &str, error| {
        let value = headers.get(name)?;
        Some(value.to_str().map_err(|_| error))
    };
    Some([
        text(names[0], HeaderError::Id)?,
        text(names[1], HeaderError::Timestamp)?,
        text(names[2], HeaderError::Signature)?,
    ])
}

/// The signed text is `id.timestamp.body`. An id without a dot leaves only one way to read it, so
/// nobody can move a genuine signature to another id, time or body by shifting the dots.
fn message_id(text: &str) -> HeaderText<'_> {
    let well_formed = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
    well_formed.then_some(text).ok_or(HeaderError::Id)
}

fn unix_seconds(text: &str) -> Result<Timestamp<'_>, HeaderError> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits_only => Ok(Timestamp { text, seconds }),
        _ => Err(HeaderError::Timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (name.parse().unwrap(), ::http::HeaderValue::from_bytes(value).unwrap())
        });
        pairs.collect()
    }

    fn error_of(pairs: &[(&'static str, &[u8])]) -> Option<HeaderError> {
        Unverified::new(&headers(pairs), b"{}").err()
    }

    #[test]
    fn both_families_are_read() {
        for prefix in [
            ["webhook-id", "webhook-timestamp", "webhook-signature"],
            ["svix-id", "svix-timestamp", "svix-signature"],
        ] {
            let pairs: [(_, &[u8]); 3] =
                [(prefix[0], b"msg_1"), (prefix[1], b"1700000000"), (prefix[2], b"v1,aaaa")];
            let headers = headers(&pairs);
            let webhook = Unverified::new(&headers, b"{}").unwrap();
            assert_eq!((webhook.id, webhook.timestamp.seconds), ("msg_1", 1_700_000_000));
        }
    }

    #[test]
    fn a_family_counts_only_whole() {
        let mixed: [(_, &[u8]); 3] =
            [("webhook-id", b"msg_1"), ("svix-timestamp", b"1"), ("svix-signature", b"v1,a")];
        assert_eq!(error_of(&mixed), Some(HeaderError::Missing));
        assert_eq!(error_of(&[]), Some(HeaderError::Missing));
    }

    #[test]
    fn malformed_headers_are_named() {
        let cases: [([&[u8]; 3], HeaderError); 10] = [
            ([b"", b"1", b"v1,a"], HeaderError::Id),
            ([b"msg 1", b"1", b"v1,a"], HeaderError::Id),
            ([b"msg_1.2", b"1", b"v1,a"], HeaderError::Id),
            ([b"msg\xff", b"1", b"v1,a"], HeaderError::Id),
            ([b"msg_1", b"", b"v1,a"], HeaderError::Timestamp),
            ([b"msg_1", b"+1", b"v1,a"], HeaderError::Timestamp),
            ([b"msg_1", b"-1", b"v1,a"], HeaderError::Timestamp),
            ([b"msg_1", b"1.5", b"v1,a"], HeaderError::Timestamp),
            ([b"msg_1", b"99999999999999999999", b"v1,a"], HeaderError::Timestamp),
            ([b"msg_1", b"1", b"v1,\xff"], HeaderError::Signature),
        ];
        for ([id, timestamp, signature], expected) in cases {
            let pairs = [
                ("webhook-id", id),
                ("webhook-timestamp", timestamp),
                ("webhook-signature", signature),
            ];
            assert_eq!(error_of(&pairs), Some(expected), "{pairs:?}");
        }
    }
}

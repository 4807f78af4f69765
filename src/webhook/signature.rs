//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use super::headers::Unverified;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};

/// Padding may be left out: secrets and signatures are copied by hand and by many libraries.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One secret of a Dodo endpoint, ready to check signatures with. Prints without its value.
#[derive(Clone, Debug)]
pub struct SigningKey(hmac::Key);

/// Why a string cannot be a webhook secret. Its value is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It would accept every signature.
    #[error("is empty")]
    Empty,
    /// Copied only in part, perhaps.
    #[error("is not base64 after \"whsec_\"")]
    NotBase64,
}

impl SigningKey {
    /// Takes the secret as Dodo's dashboard shows it: base64, with or without the prefix `whsec_`.
    ///
    /// # Errors
    /// If there is nothing after the prefix, or it is not base64.
    pub fn new(secret: &str) -> Result<Self, SigningKeyError> {
        let secret = secret.trim();
        let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
        let key = BASE64.decode(encoded).map_err(|_| SigningKeyError::NotBase64)?;
        if key.is_empty() {
            return Err(SigningKeyError::Empty);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    fn sign(&self, webhook: &Unverified<'_>) -> hmac::Tag {
        let mut mac = hmac::Context::with_key(&self.0);
        mac.update(webhook.id.as_bytes());
        mac.update(b".");
        mac.update(webhook.timestamp.text.as_bytes());
        mac.update(b".");
        mac.update(webhook.body);
        mac.sign()
    }
}

/// A webhook that Dodo sent, lately and unaltered. [`Unverified::verify`] is the only way to get one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    id: &'a str,
    body: &'a [u8],
}

impl<'a> Verified<'a> {
    /// `webhook-id`: the same for every delivery of one message, so it is its idempotency key.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// The raw body, exactly as it was signed.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// Why a well-formed webhook is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not signed with any of the keys, or altered since.
    #[error(
        "No signature in webhook-signature matches. Check that dodo_webhook_secret is the signing \
         secret of this very endpoint, and that nothing between Dodo and this URL alters the body."
    )]
    NoMatch,
    /// Genuine, but too old or from the future.
    #[error(
        "webhook-timestamp is too far in the past or the future: a delayed or repeated request, or \
         a clock that is wrong."
    )]
    OutsideTolerance,
}

impl<'a> Unverified<'a> {
    /// Checks every `v1` signature against every key, in time that does not depend on their values.
    /// Other versions are skipped. `now` is in Unix seconds; `tolerance` counts both ways.
    ///
    /// # Errors
    /// [`SignatureError::NoMatch`] before [`SignatureError::OutsideTolerance`]: only the sender learns about time.
    pub fn verify(
        &self,
        keys: &[SigningKey],
        now: i64,
        tolerance: Duration,
    ) -> Result<Verified<'a>, SignatureError> {
        if !self.is_signed_by_any(keys) {
            return Err(SignatureError::NoMatch);
        }
        if self.timestamp.seconds.abs_diff(now) > tolerance.as_secs() {
            return Err(SignatureError::OutsideTolerance);
        }
        Ok(Verified { id: self.id, body: self.body })
    }

    fn is_signed_by_any(&self, keys: &[SigningKey]) -> bool {
        let expected: Vec<hmac::Tag> = keys.iter().map(|key| key.sign(self)).collect();
        let matches = self.signatures.split(' ').filter_map(v1).map(|given| {
            let equal = |tag: &hmac::Tag| tag.as_ref().ct_eq(&given);
            expected.iter().map(equal).fold(Choice::from(0), |any, one| any | one)
        });
        matches.fold(Choice::from(0), |any, one| any | one).into()
    }
}

/// The bytes of a `v1,<base64>` signature.
fn v1(signature: &str) -> Option<Vec<u8>> {
    BASE64.decode(signature.strip_prefix("v1,")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderMap;

    // The known answer of the specification, as Dodo's documentation prints it.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const SENT: i64 = 1_649_367_553;
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const TOLERANCE: Duration = Duration::from_mins(5);

    fn verify(
        id: &str,
        sent: i64,
        signature: &str,
        body: &[u8],
        keys: &[&str],
        now: i64,
    ) -> Result<(), SignatureError> {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", sent.into());
        headers.insert("webhook-signature", signature.parse().unwrap());
        let keys: Vec<_> = keys.iter().map(|key| SigningKey::new(key).unwrap()).collect();
        let verified = Unverified::new(&headers, body).unwrap().verify(&keys, now, TOLERANCE)?;
        assert_eq!((verified.id(), verified.body()), (id, body));
        Ok(())
    }

    #[test]
    fn the_known_answer_holds() {
        assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[SECRET], SENT), Ok(()));
    }

    #[test]
    fn any_key_and_any_signature_will_do() {
        assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[OTHER, SECRET], SENT), Ok(()));
        let several = format!("v1,AAAA v1a,{} v2,x {SIGNATURE}", &SIGNATURE[3..]);
        assert_eq!(verify(ID, SENT, &several, BODY, &[OTHER, SECRET], SENT), Ok(()));
    }

    #[test]
    fn whatever_is_altered_is_refused() {
        let refused = Err(SignatureError::NoMatch);
        assert_eq!(verify("msg_other", SENT, SIGNATURE, BODY, &[SECRET], SENT), refused);
        assert_eq!(verify(ID, SENT + 1, SIGNATURE, BODY, &[SECRET], SENT), refused);
        assert_eq!(verify(ID, SENT, SIGNATURE, b"{}", &[SECRET], SENT), refused);
        assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[OTHER], SENT), refused);
        assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[], SENT), refused);
    }

    #[test]
    fn other_versions_and_broken_signatures_never_match() {
        let value = &SIGNATURE[3..];
        for signature in ["", "v1", "v1,", "v1,!", value, &value[..20]] {
            assert_eq!(
                verify(ID, SENT, signature, BODY, &[SECRET], SENT),
                Err(SignatureError::NoMatch),
                "{signature}"
            );
        }
        for version in ["v1a", "v2", "V1", ""] {
            let signature = format!("{version},{value}");
            assert_eq!(
                verify(ID, SENT, &signature, BODY, &[SECRET], SENT),
                Err(SignatureError::NoMatch),
                "{signature}"
            );
        }
    }

    #[test]
    fn the_tolerance_counts_both_ways() {
        for (now, expected) in [
            (SENT + 300, Ok(())),
            (SENT - 300, Ok(())),
            (SENT + 301, Err(SignatureError::OutsideTolerance)),
            (SENT - 301, Err(SignatureError::OutsideTolerance)),
            (i64::MIN, Err(SignatureError::OutsideTolerance)),
            (i64::MAX, Err(SignatureError::OutsideTolerance)),
        ] {
            assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[SECRET], now), expected, "{now}");
        }
    }

    #[test]
    fn secrets_are_read_as_people_paste_them() {
        for secret in [SECRET, &SECRET[6..], " whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n"] {
            assert_eq!(verify(ID, SENT, SIGNATURE, BODY, &[secret], SENT), Ok(()));
        }
        assert_eq!(SigningKey::new("whsec_").unwrap_err(), SigningKeyError::Empty);
        assert_eq!(SigningKey::new("").unwrap_err(), SigningKeyError::Empty);
        assert_eq!(SigningKey::new("whsec_?").unwrap_err(), SigningKeyError::NotBase64);
    }
}

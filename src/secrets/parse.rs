use super::SecretError;
use crate::customerio::Credentials;
use crate::webhook::{SigningKey, SigningKeyError};
use secrecy::SecretString;
use serde_json::{Map, Value};

/// The credentials of one merchant. Prints without their values.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    /// Several while a webhook secret is being rotated; never none.
    pub signing_keys: Vec<SigningKey>,
    /// For the Track API.
    pub customerio: Credentials,
    /// For Dodo's API, if it shall be asked.
    pub dodo_api_key: Option<SecretString>,
}

/// What is wrong with one field of the secret; never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    /// The secret as a whole.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A field that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A number, say.
    #[error("{0} is not a string")]
    NotString(&'static str),
    /// Nothing but white space, or an empty list.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// What a template wrote there.
    #[error("{0} is still a placeholder")]
    Placeholder(&'static str),
    /// No signature could be checked with it.
    #[error("{field} {error}")]
    SigningKey {
        /// Which field.
        field: &'static str,
        /// Why not.
        error: SigningKeyError,
    },
}

const WEBHOOK_SECRET: &str = "dodo_webhook_secret";
const SITE_ID: &str = "customerio_site_id";
const API_KEY: &str = "customerio_api_key";
const DODO_API_KEY: &str = "dodo_api_key";

impl Secret {
    /// Reads the secret's JSON: `dodo_webhook_secret` (a string, or a list of strings while rotating),
    /// `customerio_site_id`, `customerio_api_key` and, if it is there and not blank, `dodo_api_key`. Other
    /// fields are not our business.
    ///
    /// # Errors
    /// [`SecretError::Invalid`] with every mistake in it.
    pub(crate) fn parse(json: &str) -> Result<Self, SecretError> {
        let Ok(Value::Object(fields)) = serde_json::from_str(json) else {
            return Err(SecretError::Invalid(vec![FieldError::NotAnObject]));
        };
        let mut errors = Vec::new();
        let signing_keys = signing_keys(&fields, &mut errors);
        let mut credential =
            |field| match present(&fields, field).and_then(|value| text(value, field)) {
                Ok(text) => SecretString::from(text),
                Err(mistake) => {
                    errors.push(mistake);
                    SecretString::default()
                }
            };
        let customerio = Credentials { site_id: credential(SITE_ID), api_key: credential(API_KEY) };
        let dodo_api_key = optional(&fields, DODO_API_KEY, &mut errors);
        if errors.is_empty() {
            Ok(Self { signing_keys, customerio, dodo_api_key })
        } else {
            Err(SecretError::Invalid(errors))
        }
    }
}

fn signing_keys(fields: &Map<String, Value>, errors: &mut Vec<FieldError>) -> Vec<SigningKey> {
    let secrets = match present(fields, WEBHOOK_SECRET) {
        Ok(Value::Array(list)) if list.is_empty() => Err(FieldError::Blank(WEBHOOK_SECRET)),
        Ok(Value::Array(list)) => Ok(list.as_slice()),
        Ok(single) => Ok(std::slice::from_ref(single)),
        Err(mistake) => Err(mistake),
    };
    let key = |value| {
        let text = text(value, WEBHOOK_SECRET)?;
        let malformed = |error| FieldError::SigningKey { field: WEBHOOK_SECRET, error };
        SigningKey::new(text).map_err(malformed)
    };
    let keys = secrets.and_then(|secrets| secrets.iter().map(key).collect());
    keys.unwrap_or_else(|mistake| {
        errors.push(mistake);
        Vec::new()
    })
}

/// A blank value counts as absent.
fn optional(
    fields: &Map<String, Value>,
    field: &'static str,
    errors: &mut Vec<FieldError>,
) -> Option<SecretString> {
    match text(fields.get(field).filter(|value| !value.is_null())?, field) {
        Ok(text) => Some(SecretString::from(text)),
        Err(FieldError::Blank(_)) => None,
        Err(mistake) => {
            errors.push(mistake);
            None
        }
    }
}

fn present<'a>(
    fields: &'a Map<String, Value>,
    field: &'static str,
) -> Result<&'a Value, FieldError> {
    fields.get(field).filter(|value| !value.is_null()).ok_or(FieldError::Missing(field))
}

fn text<'a>(value: &'a Value, field: &'static str) -> Result<&'a str, FieldError> {
    let text = value.as_str().ok_or(FieldError::NotString(field))?.trim();
    if text.is_empty() {
        Err(FieldError::Blank(field))
    } else if is_placeholder(text) {
        Err(FieldError::Placeholder(field))
    } else {
        Ok(text)
    }
}

/// What templates and documentation write where a secret belongs. Real ones are long base64 or hex,
/// so a word counts only in a string that is short or has separators.
fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 8] =
        ["replace", "change", "your", "todo", "placeholder", "example", "insert", "xxx"];
    let text = text.strip_prefix("whsec_").unwrap_or(text).to_ascii_lowercase();
    let looks_written = text.len() < 20 || text.contains(['_', '-', ' ']);
    text.contains(['<', '>', '…'])
        || text.contains("...")
        || looks_written && WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn secret(dodo_webhook_secret: Value) -> Value {
        json!({
            "dodo_webhook_secret": dodo_webhook_secret,
            "customerio_site_id": "0123456789abcdef0123",
            "customerio_api_key": "3210fedcba9876543210",
        })
    }

    fn errors(secret: &Value) -> Vec<FieldError> {
        match Secret::parse(&secret.to_string()) {
            Err(SecretError::Invalid(errors)) => errors,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_or_several_webhook_secrets() {
        let keys = |value| Secret::parse(&secret(value).to_string()).unwrap().signing_keys.len();
        assert_eq!(keys(json!(KEY)), 1);
        assert_eq!(keys(json!([KEY, &KEY[6..]])), 2);
    }

    #[test]
    fn the_key_for_dodos_api_is_optional() {
        let with = |key: Value| {
            let mut secret = secret(json!(KEY));
            secret["dodo_api_key"] = key;
            secret
        };
        let has_key = |key| Secret::parse(&with(key).to_string()).unwrap().dodo_api_key.is_some();
        assert!(has_key(json!("0123456789abcdef.0123456789abcdef")));
        for absent in [json!(null), json!(""), json!(" ")] {
            assert!(!has_key(absent));
        }
        let wrong = [
            (json!("REPLACE_ME"), FieldError::Placeholder(DODO_API_KEY)),
            (json!(7), FieldError::NotString(DODO_API_KEY)),
        ];
        for (value, mistake) in wrong {
            assert_eq!(errors(&with(value)), [mistake]);
        }
    }

    #[test]
    fn nothing_of_it_prints() {
        let printed = format!("{:?}", Secret::parse(&secret(json!(KEY)).to_string()).unwrap());
        for value in [&KEY[6..], "0123456789abcdef0123", "3210fedcba9876543210"] {
            assert!(!printed.contains(value), "{printed}");
        }
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let secret = json!({"dodo_webhook_secret": "whsec_?", "customerio_site_id": " "});
        assert_eq!(
            errors(&secret),
            [
                FieldError::SigningKey { field: WEBHOOK_SECRET, error: SigningKeyError::NotBase64 },
                FieldError::Blank(SITE_ID),
                FieldError::Missing(API_KEY),
            ]
        );
    }

    #[test]
    fn webhook_secrets_that_would_let_anybody_in_are_refused() {
        for value in
            [json!(""), json!("whsec_"), json!([]), json!([KEY, ""]), json!(7), json!(null)]
        {
            assert_eq!(errors(&secret(value)).len(), 1);
        }
    }

    #[test]
    fn placeholders_are_recognised() {
        for value in [
            "REPLACE_ME",
            "whsec_your_webhook_secret",
            "<secret>",
            "whsec_...",
            "whsec_xxxx",
            "change-me-to-the-real-secret-of-the-endpoint",
        ] {
            assert_eq!(errors(&secret(json!(value))), [FieldError::Placeholder(WEBHOOK_SECRET)]);
        }
    }

    #[test]
    fn what_is_no_object_says_so() {
        for text in ["", "whsec_abc", "[]", "\"text\""] {
            let error = Secret::parse(text).unwrap_err();
            assert_eq!(error, SecretError::Invalid(vec![FieldError::NotAnObject]));
        }
    }

    #[test]
    fn the_message_reads_as_a_sentence() {
        let error = Secret::parse(r#"{"dodo_webhook_secret":"REPLACE_ME"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "The secret in AWS Secrets Manager cannot be used: dodo_webhook_secret is still a \
             placeholder; customerio_site_id is missing; customerio_api_key is missing."
        );
    }
}

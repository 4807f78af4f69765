use super::SecretError;
use super::placeholder::is_placeholder;
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
    /// Mistakes in optional fields, which count as absent.
    pub ignored: Vec<FieldError>,
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
    /// A line break, bullets instead of the key, or the next line copied with it.
    #[error("{0} contains white space or other characters that no key has")]
    Characters(&'static str),
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
    /// `customerio_site_id`, `customerio_api_key` and the optional `dodo_api_key`. Other fields are not
    /// our business.
    ///
    /// # Errors
    /// [`SecretError::Invalid`] with every mistake in the required fields.
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
        let mut ignored = Vec::new();
        let dodo_api_key = optional(&fields, DODO_API_KEY, &mut ignored);
        if errors.is_empty() {
            Ok(Self { signing_keys, customerio, dodo_api_key, ignored })
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

/// A mistake in it counts as absent.
fn optional(
    fields: &Map<String, Value>,
    field: &'static str,
    ignored: &mut Vec<FieldError>,
) -> Option<SecretString> {
    match text(present(fields, field).ok()?, field) {
        Ok(text) => Some(SecretString::from(text)),
        Err(mistake) => {
            ignored.push(mistake);
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
    } else if text.bytes().all(|it| it.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(FieldError::Characters(field))
    }
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
        for absent in [json!(null), json!(""), json!("REPLACE_ME"), json!(7)] {
            assert!(!has_key(absent));
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

    /// The table that the tests of `make secret` read too.
    fn cases() -> Value {
        serde_json::from_str(include_str!("../../tests/secret-cases.json")).unwrap()
    }

    /// The mistakes that make a secret unusable, and those that do not.
    fn mistakes(secret: &Value) -> (Vec<String>, Vec<String>) {
        let sentences =
            |mistakes: &[FieldError]| mistakes.iter().map(FieldError::to_string).collect();
        match Secret::parse(&secret.to_string()) {
            Ok(secret) => (Vec::new(), sentences(&secret.ignored)),
            Err(SecretError::Invalid(errors)) => (sentences(&errors), Vec::new()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_field_is_checked_as_the_table_of_cases_says() {
        let cases = cases();
        let mut wrong = Vec::new();
        for case in cases["fields"].as_array().unwrap() {
            let (field, mut secret) = (case["field"].as_str().unwrap(), cases["good"].clone());
            secret[field] = case["value"].clone();
            let problem: Vec<_> =
                case["problem"].as_str().map(|it| format!("{field} {it}")).into_iter().collect();
            let (errors, ignored) = mistakes(&secret);
            let is_optional = field == DODO_API_KEY;
            let expected = if is_optional { (Vec::new(), problem) } else { (problem, Vec::new()) };
            if (&errors, &ignored) != (&expected.0, &expected.1) {
                wrong.push(format!("{case}: {errors:?}, {ignored:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_secret_is_checked_as_the_table_of_cases_says() {
        for case in cases()["secrets"].as_array().unwrap() {
            let (errors, ignored) = mistakes(&case["secret"]);
            assert_eq!(json!(errors), case["problems"], "{case}");
            assert_eq!(json!(ignored), case["ignored"], "{case}");
        }
    }

    #[test]
    fn the_templates_placeholders_are_recognised() {
        let (_, rest) = include_str!("../../template.yaml").split_once("SecretString: |").unwrap();
        let secret = rest.split_inclusive('}').next().unwrap();
        let placeholders = [WEBHOOK_SECRET, SITE_ID, API_KEY].map(FieldError::Placeholder);
        assert_eq!(errors(&serde_json::from_str(secret).unwrap()), placeholders);
    }

    proptest::proptest! {
        #[test]
        fn a_key_may_contain_the_words_of_placeholders(
            before in "[A-Za-z0-9]{8}",
            word in "xXx|Todo|todo|your|REPLACE_ME|change|example|placeholder|_your_|-todo-|\\.\\.\\.|<|>",
            after in "[A-Za-z0-9]{7}[0-9]",
        ) {
            let key = [before, word, after].concat();
            proptest::prop_assert!(!is_placeholder(&key), "{}", key);
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

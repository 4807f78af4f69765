//! The credentials: one JSON object in AWS Secrets Manager, read at start and again when it is old.

mod cache;
mod parse;
mod placeholder;
mod secrets_manager;

pub(crate) use cache::{SecretCache, Source};
pub(crate) use parse::{FieldError, Secret};
pub(crate) use secrets_manager::SecretsManager;

/// Why there are no credentials at the moment. None of the messages holds a value or the secret's
/// name: a stranger may read them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    /// No response: the network, or an outage.
    #[error("AWS Secrets Manager could not be reached. This passes by itself.")]
    Unreachable,
    /// Throttling, an outage, expired credentials. The error code of AWS.
    #[error(
        "AWS Secrets Manager cannot give the secret at the moment ({0}). This passes by itself."
    )]
    Unavailable(String),
    /// Access was taken away.
    #[error(
        "AWS Secrets Manager refuses to give the secret (AccessDeniedException). Check that the \
         function's role may call secretsmanager:GetSecretValue on the secret in SECRET_ID, and \
         kms:Decrypt if the secret has a key of its own."
    )]
    AccessDenied,
    /// It was deleted, or never there.
    #[error(
        "AWS Secrets Manager has no such secret (ResourceNotFoundException). Check SECRET_ID and the \
         region, or restore the secret."
    )]
    NotFound,
    /// Somebody has to change something in AWS.
    #[error("AWS Secrets Manager refuses to give the secret ({code}). {remedy}")]
    Refused {
        /// The error code of AWS.
        code: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Somebody has to change the secret.
    #[error("The secret in AWS Secrets Manager cannot be used: {}.", list(.0))]
    Invalid(Vec<FieldError>),
}

impl SecretError {
    /// Whether the last good secret should go on serving. If access was taken away or the secret
    /// deleted, it should not.
    fn keeps_old_value(&self) -> bool {
        !matches!(self, Self::AccessDenied | Self::NotFound)
    }

    /// A short code for machines.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreachable | Self::Unavailable(_) => "secret_unreachable",
            Self::AccessDenied | Self::NotFound | Self::Refused { .. } => "secret_refused",
            Self::Invalid(_) => "secret_invalid",
        }
    }
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(FieldError::to_string).collect::<Vec<_>>().join("; ")
}

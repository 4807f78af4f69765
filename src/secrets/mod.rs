//! The credentials: one JSON object in AWS Secrets Manager, read at start and again when it is old.

mod cache;
mod parse;
mod secrets_manager;

pub(crate) use cache::{SecretCache, Source};
pub(crate) use parse::{FieldError, Secret};
pub(crate) use secrets_manager::SecretsManager;

/// Why there are no credentials at the moment. None of the messages holds a value or the secret's
/// name: a stranger may read them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    /// Passing: the network, throttling, an outage.
    #[error("AWS Secrets Manager could not be reached.")]
    Unreachable,
    /// Somebody has to change something in AWS.
    #[error(
        "AWS Secrets Manager refuses to give the secret ({0}). Check SECRET_ID and that the \
         function's role may call secretsmanager:GetSecretValue on it."
    )]
    AccessDenied(String),
    /// Somebody has to change the secret.
    #[error("The secret in AWS Secrets Manager cannot be used: {}.", list(.0))]
    Invalid(Vec<FieldError>),
}

impl SecretError {
    /// Whether the last good secret should go on serving. If access was taken away, it should not.
    fn keeps_old_value(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Invalid(_))
    }

    /// A short code for machines.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "secret_unreachable",
            Self::AccessDenied(_) => "secret_refused",
            Self::Invalid(_) => "secret_invalid",
        }
    }
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(FieldError::to_string).collect::<Vec<_>>().join("; ")
}

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Why a queue did not do what it was asked for. None of the messages holds a value or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueueError {
    /// The message is too large, or has characters that SQS refuses. No other queue would take it.
    #[error("SQS accepts no message that is this large, or has such characters.")]
    Unfit,
    /// It failed a moment ago, and is not asked again yet.
    #[error("The queue was not asked, since it has just failed.")]
    Paused,
    /// No response: the network, or an outage.
    #[error("The queue in {0} could not be reached. This passes by itself.")]
    Unreachable(&'static str),
    /// Throttling, an outage, expired credentials. The variable, and the error code of AWS.
    #[error("The queue in {0} cannot be used at the moment ({1}). This passes by itself.")]
    Unavailable(&'static str, String),
    /// Access is missing.
    #[error(
        "AWS refuses access to the queue in {variable} ({code}). Check that the function's role may call \
         {action} on it, and kms:GenerateDataKey and kms:Decrypt if it has a KMS key of its own."
    )]
    AccessDenied {
        /// The environment variable with its URL.
        variable: &'static str,
        /// The permission.
        action: &'static str,
        /// The error code of AWS.
        code: String,
    },
    /// It was deleted, or never there.
    #[error("The queue in {0} does not exist. Check its URL and the region.")]
    NoQueue(&'static str),
    /// Anything else that somebody must change. The variable, and the error code of AWS.
    #[error(
        "SQS refuses to use the queue in {0} ({1}). Check its URL, and that it is a standard queue."
    )]
    Refused(&'static str, String),
}

impl QueueError {
    /// A short code for machines.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unfit => "queue_unfit",
            Self::Paused => "queue_paused",
            Self::Unreachable(_) | Self::Unavailable(..) => "queue_unreachable",
            Self::AccessDenied { .. } => "queue_access_denied",
            Self::NoQueue(_) => "queue_not_found",
            Self::Refused(..) => "queue_refused",
        }
    }
}

/// Separates what passes by itself from what somebody must change.
pub(super) fn classify<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    variable: &'static str,
    action: &'static str,
) -> QueueError {
    let SdkError::ServiceError(service) = error else {
        return QueueError::Unreachable(variable);
    };
    let code = service.err().code().unwrap_or("no error code");
    if service.raw().status().is_server_error() {
        return QueueError::Unavailable(variable, code.to_owned());
    }
    by_code(code, variable, action)
}

/// The codes come with and without `AWS.SimpleQueueService.`, with and without `Exception`.
fn by_code(code: &str, variable: &'static str, action: &'static str) -> QueueError {
    const UNFIT: [&str; 3] = ["InvalidMessageContents", "MessageTooLong", "BatchRequestTooLong"];
    const NO_QUEUE: [&str; 2] = ["NonExistentQueue", "QueueDoesNotExist"];
    const DENIED: [&str; 2] = ["AccessDenied", "KmsAccessDenied"];
    const PASSES: [&str; 8] = [
        "Throttl",
        "OverLimit",
        "LimitExceeded",
        "ServiceUnavailable",
        "Internal",
        "ExpiredToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
    ];
    let is = |codes: &[&str]| codes.iter().any(|known| code.contains(known));
    let code = || code.to_owned();
    if is(&UNFIT) {
        QueueError::Unfit
    } else if is(&NO_QUEUE) {
        QueueError::NoQueue(variable)
    } else if is(&DENIED) {
        QueueError::AccessDenied { variable, action, code: code() }
    } else if is(&PASSES) {
        QueueError::Unavailable(variable, code())
    } else {
        QueueError::Refused(variable, code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_must_change_is_named() {
        let error = |code| by_code(code, "QUEUE_URL", "sqs:SendMessage");
        for code in ["AccessDenied", "AccessDeniedException", "KmsAccessDenied"] {
            let sentence = error(code).to_string();
            assert!(sentence.contains("may call sqs:SendMessage on it"), "{sentence}");
            assert!(sentence.contains("QUEUE_URL"), "{sentence}");
        }
        for code in ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"] {
            assert_eq!(error(code), QueueError::NoQueue("QUEUE_URL"));
        }
        assert_eq!(error("InvalidMessageContents"), QueueError::Unfit);
        for code in ["RequestThrottled", "ThrottlingException", "OverLimit", "ExpiredToken"] {
            assert_eq!(error(code), QueueError::Unavailable("QUEUE_URL", code.into()));
        }
        for code in ["InvalidAddress", "UnsupportedOperation", "no error code"] {
            assert_eq!(error(code), QueueError::Refused("QUEUE_URL", code.into()));
        }
    }
}

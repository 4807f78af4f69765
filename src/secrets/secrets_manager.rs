use super::{FieldError, Secret, SecretError, Source};
use crate::aws::{AwsHttp, AwsSettings};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::Duration;

/// One attempt; a response usually takes a few milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);
/// All attempts (the SDK makes up to three): leaves most of a webhook's time to Customer.io.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Before the SDK's second attempt, at most; its default of 1 s would use up a third of the time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// One secret in AWS Secrets Manager.
#[derive(Debug, Clone)]
pub(crate) struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// A client of the account and region that `aws` names. No call is made yet.
    pub(crate) fn new(aws: &AwsSettings, http: reqwest::Client, secret_id: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws.region())
            .credentials_provider(aws.credentials())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_initial_backoff(FIRST_PAUSE))
            .http_client(AwsHttp(http));
        config.set_endpoint_url(aws.secrets_manager_url.clone());
        Self { client: Client::from_conf(config.build()), secret_id }
    }
}

impl Source for SecretsManager {
    async fn fetch(&self) -> Result<Secret, SecretError> {
        let call = self.client.get_secret_value().secret_id(&self.secret_id).send();
        let value = call.await.map_err(|error| classify(&error))?;
        match (value.secret_string(), value.secret_binary()) {
            (Some(text), _) => Secret::parse(text),
            (None, Some(bytes)) => Secret::parse(&String::from_utf8_lossy(bytes.as_ref())),
            (None, None) => Err(SecretError::Invalid(vec![FieldError::NotAnObject])),
        }
    }
}

/// Separates what passes by itself from what somebody must change.
fn classify(error: &SdkError<GetSecretValueError, HttpResponse>) -> SecretError {
    let SdkError::ServiceError(service) = error else {
        return SecretError::Unreachable;
    };
    let code = service.err().code().unwrap_or("no error code");
    if service.raw().status().is_server_error() {
        return SecretError::Unavailable(code.to_owned());
    }
    match code {
        "AccessDeniedException" => SecretError::AccessDenied,
        "ResourceNotFoundException" => SecretError::NotFound,
        code if passes(code) => SecretError::Unavailable(code.to_owned()),
        code => SecretError::Refused { code: code.to_owned(), remedy: remedy(code) },
    }
}

/// Whether an error goes away without anybody's help: too many calls, a fault at AWS, a clock that is
/// set again, credentials that Lambda replaces.
fn passes(code: &str) -> bool {
    const PARTS: [&str; 5] =
        ["Throttl", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "Internal"];
    const CODES: [&str; 7] = [
        "SlowDown",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "RequestTimeout",
    ];
    CODES.contains(&code) || PARTS.iter().any(|part| code.contains(part))
}

fn remedy(code: &str) -> &'static str {
    match code {
        "DecryptionFailure" => "Check the KMS key of the secret: is it enabled?",
        "InvalidRequestException" => "Check that the secret is not scheduled for deletion.",
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException" => {
            "Check the AWS credentials of the function: on Lambda, deploy again, or check that its \
             role still exists; elsewhere, check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, \
             AWS_SESSION_TOKEN and the clock."
        }
        _ => "Check SECRET_ID and that the function's role may read the secret.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_change() {
        for code in [
            "ThrottlingException",
            "RequestThrottledException",
            "TooManyRequestsException",
            "LimitExceededException",
            "RequestLimitExceeded",
            "ExpiredTokenException",
            "RequestTimeTooSkewed",
            "InternalServiceError",
        ] {
            assert!(passes(code), "{code}");
        }
        for code in [
            "DecryptionFailure",
            "InvalidSignatureException",
            "InvalidRequestException",
            "InvalidParameterException",
            "UnrecognizedClientException",
            "no error code",
        ] {
            assert!(!passes(code), "{code}");
        }
    }
}

use super::{FieldError, Secret, SecretError, Source};
use crate::aws::{AwsHttp, AwsSettings};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Credentials, Region};
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
    pub(crate) fn new(aws: AwsSettings, http: reqwest::Client, secret_id: String) -> Self {
        let AwsSettings { region, access_key_id, secret_access_key, session_token, endpoint_url } =
            aws;
        let credentials = Credentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "environment variables",
        );
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(credentials)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_initial_backoff(FIRST_PAUSE))
            .http_client(AwsHttp(http));
        config.set_endpoint_url(endpoint_url);
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

/// Separates what will pass from what somebody must change.
fn classify(error: &SdkError<GetSecretValueError, HttpResponse>) -> SecretError {
    let SdkError::ServiceError(service) = error else {
        return SecretError::Unreachable;
    };
    let code = service.err().code().unwrap_or("no error code");
    let passes = service.raw().status().is_server_error() || code.contains("Throttling");
    if passes { SecretError::Unreachable } else { SecretError::AccessDenied(code.to_owned()) }
}

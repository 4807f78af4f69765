//! What every AWS client of the function needs: region, credentials, endpoint, and an HTTP client.

mod http;

pub use http::AwsHttp;

use aws_sdk_secretsmanager::config::{Credentials, Region};

/// What the AWS SDK needs to know. Read by [`config`](crate::config) and not by the aws-config crate:
/// Lambda puts all of it into environment variables, and that crate's other sources would cost time
/// at every cold start.
#[derive(Clone)]
pub(crate) struct AwsSettings {
    /// Read from `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: String,
    /// Read from `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// Read from `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// Read from `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
    /// Read from `AWS_ENDPOINT_URL_SECRETS_MANAGER` or `AWS_ENDPOINT_URL`.
    pub secrets_manager_url: Option<String>,
    /// Read from `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL`.
    pub sqs_url: Option<String>,
}

impl AwsSettings {
    /// The region, as every client wants it.
    pub(crate) fn region(&self) -> Region {
        Region::new(self.region.clone())
    }

    /// The credentials, as every client wants them.
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "environment variables",
        )
    }
}

impl std::fmt::Debug for AwsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsSettings").field("region", &self.region).finish_non_exhaustive()
    }
}

//! The Lambda function: reads its settings, warms up, and serves webhooks.

use dodo_customerio::config::Settings;
use dodo_customerio::function::Function;
use dodo_customerio::log;
use lambda_http::{Error, Request, service_fn};
use std::convert::Infallible;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Error> {
    log::init();
    let settings = match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            for mistake in mistakes {
                tracing::error!(variable = mistake.variable, "Configuration: {mistake}.");
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        tracing::error!(
            "This program runs inside AWS Lambda. To try it on this machine: make demo."
        );
        return Ok(ExitCode::FAILURE);
    }
    let function = &Function::new(settings);
    function.warm_up().await;
    let serve =
        |request: Request| async move { Ok::<_, Infallible>(function.handle(&request).await) };
    lambda_http::run(service_fn(serve)).await?;
    Ok(ExitCode::SUCCESS)
}

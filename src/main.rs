//! The Lambda function: reads its settings, warms up, and serves webhooks.

use dodo_customerio::config::Settings;
use dodo_customerio::handler::Function;
use dodo_customerio::telemetry::log;
use lambda_http::{Error, Request, service_fn};
use std::convert::Infallible;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Error> {
    #[cfg(feature = "javascript")]
    if let Some(code) = dodo_customerio::transform::javascript::process::run_if_asked() {
        return Ok(code);
    }
    serve()
}

#[tokio::main(flavor = "local")]
async fn serve() -> Result<ExitCode, Error> {
    log::init();
    let settings = match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(errors) => {
            for mistake in errors {
                tracing::error!(variable = mistake.variable, "Configuration: {mistake}.");
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    for warning in settings.warnings() {
        tracing::warn!(variable = warning.variable, "Configuration: {warning}.");
    }
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        tracing::error!(
            "This program runs inside AWS Lambda. To try it on this machine: make demo."
        );
        return Ok(ExitCode::FAILURE);
    }
    // For as long as the process lives.
    let function: &'static Function = Box::leak(Box::new(Function::new(settings)));
    function.warm_up().await;
    let handle =
        move |request: Request| async move { Ok::<_, Infallible>(function.handle(&request).await) };
    // As a task of its own: tokio wakes tasks by its queue, but its main future by way of the kernel.
    tokio::task::spawn_local(lambda_http::run(service_fn(handle))).await??;
    Ok(ExitCode::SUCCESS)
}

//! The Lambda function: reads its settings, warms up, and serves webhooks, or the queue they wait in.

use dodo_customerio::config::Settings;
use dodo_customerio::handler::{Function, HttpEvent, QueueFunction, Service, SqsEvent};
use dodo_customerio::telemetry::log;
use lambda_runtime::{Error, LambdaEvent, service_fn};
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
    match Box::leak(Box::new(Service::new(settings))) {
        Service::Webhooks(function) => serve_webhooks(function).await?,
        Service::Queue(function) => serve_queue(function).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// As a task of its own: tokio wakes tasks by its queue, but its main future by way of the kernel.
async fn serve_webhooks(function: &'static Function) -> Result<(), Error> {
    function.warm_up().await;
    let handle = move |event: LambdaEvent<HttpEvent>| async move {
        Ok::<_, Infallible>(function.handle(&event.payload, &event.context).await)
    };
    tokio::task::spawn_local(lambda_runtime::run(service_fn(handle))).await?
}

async fn serve_queue(function: &'static QueueFunction) -> Result<(), Error> {
    function.warm_up().await;
    let handle = move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Infallible>(function.handle(event.payload, &event.context).await)
    };
    tokio::task::spawn_local(lambda_runtime::run(service_fn(handle))).await?
}

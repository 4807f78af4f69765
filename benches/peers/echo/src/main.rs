//! Answers every request with its own body.

use lambda_http::{Body, Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let echo = |request: Request| async move {
        Ok::<_, Error>(Response::new(Body::from(request.body().as_ref().to_vec())))
    };
    lambda_http::run(service_fn(echo)).await
}

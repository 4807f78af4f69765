//! A small HTTP/1 server that can also break its connections.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An answer; the error closes the connection without one.
pub type Answer = Result<Response<Full<Bytes>>, Broken>;

/// The connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("the connection was told to break")]
pub struct Broken;

/// Answers requests whose bodies have been read.
pub trait Service: Clone + Send + Sync + 'static {
    fn answer(&self, request: Request<Bytes>) -> impl Future<Output = Answer> + Send;
}

/// A server on loopback; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves on a port of 127.0.0.1; 0 takes a free one.
pub async fn serve(port: u16, service: impl Service) -> io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, service.clone()));
        }
    });
    Ok(Server { address, accepting })
}

async fn converse(stream: TcpStream, service: impl Service) {
    let answer = service_fn(|request: Request<Incoming>| {
        let service = service.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
            service.answer(Request::from_parts(head, body)).await
        }
    });
    // A broken conversation is the other side's business.
    let http = hyper::server::conn::http1::Builder::new();
    drop(http.serve_connection(TokioIo::new(stream), answer).await);
}

/// An answer with a JSON body.
pub fn json(status: u16, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Full::from(body.to_string())).expect("a valid status")
}

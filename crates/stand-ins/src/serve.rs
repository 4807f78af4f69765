//! A small HTTP/1 server that can also break its connections.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A response; an error closes the connection without one.
pub type ServiceResult = Result<Response<ResponseBody>, Broken>;

/// The body of a response; an error closes the connection in the middle of it.
pub type ResponseBody = BoxBody<Bytes, Broken>;

/// The connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("the connection was broken on purpose")]
pub struct Broken;

/// Responds to requests whose bodies have been read.
pub trait Service: Clone + Send + Sync + 'static {
    /// The response to one request.
    fn respond(&self, request: Request<Bytes>) -> impl Future<Output = ServiceResult> + Send;
}

/// A server on loopback; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Accepts connections until it is aborted.
    pub accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves on a port of 127.0.0.1; 0 takes a free one.
///
/// # Errors
/// If the port is taken.
pub async fn serve(port: u16, service: impl Service) -> io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle_connection(stream, service.clone()));
        }
    });
    Ok(Server { address, accepting })
}

async fn handle_connection(stream: TcpStream, service: impl Service) {
    let response = service_fn(|request: Request<Incoming>| {
        let service = service.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
            service.respond(Request::from_parts(head, body)).await
        }
    });
    // A broken connection is noticed by the client.
    let http = hyper::server::conn::http1::Builder::new();
    drop(http.serve_connection(TokioIo::new(stream), response).await);
}

/// A response with a JSON body.
///
/// # Panics
/// If the status is not one of HTTP's.
pub fn json(status: u16, json: &serde_json::Value) -> Response<ResponseBody> {
    json_text(status, json.to_string())
}

/// The same from JSON that is written already.
///
/// # Panics
/// If the status is not one of HTTP's.
pub fn json_text(status: u16, json: String) -> Response<ResponseBody> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body(json)).expect("a valid status")
}

/// A whole body.
pub fn body(text: String) -> ResponseBody {
    Full::from(text).map_err(|never| match never {}).boxed()
}

/// A body that breaks off after its beginning.
pub fn cut_body() -> ResponseBody {
    CutBody { polls: 0 }.boxed()
}

struct CutBody {
    polls: u32,
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.polls += 1;
        match self.polls {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"errors\":["))))),
            // The server sends what it has while it waits.
            2 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(Broken))),
        }
    }
}

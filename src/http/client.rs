//! The one HTTP client of the process.
//!
//! One stack instead of two, the ring provider instead of AWS-LC, compiled-in roots instead of the
//! system's: together the difference between some 800 ms and some 20 ms of cold start on a small
//! function.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use std::sync::Arc;
use std::time::Duration;

/// Time for a TCP and TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections that were idle for longer are not reused: the environment may have been frozen in
/// between, and the other side may have hung up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long opening a connection ahead of time may take.
const WARM_UP: Duration = Duration::from_secs(1);

/// Builds the client. Redirects are not followed: reqwest would turn a POST into a GET and lose the
/// credentials.
///
/// # Panics
/// Never in practice: the TLS configuration is the same on every machine.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn client() -> Client {
    Client::builder()
        .tls_backend_preconfigured(tls())
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("dodo-customerio/", env!("CARGO_PKG_VERSION")))
        .build()
        .expect("a client with a given TLS configuration builds")
}

fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    #[cfg(bench_root)]
    let roots = with_bench_root(roots);
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// `make bench` measures TLS against its own servers and compiles in their root certificate. No
/// feature and no setting enables this, only a compiler flag.
#[cfg(bench_root)]
fn with_bench_root(mut roots: rustls::RootCertStore) -> rustls::RootCertStore {
    let root = include_bytes!(env!("BENCH_ROOT")).as_slice();
    roots.add(root.into()).expect("the bench's root");
    roots
}

/// Opens a connection before the first webhook needs it. It may fail.
pub(crate) async fn warm_up(client: &Client, url: &str) {
    drop(client.head(url).timeout(WARM_UP).send().await);
}

/// Reads the body of a response; `None` if it is longer than `limit` bytes.
///
/// # Errors
/// If the connection breaks first.
pub async fn read_body(response: &mut Response, limit: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

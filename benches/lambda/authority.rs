//! A certificate authority for the bench, and TLS in front of its servers.

use crate::build::folder;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stand_ins::serve::Server;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where Linux distributions keep the system's roots.
const SYSTEM_ROOTS: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A root, an intermediate under it, and a server's certificate for 127.0.0.1 under that.
pub struct Authority {
    /// The root, DER, to be compiled in.
    pub root_der: PathBuf,
    /// The root, PEM.
    pub root_pem: PathBuf,
    /// The system's roots and ours, PEM: for programs that read the system's.
    pub bundle: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// The root's key stays in `target/bench`, so that programs with the root compiled in stay valid.
    ///
    /// # Errors
    /// What could not be made or stored.
    pub fn new() -> Result<Self, String> {
        let path = |name| folder().map(|folder| folder.join(name));
        let (key, root_der) = (path("root.key.pem")?, path("root.der")?);
        if !root_der.exists() {
            let new = KeyPair::generate().map_err(text)?;
            let root = CertifiedIssuer::self_signed(issuer("bench root"), &new).map_err(text)?;
            fs::write(&key, new.serialize_pem()).map_err(text)?;
            fs::write(&root_der, root.der()).map_err(text)?;
            fs::write(path("root.pem")?, root.pem()).map_err(text)?;
            let system = SYSTEM_ROOTS.iter().find_map(|path| fs::read_to_string(path).ok());
            let bundle = system.unwrap_or_default() + &root.pem();
            fs::write(path("bundle.pem")?, bundle).map_err(text)?;
        }
        let key = KeyPair::from_pem(&fs::read_to_string(key).map_err(text)?).map_err(text)?;
        let (chain, key) = server_certificate(&key).map_err(text)?;
        let (root_pem, bundle) = (path("root.pem")?, path("bundle.pem")?);
        Ok(Self { root_der, root_pem, bundle, chain, key })
    }
}

fn server_certificate(
    root_key: &KeyPair,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
    let root = CertifiedIssuer::self_signed(issuer("bench root"), root_key)?;
    let between = KeyPair::generate()?;
    let between = CertifiedIssuer::signed_by(issuer("bench intermediate"), between, &root)?;
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()])?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server = server.signed_by(&key, &between)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS #8");
    Ok((vec![server.der().clone(), between.der().clone()], key))
}

fn issuer(name: &str) -> CertificateParams {
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name.push(DnType::CommonName, name);
    issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    issuer
}

/// Lets clients speak TLS to a plain server.
///
/// # Errors
/// If there is no free port.
pub async fn tls_in_front_of(authority: &Authority, server: SocketAddr) -> io::Result<Server> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports them")
        .with_no_client_auth()
        .with_single_cert(authority.chain.clone(), authority.key.clone_key())
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(acceptor.clone(), stream, server));
        }
    });
    Ok(Server { address, accepting })
}

async fn relay(acceptor: TlsAcceptor, stream: TcpStream, server: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(server).await?;
    inside.set_nodelay(true)?;
    copy_bidirectional(&mut outside, &mut inside).await.map(drop)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

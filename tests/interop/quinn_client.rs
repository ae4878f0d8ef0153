//! An HTTP/3 client in process: the `quinn` and `h3` crates.

use crate::answer::Answer;
use crate::server::Server;
use bytes::{Buf as _, Bytes};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

type Sender = h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>;
type Stream = h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// An endpoint whose connections share sessions, and which counts full handshakes.
#[derive(Debug)]
pub(crate) struct Client {
    /// The endpoint under it.
    pub(crate) endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    verifier: Arc<CountingVerifier>,
    authority: String,
}

/// One HTTP/3 connection.
pub(crate) struct Connection {
    /// The QUIC connection under it.
    pub(crate) quic: quinn::Connection,
    authority: String,
    sender: Sender,
    driver: tokio::task::JoinHandle<()>,
}

/// A request whose head has been answered.
pub(crate) struct Pending {
    answer: Answer,
    stream: Stream,
}

impl Client {
    /// A client that trusts the server's authority.
    pub(crate) fn new(server: &Server) -> Self {
        Self::with(server, |_| {})
    }

    /// The same with other transport parameters.
    pub(crate) fn with(server: &Server, set: impl FnOnce(&mut quinn::TransportConfig)) -> Self {
        let verifier = CountingVerifier::new(&server.ca);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let quic = QuicClientConfig::try_from(tls).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(quic));
        let mut transport = quinn::TransportConfig::default();
        let idle = Duration::from_secs(60).try_into().unwrap();
        transport.max_idle_timeout(Some(idle));
        set(&mut transport);
        config.transport_config(Arc::new(transport));
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
        Self {
            endpoint,
            config,
            verifier,
            authority: server.authority(),
        }
    }

    /// Full handshakes so far: a resumed one shows no certificate to verify.
    pub(crate) fn full_handshakes(&self) -> u64 {
        self.verifier.verified.load(Relaxed)
    }

    /// Offers only that QUIC version.
    pub(crate) fn speak(&mut self, version: u32) {
        self.config.version(version);
    }

    /// Begins a QUIC connection.
    pub(crate) fn begin(&self, to: SocketAddr) -> quinn::Connecting {
        let config = self.config.clone();
        self.endpoint.connect_with(config, to, "localhost").unwrap()
    }

    /// Opens an HTTP/3 connection.
    pub(crate) async fn connect(&self, to: SocketAddr) -> Connection {
        Box::pin(self.try_connect(to)).await.unwrap()
    }

    /// Opens an HTTP/3 connection, or says why not.
    pub(crate) async fn try_connect(
        &self,
        to: SocketAddr,
    ) -> Result<Connection, quinn::ConnectionError> {
        let quic = self.begin(to).await?;
        let transport = h3_quinn::Connection::new(quic.clone());
        let Ok((mut driver, sender)) = Box::pin(h3::client::new(transport)).await else {
            return Err(quic.closed().await);
        };
        let driver = tokio::spawn(async move {
            let _end = driver.wait_idle().await;
        });
        Ok(Connection {
            quic,
            authority: self.authority.clone(),
            sender,
            driver,
        })
    }

    /// Goes on from a new socket on that address.
    pub(crate) fn rebind(&self, address: [u8; 4]) {
        let socket = UdpSocket::bind(SocketAddr::from((address, 0))).unwrap();
        self.endpoint.rebind(socket).unwrap();
    }
}

impl Connection {
    /// One GET, whole.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }

    /// One request without content, whole.
    pub(crate) async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.begin(method, path, fields).await.unwrap().rest().await
    }

    /// One request up to the head of its answer.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Pending, h3::error::StreamError> {
        let url = format!("https://{}{path}", self.authority);
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let mut stream = self.sender.clone().send_request(request).await?;
        stream.finish().await?;
        let head = stream.recv_response().await?;
        let answer = Answer::new(head.status(), head.headers());
        Ok(Pending { answer, stream })
    }
}

impl Pending {
    /// The whole answer.
    pub(crate) async fn rest(mut self) -> Answer {
        while self.more().await {}
        self.answer
    }

    /// Takes content until its end or an error.
    pub(crate) async fn end(mut self) -> Result<(), h3::error::StreamError> {
        while self.stream.recv_data().await?.is_some() {}
        Ok(())
    }

    /// Takes content until `len` bytes of it have come.
    pub(crate) async fn until(&mut self, len: usize) {
        while self.answer.body.len() < len {
            assert!(self.more().await, "the answer ended before {len} bytes");
        }
    }

    async fn more(&mut self) -> bool {
        let Some(mut chunk) = self.stream.recv_data().await.unwrap() else {
            return false;
        };
        let bytes = chunk.copy_to_bytes(chunk.remaining());
        self.answer.body.extend_from_slice(&bytes);
        true
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.quic.close(0x100_u32.into(), b"");
        self.driver.abort();
    }
}

/// Verifies like the usual verifier and counts how often it was asked.
#[derive(Debug)]
struct CountingVerifier {
    inner: Arc<WebPkiServerVerifier>,
    verified: AtomicU64,
}

impl CountingVerifier {
    fn new(ca: &Path) -> Arc<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Arc::new(Self {
            inner: builder.build().unwrap(),
            verified: AtomicU64::new(0),
        })
    }
}

impl ServerCertVerifier for CountingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verified.fetch_add(1, Relaxed);
        let inner = &self.inner;
        inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

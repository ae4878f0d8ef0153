//! An independent HTTP/3 client in process: the `quinn` and `h3` crates.

use bytes::Buf as _;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

type Sender = h3::client::SendRequest<h3_quinn::OpenStreams, bytes::Bytes>;

/// Answers as the client saw them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Whole content.
    pub(crate) body: Vec<u8>,
}

/// An endpoint whose connections share sessions, and which counts full handshakes.
#[derive(Debug)]
pub(crate) struct Client {
    /// The endpoint, for rebinding.
    pub(crate) endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    verifier: Arc<CountingVerifier>,
}

/// One HTTP/3 connection.
pub(crate) struct Connection {
    /// The QUIC connection under it.
    pub(crate) quic: quinn::Connection,
    sender: Sender,
    driver: tokio::task::JoinHandle<()>,
}

impl Client {
    /// A client on `address` that trusts the PEM file `ca`.
    pub(crate) fn new(address: &str, ca: &Path) -> Self {
        let verifier = CountingVerifier::new(ca);
        let mut tls = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let quic = QuicClientConfig::try_from(tls).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(quic));
        let mut transport = quinn::TransportConfig::default();
        transport.max_idle_timeout(Some(Duration::from_secs(20).try_into().unwrap()));
        config.transport_config(Arc::new(transport));
        let local = format!("{address}:0").parse().unwrap();
        Self {
            endpoint: quinn::Endpoint::client(local).unwrap(),
            config,
            verifier,
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

    /// Opens a QUIC connection alone.
    pub(crate) async fn quic(
        &self,
        server: SocketAddr,
    ) -> Result<quinn::Connection, quinn::ConnectionError> {
        let config = self.config.clone();
        let connecting = self.endpoint.connect_with(config, server, "localhost");
        connecting.unwrap().await
    }

    /// Opens an HTTP/3 connection.
    pub(crate) async fn connect(&self, server: SocketAddr) -> Connection {
        let quic = self.quic(server).await.unwrap();
        let transport = h3_quinn::Connection::new(quic.clone());
        let (mut driver, sender) = h3::client::new(transport).await.unwrap();
        let driver = tokio::spawn(async move {
            let _end = driver.wait_idle().await;
        });
        Connection {
            quic,
            sender,
            driver,
        }
    }
}

impl Connection {
    /// One GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let (mut answer, mut stream) = self.begin(path).await;
        while let Some(mut chunk) = stream.recv_data().await.unwrap() {
            let bytes = chunk.copy_to_bytes(chunk.remaining());
            answer.body.extend_from_slice(&bytes);
        }
        answer
    }

    /// One GET during which `then` is called once a third of `length` has come.
    pub(crate) async fn get_and<F: FnOnce()>(&self, path: &str, length: usize, then: F) -> Answer {
        let (mut answer, mut stream) = self.begin(path).await;
        let mut then = Some(then);
        while let Some(mut chunk) = stream.recv_data().await.unwrap() {
            let bytes = chunk.copy_to_bytes(chunk.remaining());
            answer.body.extend_from_slice(&bytes);
            if answer.body.len() >= length / 3
                && let Some(then) = then.take()
            {
                assert!(answer.body.len() < length, "the transfer ended too early");
                then();
            }
        }
        answer
    }

    async fn begin(
        &self,
        path: &str,
    ) -> (
        Answer,
        h3::client::RequestStream<h3_quinn::BidiStream<bytes::Bytes>, bytes::Bytes>,
    ) {
        let request = http::Request::get(format!("https://localhost{path}"));
        let request = request.body(()).unwrap();
        let mut stream = self.sender.clone().send_request(request).await.unwrap();
        stream.finish().await.unwrap();
        let head = stream.recv_response().await.unwrap();
        let status = head.status().as_u16();
        let body = Vec::new();
        (Answer { status, body }, stream)
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

//! HTTP/3 clients that share no code with the engine: the `quinn` and `h3` crates.

use crate::support::Got;
use bytes::Buf as _;
use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) type Sender = h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>;

/// A quinn endpoint that trusts the server's certificate.
pub(crate) struct Quinn {
    pub(crate) endpoint: quinn::Endpoint,
    pub(crate) tls: rustls::ClientConfig,
}

/// An HTTP/3 connection and the transport below it.
pub(crate) struct Http3 {
    pub(crate) quic: quinn::Connection,
    pub(crate) sender: Sender,
}

impl Quinn {
    pub(crate) fn new(server: &crate::support::Server) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(server.secrets.identity.certificate().unwrap())
            .unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        tls.enable_early_data = true;
        let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { endpoint, tls }
    }

    pub(crate) fn config(&self) -> quinn::ClientConfig {
        let tls = QuicClientConfig::try_from(self.tls.clone()).unwrap();
        quinn::ClientConfig::new(Arc::new(tls))
    }

    pub(crate) fn connecting(&self, server: SocketAddr) -> quinn::Connecting {
        self.endpoint
            .connect_with(self.config(), server, "localhost")
            .unwrap()
    }

    pub(crate) async fn connect(&self, server: SocketAddr) -> Http3 {
        Http3::over(self.connecting(server).await.unwrap()).await
    }
}

impl Http3 {
    pub(crate) async fn over(quic: quinn::Connection) -> Self {
        let transport = h3_quinn::Connection::new(quic.clone());
        let (mut driver, sender) = h3::client::new(transport).await.unwrap();
        tokio::spawn(async move { driver.wait_idle().await });
        Self { quic, sender }
    }

    pub(crate) async fn get(&mut self, target: &str) -> Got {
        let request = http::Request::get(format!("https://localhost{target}"));
        self.send(request.body(()).unwrap(), Bytes::new())
            .await
            .unwrap()
    }

    pub(crate) async fn send(
        &mut self,
        request: http::Request<()>,
        content: Bytes,
    ) -> Result<Got, h3::error::StreamError> {
        let mut stream = self.sender.send_request(request).await?;
        if !content.is_empty() {
            // A server that refuses early may stop the content; its reply still comes.
            let _stopped = stream.send_data(content).await;
        }
        let _stopped = stream.finish().await;
        let status = stream.recv_response().await?.status().as_u16();
        let mut body = Vec::new();
        while let Some(mut chunk) = stream.recv_data().await? {
            body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
        }
        Ok(Got { status, body })
    }
}

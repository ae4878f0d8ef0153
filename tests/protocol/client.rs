//! One client a version, none of which shares code with the server: reqwest for HTTP/1.1 and
//! HTTP/2, quinn with the h3 crate for HTTP/3.

use bytes::Buf as _;
use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A reply as it came; names lowercase, values in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .and_then(|v| v.first())
            .map(String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The reply without what may differ from one request to the next.
    pub(crate) fn constant(mut self) -> Self {
        for name in ["date", "alt-svc", "x-request-id"] {
            self.fields.remove(name);
        }
        if self.field("content-type") == Some("application/problem+json") {
            let mut json = serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null);
            if let Some(document) = json.as_object_mut() {
                document.remove("request_id");
                self.body = serde_json::to_vec(&json).unwrap();
            }
        }
        self
    }
}

pub(crate) enum Client {
    Tcp {
        client: reqwest::Client,
        version: reqwest::Version,
        port: u16,
    },
    Quic {
        send: h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>,
        port: u16,
        _endpoint: quinn::Endpoint,
    },
}

impl Client {
    /// A client of each version, HTTP/1.1 first, that trusts `certificate`.
    pub(crate) async fn all(
        address: SocketAddr,
        certificate: &CertificateDer<'static>,
    ) -> Vec<Self> {
        let tcp = |version: reqwest::Version| {
            let root = reqwest::Certificate::from_der(certificate).unwrap();
            let builder = reqwest::Client::builder()
                .tls_certs_only([root])
                .no_proxy()
                .timeout(Duration::from_secs(120));
            let builder = match version {
                reqwest::Version::HTTP_11 => builder.http1_only(),
                _ => builder.http2_prior_knowledge(),
            };
            let client = builder.build().unwrap();
            Self::Tcp {
                client,
                version,
                port: address.port(),
            }
        };
        vec![
            tcp(reqwest::Version::HTTP_11),
            tcp(reqwest::Version::HTTP_2),
            Box::pin(Self::quic(address, certificate)).await,
        ]
    }

    async fn quic(address: SocketAddr, certificate: &CertificateDer<'static>) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
        let connection = endpoint
            .connect(address, "localhost")
            .unwrap()
            .await
            .unwrap();
        let made = h3::client::new(h3_quinn::Connection::new(connection));
        let (mut driver, send) = Box::pin(made).await.unwrap();
        tokio::spawn(async move { std::future::poll_fn(|cx| driver.poll_close(cx)).await });
        Self::Quic {
            send,
            port: address.port(),
            _endpoint: endpoint,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Tcp { version, .. } if *version == reqwest::Version::HTTP_11 => "HTTP/1.1",
            Self::Tcp { .. } => "HTTP/2",
            Self::Quic { .. } => "HTTP/3",
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Quic { port, .. } => *port,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.ask("GET", path, &[]).await
    }

    /// A POST over HTTP/3 whose content is begun and never ended; dropping it resets the stream.
    pub(crate) async fn begin(&mut self, path: &str, content: usize) -> Unfinished {
        let Self::Quic { send, port, .. } = self else {
            panic!("only over HTTP/3")
        };
        let request = http::Request::post(format!("https://localhost:{port}{path}"));
        let mut stream = send.send_request(request.body(()).unwrap()).await.unwrap();
        // The server may have refused and stopped reading meanwhile.
        drop(stream.send_data(Bytes::from(vec![b'x'; content])).await);
        Unfinished(stream)
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(method, path, fields, b"").await
    }

    /// The same with content.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        content: &[u8],
    ) -> Reply {
        match self {
            Self::Tcp {
                client,
                version,
                port,
            } => {
                let method = method.parse().unwrap();
                let mut request = client.request(method, format!("https://localhost:{port}{path}"));
                for (name, value) in fields {
                    request = request.header(*name, *value);
                }
                if !content.is_empty() {
                    request = request.body(content.to_vec());
                }
                let reply = request.send().await.unwrap();
                assert_eq!(reply.version(), *version, "{path}");
                let (status, map) = (reply.status().as_u16(), reply.headers().clone());
                let body = reply.bytes().await.unwrap().to_vec();
                Reply {
                    status,
                    fields: collected(&map),
                    body,
                }
            }
            Self::Quic { send, port, .. } => {
                let mut request = http::Request::builder()
                    .method(method)
                    .uri(format!("https://localhost:{port}{path}"));
                for (name, value) in fields {
                    request = request.header(*name, *value);
                }
                let mut stream = send.send_request(request.body(()).unwrap()).await.unwrap();
                if !content.is_empty() {
                    stream
                        .send_data(Bytes::copy_from_slice(content))
                        .await
                        .unwrap();
                }
                stream.finish().await.unwrap();
                let reply = stream.recv_response().await.unwrap();
                let (status, map) = (reply.status().as_u16(), reply.headers().clone());
                let mut body = Vec::new();
                while let Some(mut chunk) = stream.recv_data().await.unwrap() {
                    body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
                }
                Reply {
                    status,
                    fields: collected(&map),
                    body,
                }
            }
        }
    }
}

pub(crate) struct Unfinished(h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>);

impl Unfinished {
    pub(crate) async fn reply(&mut self) -> Reply {
        let reply = self.0.recv_response().await.unwrap();
        let fields = collected(reply.headers());
        let mut body = Vec::new();
        while let Some(mut chunk) = self.0.recv_data().await.unwrap() {
            body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
        }
        Reply {
            status: reply.status().as_u16(),
            fields,
            body,
        }
    }
}

fn collected(map: &http::HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in map {
        let value = value.to_str().unwrap().to_owned();
        fields.entry(name.to_string()).or_default().push(value);
    }
    fields
}

//! A server that lies on purpose, on the `quinn` and `h3` crates: what it does wrong is known
//! exactly, so that a test can ask whether the load generator noticed.

#![expect(
    clippy::disallowed_methods,
    clippy::large_futures,
    reason = "an independent server on tokio's own loop, not one of ours"
)]

use bytes::Bytes;
use h3::server::RequestResolver;
use quinn::crypto::rustls::QuicServerConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What the server does wrong, counted over all requests from one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lie {
    /// Nothing: the control of the experiment.
    None,
    /// One byte of every n-th body is wrong.
    WrongByte(u64),
    /// Every n-th body is the one of another URL.
    Swap(u64),
    /// Every n-th body lacks its last byte (and says so in its length).
    Short(u64),
    /// Every n-th request is never answered.
    Silence(u64),
    /// Every n-th answer is a 503.
    Refuse(u64),
    /// Every n-th answer comes this much later.
    Stall(u64, Duration),
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Liar {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The certificate to trust.
    pub(crate) ca: PathBuf,
    /// How often it lied.
    pub(crate) told: Arc<AtomicU64>,
    endpoint: quinn::Endpoint,
    _files: tempfile::TempDir,
}

impl Liar {
    /// Starts on a free port; `/<n>` answers with 200 bytes of its own.
    pub(crate) fn start(lie: Lie) -> Self {
        let files = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let ca = files.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let quic = QuicServerConfig::try_from(tls).unwrap();
        let config = quinn::ServerConfig::with_crypto(Arc::new(quic));
        let endpoint = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
        let told = Arc::new(AtomicU64::new(0));
        let asked = Arc::new(AtomicU64::new(0));
        let mind = Mind {
            lie,
            told: Arc::clone(&told),
            asked,
        };
        tokio::spawn(accept(endpoint.clone(), mind));
        Self {
            address: endpoint.local_addr().unwrap(),
            ca,
            told,
            endpoint,
            _files: files,
        }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"");
    }
}

#[derive(Debug, Clone)]
struct Mind {
    lie: Lie,
    told: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

/// What one request gets.
struct Answer {
    status: u16,
    body: Vec<u8>,
    after: Duration,
    ever: bool,
}

impl Mind {
    fn answer(&self, path: &str) -> Answer {
        let mut answer = Answer {
            status: 200,
            body: truth(path),
            after: Duration::ZERO,
            ever: true,
        };
        let asked = self.asked.fetch_add(1, Relaxed) + 1;
        let every = match self.lie {
            Lie::None => return answer,
            Lie::WrongByte(n) | Lie::Swap(n) | Lie::Short(n) => n,
            Lie::Silence(n) | Lie::Refuse(n) | Lie::Stall(n, _) => n,
        };
        if !asked.is_multiple_of(every) {
            return answer;
        }
        self.told.fetch_add(1, Relaxed);
        match self.lie {
            Lie::None => {}
            Lie::WrongByte(_) => answer.body[123] ^= 1,
            Lie::Swap(_) => answer.body = truth(if path == "/0" { "/1" } else { "/0" }),
            Lie::Short(_) => answer.body.truncate(199),
            Lie::Silence(_) => answer.ever = false,
            Lie::Refuse(_) => answer.status = 503,
            Lie::Stall(_, after) => answer.after = after,
        }
        answer
    }
}

/// 200 bytes that differ from path to path.
fn truth(path: &str) -> Vec<u8> {
    path.bytes().cycle().take(200).collect()
}

async fn accept(endpoint: quinn::Endpoint, mind: Mind) {
    while let Some(incoming) = endpoint.accept().await {
        let mind = mind.clone();
        tokio::spawn(async move {
            let Ok(quic) = incoming.await else { return };
            let transport = h3_quinn::Connection::new(quic);
            let Ok(mut http) = h3::server::Connection::<_, Bytes>::new(transport).await else {
                return;
            };
            while let Ok(Some(request)) = http.accept().await {
                tokio::spawn(reply(request, mind.clone()));
            }
        });
    }
}

async fn reply(request: RequestResolver<h3_quinn::Connection, Bytes>, mind: Mind) {
    let Ok((request, mut stream)) = request.resolve_request().await else {
        return;
    };
    let answer = mind.answer(request.uri().path());
    tokio::time::sleep(answer.after).await;
    if !answer.ever {
        // Holding the stream open is the fault: nothing comes, nothing ends.
        std::future::pending::<()>().await;
    }
    let head = http::Response::builder().status(answer.status).body(());
    let _gone = stream.send_response(head.unwrap()).await;
    let _gone = stream.send_data(Bytes::from(answer.body)).await;
    let _gone = stream.finish().await;
}

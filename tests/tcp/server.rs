//! A worker with one TCP listener and a small service, and clients for it.

use bytes::Bytes;
use lamplight::base::budget::Budget;
use lamplight::http::{Answer, Body, Fields, Head, Refusal, Reply, Request, RequestHead, Service};
use lamplight::http::{Method, Source, SourceError, Status};
use lamplight::runtime::tls::{Identity, Tickets};
use lamplight::runtime::{self, Shutdown, Trigger, Worker};
use lamplight::tcp;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<tcp::Metrics>,
    pub(crate) trigger: Trigger,
    pub(crate) identity: Arc<Identity>,
    worker: Option<Worker<()>>,
    _data: tempfile::TempDir,
}

pub(crate) const BIG: usize = 3_000_000;
pub(crate) const BODY_LIMIT: usize = 1000;

/// Bytes that no mistake in order or length reproduces.
pub(crate) fn pattern(len: usize) -> Bytes {
    let byte = |n: usize| u8::try_from((n * 31 + n / 251 * 7) % 256).unwrap();
    (0..len).map(byte).collect()
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(tcp::Config::default(), 1000)
    }

    pub(crate) fn with(config: tcp::Config, connections_max: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let identity = Identity::open(runtime::tls::Config::default(), data.path()).unwrap();
        let identity = Arc::new(identity);
        let ring = runtime::keyring::Keyring::ephemeral();
        let keys = ring.accepted(runtime::keyring::Purpose::TcpTicket);
        let tickets = Arc::new(Tickets::new(keys));
        let tls = runtime::tls::tcp(Arc::clone(&identity), tickets).unwrap();
        let listener = tcp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(tcp::Metrics::default());
        let (trigger, shutdown) = Shutdown::new();
        let counted = Arc::clone(&metrics);
        let worker = Worker::start("tcp test".to_owned(), move || async move {
            let driver = tcp::Driver::new(tcp::Setup {
                service: Rc::new(Small { big: pattern(BIG) }),
                tls: Some(tls),
                config,
                budget: Arc::new(Budget::new(connections_max)),
                metrics: counted,
                http3_port: Some(4433),
            });
            driver.serve(listener, shutdown).await.unwrap();
        });
        let worker = Some(worker.unwrap());
        Self {
            address,
            metrics,
            trigger,
            identity,
            worker,
            _data: data,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// Begins the drain and waits for the worker's end.
    pub(crate) fn drain(&mut self, within: Duration) {
        self.trigger.drain(runtime::now() + within);
        self.worker.take().unwrap().join().unwrap();
    }

    pub(crate) fn client(
        &self,
        set: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> reqwest::Client {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let certificate = self.identity.certificate().unwrap();
        let root = reqwest::Certificate::from_der(&certificate).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        set(builder.timeout(Duration::from_secs(120)))
            .build()
            .unwrap()
    }

    pub(crate) fn tls_config(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.identity.certificate().unwrap()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// A raw TLS connection that speaks `alpn`.
    pub(crate) fn raw(&self, alpn: &str) -> Raw {
        let mut config = self.tls_config(&[&rustls::version::TLS13]);
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        self.raw_with(Arc::new(config))
    }

    pub(crate) fn raw_with(&self, config: Arc<rustls::ClientConfig>) -> Raw {
        let name = "localhost".try_into().unwrap();
        let tls = rustls::ClientConnection::new(config, name).unwrap();
        let socket = TcpStream::connect(self.address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Raw(rustls::StreamOwned::new(tls, socket))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.trigger.close();
    }
}

pub(crate) struct Raw(pub(crate) rustls::StreamOwned<rustls::ClientConnection, TcpStream>);

impl Raw {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
    }

    /// Everything until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        match self.0.read_to_end(&mut all) {
            Ok(_) => all,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => all,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => all,
            Err(error) => panic!("the server did not close: {error}"),
        }
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.rest()).into_owned()
    }
}

/// Sends `request` on a connection of its own and returns the status line and all that follows.
pub(crate) fn ask(server: &Server, request: &str) -> String {
    let mut raw = server.raw("http/1.1");
    raw.send(request.as_bytes());
    raw.text()
}

struct Small {
    big: Bytes,
}

impl Service for Small {
    fn body_limit(&self, head: &RequestHead<'_>) -> usize {
        if head.method == Method::Post {
            BODY_LIMIT
        } else {
            0
        }
    }

    fn call(&self, request: &Request<'_>) -> Answer {
        let head = request.head;
        let body = match head.target {
            "/hello" => Body::slice(Bytes::from_static(b"hello")),
            "/big" => {
                let (a, b) = (self.big.slice(..1), self.big.slice(1..));
                Body::Slices([a, Bytes::new(), b].into_iter().collect())
            }
            "/pull" => Body::Pull(Box::new(Chunks {
                left: self.big.clone(),
                turn: false,
            })),
            "/echo" => Body::slice(request.body.clone()),
            "/authority" => Body::slice(Bytes::copy_from_slice(head.authority.as_bytes())),
            "/later" => {
                return Answer::Later(Box::pin(async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    reply(200, Body::slice(Bytes::from_static(b"later")))
                }));
            }
            _ => Body::Empty,
        };
        let reply = reply(if body.is_empty() { 404 } else { 200 }, body);
        if head.method == Method::Head {
            return Answer::Now(Reply {
                body: Body::Empty,
                ..reply
            });
        }
        Answer::Now(reply)
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let Status(status) = crate::refusal::status(refusal);
        reply(status, Body::slice(Bytes::from_static(b"refused")))
    }
}

fn reply(status: u16, body: Body) -> Reply {
    let mut fields = Fields::new().with("x-made-by", "small");
    if let Some(len) = body.len() {
        fields.push(b"content-length", len.to_string().as_bytes());
    }
    Reply::new(Head::new(Status(status), fields), body)
}

/// A source that is ready every second time it is asked.
struct Chunks {
    left: Bytes,
    turn: bool,
}

impl Source for Chunks {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        self.turn = !self.turn;
        if self.turn {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let n = self.left.len().min(40_000);
        let chunk = self.left.split_to(n);
        Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)))
    }
}

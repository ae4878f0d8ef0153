//! The two servers under test: the engine with a service that takes content, and the whole product.

use bytes::Bytes;
use lamplight::base::budget::Budget;
use lamplight::config;
use lamplight::h3;
use lamplight::http::Answer;
use lamplight::http::Body;
use lamplight::http::Fields;
use lamplight::http::Head;
use lamplight::http::Refusal;
use lamplight::http::Reply;
use lamplight::http::Request;
use lamplight::http::RequestHead;
use lamplight::http::Service;
use lamplight::http::Status;
use lamplight::quic;
use lamplight::quic::server::Handover;
use lamplight::quic::server::Keys;
use lamplight::quic::server::Setup;
use lamplight::runtime;
use lamplight::runtime::Shutdown;
use lamplight::runtime::Trigger;
use lamplight::runtime::Worker;
use lamplight::runtime::keyring::Keyring;
use lamplight::runtime::keyring::Purpose;
use lamplight::runtime::tls::Identity;
use lamplight::runtime::tls::Tickets;
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// A server that ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
    /// A target that is answered with 200.
    pub(crate) target: &'static str,
    running: Running,
    _data: tempfile::TempDir,
}

enum Running {
    Engine(Trigger, Option<Worker<io::Result<()>>>),
    Whole(Option<lamplight::server::Server>),
}

impl Server {
    /// The engine with [`Echo`].
    pub(crate) fn engine() -> Self {
        let data = tempfile::tempdir().unwrap();
        let identity = Identity::open(runtime::tls::Config::default(), data.path()).unwrap();
        let certificate = identity.certificate().unwrap();
        let keyring = Keyring::ephemeral();
        let tickets = Arc::new(Tickets::new(keyring.accepted(Purpose::QuicTicket)));
        let config = quic::Config::default();
        let tls = quic::server::tls(&config, Arc::new(identity), tickets).unwrap();
        let socket = quic::Socket::bind("127.0.0.1:0".parse().unwrap(), 1 << 20, 1 << 20).unwrap();
        let address = socket.local();
        let (trigger, shutdown) = Shutdown::new();
        let main = move || {
            let setup = Setup {
                sockets: vec![socket],
                config,
                h3: h3::Config::default(),
                tls,
                keys: Keys::of(&keyring),
                owner: quic::Owner {
                    node: 1,
                    generation: 1,
                    worker: 0,
                },
                handover: Handover::among(1, 1).remove(0),
                budget: Arc::new(Budget::new(1000)),
                metrics: Arc::default(),
                h3_metrics: Arc::default(),
                service: Rc::new(Echo),
            };
            quic::server::run(setup, shutdown)
        };
        let worker = Worker::start("conformance".to_owned(), main).unwrap();
        Self {
            address,
            certificate,
            target: "/hello",
            running: Running::Engine(trigger, Some(worker)),
            _data: data,
        }
    }

    /// Everything that `lamplight serve` runs, over the bundled course.
    pub(crate) fn whole() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = config::Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.server.ops = "127.0.0.1:0".parse().unwrap();
        config.server.data = data.path().to_owned();
        config.server.workers = 2;
        config.content.dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
        let server = lamplight::server::Server::start(config).unwrap();
        Self {
            address: server.addresses()[0],
            certificate: server.certificate().unwrap().into(),
            target: "/v1/courses",
            running: Running::Whole(Some(server)),
            _data: data,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.running {
            Running::Engine(trigger, worker) => {
                trigger.close();
                worker.take().unwrap().join().unwrap().unwrap();
            }
            Running::Whole(server) => server.take().unwrap().close().unwrap(),
        }
    }
}

/// Answers with the content, or with `hello` if there is none.
struct Echo;

impl Service for Echo {
    fn body_limit(&self, _head: &RequestHead<'_>) -> usize {
        10_000
    }

    fn call(&self, request: &Request<'_>) -> Answer {
        let content = if request.body.is_empty() {
            Bytes::from_static(b"hello")
        } else {
            request.body.clone()
        };
        Answer::Now(plain(Status(200), content))
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let status = match refusal {
            Refusal::BodyTooLarge => 413,
            Refusal::FieldsTooLarge => 431,
            Refusal::Timeout => 408,
            Refusal::Malformed => 400,
            Refusal::TooEarly => 425,
            Refusal::Overloaded => 503,
        };
        plain(Status(status), Bytes::new())
    }
}

fn plain(status: Status, content: Bytes) -> Reply {
    let fields = Fields::new().with("content-length", content.len().to_string());
    Reply::new(Head::new(status, fields), Body::slice(content))
}

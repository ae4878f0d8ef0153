//! A QUIC server of a few workers in this process, with a small service of known bytes.

#[path = "refusal.rs"]
mod refusal;

use bytes::Bytes;
use lamplight::base::budget::Budget;
use lamplight::h3;
use lamplight::http::Answer;
use lamplight::http::Body;
use lamplight::http::Fields;
use lamplight::http::Head;
use lamplight::http::Method;
use lamplight::http::Refusal;
use lamplight::http::Reply;
use lamplight::http::Request;
use lamplight::http::RequestHead;
use lamplight::http::Service;
use lamplight::http::Source;
use lamplight::http::SourceError;
use lamplight::http::Status;
use lamplight::quic::Config;
use lamplight::quic::KeyExchange;
use lamplight::quic::Metrics;
use lamplight::quic::Owner;
use lamplight::quic::Socket;
use lamplight::quic::client;
use lamplight::quic::client::Client;
use lamplight::quic::client::ConnId;
use lamplight::quic::client::Event;
use lamplight::quic::server;
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
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// What differs from a usual server.
pub(crate) struct Options {
    pub(crate) workers: usize,
    pub(crate) config: Config,
    pub(crate) connections_max: usize,
    pub(crate) address: SocketAddr,
    /// Certificate, ticket and engine secrets; the same for a "restarted" server.
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) generation: u16,
    pub(crate) node: u16,
}

pub(crate) struct Secrets {
    pub(crate) identity: Arc<Identity>,
    pub(crate) keyring: Keyring,
    data: Arc<tempfile::TempDir>,
}

impl Secrets {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(runtime::tls::Config::default())
    }

    /// With the certificate that `config` names.
    pub(crate) fn with(config: runtime::tls::Config) -> Arc<Self> {
        let data = Arc::new(tempfile::tempdir().unwrap());
        Arc::new(Self {
            identity: Arc::new(Identity::open(config, data.path()).unwrap()),
            keyring: Keyring::open(&data.path().join("keys")).unwrap(),
            data,
        })
    }

    /// The same after an operator added a master key.
    pub(crate) fn rotated(&self) -> Arc<Self> {
        let keys = self.data.path().join("keys");
        let made = Keyring::open(&self.data.path().join("made elsewhere"));
        let other = self.data.path().join("made elsewhere/master-1.key");
        assert!(made.is_ok());
        std::fs::rename(other, keys.join("master-2.key")).unwrap();
        Arc::new(Self {
            identity: Arc::clone(&self.identity),
            keyring: Keyring::open(&keys).unwrap(),
            data: Arc::clone(&self.data),
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            config: Config::default(),
            connections_max: 10_000,
            address: "127.0.0.1:0".parse().unwrap(),
            secrets: Secrets::new(),
            generation: 1,
            node: 3,
        }
    }
}

impl Options {
    /// A usual server after `change` of its settings.
    pub(crate) fn set(change: impl FnOnce(&mut Config)) -> Self {
        let mut options = Self::default();
        change(&mut options.config);
        options
    }
}

/// A running server; dropping it stops it at once.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Vec<Arc<Metrics>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) secrets: Arc<Secrets>,
    trigger: Trigger,
    crash: Arc<tokio::sync::Semaphore>,
    workers: Vec<Worker<std::io::Result<()>>>,
}

impl Server {
    pub(crate) fn start(options: Options) -> Self {
        let Options {
            workers,
            config,
            connections_max,
            address,
            secrets,
            generation,
            node,
        } = options;
        config.check().unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let budget = Arc::new(Budget::new(connections_max));
        let tickets = Arc::new(Tickets::new(secrets.keyring.accepted(Purpose::QuicTicket)));
        let tls = server::tls(&config, Arc::clone(&secrets.identity) as _, tickets).unwrap();
        let mut address = address;
        let mut started = Self {
            address,
            metrics: Vec::new(),
            budget: Arc::clone(&budget),
            secrets: Arc::clone(&secrets),
            trigger,
            crash: Arc::new(tokio::sync::Semaphore::new(0)),
            workers: Vec::new(),
        };
        let ends = Handover::among(workers, config.handover_max);
        for (worker, handover) in ends.into_iter().enumerate() {
            let socket = Socket::bind(address, 1 << 22, 1 << 22).unwrap();
            address = socket.local();
            let metrics = Arc::new(Metrics::default());
            started.metrics.push(Arc::clone(&metrics));
            let (config, tls, keys) =
                (config.clone(), Arc::clone(&tls), Keys::of(&secrets.keyring));
            let (budget, shutdown) = (Arc::clone(&budget), shutdown.clone());
            let owner = Owner {
                node,
                generation,
                worker: worker.try_into().unwrap(),
            };
            let crash = Arc::clone(&started.crash);
            let main = move || {
                let setup = Setup {
                    sockets: vec![socket],
                    config,
                    h3: h3::Config::default(),
                    tls,
                    keys,
                    owner,
                    handover,
                    budget,
                    metrics,
                    h3_metrics: Arc::default(),
                    service: Rc::new(Known::default()),
                };
                async move {
                    tokio::select! {
                        ended = server::run(setup, shutdown) => ended,
                        _ = crash.acquire() => Ok(()),
                    }
                }
            };
            let started_worker = Worker::start(format!("worker {worker}"), main).unwrap();
            started.workers.push(started_worker);
        }
        started.address = address;
        started
    }

    /// Begins the drain, to be over after `within`.
    pub(crate) fn drain(&self, within: Duration) {
        self.trigger.drain(runtime::now() + within);
    }

    /// Waits until all workers have ended by themselves.
    pub(crate) fn ended(mut self) {
        for worker in self.workers.drain(..) {
            worker.join().unwrap().unwrap();
        }
    }

    /// Stops without a word to anybody, as a killed process does.
    pub(crate) fn crash(self) {
        self.crash.add_permits(self.workers.len());
        self.ended();
    }

    /// Sum of a counter over the workers.
    pub(crate) fn count(&self, of: impl Fn(&Metrics) -> u64) -> u64 {
        self.metrics.iter().map(|m| of(m)).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.trigger.close();
        for worker in self.workers.drain(..) {
            let ended = worker.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// The first `len` of ten million bytes that differ from position to position.
pub(crate) fn bytes(len: usize) -> Bytes {
    static ALL: OnceLock<Bytes> = OnceLock::new();
    let word = |n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes();
    let all = ALL.get_or_init(|| (0..2_500_000).flat_map(word).collect::<Vec<u8>>().into());
    all.slice(..len)
}

/// `GET /bytes/N`: N known bytes. `GET /pull/N`: the same, unannounced, chunk by chunk.
/// `POST /echo`: the content. `GET /later/MS`: after a while. `/early`: whether it was early data.
pub(crate) struct Known {
    hello: Arc<Head>,
}

impl Default for Known {
    fn default() -> Self {
        let fields = Fields::new()
            .with("content-length", "5")
            .with("etag", "\"hello\"");
        Self {
            hello: Head::new(Status(200), fields),
        }
    }
}

impl Service for Known {
    fn body_limit(&self, head: &RequestHead<'_>) -> usize {
        if head.target == "/echo" { 50_000 } else { 0 }
    }

    fn call(&self, request: &Request<'_>) -> Answer {
        let target = request.head.target.to_owned();
        let mut parts = target.split('/').skip(1);
        let kind = parts.next().unwrap_or_default().to_owned();
        let number = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0_usize);
        let content = match kind.as_str() {
            "hello" => {
                let body = Body::slice(Bytes::from_static(b"hello"));
                return Answer::Now(Reply::new(Arc::clone(&self.hello), body));
            }
            "bytes" => bytes(number),
            "echo" => request.body.clone(),
            "early" => Bytes::from(request.early.to_string()),
            "peer" => Bytes::from(request.peer.to_string()),
            "fields" => Bytes::from(request.head.fields.len().to_string()),
            "pull" => {
                let source = Chunks {
                    left: bytes(number),
                    wait: false,
                };
                let body = Body::Pull(Box::new(source));
                return Answer::Now(Reply::new(Head::new(Status(200), Fields::new()), body));
            }
            "later" => {
                return Answer::Later(Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(number as u64)).await;
                    plain(Status(200), Bytes::from_static(b"at last"))
                }));
            }
            _ => return Answer::Now(plain(Status(404), Bytes::new())),
        };
        let mut reply = plain(Status(200), content);
        if request.head.method == Method::Head {
            reply.body = Body::Empty;
        }
        Answer::Now(reply)
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        plain(refusal::status(refusal), Bytes::new())
    }
}

fn plain(status: Status, content: Bytes) -> Reply {
    let fields = Fields::new().with("content-length", content.len().to_string());
    Reply::new(Head::new(status, fields), Body::slice(content))
}

/// Hands out 10,000 bytes at a time and waits for a wake-up before each.
struct Chunks {
    left: Bytes,
    wait: bool,
}

impl Source for Chunks {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        self.wait = !self.wait;
        if self.wait {
            let waker = cx.waker().clone();
            std::thread::spawn(move || waker.wake());
            return Poll::Pending;
        }
        let len = self.left.len().min(10_000);
        Poll::Ready((len > 0).then(|| Ok(self.left.split_to(len))))
    }
}

/// A reply as the own client got it.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// The own engine with one connection.
pub(crate) struct OwnClient {
    pub(crate) client: Client,
    pub(crate) conn: ConnId,
    pub(crate) handshake: client::Handshake,
}

/// How long any step of a test may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

impl OwnClient {
    pub(crate) fn new(server: &Server) -> Self {
        Self::with(
            server.address,
            own_config(KeyExchange::Hybrid, client::Resume::Never),
        )
    }

    pub(crate) fn with(address: SocketAddr, config: client::Config) -> Self {
        let mut client = Client::new(config).unwrap();
        let (conn, handshake) = connect(&mut client, address);
        Self {
            client,
            conn,
            handshake,
        }
    }

    /// Sends a GET and waits for nothing; the stream.
    pub(crate) fn ask(&mut self, target: &str) -> u64 {
        self.send("GET", target, Bytes::new())
    }

    pub(crate) fn get(&mut self, target: &str) -> Got {
        self.request("GET", target, Bytes::new()).expect("a reply")
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        target: &str,
        body: Bytes,
    ) -> Result<Got, Event> {
        let stream = self.send(method, target, body);
        collect(&mut self.client, stream)
    }

    fn send(&mut self, method: &str, target: &str, body: Bytes) -> u64 {
        let fields = Fields::new();
        let request = client::Request {
            method,
            authority: "localhost",
            target,
            fields: &fields,
            body,
        };
        self.client.request(self.conn, &request).unwrap()
    }
}

pub(crate) fn own_config(exchange: KeyExchange, resume: client::Resume) -> client::Config {
    let tls = client::Tls::new(client::Trust::Anybody, exchange, resume).unwrap();
    let mut config = client::Config::new(tls);
    config.bind = vec!["127.0.0.1:0".parse().unwrap()];
    config
}

pub(crate) fn connect(client: &mut Client, address: SocketAddr) -> (ConnId, client::Handshake) {
    let conn = client
        .connect(runtime::now(), address, "localhost")
        .unwrap();
    match next(client) {
        Event::Connected { handshake, .. } => (conn, handshake),
        event => panic!("{event:?}"),
    }
}

pub(crate) fn next(client: &mut Client) -> Event {
    let until = runtime::now() + PATIENCE;
    next_until(client, until).expect("an event in time")
}

pub(crate) fn next_until(client: &mut Client, until: Instant) -> Option<Event> {
    loop {
        if let Some(event) = client.poll_event() {
            return Some(event);
        }
        if runtime::now() >= until {
            return None;
        }
        client.turn(until).unwrap();
    }
}

pub(crate) fn collect(client: &mut Client, wanted: u64) -> Result<Got, Event> {
    let mut got = Got {
        status: 0,
        body: Vec::new(),
    };
    loop {
        match next(client) {
            Event::Head { stream, status, .. } if stream == wanted => got.status = status.0,
            Event::Body { stream, bytes, .. } if stream == wanted => {
                got.body.extend_from_slice(&bytes);
            }
            Event::Done { stream, .. } if stream == wanted => return Ok(got),
            event @ (Event::Failed { .. } | Event::Closed { .. }) => return Err(event),
            _ => {}
        }
    }
}

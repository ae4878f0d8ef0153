//! Building the whole from a configuration.

use crate::base::budget::Budget;
use crate::base::metrics;
use crate::config::Config;
use crate::content::Bar;
use crate::content::Library;
use crate::content::LoadError;
use crate::content::PaperError;
use crate::content::Sources;
use crate::issuers::Issuers;
use crate::issuers::IssuersError;
use crate::quic;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::Trigger;
use crate::runtime::Worker;
use crate::runtime::keyring::Keyring;
use crate::runtime::keyring::KeyringError;
use crate::runtime::keyring::Purpose;
use crate::runtime::tls;
use crate::runtime::tls::Identity;
use crate::runtime::tls::Prints;
use crate::runtime::tls::Tickets;
use crate::runtime::tls::TlsError;
use crate::server::bind;
use crate::server::bind::BindError;
use crate::server::bind::Sockets;
use crate::server::learners::Keeping;
use crate::server::learners::Learners;
use crate::server::ops;
use crate::server::state::State;
use crate::server::watch;
use crate::server::worker;
use crate::service;
use crate::service::UrlKeys;
use crate::service::UrlKeysError;
use crate::store::RecoverError;
use crate::store::SnapshotsError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::mpsc;

/// A running server: its threads, and the handles to ask and to end it.
pub struct Server {
    pub(super) state: Arc<State>,
    pub(super) workers: Vec<Worker<()>>,
    /// Hears when the last worker has ended.
    pub(super) alive: mpsc::Receiver<()>,
    ops_address: SocketAddr,
    ops: Worker<io::Result<()>>,
    ops_end: Trigger,
    pub(super) keeping: Keeping,
}

/// Why the server cannot start; each says what, where and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keyring.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// The TLS stack itself.
    #[error("TLS cannot be configured")]
    Tls(#[from] rustls::Error),
    /// The keys of signed URLs.
    #[error(transparent)]
    UrlKeys(#[from] UrlKeysError),
    /// The issuers.
    #[error(transparent)]
    Issuers(#[from] IssuersError),
    /// The content folder.
    #[error(transparent)]
    Content(#[from] LoadError),
    /// The folder of papers that were sat.
    #[error(transparent)]
    Papers(#[from] PaperError),
    /// An address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// `log.level` is no filter.
    #[error("log.level cannot be read; write error, warn, info, debug or trace")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// The data directory.
    #[error("the data directory (--data) cannot be written")]
    Data(#[source] io::Error),
    /// The data directory has a server already.
    #[error("another server uses {}; stop it, or give another --data", .0.display())]
    InUse(PathBuf),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] RecoverError),
    /// Sessions at rest.
    #[error(transparent)]
    Snapshots(#[from] SnapshotsError),
    /// A thread.
    #[error("no thread can be started")]
    Thread(#[source] io::Error),
    /// The system's signals.
    #[error("signals cannot be watched")]
    Signals(#[source] io::Error),
    /// A worker ended by itself.
    #[error("a worker stopped unexpectedly; the log says where")]
    Stopped,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listen", &self.state.listen)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts everything that `config` asks for and returns once all sockets are bound and all
    /// threads are started.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let keys = Keyring::open(&config.server.data.join("keys"))?;
        let identity = Arc::new(Identity::open(config.tls.clone(), &config.server.data)?);
        let library = open_library(&config)?;
        let url_keys = UrlKeys::open(&config.public.url_keys)?;
        let issuers = Issuers::open(&config.identity, &config.server.data, keys.learners())?;
        let starts = runtime::count_start(&config.server.data).map_err(StartError::Data)?;
        let generation = u16::try_from(starts % GENERATIONS).unwrap_or_default();
        let count = worker_count(&config);
        let (learners, keeping) = Learners::open(&config)?;
        let (listen, mut sockets) = bind::all(&config, count)?;
        let plain = bind::plain(&config, &mut sockets)?;
        let ops_listener = bind::ops(config.server.ops)?;

        let metrics: Vec<_> = (0..count).map(|_| worker::Metrics::default()).collect();
        let (trigger, shutdown) = Shutdown::new();
        let tickets = |purpose| Arc::new(Tickets::new(keys.accepted(purpose)));
        let state = Arc::new(State {
            listen,
            plain,
            workers: count,
            sources: all_sources(&library, &issuers, &learners, &metrics),
            library,
            learning: learners.learning(&config, &keys, &issuers),
            issuers,
            exports: Arc::default(),
            learners,
            url_keys,
            identity,
            tcp_tickets: tickets(Purpose::TcpTicket),
            quic_tickets: tickets(Purpose::QuicTicket),
            budget: Arc::new(Budget::new(config.server.connections_max)),
            trigger,
            shutdown,
            started: runtime::now(),
            up: AtomicUsize::new(0),
            config,
        });
        let (alive, ended) = mpsc::channel(1);
        let parts = worker_parts(
            &state,
            &quic::server::Keys::of(&keys),
            generation,
            sockets,
            metrics,
            &alive,
        )?;
        drop(alive);
        let mut workers = Vec::new();
        for (n, parts) in parts.into_iter().enumerate() {
            let started = Worker::start(format!("worker {n}"), move || worker::serve(parts));
            // Those already started end with the signal.
            let started = started.inspect_err(|_error| state.trigger.close());
            workers.push(started.map_err(StartError::Thread)?);
        }
        Self::with_ops(state, (workers, keeping), ended, ops_listener)
    }

    fn with_ops(
        state: Arc<State>,
        (workers, keeping): (Vec<Worker<()>>, Keeping),
        alive: mpsc::Receiver<()>,
        listener: std::net::TcpListener,
    ) -> Result<Self, StartError> {
        let (ops_end, closed) = Shutdown::new();
        let ops_address = listener.local_addr().map_err(StartError::Thread)?;
        let shared = Arc::clone(&state);
        let library = Arc::clone(&state.library);
        let issuers = Arc::clone(&state.issuers);
        let papers = Arc::clone(&state.learning.papers);
        let every = state.config.content.rescan.duration();
        let started = Worker::start("operations".to_owned(), move || async move {
            let watching = watch::watch(library, papers, every, closed.clone());
            let watching = runtime::spawn("content watch", watching);
            issuers.keep(&closed);
            let served = ops::serve(listener, shared, closed).await;
            watching.ended().await;
            served
        });
        let ops = started.map_err(StartError::Thread)?;
        Ok(Self {
            state,
            workers,
            alive,
            ops_address,
            ops,
            ops_end,
            keeping,
        })
    }

    /// The public addresses, with the ports that were found for port 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.state.listen
    }

    /// The addresses without TLS, with the ports that were found for port 0.
    pub fn plain_addresses(&self) -> &[SocketAddr] {
        &self.state.plain
    }

    /// The address of the operations listener.
    pub const fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Hashes of the certificate in use.
    pub fn prints(&self) -> Prints {
        self.state.identity.prints()
    }

    /// The leaf certificate in use, DER: what a test trusts.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.state.identity.certificate().map(|der| der.to_vec())
    }

    /// Reads certificate, keys and content again.
    ///
    /// # Errors
    /// A sentence for each that stayed as it was.
    pub fn reload(&self) -> Result<(), Vec<String>> {
        self.state.reload()
    }

    /// Why new learners should go elsewhere; empty when ready.
    pub fn not_ready(&self) -> Vec<String> {
        self.state.not_ready()
    }

    /// Begins the drain.
    pub fn drain(&self) {
        self.state.drain();
    }

    /// Cuts what is left and ends every thread.
    ///
    /// # Errors
    /// [`StartError::Stopped`] if a worker had panicked.
    pub fn close(self) -> Result<(), StartError> {
        self.state.trigger.close();
        let ended: Vec<_> = self.workers.into_iter().map(Worker::join).collect();
        let (kept, journal) = self.keeping.last_snapshots();
        self.ops_end.close();
        let ops = self.ops.join();
        // The journal's thread ends when nobody can append any more.
        let written = match Arc::into_inner(self.state) {
            Some(state) => {
                drop(state);
                journal.join()
            }
            None => Ok(()),
        };
        let all_well = ended.iter().all(Result::is_ok)
            && matches!(ops, Ok(Ok(())))
            && kept.is_ok()
            && written.is_ok();
        if all_well {
            Ok(())
        } else {
            Err(StartError::Stopped)
        }
    }
}

/// Reads the content folder, with the index of the last time.
fn open_library(config: &Config) -> Result<Arc<Library>, StartError> {
    let bar = Bar::logged();
    let begun = runtime::now();
    let pins = &config.content.pins;
    let sources = Sources {
        index: Some(config.server.data.join("content.index")),
        pins: Some(if pins.as_os_str().is_empty() {
            config.server.data.join("pins")
        } else {
            pins.clone()
        }),
        progress: &bar,
    };
    let library = Library::open_with(config.content.clone(), sources);
    bar.clear();
    let library = library?;
    let catalogue = library.catalogue();
    let took_ms = runtime::now().saturating_duration_since(begun).as_millis();
    tracing::info!(
        courses = catalogue.courses().len(),
        problems = catalogue.problems().len(),
        took_ms,
        "read the content folder"
    );
    Ok(library)
}

/// What each worker is given.
fn worker_parts(
    state: &Arc<State>,
    keys: &quic::server::Keys,
    generation: u16,
    sockets: Vec<Sockets>,
    metrics: Vec<worker::Metrics>,
    alive: &mpsc::Sender<()>,
) -> Result<Vec<worker::Parts>, StartError> {
    let config = &state.config;
    let tcp_tls = tls::tcp(Arc::clone(&state.identity), Arc::clone(&state.tcp_tickets))?;
    let identity = Arc::<Identity>::clone(&state.identity);
    let quic_tls = quic::server::tls(
        &config.quic,
        identity,
        Arc::<Tickets>::clone(&state.quic_tickets),
    )?;
    let library = Arc::clone(&state.library);
    let service = service::Shared::new(service::Setup {
        config: config.public.clone(),
        library,
        shutdown: state.shutdown.clone(),
        url_keys: Arc::clone(&state.url_keys),
        edges: config.tcp.edges.clone(),
        learning: Some(Arc::clone(&state.learning)),
    });
    let handover = quic::server::Handover::among(state.workers, config.quic.handover_max);
    let shares = sockets.into_iter().zip(metrics).zip(handover).enumerate();
    let parts = shares.map(|(n, ((sockets, metrics), handover))| worker::Parts {
        sockets,
        config: config.clone(),
        tcp_tls: Arc::clone(&tcp_tls),
        quic: worker::Quic {
            tls: Arc::clone(&quic_tls),
            keys: keys.clone(),
            owner: quic::Owner {
                node: config.server.node,
                generation,
                worker: u8::try_from(n).unwrap_or(u8::MAX),
            },
            handover,
        },
        service: Arc::clone(&service),
        budget: Arc::clone(&state.budget),
        metrics,
        shutdown: state.shutdown.clone(),
        state: Arc::clone(state),
        alive: alive.clone(),
    });
    Ok(parts.collect())
}

fn worker_count(config: &Config) -> usize {
    match config.server.workers {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
            cores.min(crate::base::limits::WORKERS_MAX)
        }
        chosen => chosen,
    }
}

/// Whom a scrape asks.
fn all_sources(
    library: &Arc<Library>,
    issuers: &Arc<Issuers>,
    learners: &Learners,
    workers: &[worker::Metrics],
) -> Vec<Arc<dyn metrics::Source>> {
    let mut all: Vec<Arc<dyn metrics::Source>> = vec![
        Arc::<Library>::clone(library),
        Arc::<Issuers>::clone(issuers),
    ];
    all.extend(learners.sources());
    all.extend(workers.iter().flat_map(sources));
    all
}

fn sources(metrics: &worker::Metrics) -> [Arc<dyn metrics::Source>; 4] {
    let worker::Metrics {
        service,
        tcp,
        quic,
        h3,
    } = metrics.clone();
    [service, tcp, quic, h3]
}

/// Process generations that a connection id can tell apart.
const GENERATIONS: u64 = 4096;

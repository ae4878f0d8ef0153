//! A user-space UDP proxy: loss, delay, jitter, and rebinding of the client's address as a NAT
//! would do it. Seeded, so that a run can be repeated.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Larger than any UDP payload.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// What the path does to datagrams, each way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Path {
    /// Datagrams lost of a thousand.
    pub(crate) loss_per_mille: u64,
    /// Delay one way.
    pub(crate) delay: Duration,
    /// Further delay, uniform up to this.
    pub(crate) jitter: Duration,
    /// Seed of loss and jitter.
    pub(crate) seed: u64,
}

/// A running proxy; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where clients send to.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    path: Path,
    random: AtomicU64,
    lost: AtomicU64,
    passed: AtomicU64,
    move_to: Mutex<Option<IpAddr>>,
    moved: AtomicBool,
}

impl Proxy {
    /// Starts in front of `server`.
    pub(crate) async fn start(server: SocketAddr, path: Path) -> io::Result<Self> {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = front.local_addr()?;
        let shared = Arc::new(Shared {
            front,
            server,
            path,
            random: AtomicU64::new(path.seed),
            lost: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            move_to: Mutex::new(None),
            moved: AtomicBool::new(false),
        });
        let task = tokio::spawn(forward(Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// From the next datagram of each client on, the server sees another port, and that address.
    pub(crate) fn rebind(&self, to: IpAddr) {
        *self.shared.move_to.lock().unwrap() = Some(to);
    }

    /// Whether a rebinding has happened.
    pub(crate) fn has_moved(&self) -> bool {
        self.shared.moved.load(Relaxed)
    }

    /// Datagrams lost and passed on so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (
            self.shared.lost.load(Relaxed),
            self.shared.passed.load(Relaxed),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One client's way to the server: a socket of its own, and the task that brings answers back.
struct Way {
    socket: Arc<UdpSocket>,
    back: JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.back.abort();
    }
}

async fn forward(shared: Arc<Shared>) {
    let mut ways: HashMap<SocketAddr, Way> = HashMap::new();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((len, client)) = shared.front.recv_from(&mut buffer).await else {
            continue;
        };
        let to = shared.move_to.lock().unwrap().take();
        if to.is_some() {
            // A NAT that restarts forgets every mapping.
            ways.clear();
            shared.moved.store(true, Relaxed);
        }
        let way = match ways.entry(client) {
            Entry::Occupied(way) => way.into_mut(),
            Entry::Vacant(place) => {
                let address = to.unwrap_or_else(|| Ipv4Addr::LOCALHOST.into());
                place.insert(Way::open(&shared, client, address).await)
            }
        };
        let (socket, server) = (Arc::clone(&way.socket), shared.server);
        let datagram = buffer[..len].to_vec();
        shared.pass(datagram, move |datagram| async move {
            let _gone = socket.send_to(&datagram, server).await;
        });
    }
}

impl Way {
    async fn open(shared: &Arc<Shared>, client: SocketAddr, address: IpAddr) -> Self {
        let socket = UdpSocket::bind((address, 0)).await.unwrap();
        let socket = Arc::new(socket);
        let back = tokio::spawn(bring_back(Arc::clone(shared), Arc::clone(&socket), client));
        Self { socket, back }
    }
}

async fn bring_back(shared: Arc<Shared>, socket: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((len, _server)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let front = Arc::clone(&shared);
        let datagram = buffer[..len].to_vec();
        shared.pass(datagram, move |datagram| async move {
            let _gone = front.front.send_to(&datagram, client).await;
        });
    }
}

impl Shared {
    /// Loses the datagram, or sends it after its delay.
    fn pass<F>(&self, datagram: Vec<u8>, send: impl FnOnce(Vec<u8>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.chance() % 1_000 < self.path.loss_per_mille {
            self.lost.fetch_add(1, Relaxed);
            return;
        }
        self.passed.fetch_add(1, Relaxed);
        let jitter_us = u64::try_from(self.path.jitter.as_micros()).unwrap_or(0);
        let extra = self.chance() % (jitter_us + 1);
        let delay = self.path.delay + Duration::from_micros(extra);
        tokio::spawn(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            send(datagram).await;
        });
    }

    /// SplitMix64.
    fn chance(&self) -> u64 {
        let state = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

//! A user-space UDP proxy: loss, narrow links, delay, jitter and with it reordering, duplicates,
//! corruption, and the rebinding of clients as a NAT that forgets would do it. Seeded.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Larger than any UDP payload.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// What the path does to datagrams, each way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Path {
    /// Datagrams lost of a thousand.
    pub(crate) loss_per_mille: u64,
    /// Datagrams of a thousand that are followed by a copy with bytes changed, cut or added.
    pub(crate) forged_per_mille: u64,
    /// Datagrams of a thousand that are followed by an exact copy.
    pub(crate) doubled_per_mille: u64,
    /// Delay one way.
    pub(crate) delay: Duration,
    /// Further delay, uniform up to this, which reorders.
    pub(crate) jitter: Duration,
    /// Seed of all that chance decides.
    pub(crate) seed: u64,
}

/// What happened to datagrams so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) lost: u64,
    pub(crate) forged: u64,
    /// Rebindings that took effect, a client at a time.
    pub(crate) moved: u64,
}

/// A running proxy; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where clients send to.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct Shared {
    front: Arc<UdpSocket>,
    underway: UnboundedSender<Parcel>,
    parcels: AtomicU64,
    bytes: AtomicU64,
    server: SocketAddr,
    path: Path,
    random: AtomicU64,
    /// Bytes of the longest datagram that fits through.
    widest: AtomicUsize,
    lost: AtomicU64,
    forged: AtomicU64,
    moved: AtomicU64,
    /// Address that the server sees, and the number of this binding.
    outside: Mutex<(IpAddr, u64)>,
}

impl Proxy {
    /// Starts in front of `server`.
    pub(crate) async fn start(server: SocketAddr, path: Path) -> io::Result<Self> {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = front.local_addr()?;
        let (underway, parcels) = unbounded_channel();
        let shared = Arc::new(Shared {
            front: Arc::new(front),
            underway,
            parcels: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            server,
            path,
            random: AtomicU64::new(path.seed),
            widest: AtomicUsize::new(DATAGRAM_BYTES_MAX),
            lost: AtomicU64::new(0),
            forged: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            outside: Mutex::new((Ipv4Addr::LOCALHOST.into(), 0)),
        });
        let tasks = [
            tokio::spawn(forward(Arc::clone(&shared))),
            tokio::spawn(deliver(parcels)),
        ];
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// From each client's next datagram on, the server sees another port, and that address. What
    /// is under way to the old port is lost.
    pub(crate) fn rebind(&self, to: [u8; 4]) {
        let mut outside = self.shared.outside.lock().unwrap();
        *outside = (to.into(), outside.1 + 1);
    }

    /// From now on datagrams longer than `bytes` vanish, without a word to anybody.
    pub(crate) fn narrow(&self, bytes: usize) {
        self.shared.widest.store(bytes, Relaxed);
    }

    /// Waits until another `bytes` have come this way.
    pub(crate) async fn passed_further(&self, bytes: u64) {
        let enough = self.shared.bytes.load(Relaxed) + bytes;
        while self.shared.bytes.load(Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What happened so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            lost: self.shared.lost.load(Relaxed),
            forged: self.shared.forged.load(Relaxed),
            moved: self.shared.moved.load(Relaxed),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// One client's way to the server: a socket of its own, and the task that brings answers back.
struct Way {
    socket: Arc<UdpSocket>,
    binding: u64,
    back: JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.back.abort();
    }
}

impl Way {
    async fn open(shared: &Arc<Shared>, client: SocketAddr, outside: (IpAddr, u64)) -> Self {
        let socket = Arc::new(UdpSocket::bind((outside.0, 0)).await.unwrap());
        let back = bring_back(Arc::clone(shared), Arc::clone(&socket), client);
        Self {
            socket,
            binding: outside.1,
            back: tokio::spawn(back),
        }
    }
}

async fn forward(shared: Arc<Shared>) {
    let mut ways: HashMap<SocketAddr, Way> = HashMap::new();
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((len, client)) = shared.front.recv_from(&mut buffer).await else {
            continue;
        };
        let outside = *shared.outside.lock().unwrap();
        let known = ways.get(&client).map(|way| way.binding);
        if known != Some(outside.1) {
            let way = Way::open(&shared, client, outside).await;
            ways.insert(client, way);
            shared.moved.fetch_add(u64::from(known.is_some()), Relaxed);
        }
        shared.pass(&buffer[..len], &ways[&client].socket, shared.server);
    }
}

async fn bring_back(shared: Arc<Shared>, socket: Arc<UdpSocket>, client: SocketAddr) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        if let Ok((len, _server)) = socket.recv_from(&mut buffer).await {
            shared.pass(&buffer[..len], &shared.front, client);
        }
    }
}

/// A datagram on its way; the one that is due first comes first, in the order of their coming.
#[derive(Debug)]
struct Parcel {
    due: Instant,
    number: u64,
    bytes: Vec<u8>,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
}

/// Delivers when the time has come: without jitter in the order of sending.
async fn deliver(mut parcels: UnboundedReceiver<Parcel>) {
    let mut waiting: BTreeMap<(Instant, u64), Parcel> = BTreeMap::new();
    loop {
        let next = waiting.first_key_value().map(|((due, _), _)| *due);
        let Some(due) = next else {
            let Some(parcel) = parcels.recv().await else {
                return;
            };
            waiting.insert((parcel.due, parcel.number), parcel);
            continue;
        };
        while let Ok(parcel) = parcels.try_recv() {
            waiting.insert((parcel.due, parcel.number), parcel);
        }
        if due > Instant::now() {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                Some(parcel) = parcels.recv() => {
                    waiting.insert((parcel.due, parcel.number), parcel);
                }
            }
            continue;
        }
        if let Some((_, parcel)) = waiting.pop_first() {
            let _gone = parcel.socket.send_to(&parcel.bytes, parcel.to).await;
        }
    }
}

impl Shared {
    /// Loses the datagram, or sends it after its delay, and perhaps copies of it.
    fn pass(&self, datagram: &[u8], socket: &Arc<UdpSocket>, to: SocketAddr) {
        let fits = datagram.len() <= self.widest.load(Relaxed);
        if !fits || self.happens(self.path.loss_per_mille) {
            self.lost.fetch_add(1, Relaxed);
            return;
        }
        self.bytes.fetch_add(datagram.len() as u64, Relaxed);
        self.later(datagram.to_vec(), socket, to);
        if self.happens(self.path.doubled_per_mille) {
            self.later(datagram.to_vec(), socket, to);
        }
        if self.happens(self.path.forged_per_mille) {
            self.forged.fetch_add(1, Relaxed);
            self.later(self.forge(datagram), socket, to);
        }
    }

    fn later(&self, bytes: Vec<u8>, socket: &Arc<UdpSocket>, to: SocketAddr) {
        let jitter_us = u64::try_from(self.path.jitter.as_micros()).unwrap();
        let extra = self.chance() % (jitter_us + 1);
        let parcel = Parcel {
            due: Instant::now() + self.path.delay + Duration::from_micros(extra),
            number: self.parcels.fetch_add(1, Relaxed),
            bytes,
            socket: Arc::clone(socket),
            to,
        };
        let _ended = self.underway.send(parcel);
    }

    /// A copy with one byte changed, its end cut off, bytes added, or a new last 16 bytes, which
    /// is where a stateless reset has its token.
    fn forge(&self, datagram: &[u8]) -> Vec<u8> {
        let mut copy = datagram.to_vec();
        let at = usize::try_from(self.chance()).unwrap() % copy.len().max(1);
        match self.chance() % 4 {
            0 => copy[at] ^= 1 + u8::try_from(self.chance() % 255).unwrap(),
            1 => copy.truncate(at),
            2 => copy.extend_from_slice(&datagram[at..]),
            _ => {
                let from = copy.len().saturating_sub(16);
                copy.truncate(from);
                copy.extend(self.chance().to_le_bytes());
                copy.extend(self.chance().to_le_bytes());
            }
        }
        copy
    }

    fn happens(&self, per_mille: u64) -> bool {
        self.chance() % 1_000 < per_mille
    }

    /// SplitMix64.
    fn chance(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let z = self.random.fetch_add(STEP, Relaxed).wrapping_add(STEP);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

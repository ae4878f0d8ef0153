//! A wire between client and server that can be looked at, and laid to another server.

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

/// Carries datagrams of one client to a server and back; it ends when dropped.
pub(crate) struct Relay {
    /// Where the client sends to.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    front: UdpSocket,
    back: UdpSocket,
    client: Mutex<Option<SocketAddr>>,
    servers: Mutex<Vec<SocketAddr>>,
    sent: Mutex<Vec<Vec<u8>>>,
    longest: AtomicUsize,
    over: AtomicBool,
}

impl Relay {
    /// Carries to the first of `servers`; each datagram of a server that is not the last lays the
    /// wire to the next.
    pub(crate) fn start(servers: &[SocketAddr]) -> Self {
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let look = Duration::from_millis(20);
            socket.set_read_timeout(Some(look)).unwrap();
            socket
        };
        let shared = Arc::new(Shared {
            front: bind(),
            back: bind(),
            client: Mutex::new(None),
            servers: Mutex::new(servers.to_vec()),
            sent: Mutex::default(),
            longest: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let (there, back) = (Arc::clone(&shared), Arc::clone(&shared));
        Self {
            address: shared.front.local_addr().unwrap(),
            shared,
            threads: vec![
                std::thread::spawn(move || there.carry_there()),
                std::thread::spawn(move || back.carry_back()),
            ],
        }
    }

    /// Bytes of the longest datagram that a server sent.
    pub(crate) fn longest(&self) -> usize {
        self.shared.longest.load(Relaxed)
    }

    /// What the client has sent.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        self.shared.sent.lock().unwrap().clone()
    }
}

impl Shared {
    fn carry_there(&self) {
        let mut datagram = vec![0; 65_536];
        while !self.over.load(Relaxed) {
            let Ok((len, from)) = self.front.recv_from(&mut datagram) else {
                continue;
            };
            *self.client.lock().unwrap() = Some(from);
            self.sent.lock().unwrap().push(datagram[..len].to_vec());
            let to = self.servers.lock().unwrap()[0];
            let _lost = self.back.send_to(&datagram[..len], to);
        }
    }

    fn carry_back(&self) {
        let mut datagram = vec![0; 65_536];
        while !self.over.load(Relaxed) {
            let Ok((len, from)) = self.back.recv_from(&mut datagram) else {
                continue;
            };
            self.longest.fetch_max(len, Relaxed);
            let mut servers = self.servers.lock().unwrap();
            if servers.len() > 1 && servers[0] == from {
                servers.remove(0);
            }
            drop(servers);
            if let Some(client) = *self.client.lock().unwrap() {
                let _lost = self.front.send_to(&datagram[..len], client);
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

//! UDP sockets that receive and send many datagrams a call.
//!
//! Receiving goes through quinn-udp (`recvmmsg` and GRO); each datagram is handed out as a slice,
//! and the engine copies it, so that no slice pins a 64 KiB buffer. Sending is one `sendmmsg` for
//! a batch of messages to any peers, each of which may be a GSO batch of datagrams, straight from
//! the buffers the packets were built in. This file holds the only `unsafe` of the program.

use crate::quic::outbox::Outbox;
use quinn_proto::EcnCodepoint;
use quinn_udp::RecvMeta;
use quinn_udp::UdpSockRef;
use quinn_udp::UdpSocketState;
use smallvec::SmallVec;
use socket2::Domain;
use socket2::Protocol;
use socket2::Type;
use std::io;
use std::io::IoSliceMut;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// Messages received in one call.
const MESSAGES_IN: usize = quinn_udp::BATCH_SIZE;
#[cfg(target_arch = "x86_64")]
const CACHE_LINE_BYTES: usize = 64;
/// Bytes of the largest message with GRO.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A bound UDP socket, not blocking.
#[derive(Debug)]
pub struct Socket {
    io: std::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// Where a datagram came from.
#[derive(Debug, Clone, Copy)]
pub(in crate::quic) struct Origin {
    pub(in crate::quic) from: SocketAddr,
    /// The address it was sent to, where the socket is bound to all of them.
    pub(in crate::quic) to: Option<IpAddr>,
    pub(in crate::quic) ecn: Option<EcnCodepoint>,
}

impl Socket {
    /// Binds `address` for a server; any number of its workers may share one (`SO_REUSEPORT`),
    /// among whom the kernel spreads peers. Buffer sizes are wishes; the kernel may grant less.
    ///
    /// # Errors
    /// The address is taken by another program, not ours, or not permitted.
    pub fn bind(address: SocketAddr, receive_bytes: usize, send_bytes: usize) -> io::Result<Self> {
        Self::open(address, true, receive_bytes, send_bytes)
    }

    /// The same for this process' only socket there, as clients want it.
    pub(in crate::quic) fn bind_alone(
        address: SocketAddr,
        buffer_bytes: usize,
    ) -> io::Result<Self> {
        Self::open(address, false, buffer_bytes, buffer_bytes)
    }

    fn open(
        address: SocketAddr,
        shared: bool,
        receive_bytes: usize,
        send_bytes: usize,
    ) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_port(shared)?;
        socket.set_recv_buffer_size(receive_bytes)?;
        socket.set_send_buffer_size(send_bytes)?;
        socket.bind(&address.into())?;
        let io: std::net::UdpSocket = socket.into();
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    /// The address it is bound to.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Datagrams one send may be cut into by the kernel or the network card; 1 without GSO.
    pub fn gso_segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Whether datagrams larger than the path allows are lost rather than cut, as path MTU
    /// discovery needs it.
    pub(in crate::quic) fn keeps_datagrams_whole(&self) -> bool {
        !self.state.may_fragment()
    }

    /// Receives what there is, up to a batch, and hands out each datagram. Returns whether there
    /// may be more.
    ///
    /// # Errors
    /// `WouldBlock` when there was nothing.
    pub(in crate::quic) fn receive(
        &self,
        inbox: &mut Inbox,
        mut each: impl FnMut(Origin, &[u8]),
    ) -> io::Result<bool> {
        let Inbox { buffer, metas } = inbox;
        let mut slices: SmallVec<[IoSliceMut<'_>; MESSAGES_IN]> = buffer
            .chunks_mut(MESSAGE_BYTES)
            .map(IoSliceMut::new)
            .collect();
        let count = self
            .state
            .recv(UdpSockRef::from(&self.io), &mut slices, metas)?;
        let wildcard = self.local.ip().is_unspecified();
        for (slice, meta) in slices.iter().zip(metas.iter()).take(count) {
            let origin = Origin {
                from: meta.addr,
                to: meta.dst_ip.filter(|_| wildcard),
                ecn: meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8)),
            };
            let bytes = slice.get(..meta.len).unwrap_or_default();
            for datagram in bytes.chunks(meta.stride.max(1)) {
                each(origin, datagram);
            }
        }
        Ok(count == MESSAGES_IN)
    }

    /// Sends the outbox. Messages that the kernel refuses are dropped, as the network might drop
    /// them, and counted in the outbox.
    ///
    /// # Errors
    /// `WouldBlock` when the socket's buffer is full; what is left stays in the outbox.
    pub(in crate::quic) fn send(&self, outbox: &mut Outbox) -> io::Result<()> {
        while !outbox.is_empty() {
            match send_messages(self.io.as_raw_fd(), outbox) {
                Ok(count) => outbox.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_refused) => {
                    let sent = self.send_alone(outbox)?;
                    outbox.advance(1);
                    outbox.unsent += u64::from(!sent);
                }
            }
        }
        Ok(())
    }

    /// The way around what the kernel or network card cannot do: quinn-udp finds out whether GSO
    /// is at fault and turns it off.
    fn send_alone(&self, outbox: &Outbox) -> io::Result<bool> {
        let Some(transmit) = outbox.first() else {
            return Ok(true);
        };
        match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            // Too large for the interface: a probe of path MTU discovery that failed.
            Err(error) => Ok(error.raw_os_error() == Some(libc::EMSGSIZE)),
            Ok(()) => Ok(true),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

/// Buffers for receiving; one a worker. Only pages that are used become resident.
pub(in crate::quic) struct Inbox {
    buffer: Vec<u8>,
    metas: Vec<RecvMeta>,
}

impl Inbox {
    pub(in crate::quic) fn new() -> Self {
        Self {
            buffer: vec![0; MESSAGES_IN * MESSAGE_BYTES],
            metas: vec![RecvMeta::default(); MESSAGES_IN],
        }
    }

    /// A stand-in without memory, for which nothing is received.
    pub(in crate::quic) const fn empty() -> Self {
        Self {
            buffer: Vec::new(),
            metas: Vec::new(),
        }
    }
}

/// Sends the messages that are left in the outbox with one call; returns how many went.
fn send_messages(socket: RawFd, outbox: &mut Outbox) -> io::Result<usize> {
    let headers = outbox.prepare();
    let count = libc::c_uint::try_from(headers.len()).unwrap_or(0);
    #[expect(
        unsafe_code,
        reason = "no safe binding of sendmmsg takes borrowed messages"
    )]
    // SAFETY: `headers` holds `count` initialised headers. Their names, slices and control data
    // point into vectors of `outbox`, which is borrowed and unchanged until the call returns, and
    // the kernel only reads them, writing nothing but `msg_len`.
    let sent = unsafe { libc::sendmmsg(socket, headers.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_negative| io::Error::last_os_error())
}

/// A message header that points nowhere.
pub(in crate::quic) const fn empty_header() -> libc::msghdr {
    #[expect(
        unsafe_code,
        reason = "the structure has private padding on some targets"
    )]
    // SAFETY: `msghdr` is a C structure for which all zeros is a valid value.
    unsafe {
        std::mem::zeroed()
    }
}

/// Waits until one of `sockets` has something to receive or `timeout` has passed.
///
/// # Errors
/// What the system says; an interruption counts as waking up.
pub(in crate::quic) fn wait(sockets: &mut [libc::pollfd], timeout: Duration) -> io::Result<()> {
    let limit = libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let count = libc::nfds_t::try_from(sockets.len()).unwrap_or(0);
    #[expect(
        unsafe_code,
        reason = "poll(2) has no timeout finer than a millisecond"
    )]
    // SAFETY: `sockets` holds `count` entries that the kernel may write to, `limit` is read, and
    // no signal mask is given.
    let ready = unsafe {
        libc::ppoll(
            sockets.as_mut_ptr(),
            count,
            &raw const limit,
            std::ptr::null(),
        )
    };
    let error = io::Error::last_os_error();
    if ready < 0 && error.kind() != io::ErrorKind::Interrupted {
        return Err(error);
    }
    Ok(())
}

/// Registers a socket with the runtime's event queue.
///
/// # Errors
/// The event queue has no room.
pub(in crate::quic) fn register(socket: &Arc<Socket>) -> io::Result<AsyncFd<Arc<Socket>>> {
    #[expect(unsafe_code, reason = "tokio wants a promise about the descriptor")]
    // SAFETY: the socket owns its descriptor and neither closes nor replaces it while it lives,
    // and the returned value keeps it alive.
    let registered = unsafe { AsyncFd::register(Arc::clone(socket)) };
    registered.map_err(Into::into)
}

/// Asks the cache for all of `value`, which is about to be used. With hundreds of thousands of
/// connections the one a datagram belongs to is rarely cached, and its hundred lines are better
/// waited for together than one after the other.
pub(in crate::quic) fn fetch_ahead<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of::<T>()).step_by(CACHE_LINE_BYTES) {
        let line = std::ptr::from_ref(value).cast::<i8>().wrapping_add(offset);
        #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
        // SAFETY: prefetching reads nothing and cannot fault, whatever the address.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(line);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// The entry of [`wait`] for one socket.
pub(in crate::quic) fn watch(socket: &Socket) -> libc::pollfd {
    libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quinn_proto::Transmit;
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    fn pair(address: &str) -> (Socket, Socket) {
        let bind = || Socket::bind(address.parse().unwrap(), 1 << 20, 1 << 20).unwrap();
        (bind(), bind())
    }

    fn received(socket: &Socket, count: usize) -> Vec<(Origin, Vec<u8>)> {
        let mut inbox = Inbox::new();
        let mut all = Vec::new();
        while all.len() < count {
            let result = socket.receive(&mut inbox, |from, bytes| all.push((from, bytes.to_vec())));
            match result {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(e) => panic!("{e}"),
            }
        }
        all
    }

    fn transmit(to: SocketAddr, size: usize, segment_size: Option<usize>) -> Transmit {
        Transmit {
            destination: to,
            ecn: Some(EcnCodepoint::Ect0),
            size,
            segment_size,
            src_ip: None,
        }
    }

    #[test]
    fn one_call_sends_single_and_segmented_messages_to_many_peers() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (a, b) = pair(address);
            let other = pair(address).0;
            let mut outbox = Outbox::new();
            for n in 0..20_u8 {
                outbox.buffer().unwrap().extend_from_slice(&[n; 40]);
                outbox.push(&transmit(b.local(), 40, None));
            }
            outbox
                .buffer()
                .unwrap()
                .extend((0..10_000).map(|n| u8::try_from(n / 1200).unwrap()));
            outbox.push(&transmit(other.local(), 10_000, Some(1200)));
            a.send(&mut outbox).unwrap();
            assert!(outbox.is_empty() && outbox.take_unsent() == 0);
            let singles = received(&b, 20);
            assert!(
                singles
                    .iter()
                    .all(|(o, d)| o.from == a.local() && d.len() == 40)
            );
            assert!(
                singles
                    .iter()
                    .all(|(o, _)| o.ecn == Some(EcnCodepoint::Ect0))
            );
            let first: HashSet<u8> = singles.iter().map(|(_, d)| d[0]).collect();
            assert_eq!(first.len(), 20);
            let segments = received(&other, 9);
            assert_eq!(segments.iter().map(|(_, d)| d.len()).sum::<usize>(), 10_000);
            assert!(segments.iter().all(|(_, d)| d.iter().all(|b| *b == d[0])));
        }
    }

    #[test]
    fn replies_leave_from_the_address_the_peer_spoke_to() {
        let any = Socket::bind("0.0.0.0:0".parse().unwrap(), 1 << 16, 1 << 16).unwrap();
        let (peer, _) = pair("127.0.0.1:0");
        let mut outbox = Outbox::new();
        outbox.buffer().unwrap().extend_from_slice(b"hello");
        let second = SocketAddr::from(([127, 0, 0, 2], any.local().port()));
        outbox.push(&transmit(second, 5, None));
        peer.send(&mut outbox).unwrap();
        let (origin, _) = received(&any, 1)[0];
        assert_eq!(origin.to, Some(Ipv4Addr::new(127, 0, 0, 2).into()));
        outbox.buffer().unwrap().extend_from_slice(b"again");
        let mut reply = transmit(origin.from, 5, None);
        reply.src_ip = origin.to;
        outbox.push(&reply);
        any.send(&mut outbox).unwrap();
        assert_eq!(received(&peer, 1)[0].0.from, second);
    }

    #[test]
    fn an_unreachable_peer_does_not_hold_up_the_others() {
        let (a, b) = pair("127.0.0.1:0");
        let mut outbox = Outbox::new();
        for to in ["[2001:db8::1]:9".parse().unwrap(), b.local()] {
            outbox.buffer().unwrap().extend_from_slice(b"x");
            outbox.push(&transmit(to, 1, None));
        }
        a.send(&mut outbox).unwrap();
        assert_eq!(outbox.take_unsent(), 1);
        assert_eq!(received(&b, 1).len(), 1);
    }
}

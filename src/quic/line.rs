//! A socket with what waits to be sent through it.

use crate::quic::outbox::Outbox;
use crate::quic::socket::Socket;
use quinn_proto::Connection;
use quinn_proto::Transmit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// How far a connection got with sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::quic) enum Progress {
    /// It has nothing more to send now.
    Idle,
    /// It has used up its turn.
    More,
    /// The socket takes nothing now.
    Blocked,
}

/// One socket and its batch of outgoing messages.
#[derive(Debug)]
pub(in crate::quic) struct Line {
    pub(in crate::quic) socket: Arc<Socket>,
    outbox: Outbox,
    gso_segments_max: usize,
    pub(in crate::quic) blocked: bool,
    pub(in crate::quic) datagrams: u64,
    pub(in crate::quic) bytes: u64,
    pub(in crate::quic) unsent: u64,
}

impl Line {
    pub(in crate::quic) fn new(socket: Socket, gso_segments_max: usize) -> Self {
        Self {
            gso_segments_max,
            socket: Arc::new(socket),
            outbox: Outbox::new(),
            blocked: false,
            datagrams: 0,
            bytes: 0,
            unsent: 0,
        }
    }

    /// Puts what `quic` has to send into the batch, at most `rounds` messages, sending full
    /// batches. `stray` gets messages whose destination the socket's address family cannot reach.
    pub(in crate::quic) fn transmit(
        &mut self,
        now: Instant,
        quic: &mut Connection,
        rounds: usize,
        mut stray: impl FnMut(Transmit, &[u8]),
    ) -> Progress {
        let segments = self.gso_segments_max.min(self.socket.gso_segments_max());
        for _ in 0..rounds {
            let Some(buffer) = buffer(&self.socket, &mut self.outbox, &mut self.blocked) else {
                return Progress::Blocked;
            };
            let Some(transmit) = quic.poll_transmit(now, segments, buffer) else {
                return Progress::Idle;
            };
            if transmit.destination.is_ipv4() == self.socket.local().is_ipv4() {
                self.push(&transmit);
            } else {
                stray(transmit, buffer);
            }
        }
        Progress::More
    }

    /// Puts one message into the batch; drops it if the socket is blocked.
    pub(in crate::quic) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) {
        let free = buffer(&self.socket, &mut self.outbox, &mut self.blocked);
        if let Some(buffer) = free {
            buffer.extend_from_slice(bytes);
            self.push(transmit);
        }
    }

    /// Sends the batch.
    pub(in crate::quic) fn flush(&mut self) {
        flush(&self.socket, &mut self.outbox, &mut self.blocked);
        self.unsent += self.outbox.take_unsent();
    }

    /// Whether a peer at `address` is reached through this socket's family.
    pub(in crate::quic) fn reaches(&self, address: SocketAddr) -> bool {
        self.socket.local().is_ipv4() == address.is_ipv4()
    }

    fn push(&mut self, transmit: &Transmit) {
        let segments = transmit
            .segment_size
            .map_or(1, |s| transmit.size.div_ceil(s.max(1)));
        self.datagrams += segments as u64;
        self.bytes += transmit.size as u64;
        self.outbox.push(transmit);
    }
}

fn buffer<'a>(
    socket: &Socket,
    outbox: &'a mut Outbox,
    blocked: &mut bool,
) -> Option<&'a mut Vec<u8>> {
    if outbox.is_full() {
        flush(socket, outbox, blocked);
    }
    outbox.buffer()
}

fn flush(socket: &Socket, outbox: &mut Outbox, blocked: &mut bool) {
    if outbox.is_empty() {
        *blocked = false;
        return;
    }
    // Every other error was dealt with message by message.
    *blocked = socket.send(outbox).is_err();
}

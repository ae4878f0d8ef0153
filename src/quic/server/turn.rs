//! One turn: receive, keep time, give connections their turn, send.

use crate::http::Service;
use crate::quic::Metrics;
use crate::quic::cid::ID_BYTES;
use crate::quic::crypto::Agreed;
use crate::quic::line::Line;
use crate::quic::line::Progress;
use crate::quic::server::connection::Connection;
use crate::quic::server::connection::Desk;
use crate::quic::server::handover::Datagram;
use crate::quic::server::worker::Worker;
use crate::quic::socket::Inbox;
use crate::quic::socket::Origin;
use crate::quic::socket::fetch_ahead;
use crate::runtime;
use crate::runtime::Phase;
use bytes::BytesMut;
use quinn_proto::ConnectionError;
use quinn_proto::ConnectionEvent;
use quinn_proto::ConnectionHandle;
use quinn_proto::DatagramEvent;
use quinn_proto::Event;
use quinn_proto::Transmit;
use rustls::NamedGroup;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tokio::io::Interest;

impl<S: Service> Worker<S> {
    /// One turn; whether the next should follow at once.
    pub(super) fn take_turn(&mut self, now: Instant, phase: Phase) -> bool {
        self.read_wall_clock();
        let before = self.metrics.datagrams_in.value();
        let mut busy = self.receive(now);
        self.take_handed(now);
        self.deliver();
        self.expire(now);
        self.look_at_woken(now);
        busy |= self.drain(now, phase);
        self.drive(now);
        self.quench();
        self.send();
        let received = self.metrics.datagrams_in.value() - before;
        self.pace.count(now, runtime::now(), received);
        // What waits for the socket alone need not keep the loop awake.
        let blocked = self.lines.iter().any(|line| line.blocked);
        busy || (!self.dirty.is_empty() && !blocked)
    }

    fn receive(&mut self, now: Instant) -> bool {
        let mut more = false;
        let mut inbox = std::mem::replace(&mut self.inbox, Inbox::empty());
        for index in 0..self.lines.len() {
            let Some(socket) = self.lines.get(index).map(|line| Arc::clone(&line.socket)) else {
                break;
            };
            let line = u16::try_from(index).unwrap_or(u16::MAX);
            let received = socket.receive(&mut inbox, |origin, bytes| {
                self.datagram(now, line, origin, bytes);
            });
            match received {
                Ok(true) => {
                    more = true;
                    continue;
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    self.metrics.receive_errors.add_one();
                }
                Ok(false) | Err(_) => {}
            }
            // Tells the event queue that the socket is empty, without another system call.
            if let Some(watched) = self.watched.get(index) {
                let empty = |_: &Arc<_>| Err::<(), _>(io::ErrorKind::WouldBlock.into());
                drop(watched.try_io(Interest::READABLE, empty));
            }
        }
        self.inbox = inbox;
        more
    }

    fn datagram(&mut self, now: Instant, line: u16, origin: Origin, bytes: &[u8]) {
        self.metrics.datagrams_in.add_one();
        self.metrics.bytes_in.add(bytes.len() as u64);
        let datagram = Datagram {
            bytes: BytesMut::from(bytes),
            origin,
            line,
        };
        match self.owner_of(bytes) {
            Some(worker) => {
                let passed = self.handover.pass(worker, datagram);
                let Metrics {
                    handed_over,
                    handover_dropped,
                    ..
                } = &*self.metrics;
                if passed {
                    handed_over
                } else {
                    handover_dropped
                }
                .add_one();
            }
            None => self.own_datagram(now, datagram),
        }
    }

    /// The other worker of this process that owns the datagram's connection, if any.
    fn owner_of(&mut self, datagram: &[u8]) -> Option<usize> {
        if self.handover.is_alone() {
            return None;
        }
        let id = destination(datagram)?;
        if *id == self.own_id {
            return None;
        }
        let owner = self.mint.worker_of(id)?;
        if owner == self.own_worker {
            self.own_id = *id;
            return None;
        }
        Some(owner)
    }

    fn own_datagram(&mut self, now: Instant, datagram: Datagram) {
        let Datagram {
            bytes,
            origin,
            line,
        } = datagram;
        self.reply.clear();
        let Origin { from, to, ecn } = origin;
        match self
            .endpoint
            .handle(now, from, to, ecn, bytes, &mut self.reply)
        {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                let slot = handle.0;
                if self.connections.len() > CACHED_CONNECTIONS
                    && let Some(connection) = self.connections.get(slot).and_then(Option::as_ref)
                {
                    fetch_ahead(&**connection);
                }
                self.arrived.push(Arrival {
                    slot,
                    event,
                    from,
                    line,
                });
            }
            Some(DatagramEvent::NewConnection(incoming)) => self.incoming(now, line, incoming),
            Some(DatagramEvent::Response(transmit)) => self.respond(line, &transmit),
            None => self.metrics.datagrams_ignored.add_one(),
        }
    }

    /// Gives the connections what was routed to them.
    fn deliver(&mut self) {
        let mut arrived = std::mem::take(&mut self.arrived);
        for Arrival {
            slot,
            event,
            from,
            line,
        } in arrived.drain(..)
        {
            let place = self.connections.get_mut(slot).and_then(Option::as_mut);
            let Some(connection) = place else { continue };
            connection.quic.handle_event(event);
            // Only an authenticated packet changes the path, and with it the socket.
            if connection.quic.remote_address() == from {
                connection.line = line;
            }
            if !connection.dirty {
                connection.dirty = true;
                self.dirty.push(slot);
            }
        }
        self.arrived = arrived;
    }

    fn take_handed(&mut self, now: Instant) {
        for _ in 0..HANDED_A_TURN {
            let Some(datagram) = self.handed.take().or_else(|| self.handover.next()) else {
                return;
            };
            self.own_datagram(now, datagram);
        }
    }

    fn expire(&mut self, now: Instant) {
        self.timers.advance(now);
        while let Some(slot) = self.timers.pop() {
            self.with_desk(now, slot, |connection, desk| connection.on_time(desk));
            self.mark(slot);
        }
    }

    fn look_at_woken(&mut self, now: Instant) {
        let mut woken = std::mem::take(&mut self.woken);
        self.wakes.take(&mut woken);
        for name in &woken {
            self.with_desk(now, name.slot, |connection, desk| {
                if connection.serial == name.serial {
                    connection.woken(name.stream, desk);
                }
            });
            self.mark(name.slot);
        }
        self.woken = woken;
    }

    fn with_desk(
        &mut self,
        now: Instant,
        slot: usize,
        work: impl FnOnce(&mut Connection, &mut Desk<'_, S>),
    ) {
        let Some(mut connection) = self.connections.get_mut(slot).and_then(Option::take) else {
            return;
        };
        work(&mut connection, &mut self.desk(now));
        self.insert(connection);
    }

    fn desk(&mut self, now: Instant) -> Desk<'_, S> {
        Desk {
            now,
            unix_ms: self.unix_ms,
            date: &self.date.1,
            service: &self.service,
            config: &self.config,
            metrics: &self.metrics,
            h3_metrics: &self.h3_metrics,
            wakes: &self.wakes,
            pulled: &self.pulled,
            thirsty: &mut self.thirsty,
            message: &mut self.message,
            scratch: &mut self.scratch,
        }
    }

    fn drive(&mut self, now: Instant) {
        let mut turn = std::mem::take(&mut self.turn);
        std::mem::swap(&mut self.dirty, &mut turn);
        for slot in turn.drain(..) {
            let Some(mut connection) = self.connections.get_mut(slot).and_then(Option::take) else {
                continue;
            };
            connection.dirty = false;
            if self.drive_one(now, &mut connection) {
                self.end(connection);
            } else {
                if connection.dirty {
                    self.dirty.push(slot);
                }
                self.insert(connection);
            }
        }
        self.turn = turn;
    }

    /// HTTP/3, the service, packets; whether the connection is over.
    fn drive_one(&mut self, now: Instant, connection: &mut Connection) -> bool {
        while let Some(event) = connection.quic.poll() {
            self.on_event(now, connection, event);
        }
        if std::mem::take(&mut connection.writable) {
            connection.write_in_order(&mut self.desk(now));
        }
        if self.is_finished(connection) {
            self.metrics.closed.local.add_one();
            connection.close(now, "the server stops");
        }
        let progress = self.transmit(now, connection);
        let mut over = false;
        while let Some(event) = connection.quic.poll_endpoint_events() {
            over |= event.is_drained();
            let handle = ConnectionHandle(connection.slot);
            if let Some(event) = self.endpoint.handle_event(handle, event) {
                connection.quic.handle_event(event);
                connection.dirty = true;
            }
        }
        connection.dirty |= progress != Progress::Idle;
        if connection.quic.is_closed() {
            self.settle(connection);
        }
        let deadline = connection.deadline();
        self.timers.set(connection.slot, deadline.filter(|_| !over));
        over
    }

    /// Lets sources go on that waited for room, once there is some.
    fn quench(&mut self) {
        if self.pulled.load(Relaxed) >= self.config.pulled_max.as_bytes() {
            return;
        }
        for slot in std::mem::take(&mut self.thirsty) {
            let place = self.connections.get_mut(slot).and_then(Option::as_mut);
            if let Some(connection) = place {
                connection.writable = true;
                self.mark(slot);
            }
        }
    }

    fn transmit(&mut self, now: Instant, connection: &mut Connection) -> Progress {
        let mut strays: Vec<(Transmit, Vec<u8>)> = Vec::new();
        let Some(line) = self.lines.get_mut(usize::from(connection.line)) else {
            return Progress::Idle;
        };
        let progress = line.transmit(now, &mut connection.quic, ROUNDS, |transmit, bytes| {
            let bytes = bytes.get(..transmit.size).unwrap_or_default();
            strays.push((transmit, bytes.to_vec()));
        });
        for (transmit, bytes) in strays {
            // A challenge to the path that was left, of the other address family.
            let reaches = |line: &&mut Line| line.reaches(transmit.destination);
            if let Some(line) = self.lines.iter_mut().find(reaches) {
                line.send(&transmit, &bytes);
            }
        }
        progress
    }

    fn on_event(&mut self, now: Instant, connection: &mut Connection, event: Event) {
        match event {
            Event::Stream(event) => connection.stream_event(event, &mut self.desk(now)),
            Event::Connected => {
                self.count_handshake(connection);
                self.complete(connection);
                connection.greet(&self.desk(now));
            }
            Event::ConnectionLost { reason } => {
                self.count_end(&reason);
                connection.exchanges = Vec::new();
            }
            Event::HandshakeDataReady | Event::DatagramReceived | Event::DatagramsUnblocked => {}
        }
    }

    fn count_handshake(&self, connection: &Connection) {
        self.metrics.handshakes.add_one();
        let agreed = connection.quic.crypto_session().handshake_data();
        if let Some(agreed) = agreed.and_then(|data| data.downcast::<Agreed>().ok()) {
            self.metrics.resumed.add(agreed.resumed.into());
            let hybrid = agreed.group == Some(NamedGroup::X25519MLKEM768);
            self.metrics.hybrid.add(hybrid.into());
        }
    }

    fn count_end(&self, reason: &ConnectionError) {
        let closed = &self.metrics.closed;
        match reason {
            ConnectionError::ApplicationClosed(_) | ConnectionError::ConnectionClosed(_) => {
                closed.peer.add_one();
            }
            ConnectionError::TimedOut => closed.idle.add_one(),
            ConnectionError::Reset => closed.reset.add_one(),
            ConnectionError::LocallyClosed => {}
            ConnectionError::TransportError(_)
            | ConnectionError::VersionMismatch
            | ConnectionError::CidsExhausted => closed.violation.add_one(),
        }
    }

    /// The handshake is over, one way or the other.
    fn complete(&mut self, connection: &mut Connection) {
        if let Some((prefix, _)) = connection.half_open.take() {
            self.half_open.remove(prefix);
            self.metrics.half_open.add(-1);
        }
    }

    /// Books out a connection that closed or was lost; what is left of it only answers stragglers.
    fn settle(&mut self, connection: &mut Connection) {
        self.complete(connection);
        connection.exchanges = Vec::new();
        connection.raised = None;
        if !connection.settled {
            connection.settled = true;
            self.open -= 1;
        }
    }

    fn end(&mut self, mut connection: Box<Connection>) {
        self.settle(&mut connection);
        self.metrics.live.add(-1);
        self.timers.set(connection.slot, None);
    }

    fn send(&mut self) {
        for line in &mut self.lines {
            line.flush();
            self.metrics
                .datagrams_out
                .add(std::mem::take(&mut line.datagrams));
            self.metrics.bytes_out.add(std::mem::take(&mut line.bytes));
            self.metrics
                .datagrams_unsent
                .add(std::mem::take(&mut line.unsent));
        }
    }
}

/// The destination connection id, where it has the length of ours.
fn destination(datagram: &[u8]) -> Option<&[u8; ID_BYTES]> {
    let (first, rest) = datagram.split_first()?;
    if first & 0x80 == 0 {
        return rest.first_chunk();
    }
    // Long header (RFC 8999, 5.1): version, then the length of the id.
    let (length, rest) = rest.get(4..)?.split_first()?;
    rest.first_chunk()
        .filter(|_| usize::from(*length) == ID_BYTES)
}

/// A datagram routed to its connection.
pub(super) struct Arrival {
    slot: usize,
    event: ConnectionEvent,
    from: SocketAddr,
    line: u16,
}

/// Connections up to this number are mostly in the processor's cache.
const CACHED_CONNECTIONS: usize = 512;
/// Messages a connection may send in one turn before the others have theirs.
const ROUNDS: usize = 20;
/// Handed-over datagrams taken in one turn.
const HANDED_A_TURN: usize = 64;

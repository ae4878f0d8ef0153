//! The engine: sockets, connections, timers, one turn after the other.

use crate::h3::Message;
use crate::http::Priority;
use crate::quic::cid::Cipher;
use crate::quic::cid::Mint;
use crate::quic::cid::Owner;
use crate::quic::client::ClientError;
use crate::quic::client::Config;
use crate::quic::client::ConnId;
use crate::quic::client::Event;
use crate::quic::client::Handshake;
use crate::quic::client::Request;
use crate::quic::client::StreamId;
use crate::quic::client::connection::Connection;
use crate::quic::client::connection::Desk;
use crate::quic::crypto::Agreed;
use crate::quic::line::Line;
use crate::quic::line::Progress;
use crate::quic::socket;
use crate::quic::socket::Inbox;
use crate::quic::socket::Origin;
use crate::quic::socket::Socket;
use crate::quic::timers::Timers;
use crate::runtime;
use aws_lc_rs::hmac;
use bytes::BytesMut;
use quinn_proto::ClientConfig;
use quinn_proto::ConnectionError;
use quinn_proto::ConnectionHandle;
use quinn_proto::DatagramEvent;
use quinn_proto::Dir;
use quinn_proto::Endpoint;
use quinn_proto::EndpointConfig;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// An engine of many client connections on a few sockets, for one thread.
pub struct Client {
    config: Config,
    quic: ClientConfig,
    endpoint: Endpoint,
    lines: Vec<Line>,
    connections: Vec<Option<Box<Connection>>>,
    timers: Timers,
    dirty: Vec<usize>,
    /// Connections that `dirty` lists while they have their turn; kept for its memory.
    turn: Vec<usize>,
    events: VecDeque<Event>,
    inbox: Inbox,
    message: Message,
    reply: Vec<u8>,
    serial: u32,
    next_line: usize,
    live: usize,
}

impl Client {
    /// Binds the sockets.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub fn new(config: Config) -> io::Result<Self> {
        let mut lines = Vec::new();
        for address in &config.bind {
            lines.push(line(*address, &config)?);
        }
        let key = runtime::random::bytes::<64>();
        let mut endpoint = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key)));
        let mint = Mint::new(
            Cipher::new(&runtime::random::bytes()),
            Owner {
                node: 0,
                generation: 0,
                worker: 0,
            },
            runtime::random::number(),
        );
        endpoint.cid_generator(move || Box::new(mint.clone()));
        Ok(Self {
            quic: config.quic(),
            config,
            endpoint: Endpoint::new(Arc::new(endpoint), None, true, None),
            lines,
            connections: Vec::new(),
            timers: Timers::new(runtime::now()),
            dirty: Vec::new(),
            turn: Vec::new(),
            events: VecDeque::new(),
            inbox: Inbox::new(),
            message: Message::new(),
            reply: Vec::new(),
            serial: 0,
            next_line: 0,
            live: 0,
        })
    }

    /// Begins a connection to `server`, whose certificate must be valid for `name`. Its first
    /// datagram leaves in the next turn; [`Event::Connected`] or [`Event::Closed`] follows.
    ///
    /// # Errors
    /// [`ClientError::NoSocket`], or a name that cannot be one.
    pub fn connect(
        &mut self,
        now: Instant,
        server: SocketAddr,
        name: &str,
    ) -> Result<ConnId, ClientError> {
        let line = self
            .choose_line(server)
            .ok_or(ClientError::NoSocket(server))?;
        let (handle, quic) = self
            .endpoint
            .connect(now, self.quic.clone(), server, name)?;
        self.serial = self.serial.wrapping_add(1);
        let slot = u32::try_from(handle.0).unwrap_or(u32::MAX);
        let id = ConnId {
            slot,
            serial: self.serial,
        };
        let mut connection = Connection::new(quic, id, &self.config.h3);
        connection.line = line;
        if self.connections.len() <= handle.0 {
            self.connections.resize_with(handle.0 + 1, || None);
        }
        if let Some(place) = self.connections.get_mut(handle.0) {
            *place = Some(Box::new(connection));
        }
        self.live += 1;
        self.mark(handle.0);
        Ok(id)
    }

    /// Opens a request; its packets leave in the next turn. Before the handshake is complete this
    /// works only on a resumed connection whose early data the server remembered to allow.
    ///
    /// # Errors
    /// [`ClientError::Gone`], [`ClientError::StreamsExhausted`].
    pub fn request(
        &mut self,
        conn: ConnId,
        request: &Request<'_>,
    ) -> Result<StreamId, ClientError> {
        let stream = self.get(conn)?.request(request)?;
        self.mark(conn.slot());
        Ok(stream.into())
    }

    /// Gives up a request: no further event of it comes.
    pub fn cancel(&mut self, conn: ConnId, stream: StreamId) {
        let id = request(stream);
        self.with(conn, |connection| connection.cancel(id));
    }

    /// Asks for the reply of a request under way in another order than its `priority` field said
    /// (PRIORITY_UPDATE; RFC 9218, 7). Nothing if the reply is complete.
    pub fn reprioritise(&mut self, conn: ConnId, stream: StreamId, priority: Priority) {
        let id = request(stream);
        self.with(conn, |connection| connection.reprioritise(id, priority));
    }

    /// Closes a connection with an HTTP/3 code; [`Event::Closed`] follows.
    pub fn close(&mut self, now: Instant, conn: ConnId, code: u64) {
        self.with(conn, |connection| connection.close(now, code));
    }

    /// Whether [`Event::Head`] of this connection carries the fields; off at first.
    pub fn keep_fields(&mut self, conn: ConnId, keep: bool) {
        self.with(conn, |connection| connection.keep_fields = keep);
    }

    /// Starts a key update (RFC 9001, 6).
    pub fn update_keys(&mut self, conn: ConnId) {
        self.with(conn, |connection| connection.quic.force_key_update());
    }

    /// Sends the connection's further datagrams from a new socket bound to `address`, as after a
    /// NAT rebind or a change of network. The old socket stays for the others.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn rebind(&mut self, conn: ConnId, address: SocketAddr) -> io::Result<SocketAddr> {
        let fresh = line(address, &self.config)?;
        let local = fresh.socket.local();
        let index = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        self.lines.push(fresh);
        self.with(conn, |connection| {
            connection.line = index;
            connection.quic.ping();
        });
        Ok(local)
    }

    /// What happened next; `None` when all was told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Connections not yet drained, closing ones included.
    pub const fn live(&self) -> usize {
        self.live
    }

    /// Requests under way on a connection; 0 if it has ended.
    pub fn requests(&self, conn: ConnId) -> usize {
        let place = self.connections.get(conn.slot()).and_then(Option::as_ref);
        place.filter(|c| c.id == conn).map_or(0, |c| c.requests())
    }

    /// The path's smoothed round trip and the datagram size in use, for reports.
    pub fn path(&self, conn: ConnId) -> Option<(std::time::Duration, u16)> {
        let connection = self
            .connections
            .get(conn.slot())?
            .as_ref()
            .filter(|c| c.id == conn)?;
        Some((connection.quic.rtt(), connection.quic.current_mtu()))
    }

    /// Datagrams and bytes sent so far by all sockets.
    pub fn sent(&self) -> (u64, u64) {
        let add = |(d, b), line: &Line| (d + line.datagrams, b + line.bytes);
        self.lines.iter().fold((0, 0), add)
    }

    /// Sends, receives and keeps time until `until`, or until there is an event to poll. At least
    /// one pass is made, so that what was asked for is sent even if `until` has passed.
    ///
    /// # Errors
    /// A socket is not usable any more.
    pub fn turn(&mut self, until: Instant) -> io::Result<()> {
        loop {
            let now = runtime::now();
            let more = self.receive(now)?;
            self.timers.advance(now);
            while let Some(key) = self.timers.pop() {
                if let Some(connection) = self.connections.get_mut(key).and_then(Option::as_mut) {
                    connection.quic.handle_timeout(now);
                    self.mark(key);
                }
            }
            self.drive(now);
            for line in &mut self.lines {
                line.flush();
            }
            if !self.events.is_empty() || now >= until {
                return Ok(());
            }
            if !more && self.dirty.is_empty() {
                self.sleep(now, until)?;
            }
        }
    }

    fn sleep(&self, now: Instant, until: Instant) -> io::Result<()> {
        let next = self.timers.next().map_or(until, |timer| timer.min(until));
        let mut sockets: Vec<_> = self
            .lines
            .iter()
            .map(|l| socket::watch(&l.socket))
            .collect();
        socket::wait(&mut sockets, next.saturating_duration_since(now))
    }

    fn receive(&mut self, now: Instant) -> io::Result<bool> {
        let mut more = false;
        let mut inbox = std::mem::replace(&mut self.inbox, Inbox::empty());
        for index in 0..self.lines.len() {
            // Taken out, so that datagrams can reach the rest of the engine.
            let Some(socket) = self.lines.get(index).map(|l| Arc::clone(&l.socket)) else {
                break;
            };
            match socket.receive(&mut inbox, |origin, bytes| {
                self.datagram(now, origin, bytes);
            }) {
                Ok(full) => more |= full,
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.inbox = inbox;
        Ok(more)
    }

    fn datagram(&mut self, now: Instant, origin: Origin, bytes: &[u8]) {
        self.reply.clear();
        let Origin { from, to, ecn } = origin;
        let datagram = BytesMut::from(bytes);
        let event = self
            .endpoint
            .handle(now, from, to, ecn, datagram, &mut self.reply);
        match event {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                let place = self.connections.get_mut(handle.0);
                if let Some(connection) = place.and_then(Option::as_mut) {
                    connection.quic.handle_event(event);
                    self.mark(handle.0);
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => self.endpoint.ignore(incoming),
            // Stateless resets to strangers: a client has nobody to tell.
            Some(DatagramEvent::Response(_)) | None => {}
        }
    }

    fn drive(&mut self, now: Instant) {
        std::mem::swap(&mut self.dirty, &mut self.turn);
        let turn = std::mem::take(&mut self.turn);
        for &key in &turn {
            let Some(mut connection) = self.connections.get_mut(key).and_then(Option::take) else {
                continue;
            };
            connection.dirty = false;
            let drained = self.drive_one(now, key, &mut connection);
            if drained {
                self.timers.set(key, None);
                self.live -= 1;
            } else if let Some(place) = self.connections.get_mut(key) {
                let again = connection.dirty;
                *place = Some(connection);
                if again {
                    self.dirty.push(key);
                }
            }
        }
        self.turn = turn;
        self.turn.clear();
    }

    /// Tells the connection's news and sends what it has to send; whether it is over.
    fn drive_one(&mut self, now: Instant, key: usize, connection: &mut Connection) -> bool {
        let mut desk = Desk {
            now,
            message: &mut self.message,
            events: &mut self.events,
        };
        while let Some(event) = connection.quic.poll() {
            news(connection, event, &mut desk);
        }
        if connection.quic.is_closed() {
            connection.end(ConnectionError::LocallyClosed, desk.events);
        }
        let mut progress = Progress::Idle;
        if let Some(line) = self.lines.get_mut(usize::from(connection.line)) {
            progress = line.transmit(now, &mut connection.quic, ROUNDS, |_, _| ());
        }
        let mut drained = false;
        while let Some(event) = connection.quic.poll_endpoint_events() {
            drained |= event.is_drained();
            if let Some(event) = self.endpoint.handle_event(ConnectionHandle(key), event) {
                connection.quic.handle_event(event);
                connection.dirty = true;
            }
        }
        connection.dirty |= progress != Progress::Idle;
        self.timers.set(key, connection.quic.poll_timeout());
        drained
    }

    fn choose_line(&mut self, server: SocketAddr) -> Option<u16> {
        let count = self.lines.len();
        for step in 0..count {
            let index = (self.next_line + step) % count;
            if self.lines.get(index)?.reaches(server) && index < self.config.bind.len() {
                self.next_line = index + 1;
                return u16::try_from(index).ok();
            }
        }
        None
    }

    fn get(&mut self, conn: ConnId) -> Result<&mut Connection, ClientError> {
        let place = self
            .connections
            .get_mut(conn.slot())
            .and_then(Option::as_mut);
        let found = place.filter(|c| c.id == conn && !c.quic.is_closed());
        found.map(|c| &mut **c).ok_or(ClientError::Gone)
    }

    fn with(&mut self, conn: ConnId, work: impl FnOnce(&mut Connection)) {
        if let Ok(connection) = self.get(conn) {
            work(connection);
            self.mark(conn.slot());
        }
    }

    fn mark(&mut self, key: usize) {
        let place = self.connections.get_mut(key).and_then(Option::as_mut);
        if let Some(connection) = place.filter(|c| !c.dirty) {
            connection.dirty = true;
            self.dirty.push(key);
        }
    }
}

/// The stream of a request by its id on the wire.
fn request(stream: StreamId) -> quinn_proto::StreamId {
    quinn_proto::StreamId::new(quinn_proto::Side::Client, Dir::Bi, stream >> 2)
}

fn news(connection: &mut Connection, event: quinn_proto::Event, desk: &mut Desk<'_>) {
    let conn = connection.id;
    match event {
        quinn_proto::Event::Connected => {
            connection.greet();
            let agreed = connection.quic.crypto_session().handshake_data();
            let agreed = agreed.and_then(|data| data.downcast::<Agreed>().ok());
            let handshake = Handshake {
                resumed: agreed.as_ref().is_some_and(|a| a.resumed),
                exchange: agreed.and_then(|a| a.group),
                early_accepted: connection.quic.accepted_0rtt(),
            };
            desk.events.push_back(Event::Connected { conn, handshake });
        }
        quinn_proto::Event::ConnectionLost { reason } => {
            connection.end(reason, desk.events);
        }
        quinn_proto::Event::Stream(event) => connection.stream_event(event, desk),
        quinn_proto::Event::HandshakeDataReady
        | quinn_proto::Event::DatagramReceived
        | quinn_proto::Event::DatagramsUnblocked => {}
    }
}

fn line(address: SocketAddr, config: &Config) -> io::Result<Line> {
    let buffer = config.socket_buffer.as_len();
    let socket = Socket::bind_alone(address, buffer)?;
    Ok(Line::new(socket, 1))
}

/// Errors of a UDP socket that speak of one datagram, not of the socket.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionRefused
    )
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} connections)", self.live)
    }
}

/// Messages a connection may send in one turn before the others have theirs.
const ROUNDS: usize = 20;

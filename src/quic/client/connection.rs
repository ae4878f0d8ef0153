//! One client connection: transport, HTTP/3, requests under way.

use crate::h3;
use crate::h3::Code;
use crate::h3::Control;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::http::Method;
use crate::http::Priority;
use crate::quic::client::ClientError;
use crate::quic::client::ConnId;
use crate::quic::client::Event;
use crate::quic::client::Request;
use crate::quic::reading;
use crate::quic::reading::Piece;
use bytes::Bytes;
use quinn_proto::ConnectionError;
use quinn_proto::Dir;
use quinn_proto::StreamEvent;
use quinn_proto::StreamId;
use quinn_proto::VarInt;
use std::collections::VecDeque;
use std::time::Instant;

/// A connection and what it has under way; boxed in the engine's table.
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks that do not depend on each other"
)]
pub(super) struct Connection {
    pub(super) quic: quinn_proto::Connection,
    pub(super) id: ConnId,
    /// Index of the socket its datagrams leave by.
    pub(super) line: u16,
    pub(super) dirty: bool,
    pub(super) keep_fields: bool,
    /// Whether its end was told.
    pub(super) ended: bool,
    control: Option<StreamId>,
    h3: h3::Connection,
    exchanges: Vec<Exchange>,
}

/// A request whose reply is not complete.
struct Exchange {
    id: StreamId,
    reply: h3::Stream,
    unsent: Vec<Bytes>,
}

/// What the engine lends to every connection for its turn.
pub(super) struct Desk<'a> {
    pub(super) now: Instant,
    pub(super) message: &'a mut Message,
    pub(super) events: &'a mut VecDeque<Event>,
}

impl Connection {
    pub(super) fn new(quic: quinn_proto::Connection, id: ConnId, h3: &h3::Config) -> Self {
        Self {
            quic,
            id,
            line: 0,
            dirty: false,
            keep_fields: false,
            ended: false,
            control: None,
            h3: h3::Connection::client(h3),
            exchanges: Vec::new(),
        }
    }

    /// Sends a request, as far as flow control lets it now.
    pub(super) fn request(&mut self, request: &Request<'_>) -> Result<StreamId, ClientError> {
        self.greet();
        let opened = self.quic.streams().open(Dir::Bi);
        let id = opened.ok_or(ClientError::StreamsExhausted)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let Request {
            method,
            authority,
            target,
            fields,
            body,
        } = request;
        h3::encode_request(method, authority, target, fields, &mut head);
        let mut unsent = Vec::with_capacity(2);
        if !body.is_empty() {
            h3::encode_data_header(body.len() as u64, &mut head);
            unsent.push(body.clone());
        }
        unsent.insert(0, head.into());
        let method = Method::parse(method.as_bytes());
        self.exchanges.push(Exchange {
            id,
            reply: h3::Stream::response(id.into(), method),
            unsent,
        });
        self.write(id);
        Ok(id)
    }

    /// Asks for the reply of a request under way in another order (RFC 9218, 7.2).
    pub(super) fn reprioritise(&mut self, id: StreamId, priority: Priority) {
        let Some(control) = self
            .control
            .filter(|_| self.exchanges.iter().any(|e| e.id == id))
        else {
            return;
        };
        let mut update = Vec::with_capacity(32);
        h3::encode_priority_update(id.into(), priority, &mut update);
        // A server that takes no more of the control stream has no use for it either.
        let _short = self.quic.send_stream(control).write(&update);
    }

    /// Requests under way.
    pub(super) const fn requests(&self) -> usize {
        self.exchanges.len()
    }

    /// Gives up a request.
    pub(super) fn cancel(&mut self, id: StreamId) {
        if let Some(at) = self.exchanges.iter().position(|e| e.id == id) {
            self.exchanges.swap_remove(at);
            self.abandon(id, Code::RequestCancelled);
        }
    }

    pub(super) fn close(&mut self, now: Instant, code: u64) {
        let code = VarInt::from_u64(code).unwrap_or(VarInt::MAX);
        self.quic.close(now, code, Bytes::new());
    }

    /// The control stream, once the server's limits are known.
    pub(super) fn greet(&mut self) {
        if self.control.is_some() {
            return;
        }
        let Some(control) = self.quic.streams().open(Dir::Uni) else {
            return;
        };
        let mut preamble = Vec::with_capacity(32);
        let [low, high, ..] = self.id.serial.to_le_bytes();
        self.h3
            .preamble(u16::from_le_bytes([low, high]), &mut preamble);
        // Far below the least flow control window of any server that speaks HTTP/3.
        let written = self.quic.send_stream(control).write(&preamble);
        self.control = written
            .is_ok_and(|n| n == preamble.len())
            .then_some(control);
    }

    pub(super) fn stream_event(&mut self, event: StreamEvent, desk: &mut Desk<'_>) {
        match event {
            StreamEvent::Opened { dir } => {
                while let Some(id) = self.quic.streams().accept(dir) {
                    self.read_control(id, desk);
                }
            }
            StreamEvent::Readable { id } if id.dir() == Dir::Uni => self.read_control(id, desk),
            StreamEvent::Readable { id } => self.read_reply(id, desk),
            StreamEvent::Writable { id } => self.write(id),
            StreamEvent::Stopped { id, .. } => {
                // The reply may still come (RFC 9114, 4.1); our content may not.
                if let Some(exchange) = self.exchanges.iter_mut().find(|e| e.id == id) {
                    exchange.unsent = Vec::new();
                }
                reading::reset(&mut self.quic, id, Code::NoError);
            }
            StreamEvent::Available { dir: Dir::Bi } => {
                desk.events
                    .push_back(Event::StreamsAvailable { conn: self.id });
            }
            StreamEvent::Available { dir: Dir::Uni } => self.greet(),
            StreamEvent::Finished { .. } => {}
        }
    }

    /// Tells that the connection is over, once.
    pub(super) fn end(&mut self, reason: ConnectionError, events: &mut VecDeque<Event>) {
        if !self.ended {
            self.ended = true;
            self.exchanges = Vec::new();
            let conn = self.id;
            events.push_back(Event::Closed { conn, reason });
        }
    }

    fn write(&mut self, id: StreamId) {
        let Some(exchange) = self.exchanges.iter_mut().find(|e| e.id == id) else {
            return;
        };
        if exchange.unsent.is_empty() {
            return;
        }
        let mut stream = self.quic.send_stream(id);
        let Ok(written) = stream.write_chunks(&mut exchange.unsent) else {
            return;
        };
        exchange.unsent.drain(..written.chunks);
        if exchange.unsent.is_empty() {
            exchange.unsent = Vec::new();
            // Fails only on a stream the server stopped, which is reported as such.
            let _stopped = stream.finish();
        }
    }

    fn read_control(&mut self, id: StreamId, desk: &mut Desk<'_>) {
        loop {
            let outcome = match reading::next(&mut self.quic, id) {
                Piece::Bytes { bytes, fin } => self.control(id, Input::new(bytes, fin), desk),
                Piece::End => self.control(id, Input::new(Bytes::new(), true), desk),
                Piece::Reset(_) => self.h3.reset_control(id.into()),
                Piece::None => return,
            };
            if let Err(fault) = outcome {
                self.fault(id, &fault, desk);
                return;
            }
        }
    }

    fn control(&mut self, id: StreamId, input: Input, desk: &mut Desk<'_>) -> Result<(), Fault> {
        let mut input = input;
        while let Some(control) = self.h3.next_control(id.into(), &mut input)? {
            match control {
                Control::GoAway { id: first_refused } => {
                    let conn = self.id;
                    desk.events.push_back(Event::GoAway {
                        conn,
                        first_refused,
                    });
                }
                Control::Unwanted => reading::stop(&mut self.quic, id, Code::StreamCreationError),
                Control::Settings | Control::Priority { .. } => {}
            }
        }
        Ok(())
    }

    fn read_reply(&mut self, id: StreamId, desk: &mut Desk<'_>) {
        loop {
            let outcome = match reading::next(&mut self.quic, id) {
                Piece::Bytes { bytes, fin } => self.reply(id, Input::new(bytes, fin), desk),
                Piece::End => self.reply(id, Input::new(Bytes::new(), true), desk),
                Piece::Reset(code) => {
                    self.forget(id);
                    let conn = self.id;
                    desk.events.push_back(Event::Failed {
                        conn,
                        stream: id.into(),
                        code,
                    });
                    return;
                }
                Piece::None => return,
            };
            if let Err(fault) = outcome {
                self.fault(id, &fault, desk);
                return;
            }
        }
    }

    fn reply(&mut self, id: StreamId, input: Input, desk: &mut Desk<'_>) -> Result<(), Fault> {
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return Ok(());
        };
        let (conn, stream, mut input) = (self.id, u64::from(id), input);
        let mut ended = false;
        while let Some(exchange) = self.exchanges.get_mut(at) {
            let Some(event) = self
                .h3
                .next(&mut exchange.reply, &mut input, desk.message)?
            else {
                break;
            };
            let event = match event {
                h3::Event::Head { end } => {
                    ended = end;
                    self.head(id, desk.message)
                }
                h3::Event::Data(bytes) => Event::Body {
                    conn,
                    stream,
                    bytes,
                },
                h3::Event::Interim => continue,
                h3::Event::End => {
                    ended = true;
                    break;
                }
                h3::Event::TooLarge => return Err(TOO_LARGE),
            };
            desk.events.push_back(event);
        }
        if ended {
            self.forget(id);
            desk.events.push_back(Event::Done { conn, stream });
        }
        Ok(())
    }

    fn head(&self, id: StreamId, message: &Message) -> Event {
        Event::Head {
            conn: self.id,
            stream: id.into(),
            status: message.status(),
            content_length: message.content_length(),
            fields: self.keep_fields.then(|| Box::new(message.fields().clone())),
        }
    }

    fn fault(&mut self, id: StreamId, fault: &Fault, desk: &mut Desk<'_>) {
        match fault {
            Fault::Connection { code, reason } => {
                let reason = Bytes::from_static(reason.as_bytes());
                let code = VarInt::from_u64(code.value()).unwrap_or(VarInt::MAX);
                self.quic.close(desk.now, code, reason);
            }
            Fault::Stream { code, .. } => {
                self.forget(id);
                self.abandon(id, *code);
                let (conn, stream, code) = (self.id, u64::from(id), code.value());
                desk.events.push_back(Event::Failed { conn, stream, code });
            }
        }
    }

    fn forget(&mut self, id: StreamId) {
        if let Some(at) = self.exchanges.iter().position(|e| e.id == id) {
            self.exchanges.swap_remove(at);
        }
        if self.exchanges.is_empty() {
            self.exchanges = Vec::new();
        }
    }

    fn abandon(&mut self, id: StreamId, code: Code) {
        reading::stop(&mut self.quic, id, code);
        reading::reset(&mut self.quic, id, code);
    }
}

/// Room for the head of a usual request.
const HEAD_BYTES: usize = 256;
const TOO_LARGE: Fault = Fault::Stream {
    code: Code::ExcessiveLoad,
    reason: "the reply's field section is larger than announced",
};

//! One connection: transport, HTTP/3, requests under way.

use crate::base::budget::Permit;
use crate::base::limits::REQUEST_BYTES_HELD_MAX;
use crate::h3;
use crate::h3::Code;
use crate::h3::Control;
use crate::h3::Event;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::http::Priority;
use crate::http::Refusal;
use crate::http::Service;
use crate::quic::Config;
use crate::quic::Metrics;
use crate::quic::reading;
use crate::quic::reading::Piece;
use crate::quic::server::exchange::Collected;
use crate::quic::server::exchange::Exchange;
use crate::quic::server::exchange::Reading;
use crate::quic::server::exchange::Stage;
use crate::quic::server::half_open::Prefix;
use crate::quic::server::wakes::Wakes;
use bytes::Bytes;
use quinn_proto::Dir;
use quinn_proto::StreamEvent;
use quinn_proto::StreamId;
use quinn_proto::VarInt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::time::Instant;

/// A connection of the worker's slab; boxed, so that the slab grows without moving it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks that do not depend on each other"
)]
pub(super) struct Connection {
    pub(super) quic: quinn_proto::Connection,
    pub(super) slot: usize,
    pub(super) serial: u32,
    /// Index of the socket its last datagram came by.
    pub(super) line: u16,
    /// Whether it is on the list for the next turn.
    pub(super) dirty: bool,
    /// Whether it is closed or lost and booked out.
    pub(super) settled: bool,
    /// Whether a reply that flow control held up may go on.
    pub(super) writable: bool,
    /// While the handshake is under way: where it counts and when it must be complete.
    pub(super) half_open: Option<(Prefix, Instant)>,
    /// While more streams are allowed than to the quiet: when to look again.
    pub(super) raised: Option<Instant>,
    /// While replies wait: when to look whether they are taken, and `taken` at the last look.
    pub(super) stall: Option<(Instant, u64)>,
    /// Bytes of held up replies that the transport took.
    pub(super) taken: u64,
    pub(super) h3: h3::Connection,
    pub(super) control: Option<StreamId>,
    #[expect(
        clippy::vec_box,
        reason = "an idle connection owns no exchange, a busy one few"
    )]
    pub(super) exchanges: Vec<Box<Exchange>>,
    /// Held for its drop.
    pub(super) _permit: Permit,
}

/// What the worker lends to every connection for its turn.
pub(super) struct Desk<'a, S> {
    pub(super) now: Instant,
    pub(super) unix_ms: u64,
    pub(super) date: &'a h3::Line,
    pub(super) service: &'a S,
    pub(super) config: &'a Config,
    pub(super) metrics: &'a Metrics,
    pub(super) h3_metrics: &'a h3::Metrics,
    pub(super) wakes: &'a Arc<Wakes>,
    /// Bytes alive that were read for one connection alone.
    pub(super) pulled: &'a Arc<AtomicU64>,
    /// Connections whose sources wait until there are fewer of these.
    pub(super) thirsty: &'a mut Vec<usize>,
    pub(super) message: &'a mut Message,
    pub(super) scratch: &'a mut Vec<u8>,
}

impl Connection {
    /// The control stream, once the handshake is complete. A client must let us open three
    /// streams (RFC 9114, 6.2); one that allows none would never see our SETTINGS. No code of the
    /// RFC names that fault: the stream creation error is for streams that were created.
    pub(super) fn greet<S: Service>(&mut self, desk: &Desk<'_, S>) {
        let Some(control) = self.quic.streams().open(Dir::Uni) else {
            self.fail(&NO_CONTROL, desk);
            return;
        };
        self.control = Some(control);
        let mut preamble = Vec::with_capacity(PREAMBLE_BYTES);
        let [low, high, ..] = self.serial.to_le_bytes();
        self.h3
            .preamble(u16::from_le_bytes([low, high]), &mut preamble);
        self.tell(&preamble);
    }

    /// Writes to the control stream. What flow control does not take is not told: a peer that
    /// grants less than a few hundred bytes there cannot speak HTTP/3 (RFC 9114, 6.2).
    pub(super) fn tell(&mut self, bytes: &[u8]) {
        if let Some(control) = self.control {
            let _short = self.quic.send_stream(control).write(bytes);
        }
    }

    pub(super) fn stream_event<S: Service>(&mut self, event: StreamEvent, desk: &mut Desk<'_, S>) {
        match event {
            StreamEvent::Opened { dir } => {
                while let Some(id) = self.quic.streams().accept(dir) {
                    self.readable(id, desk);
                }
                if dir == Dir::Bi {
                    self.raise_streams(desk);
                }
            }
            StreamEvent::Readable { id } => self.readable(id, desk),
            // All of them are looked at together, in the order of their priorities.
            StreamEvent::Writable { .. } => self.writable = true,
            StreamEvent::Stopped { id, .. } => self.cancelled(id, desk),
            StreamEvent::Finished { .. } | StreamEvent::Available { .. } => {}
        }
    }

    /// When this connection must have a turn at the latest.
    pub(super) fn deadline(&mut self) -> Option<Instant> {
        let reading = self.exchanges.iter().filter_map(|e| match &e.stage {
            Stage::Reading(reading) => Some(reading.deadline),
            Stage::Waiting(_) | Stage::Writing(_) => None,
        });
        let own = reading
            .chain(self.raised)
            .chain(self.stall.map(|(until, _)| until))
            .chain(self.half_open.map(|(_, until)| until))
            .min();
        match (self.quic.poll_timeout(), own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Does what is due at `desk.now`.
    pub(super) fn on_time<S: Service>(&mut self, desk: &mut Desk<'_, S>) {
        self.quic.handle_timeout(desk.now);
        if self.half_open.is_some_and(|(_, until)| until <= desk.now) && !self.quic.is_closed() {
            desk.metrics.closed.handshake_timeout.add_one();
            let code = reading::varint(Code::NoError);
            self.quic
                .close(desk.now, code, Bytes::from_static(b"handshake timeout"));
            // No second close if this one is lost: the peer never proved to be there.
            self.half_open = self
                .half_open
                .map(|(prefix, _)| (prefix, desk.now + FOREVER));
        }
        self.lower_streams(desk);
        self.give_up_stalled(desk);
        while let Some(id) = self.late_request(desk.now) {
            self.forget(id);
            desk.metrics.requests_refused.timeout.add_one();
            self.refuse(id, Refusal::Timeout, desk);
        }
    }

    fn late_request(&self, now: Instant) -> Option<StreamId> {
        let late = self.exchanges.iter().find(|e| match &e.stage {
            Stage::Reading(reading) => reading.deadline <= now,
            Stage::Waiting(_) | Stage::Writing(_) => false,
        });
        late.map(|e| e.id)
    }

    /// RFC 9114, 6.1 wants 100 request streams; their memory is spent only on those who use them.
    fn raise_streams<S: Service>(&mut self, desk: &Desk<'_, S>) {
        let open = self.quic.streams().remote_open_streams(Dir::Bi);
        if self.raised.is_none() && open + 2 >= u64::from(desk.config.streams_quiet) {
            let pressed = desk.config.streams_pressed.into();
            self.quic.set_max_concurrent_streams(Dir::Bi, pressed);
            self.raised = Some(desk.now + RAISED_FOR);
            desk.metrics.streams_raised.add_one();
        }
    }

    fn lower_streams<S: Service>(&mut self, desk: &Desk<'_, S>) {
        if self.raised.is_none_or(|until| until > desk.now) {
            return;
        }
        if self.exchanges.is_empty() {
            let quiet = desk.config.streams_quiet.into();
            self.quic.set_max_concurrent_streams(Dir::Bi, quiet);
            self.raised = None;
        } else {
            self.raised = Some(desk.now + RAISED_FOR);
        }
    }

    fn readable<S: Service>(&mut self, id: StreamId, desk: &mut Desk<'_, S>) {
        loop {
            let outcome = match reading::next(&mut self.quic, id) {
                Piece::Bytes { bytes, fin } => self.take(id, Input::new(bytes, fin), desk),
                Piece::End => self.take(id, Input::new(Bytes::new(), true), desk),
                Piece::Reset(_) if id.dir() == Dir::Uni => self.h3.reset_control(id.into()),
                Piece::Reset(_) => {
                    self.cancelled(id, desk);
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

    fn take<S: Service>(
        &mut self,
        id: StreamId,
        input: Input,
        desk: &mut Desk<'_, S>,
    ) -> Result<(), Fault> {
        match id.dir() {
            Dir::Uni => self.take_control(id, input),
            Dir::Bi => self.take_request(id, input, desk),
        }
    }

    fn take_control(&mut self, id: StreamId, mut input: Input) -> Result<(), Fault> {
        while let Some(control) = self.h3.next_control(id.into(), &mut input)? {
            match control {
                Control::Unwanted => reading::stop(&mut self.quic, id, Code::StreamCreationError),
                Control::Priority { stream, priority } => self.reprioritise(stream, priority),
                Control::Settings | Control::GoAway { .. } => {}
            }
        }
        Ok(())
    }

    fn take_request<S: Service>(
        &mut self,
        id: StreamId,
        mut input: Input,
        desk: &mut Desk<'_, S>,
    ) -> Result<(), Fault> {
        let Some(mut reading) = self.take_reading(id, desk) else {
            return Ok(());
        };
        while let Some(event) = self
            .h3
            .next(&mut reading.stream, &mut input, desk.message)?
        {
            match event {
                Event::Head { end: true } => {
                    self.serve(id, &Bytes::new(), reading.update, desk);
                    return Ok(());
                }
                Event::Head { end: false } => match self.begin_content(desk) {
                    Some(collected) => reading.collected = Some(collected),
                    None => {
                        self.refuse(id, Refusal::BodyTooLarge, desk);
                        return Ok(());
                    }
                },
                Event::Data(bytes) => {
                    let collected = reading.collected.as_mut();
                    if !collected.is_some_and(|c| c.push(bytes)) {
                        desk.metrics.requests_refused.body_too_large.add_one();
                        self.refuse(id, Refusal::BodyTooLarge, desk);
                        return Ok(());
                    }
                }
                Event::End => {
                    if let Some(mut collected) = reading.collected {
                        let content = collected.content();
                        std::mem::swap(desk.message, &mut collected.message);
                        self.serve(id, &content, reading.update, desk);
                    }
                    return Ok(());
                }
                Event::TooLarge => {
                    desk.h3_metrics.count_too_large();
                    desk.metrics.requests_refused.fields_too_large.add_one();
                    self.refuse(id, Refusal::FieldsTooLarge, desk);
                    return Ok(());
                }
                Event::Interim => {}
            }
        }
        if self.held_bytes() + reading.held_bytes() > REQUEST_BYTES_HELD_MAX {
            desk.metrics.requests_refused.held.add_one();
            self.refuse(id, Refusal::Overloaded, desk);
            return Ok(());
        }
        self.keep(id, Priority::default(), Stage::Reading(reading));
        Ok(())
    }

    /// Bytes of the other half-received requests.
    fn held_bytes(&self) -> usize {
        let held = self.exchanges.iter().map(|e| match &e.stage {
            Stage::Reading(reading) => reading.held_bytes(),
            Stage::Waiting(_) | Stage::Writing(_) => 0,
        });
        held.sum()
    }

    /// The state of a request that is being read: stored, or that of a new stream; none if the
    /// request is being answered, so that whatever else comes does not matter.
    fn take_reading<S: Service>(&mut self, id: StreamId, desk: &Desk<'_, S>) -> Option<Reading> {
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return Some(Reading {
                stream: h3::Stream::request(id.into()),
                collected: None,
                update: None,
                deadline: desk.now + desk.config.request_timeout.duration(),
            });
        };
        let exchange = self.exchanges.swap_remove(at);
        match exchange.stage {
            Stage::Reading(reading) => Some(reading),
            Stage::Waiting(_) | Stage::Writing(_) => {
                self.exchanges.push(exchange);
                None
            }
        }
    }

    /// Makes room for the content of the request in `desk.message`, unless it announces too much.
    fn begin_content<S: Service>(&self, desk: &mut Desk<'_, S>) -> Option<Box<Collected>> {
        let limit = desk.service.body_limit(&desk.message.request());
        let announced = desk.message.content_length();
        if announced.is_some_and(|n| n > limit as u64) {
            desk.metrics.requests_refused.body_too_large.add_one();
            return None;
        }
        let message = std::mem::replace(desk.message, Message::new());
        Some(Box::new(Collected::new(message, limit)))
    }

    fn reprioritise(&mut self, stream: u64, priority: Priority) {
        let mut all = self.exchanges.iter_mut();
        if let Some(exchange) = all.find(|e| u64::from(e.id) == stream) {
            exchange.priority = priority;
            if let Stage::Reading(reading) = &mut exchange.stage {
                reading.update = Some(priority);
            }
            let rank = crate::quic::server::exchange::rank(priority, exchange.id);
            let _ended = self.quic.send_stream(exchange.id).set_priority(rank);
        }
    }

    /// The client does not want the reply, or will not complete the request.
    fn cancelled<S: Service>(&mut self, id: StreamId, desk: &Desk<'_, S>) {
        if self.control == Some(id) {
            self.fault(id, &STOPPED_CONTROL, desk);
            return;
        }
        if self.forget(id) {
            desk.metrics.requests_cancelled.add_one();
        }
        reading::stop(&mut self.quic, id, Code::RequestCancelled);
        reading::reset(&mut self.quic, id, Code::RequestCancelled);
    }

    fn fault<S: Service>(&mut self, id: StreamId, fault: &Fault, desk: &Desk<'_, S>) {
        match fault {
            Fault::Connection { .. } => self.fail(fault, desk),
            Fault::Stream { code, .. } => {
                desk.h3_metrics.count(fault);
                self.forget(id);
                reading::stop(&mut self.quic, id, *code);
                reading::reset(&mut self.quic, id, *code);
            }
        }
    }

    /// Closes for what the client did.
    fn fail<S: Service>(&mut self, fault: &Fault, desk: &Desk<'_, S>) {
        let Fault::Connection { code, reason } = fault else {
            return;
        };
        desk.h3_metrics.count(fault);
        desk.metrics.closed.violation.add_one();
        let reason = Bytes::from_static(reason.as_bytes());
        self.quic.close(desk.now, reading::varint(*code), reason);
        self.exchanges = Vec::new();
    }

    pub(super) fn keep(&mut self, id: StreamId, priority: Priority, stage: Stage) {
        let exchange = Exchange {
            id,
            priority,
            stage,
        };
        self.exchanges.push(Box::new(exchange));
    }

    /// Drops the request's state, and with it what works on it; whether there was one.
    pub(super) fn forget(&mut self, id: StreamId) -> bool {
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return false;
        };
        self.exchanges.swap_remove(at);
        if self.exchanges.is_empty() {
            // Busy connections are few; the others keep no memory for it.
            self.exchanges = Vec::new();
        }
        true
    }

    /// Closes for a reason of ours.
    pub(super) fn close(&mut self, now: Instant, reason: &'static str) {
        let code = VarInt::from_u64(Code::NoError.value()).unwrap_or(VarInt::MAX);
        self.quic
            .close(now, code, Bytes::from_static(reason.as_bytes()));
        self.exchanges = Vec::new();
    }
}

const STOPPED_CONTROL: Fault = Fault::Connection {
    code: Code::ClosedCriticalStream,
    reason: "the control stream must not be stopped",
};
const NO_CONTROL: Fault = Fault::Connection {
    code: Code::GeneralProtocolError,
    reason: "the client allows no control stream of ours",
};
const PREAMBLE_BYTES: usize = 64;
/// How long a busy connection keeps its higher stream limit after the last look.
const RAISED_FOR: Duration = Duration::from_secs(10);
const FOREVER: Duration = Duration::from_secs(24 * 3600);

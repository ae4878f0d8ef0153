//! From a whole request to the bytes of its reply.

use crate::h3;
use crate::h3::Code;
use crate::http::Answer;
use crate::http::Body;
use crate::http::Priority;
use crate::http::Refusal;
use crate::http::Reply;
use crate::http::Request;
use crate::http::Service;
use crate::quic::reading;
use crate::quic::server::connection::Connection;
use crate::quic::server::connection::Desk;
use crate::quic::server::exchange::Later;
use crate::quic::server::exchange::Pull;
use crate::quic::server::exchange::Stage;
use crate::quic::server::exchange::Writing;
use crate::quic::server::exchange::chunks;
use crate::quic::server::exchange::counted;
use crate::quic::server::exchange::rank;
use crate::quic::server::wakes::Name;
use crate::quic::server::wakes::Nudge;
use bytes::Buf as _;
use bytes::Bytes;
use quinn_proto::StreamId;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

impl Connection {
    /// Answers the request in `desk.message`.
    pub(super) fn serve<S: Service>(
        &mut self,
        id: StreamId,
        content: &Bytes,
        update: Option<Priority>,
        desk: &mut Desk<'_, S>,
    ) {
        desk.metrics.requests.add_one();
        let early = self.quic.is_handshaking();
        let head = desk.message.request();
        if early {
            desk.metrics.requests_early.add_one();
            if !head.method.is_safe() {
                desk.metrics.requests_refused.too_early.add_one();
                self.refuse(id, Refusal::TooEarly, desk);
                return;
            }
        }
        let priority = update.unwrap_or_else(|| desk.message.priority());
        let answer = desk.service.call(&Request {
            head,
            body: content,
            early,
            peer: self.quic.remote_address(),
            now: desk.now,
            unix_ms: desk.unix_ms,
        });
        match answer {
            Answer::Now(reply) => self.reply(id, reply, priority, desk),
            Answer::Later(reply) => {
                let nudge = self.nudge(id, desk);
                self.wait(id, priority, Later { reply, nudge }, desk);
            }
        }
    }

    /// Answers a request that is not served, and wants no more of it (RFC 9114, 4.1.1).
    pub(super) fn refuse<S: Service>(
        &mut self,
        id: StreamId,
        refusal: Refusal,
        desk: &mut Desk<'_, S>,
    ) {
        let reply = desk.service.refuse(refusal);
        self.reply(id, reply, Priority::default(), desk);
        reading::stop(&mut self.quic, id, Code::NoError);
    }

    /// Looks again at a request whose waker was called.
    pub(super) fn woken<S: Service>(&mut self, id: StreamId, desk: &mut Desk<'_, S>) {
        self.step(id, desk);
    }

    /// Goes on with the replies that flow control held up: the first in rank until it is done or
    /// held up again, then the next; incremental ones of one urgency a piece at a time in turns.
    pub(super) fn write_in_order<S: Service>(&mut self, desk: &mut Desk<'_, S>) {
        let all = self.exchanges.iter();
        let ranked = all.filter(|e| matches!(e.stage, Stage::Writing(_)));
        let mut order: SmallVec<[(i32, StreamId); 8]> =
            ranked.map(|e| (rank(e.priority, e.id), e.id)).collect();
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut progress = true;
        while progress && !order.is_empty() {
            progress = false;
            for (_, id) in &order {
                progress |= self.step(*id, desk);
            }
        }
        if self.stall.is_none() && !self.exchanges.is_empty() {
            self.stall = Some((desk.now + desk.config.stall_timeout.duration(), self.taken));
        }
    }

    /// Gives up replies that wait on a connection that takes next to nothing: a client may pause,
    /// but not pin what was read for it. A reply behind others is not stalled while they move.
    pub(super) fn give_up_stalled<S: Service>(&mut self, desk: &mut Desk<'_, S>) {
        let Some((_, then)) = self.stall.filter(|(until, _)| *until <= desk.now) else {
            return;
        };
        let taken = self.taken - then;
        self.stall = None;
        let mut waiting: SmallVec<[StreamId; 8]> = SmallVec::new();
        for exchange in &self.exchanges {
            let Stage::Writing(writing) = &exchange.stage else {
                continue;
            };
            self.stall = Some((desk.now + desk.config.stall_timeout.duration(), self.taken));
            if taken < TAKEN_BYTES_MIN && !writing.chunks.is_empty() {
                waiting.push(exchange.id);
            }
        }
        for id in waiting {
            self.forget(id);
            desk.metrics.requests_refused.stalled.add_one();
            reading::reset(&mut self.quic, id, Code::ExcessiveLoad);
        }
    }

    /// One step of a request; whether it could take another at once.
    fn step<S: Service>(&mut self, id: StreamId, desk: &mut Desk<'_, S>) -> bool {
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return false;
        };
        let exchange = self.exchanges.swap_remove(at);
        let priority = exchange.priority;
        match exchange.stage {
            Stage::Waiting(later) => self.wait(id, priority, later, desk),
            Stage::Writing(writing) => return self.write(id, priority, writing, desk),
            reading @ Stage::Reading(_) => self.keep(id, priority, reading),
        }
        false
    }

    fn wait<S: Service>(
        &mut self,
        id: StreamId,
        priority: Priority,
        mut later: Later,
        desk: &mut Desk<'_, S>,
    ) {
        later.nudge.rearm();
        let waker = Waker::from(Arc::clone(&later.nudge));
        match later.reply.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(reply) => self.reply(id, reply, priority, desk),
            Poll::Pending => self.keep(id, priority, Stage::Waiting(later)),
        }
    }

    fn reply<S: Service>(
        &mut self,
        id: StreamId,
        mut reply: Reply,
        priority: Priority,
        desk: &mut Desk<'_, S>,
    ) {
        let limit = self.h3.peer_header_bytes_max();
        if limit != u64::MAX && h3::section_bytes(&reply) > limit {
            // The client said that it would not take it (RFC 9114, 4.2.2).
            desk.metrics.requests_refused.peer_limit.add_one();
            reading::reset(&mut self.quic, id, Code::InternalError);
            return;
        }
        if matches!(reply.body, Body::Pull(_)) && is_full(desk) {
            desk.metrics.requests_refused.pulled.add_one();
            reply = desk.service.refuse(Refusal::Overloaded);
        }
        desk.scratch.clear();
        h3::encode_reply(&reply, desk.date, desk.scratch);
        let mut chunks = chunks(desk.scratch, &mut reply.body);
        let mut stream = self.quic.send_stream(id);
        let _ended = stream.set_priority(rank(priority, id));
        let source = match reply.body {
            Body::Pull(source) => Some(source),
            Body::Empty | Body::Slices(_) => None,
        };
        if source.is_none()
            && chunks.len() == 1
            && stream.write_chunks(&mut chunks).is_ok()
            && chunks.iter().all(Bytes::is_empty)
        {
            self.finish(id);
            return;
        }
        // Larger replies take their turn in the order of priorities, before this turn's packets.
        let source = source.map(|source| {
            let nudge = self.nudge(id, desk);
            Pull { source, nudge }
        });
        let chunks = chunks.into_iter().collect();
        self.keep(id, priority, Stage::Writing(Writing { chunks, source }));
        self.writable = true;
    }

    /// Writes on; whether it stopped only to let others have their turn.
    fn write<S: Service>(
        &mut self,
        id: StreamId,
        priority: Priority,
        mut writing: Writing,
        desk: &mut Desk<'_, S>,
    ) -> bool {
        let mut allowance = if priority.incremental {
            PIECE_BYTES
        } else {
            usize::MAX
        };
        loop {
            if !self.write_chunks(id, &mut writing.chunks, &mut allowance) {
                self.keep(id, priority, Stage::Writing(writing));
                return allowance == 0;
            }
            let Some(pull) = &mut writing.source else {
                self.finish(id);
                return false;
            };
            if is_full(desk) {
                desk.thirsty.push(self.slot);
                self.keep(id, priority, Stage::Writing(writing));
                return false;
            }
            pull.nudge.rearm();
            let waker = Waker::from(Arc::clone(&pull.nudge));
            match pull.source.poll_chunk(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(Ok(bytes))) => {
                    let mut header = Vec::with_capacity(DATA_HEADER_BYTES);
                    h3::encode_data_header(bytes.len() as u64, &mut header);
                    let bytes = counted(bytes, desk.pulled);
                    writing.chunks.extend([header.into(), bytes]);
                }
                Poll::Ready(Some(Err(_incomplete))) => {
                    reading::reset(&mut self.quic, id, Code::InternalError);
                    return false;
                }
                Poll::Ready(None) => writing.source = None,
                Poll::Pending => {
                    self.keep(id, priority, Stage::Writing(writing));
                    return false;
                }
            }
        }
    }

    /// Hands chunks to the transport, at most `allowance` bytes, which it reduces; whether it took
    /// them all. The transport says when it can take more.
    fn write_chunks(
        &mut self,
        id: StreamId,
        chunks: &mut VecDeque<Bytes>,
        allowance: &mut usize,
    ) -> bool {
        while let Some(chunk) = chunks.front_mut() {
            if *allowance == 0 {
                return false;
            }
            let mut piece = [chunk.slice(..chunk.len().min(*allowance))];
            match self.quic.send_stream(id).write_chunks(&mut piece) {
                Ok(written) => {
                    chunk.advance(written.bytes);
                    self.taken += written.bytes as u64;
                    *allowance -= written.bytes.min(*allowance);
                }
                Err(_blocked_or_ended) => return false,
            }
            if chunk.is_empty() {
                chunks.pop_front();
            }
        }
        true
    }

    fn finish(&mut self, id: StreamId) {
        // Fails only on a stream that was stopped, which is reported as such.
        let _stopped = self.quic.send_stream(id).finish();
    }

    fn nudge<S: Service>(&self, id: StreamId, desk: &Desk<'_, S>) -> Arc<Nudge> {
        let name = Name {
            slot: self.slot,
            serial: self.serial,
            stream: id,
        };
        Nudge::new(desk.wakes, name)
    }
}

/// Whether sources must wait: what they read for single connections is at its bound.
fn is_full<S: Service>(desk: &Desk<'_, S>) -> bool {
    desk.pulled.load(Relaxed) >= desk.config.pulled_max.as_bytes()
}

/// What an incremental reply may hand over before others of its urgency do.
const PIECE_BYTES: usize = 32 * 1024;
/// What a client must take of waiting replies within `stall_timeout`, as over TCP.
const TAKEN_BYTES_MIN: u64 = 4096;
/// Type and length of a DATA frame (RFC 9114, 7.2.1).
const DATA_HEADER_BYTES: usize = 9;

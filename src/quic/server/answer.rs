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
use crate::quic::server::exchange::rank;
use crate::quic::server::wakes::Name;
use crate::quic::server::wakes::Nudge;
use bytes::Bytes;
use quinn_proto::StreamId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

impl Connection {
    /// Answers the request in `desk.message`.
    pub(super) fn serve<S: Service>(
        &mut self,
        id: StreamId,
        content: &Bytes,
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
        let priority = desk.message.priority();
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
        let Some(at) = self.exchanges.iter().position(|e| e.id == id) else {
            return;
        };
        let exchange = self.exchanges.swap_remove(at);
        let priority = exchange.priority;
        match exchange.stage {
            Stage::Waiting(later) => self.wait(id, priority, later, desk),
            Stage::Writing(writing) => self.write(id, priority, writing),
            reading @ Stage::Reading(_) => self.keep(id, priority, reading),
        }
    }

    /// Goes on with a reply that flow control held up.
    pub(super) fn write_more<S: Service>(&mut self, id: StreamId, desk: &mut Desk<'_, S>) {
        self.woken(id, desk);
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
        desk.scratch.clear();
        h3::encode_reply(&reply, desk.date, desk.scratch);
        let mut chunks = chunks(desk.scratch, &mut reply.body);
        let mut stream = self.quic.send_stream(id);
        let _ended = stream.set_priority(rank(priority, id));
        let written = stream.write_chunks(&mut chunks).map_or(0, |w| w.chunks);
        let source = match reply.body {
            Body::Pull(source) => Some(Pull {
                source,
                nudge: self.nudge(id, desk),
            }),
            Body::Empty | Body::Slices(_) => None,
        };
        if written == chunks.len() && source.is_none() {
            self.finish(id);
            return;
        }
        let chunks = chunks.into_iter().skip(written).collect();
        self.write(id, priority, Writing { chunks, source });
    }

    fn write(&mut self, id: StreamId, priority: Priority, mut writing: Writing) {
        loop {
            if !self.write_chunks(id, &mut writing.chunks) {
                self.keep(id, priority, Stage::Writing(writing));
                return;
            }
            let Some(pull) = &mut writing.source else {
                self.finish(id);
                return;
            };
            pull.nudge.rearm();
            let waker = Waker::from(Arc::clone(&pull.nudge));
            match pull.source.poll_chunk(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(Ok(bytes))) => {
                    let mut header = Vec::with_capacity(DATA_HEADER_BYTES);
                    h3::encode_data_header(bytes.len() as u64, &mut header);
                    writing.chunks.extend([header.into(), bytes]);
                }
                Poll::Ready(Some(Err(_incomplete))) => {
                    reading::reset(&mut self.quic, id, Code::InternalError);
                    return;
                }
                Poll::Ready(None) => writing.source = None,
                Poll::Pending => {
                    self.keep(id, priority, Stage::Writing(writing));
                    return;
                }
            }
        }
    }

    /// Hands chunks to the transport; whether it took them all. It says when it can take more.
    fn write_chunks(&mut self, id: StreamId, chunks: &mut VecDeque<Bytes>) -> bool {
        while !chunks.is_empty() {
            let slices = chunks.make_contiguous();
            match self.quic.send_stream(id).write_chunks(slices) {
                Ok(written) => drop(chunks.drain(..written.chunks)),
                Err(_blocked_or_ended) => return false,
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

/// Type and length of a DATA frame (RFC 9114, 7.2.1).
const DATA_HEADER_BYTES: usize = 9;

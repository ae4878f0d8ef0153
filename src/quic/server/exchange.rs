//! One request and its reply, as long as they take more than one step.

use crate::h3;
use crate::h3::Message;
use crate::http::Body;
use crate::http::Priority;
use crate::http::Reply;
use crate::http::Source;
use crate::quic::server::wakes::Nudge;
use bytes::Bytes;
use bytes::BytesMut;
use quinn_proto::StreamId;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// A request under way. A request that is whole in one packet and answered at once never
/// becomes one.
pub(super) struct Exchange {
    pub(super) id: StreamId,
    pub(super) priority: Priority,
    pub(super) stage: Stage,
}

/// Where a request stands.
pub(super) enum Stage {
    /// Head or content are still arriving.
    Reading(Reading),
    /// The service works on it; dropping the future cancels that.
    Waiting(Later),
    /// The reply is being sent.
    Writing(Writing),
}

/// A reply in the making and its waker.
pub(super) struct Later {
    pub(super) reply: Pin<Box<dyn Future<Output = Reply>>>,
    pub(super) nudge: Arc<Nudge>,
}

/// A request whose head or content is still arriving.
pub(super) struct Reading {
    pub(super) stream: h3::Stream,
    pub(super) collected: Option<Box<Collected>>,
    pub(super) deadline: Instant,
    /// A PRIORITY_UPDATE that came in the meantime; it overrides the field (RFC 9218, 7).
    pub(super) update: Option<Priority>,
}

/// A whole head and the content so far.
pub(super) struct Collected {
    pub(super) message: Message,
    pub(super) limit: usize,
    pub(super) first: Bytes,
    pub(super) rest: BytesMut,
}

/// A reply that could not be handed to the transport at once.
pub(super) struct Writing {
    pub(super) chunks: VecDeque<Bytes>,
    pub(super) source: Option<Pull>,
}

/// Content that is asked for as it goes.
pub(super) struct Pull {
    pub(super) source: Box<dyn Source>,
    pub(super) nudge: Arc<Nudge>,
}

/// Bytes read for one connection alone, counted as long as they live.
struct Pulled {
    bytes: Bytes,
    count: Arc<AtomicU64>,
}

/// Counts `bytes` in `count` until the last use of them is over.
pub(super) fn counted(bytes: Bytes, count: &Arc<AtomicU64>) -> Bytes {
    count.fetch_add(bytes.len() as u64, Relaxed);
    let count = Arc::clone(count);
    Bytes::from_owner(Pulled { bytes, count })
}

impl AsRef<[u8]> for Pulled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Pulled {
    fn drop(&mut self) {
        self.count.fetch_sub(self.bytes.len() as u64, Relaxed);
    }
}

impl Reading {
    /// Bytes of head and content held for it.
    pub(super) fn held_bytes(&self) -> usize {
        let collected = self.collected.as_ref();
        self.stream.held_bytes() + collected.map_or(0, |c| c.held_bytes())
    }
}

impl Collected {
    pub(super) fn new(message: Message, limit: usize) -> Self {
        Self {
            message,
            limit,
            first: Bytes::new(),
            rest: BytesMut::new(),
        }
    }

    /// Takes content; false if it is more than the limit.
    pub(super) fn push(&mut self, bytes: Bytes) -> bool {
        if self.first.len() + self.rest.len() + bytes.len() > self.limit {
            return false;
        }
        if self.first.is_empty() && self.rest.is_empty() {
            // The usual content is one chunk, which needs no copy.
            self.first = bytes;
        } else {
            self.rest
                .extend_from_slice(&std::mem::take(&mut self.first));
            self.rest.extend_from_slice(&bytes);
        }
        true
    }

    fn held_bytes(&self) -> usize {
        self.message.header_bytes() + self.first.len() + self.rest.len()
    }

    /// The whole content.
    pub(super) fn content(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.rest.is_empty() {
            return first;
        }
        std::mem::take(&mut self.rest).freeze()
    }
}

/// The chunks of a reply whose head is encoded in `head`. Small content joins the head, so that
/// a usual reply is one chunk; the rest is shared, not copied.
pub(super) fn chunks(head: &mut Vec<u8>, body: &mut Body) -> SmallVec<[Bytes; 4]> {
    let mut chunks = SmallVec::new();
    let small = body.len().is_some_and(|len| len <= JOINED_BYTES_MAX);
    match std::mem::replace(body, Body::Empty) {
        Body::Slices(slices) if small => slices.iter().for_each(|s| head.extend_from_slice(s)),
        Body::Slices(slices) => chunks.extend(slices.into_iter().filter(|s| !s.is_empty())),
        Body::Empty => {}
        pull @ Body::Pull(_) => *body = pull,
    }
    chunks.insert(0, Bytes::copy_from_slice(head));
    chunks
}

/// Content up to this size is copied behind its head.
const JOINED_BYTES_MAX: u64 = 512;

/// The priority of RFC 9218 as quinn-proto orders streams: urgency first; within one urgency what
/// is not incremental goes in the order of requests, before all incremental ones, which take turns.
pub(super) fn rank(priority: Priority, id: StreamId) -> i32 {
    const ORDER_BITS: u32 = 27;
    const LAST: u64 = (1 << ORDER_BITS) - 1;
    let class = i32::from(7 - priority.urgency.min(7)) << ORDER_BITS;
    if priority.incremental {
        return class;
    }
    let order = LAST - (id.index() % LAST);
    class + i32::try_from(order).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quinn_proto::Dir;
    use quinn_proto::Side;

    fn of(urgency: u8, incremental: bool, index: u64) -> i32 {
        let id = StreamId::new(Side::Client, Dir::Bi, index);
        rank(
            Priority {
                urgency,
                incremental,
            },
            id,
        )
    }

    #[test]
    fn urgent_replies_go_first_then_earlier_ones_then_the_patient() {
        assert!(of(0, true, 900) > of(1, false, 0));
        assert!(of(3, false, 4) > of(3, false, 5));
        assert!(of(3, false, 1_000_000) > of(3, true, 0));
        assert_eq!(
            of(3, true, 1),
            of(3, true, 2),
            "incremental ones take turns"
        );
        assert!(of(7, true, 0) >= 0 && of(0, false, 0) > 0);
    }

    #[test]
    fn pulled_bytes_count_until_their_last_slice_is_gone() {
        let count = Arc::new(AtomicU64::new(0));
        let bytes = counted(Bytes::from(vec![1; 1000]), &count);
        let slice = bytes.slice(10..20);
        drop(bytes);
        assert_eq!(count.load(Relaxed), 1000);
        drop(slice);
        assert_eq!(count.load(Relaxed), 0);
    }

    #[test]
    fn content_over_the_limit_is_noticed_at_the_first_byte_too_much() {
        let mut collected = Collected::new(Message::new(), 6);
        assert!(collected.push(Bytes::from_static(b"abc")));
        assert!(collected.push(Bytes::from_static(b"def")));
        assert!(!collected.push(Bytes::from_static(b"g")));
        assert_eq!(collected.content(), "abcdef");
    }

    #[test]
    fn a_small_reply_is_one_chunk_and_a_large_one_is_not_copied() {
        let large = Bytes::from(vec![7; 100_000]);
        let pointer = large.as_ptr();
        let chunks_of = |mut body| chunks(&mut b"head".to_vec(), &mut body);
        let small = chunks_of(Body::slice(Bytes::from_static(b"body")));
        assert_eq!(small[..], [Bytes::from_static(b"headbody")]);
        assert_eq!(chunks_of(Body::slice(large))[1].as_ptr(), pointer);
    }
}

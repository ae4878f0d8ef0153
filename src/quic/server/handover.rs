//! Passing datagrams to the worker that owns their connection.
//!
//! The kernel spreads peers over the workers' sockets by address. After a NAT rebind a connection's
//! datagrams arrive at another worker, which reads the owner off the connection id and hands them
//! over. The queues are bounded; what does not fit is dropped as the network might have dropped it.

use crate::quic::socket::Origin;
use bytes::BytesMut;
use std::task::Context;
use std::task::Poll;
use tokio::sync::mpsc;

/// A datagram on its way to its owner.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) bytes: BytesMut,
    pub(super) origin: Origin,
    /// Index of the socket it came by; every worker binds the same addresses in the same order.
    pub(super) line: u16,
}

/// One worker's end: its queue, and the way to all the others'.
#[derive(Debug)]
pub struct Handover {
    queue: mpsc::Receiver<Datagram>,
    workers: Vec<mpsc::Sender<Datagram>>,
}

impl Handover {
    /// The ends of `workers` workers, in order, with queues of `max` datagrams.
    pub fn among(workers: usize, max: usize) -> Vec<Self> {
        let ends = (0..workers).map(|_| mpsc::channel(max.max(1)));
        let (senders, queues): (Vec<_>, Vec<_>) = ends.unzip();
        let end = |queue| Self {
            queue,
            workers: senders.clone(),
        };
        queues.into_iter().map(end).collect()
    }

    /// Whether there is anybody else.
    pub(super) const fn is_alone(&self) -> bool {
        self.workers.len() < 2
    }

    /// Hands a datagram over; false if it had to be dropped.
    pub(super) fn pass(&self, worker: usize, datagram: Datagram) -> bool {
        let owner = self.workers.get(worker);
        owner.is_some_and(|owner| owner.try_send(datagram).is_ok())
    }

    /// A datagram that others received for this worker.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Datagram> {
        // The queue cannot close: this end holds a sender of its own.
        self.queue.poll_recv(cx).map_or_pending()
    }

    /// The same without waiting.
    pub(super) fn next(&mut self) -> Option<Datagram> {
        self.queue.try_recv().ok()
    }
}

trait MapOrPending<T> {
    fn map_or_pending(self) -> Poll<T>;
}

impl<T> MapOrPending<T> for Poll<Option<T>> {
    fn map_or_pending(self) -> Poll<T> {
        match self {
            Self::Ready(Some(value)) => Poll::Ready(value),
            Self::Ready(None) | Self::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(n: u8) -> Datagram {
        Datagram {
            bytes: BytesMut::from(&[n][..]),
            origin: Origin {
                from: "127.0.0.1:1".parse().unwrap(),
                to: None,
                ecn: None,
            },
            line: 0,
        }
    }

    #[test]
    fn a_full_queue_drops_and_says_so() {
        let mut ends = Handover::among(2, 3);
        let passed = (0..5).filter(|n| ends[0].pass(1, datagram(*n))).count();
        assert_eq!(passed, 3);
        let received = std::iter::from_fn(|| ends[1].next());
        assert_eq!(received.map(|d| d.bytes[0]).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(!ends[0].pass(7, datagram(9)), "there is no worker 7");
        assert!(ends[0].next().is_none());
    }
}

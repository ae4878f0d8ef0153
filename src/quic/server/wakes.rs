//! Wakers of replies that take their time.
//!
//! A reply in the making (a future, or a pull source) belongs to its connection and has no task of
//! its own. Its waker puts the request's name on the worker's list and wakes the loop.

use quinn_proto::StreamId;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::AcqRel;
use std::sync::atomic::Ordering::Release;
use std::task::Wake;
use std::task::Waker;

/// Names a request of a worker; the serial number tells a slot's connections apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) slot: usize,
    pub(super) serial: u32,
    pub(super) stream: StreamId,
}

/// Requests to look at again, and whom to wake for it. The lock is held for a push or a swap.
#[derive(Debug, Default)]
pub(super) struct Wakes(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    ready: Vec<Name>,
    worker: Option<Waker>,
}

/// The waker of one request; on the list at most once at a time.
#[derive(Debug)]
pub(super) struct Nudge {
    wakes: Arc<Wakes>,
    name: Name,
    listed: AtomicBool,
}

impl Wakes {
    /// Registers the loop that is about to sleep; whether it may.
    pub(super) fn may_sleep(&self, worker: &Waker) -> bool {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !list.worker.as_ref().is_some_and(|w| w.will_wake(worker)) {
            list.worker = Some(worker.clone());
        }
        list.ready.is_empty()
    }

    /// Exchanges the list for an empty one.
    pub(super) fn take(&self, into: &mut Vec<Name>) {
        into.clear();
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut list.ready, into);
    }
}

impl Nudge {
    pub(super) fn new(wakes: &Arc<Wakes>, name: Name) -> Arc<Self> {
        Arc::new(Self {
            wakes: Arc::clone(wakes),
            name,
            listed: AtomicBool::new(false),
        })
    }

    /// To be called before the future is polled, so that a wake-up during the poll counts.
    pub(super) fn rearm(&self) {
        self.listed.store(false, Release);
    }
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.listed.swap(true, AcqRel) {
            return;
        }
        let mut list = self.wakes.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.ready.push(self.name);
        let worker = list.worker.take();
        drop(list);
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quinn_proto::Dir;
    use quinn_proto::Side;

    #[test]
    fn a_chatty_future_is_listed_once_until_it_was_polled() {
        let wakes = Arc::new(Wakes::default());
        let stream = StreamId::new(Side::Client, Dir::Bi, 0);
        let name = Name {
            slot: 1,
            serial: 2,
            stream,
        };
        let nudge = Nudge::new(&wakes, name);
        let waker = Waker::from(Arc::clone(&nudge));
        assert!(wakes.may_sleep(Waker::noop()));
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!wakes.may_sleep(Waker::noop()));
        let mut ready = Vec::new();
        wakes.take(&mut ready);
        assert_eq!(ready, [name]);
        waker.wake_by_ref();
        wakes.take(&mut ready);
        assert_eq!(ready, [], "not before the poll");
        nudge.rearm();
        waker.wake_by_ref();
        wakes.take(&mut ready);
        assert_eq!(ready, [name]);
    }
}

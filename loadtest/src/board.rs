//! What threads share: the stage of the run, live numbers for the progress line.
//!
//! The coordinator advances the stage only after every thread has arrived, so that no thread can
//! arrive for a stage that is over. Threads never wait: they go on serving their connections.

use crate::pace::Window;
use lamplight::base::metrics::Counter;
use lamplight::base::metrics::Gauge;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::Ordering::Release;

/// What all threads do at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Connections are opened, each makes one request.
    Opening,
    /// Connections only stay.
    Resting,
    /// Requests (or handshakes) under the measured window.
    Loading,
    /// Every connection answers one more request.
    Checking,
    /// Connections are closed and the thread ends.
    Closing,
}

const STAGES: [Stage; 5] = [
    Stage::Opening,
    Stage::Resting,
    Stage::Loading,
    Stage::Checking,
    Stage::Closing,
];

/// Shared by the coordinator and all generator threads.
#[derive(Debug, Default)]
pub(crate) struct Board {
    stage: AtomicU8,
    arrived: AtomicUsize,
    stopped: AtomicBool,
    window: OnceLock<Window>,
    /// Connections open now.
    pub(crate) live: Gauge,
    /// Connections open or given up.
    pub(crate) opened: Counter,
    /// Right answers.
    pub(crate) answered: Counter,
    /// Faults of any kind.
    pub(crate) failed: Counter,
    /// Latency at p99 of the load so far, microseconds; the latest thread's.
    pub(crate) p99_micros: Gauge,
}

impl Board {
    /// The stage now.
    pub(crate) fn stage(&self) -> Stage {
        let index = usize::from(self.stage.load(Acquire));
        STAGES.get(index).copied().unwrap_or(Stage::Closing)
    }

    /// Begins the next stage; all threads have arrived.
    pub(crate) fn advance(&self, to: Stage) {
        self.arrived.store(0, Release);
        self.stage.store(to as u8, Release);
    }

    /// A thread has done its part of this stage.
    pub(crate) fn arrive(&self) {
        self.arrived.fetch_add(1, Release);
    }

    /// Threads that have done their part of this stage.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Acquire)
    }

    /// States the measured window, once, before `Loading` begins.
    pub(crate) fn set_window(&self, window: Window) {
        let _again = self.window.set(window);
    }

    /// The measured window.
    pub(crate) fn window(&self) -> Option<Window> {
        self.window.get().copied()
    }

    /// Ends the run early (a thread failed).
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Release);
    }

    /// Whether the run ends early.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_each_other_and_arrivals_begin_anew() {
        let board = Board::default();
        assert_eq!(board.stage(), Stage::Opening);
        board.arrive();
        for stage in STAGES {
            board.advance(stage);
            assert_eq!((board.stage(), board.arrived()), (stage, 0));
        }
    }
}

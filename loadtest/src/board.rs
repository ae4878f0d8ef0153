//! What threads share: the stage of the run, live numbers for the progress line.
//!
//! Threads never wait: they go on serving their connections. So a thread may still arrive for a
//! stage that is over; arrivals name their stage, lest that one counts for the next.

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
    arrived: [AtomicUsize; STAGES.len()],
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

    /// Begins the next stage.
    pub(crate) fn advance(&self, to: Stage) {
        self.stage.store(to as u8, Release);
    }

    /// A thread has done its part of `stage`; each says so once a stage.
    pub(crate) fn arrive(&self, stage: Stage) {
        if let Some(arrived) = self.arrived.get(stage as usize) {
            arrived.fetch_add(1, Release);
        }
    }

    /// Threads that have done their part of the stage now.
    pub(crate) fn arrived(&self) -> usize {
        let arrived = self.arrived.get(self.stage() as usize);
        arrived.map_or(0, |count| count.load(Acquire))
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
    fn a_late_arrival_does_not_end_the_next_stage() {
        let board = Board::default();
        assert_eq!(board.stage(), Stage::Opening);
        board.arrive(Stage::Opening);
        assert_eq!(board.arrived(), 1);
        for pair in STAGES.windows(2) {
            let (before, stage) = (pair[0], pair[1]);
            board.advance(stage);
            // A thread that looked at the board before it changed.
            board.arrive(before);
            assert_eq!((board.stage(), board.arrived()), (stage, 0));
            board.arrive(stage);
            assert_eq!(board.arrived(), 1);
        }
    }
}

//! One line a second on standard error: where the run is and how it goes.

use crate::board::Board;
use crate::board::Stage;
use crate::machine::Reading;
use crate::share::Share;
use lamplight::runtime;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(1);

/// The live view.
#[derive(Debug)]
pub(crate) struct Progress {
    board: Arc<Board>,
    connections: usize,
    pid: Option<u32>,
    started: Instant,
    shown: Instant,
    last: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    opened: u64,
    answered: u64,
    server: Reading,
    own: Reading,
}

impl Progress {
    /// Nothing shown yet.
    pub(crate) fn new(board: Arc<Board>, whole: &Share) -> Self {
        let now = runtime::now();
        Self {
            connections: whole.connections,
            pid: whole.common.server_pid,
            started: now,
            shown: now,
            last: Counts::read(&board, whole.common.server_pid),
            board,
        }
    }

    /// Writes a line if a second has passed since the last one.
    pub(crate) fn show(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.shown);
        if passed < EVERY {
            return;
        }
        let line = self.line(now, passed.as_secs_f64());
        self.shown = now;
        // Progress is a courtesy: a closed terminal must not end the run.
        let _closed = writeln!(std::io::stderr().lock(), "{line}");
    }

    fn line(&mut self, now: Instant, seconds: f64) -> String {
        let counts = Counts::read(&self.board, self.pid);
        let rate = |now: u64, before: u64| (now - before) as f64 / seconds;
        let share =
            |now: Reading, before: Reading| (now - before).cpu.as_secs_f64() / seconds * 100.0;
        let stage = match self.board.stage() {
            Stage::Opening => format!(
                "opening {} of {} · {:.0}/s",
                counts.opened,
                self.connections,
                rate(counts.opened, self.last.opened)
            ),
            Stage::Resting => "resting".into(),
            Stage::Loading => format!(
                "loading {:.0}/s · p99 {:.2} ms",
                rate(counts.answered, self.last.answered),
                self.board.p99_micros.value() as f64 / 1e3
            ),
            Stage::Checking => format!(
                "checking {:.0}/s",
                rate(counts.answered, self.last.answered)
            ),
            Stage::Closing => "closing".into(),
        };
        let line = format!(
            "{:>5.0} s  {stage} · {} live · {} failed · cpu server {:.0} % own {:.0} % · \
             memory server {} own {} MiB",
            now.saturating_duration_since(self.started).as_secs_f64(),
            self.board.live.value(),
            self.board.failed.value(),
            share(counts.server, self.last.server),
            share(counts.own, self.last.own),
            counts.server.rss_bytes >> 20,
            counts.own.rss_bytes >> 20
        );
        self.last = counts;
        line
    }
}

impl Counts {
    fn read(board: &Board, pid: Option<u32>) -> Self {
        let server = pid.and_then(|pid| Reading::of(pid).ok());
        Self {
            opened: board.opened.value(),
            answered: board.answered.value(),
            server: server.unwrap_or_default(),
            own: Reading::of_self().unwrap_or_default(),
        }
    }
}

//! Runs the stages, reads both processes at the right moments, prints progress, concludes.

use crate::board::Board;
use crate::board::Stage;
use crate::cli::Mode;
use crate::machine::Reading;
use crate::plan;
use crate::progress::Progress;
use crate::report::Observed;
use crate::report::Plan;
use crate::report::Readings;
use crate::report::Report;
use crate::share::Arrivals;
use crate::share::Share;
use crate::share::Times;
use crate::swarm;
use crate::tally::Tally;
use anyhow::Context as _;
use lamplight::runtime;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

/// How often the coordinator looks at the board.
const LOOK: Duration = Duration::from_millis(50);
/// Time between the decision to load and the first request.
const LEAD: Duration = Duration::from_millis(100);

type Handle = JoinHandle<anyhow::Result<swarm::Outcome>>;

/// Runs a mode from the first connection to the verdict.
pub(crate) fn run(mode: &Mode, command: Vec<String>) -> anyhow::Result<Report> {
    let common = mode.common();
    let address = common.target.resolve(common.i_own_this_target)?;
    let resources = match &common.urls {
        Some(file) => plan::read(file, &common.target)?,
        None => plan::single(&common.target),
    };
    let whole = Share::of(mode, address, resources.into());
    let plan = Plan {
        mode: mode.name(),
        target: common.target.authority.clone(),
        command,
        connections: whole.connections,
        resources: whole.resources.len(),
        threads: common.threads,
        seed: common.seed,
        key_exchange: common.key_exchange.name(),
        resumes: whole.resume,
        arrivals: whole.arrivals_loop(),
        tick_ms: common.tick.as_ms(),
        rate: match whole.arrivals {
            Arrivals::Open(rate) => Some(rate),
            Arrivals::None | Arrivals::Closed(_) | Arrivals::Churn(_) | Arrivals::Once(_) => None,
        },
    };
    let observed = Coordinator::start(&whole, mode.times())?.finish()?;
    Ok(Report::new(plan, observed, &common.objectives))
}

struct Coordinator<'a> {
    whole: &'a Share,
    times: Times,
    board: Arc<Board>,
    threads: Vec<Handle>,
    progress: Progress,
    own: Readings,
    server: Readings,
    started: Instant,
    started_unix_ms: u64,
    opening: Duration,
    live: u64,
    window: Duration,
}

impl<'a> Coordinator<'a> {
    fn start(whole: &'a Share, times: Times) -> anyhow::Result<Self> {
        let board = Arc::new(Board::default());
        let count = whole.common.threads;
        let mut all = Self {
            whole,
            times,
            progress: Progress::new(Arc::clone(&board), whole),
            board,
            threads: Vec::new(),
            own: Readings::default(),
            server: Readings::default(),
            started: runtime::now(),
            started_unix_ms: runtime::unix_ms(),
            opening: Duration::ZERO,
            live: 0,
            window: Duration::ZERO,
        };
        all.read(|r| &mut r.start)?;
        for number in 0..count {
            let (share, board) = (whole.part(number, count), Arc::clone(&all.board));
            let builder = std::thread::Builder::new().name(format!("load-{number}"));
            let handle = builder.spawn(move || swarm::run(share, &board));
            all.threads
                .push(handle.context("cannot start a generator thread")?);
        }
        Ok(all)
    }

    /// The stages in order. An error of a thread ends the run and is reported instead.
    fn finish(mut self) -> anyhow::Result<Observed> {
        let stages = self.stages();
        if stages.is_err() {
            self.board.stop();
        }
        self.board.advance(Stage::Closing);
        let tally = self.collect()?;
        stages?;
        let pid = self.whole.common.server_pid;
        Ok(Observed {
            tally,
            window: self.window,
            live: self.live,
            opening: self.opening,
            own: self.own,
            server: pid.map(|pid| (pid, self.server)),
            started_unix_ms: self.started_unix_ms,
        })
    }

    fn stages(&mut self) -> anyhow::Result<()> {
        self.wait_for_all()?;
        self.opening = runtime::now() - self.started;
        self.board.advance(Stage::Resting);
        self.wait_until(runtime::now() + self.times.quiet)?;
        self.live = u64::try_from(self.board.live.value()).unwrap_or(0);
        self.read(|r| &mut r.resting)?;
        self.read(|r| &mut r.from)?;
        self.wait_until(runtime::now() + self.times.hold)?;
        if self.whole.arrivals != Arrivals::None {
            self.load()?;
        }
        if self.whole.checking > 0 {
            self.board.advance(Stage::Checking);
            self.wait_for_all()?;
        }
        if self.whole.arrivals == Arrivals::None {
            self.read(|r| &mut r.until)?;
        }
        Ok(())
    }

    fn load(&mut self) -> anyhow::Result<()> {
        let window = self.times.window(runtime::now() + LEAD);
        self.board.set_window(window);
        self.board.advance(Stage::Loading);
        self.wait_until(window.from)?;
        let from = runtime::now();
        self.read(|r| &mut r.from)?;
        if matches!(self.whole.arrivals, Arrivals::Once(_)) {
            // Over as soon as everybody was answered.
            self.wait_for_all()?;
        } else {
            self.wait_until(window.until)?;
        }
        self.read(|r| &mut r.until)?;
        self.window = runtime::now() - from;
        self.wait_for_all()
    }

    fn wait_for_all(&mut self) -> anyhow::Result<()> {
        while self.board.arrived() < self.threads.len() {
            self.look(LOOK)?;
        }
        Ok(())
    }

    fn wait_until(&mut self, until: Instant) -> anyhow::Result<()> {
        loop {
            let left = until.saturating_duration_since(runtime::now());
            if left.is_zero() {
                return Ok(());
            }
            self.look(left.min(LOOK))?;
        }
    }

    fn look(&mut self, pause: Duration) -> anyhow::Result<()> {
        std::thread::sleep(pause);
        self.progress.show(runtime::now());
        let ended = self.threads.iter().any(JoinHandle::is_finished);
        anyhow::ensure!(!ended, "a generator thread ended before the run did");
        Ok(())
    }

    fn read(&mut self, moment: fn(&mut Readings) -> &mut Reading) -> anyhow::Result<()> {
        *moment(&mut self.own) = Reading::of_self()?;
        if let Some(pid) = self.whole.common.server_pid {
            *moment(&mut self.server) = Reading::of(pid)?;
        }
        Ok(())
    }

    /// Waits for the threads and adds up what they counted.
    fn collect(&mut self) -> anyhow::Result<Tally> {
        let mut outcomes = Vec::new();
        for handle in self.threads.drain(..) {
            let outcome = handle.join();
            outcomes
                .push(outcome.map_err(|_panic| anyhow::anyhow!("a generator thread panicked"))??);
        }
        Ok(swarm::merge(outcomes, &self.whole.resources))
    }
}

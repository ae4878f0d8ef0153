//! One generator thread: many connections over the project's own QUIC client engine.
//!
//! `run` is one loop: follow the stage on the board, start what is due, let the engine turn,
//! account for what came. `Fleet` opens connections and keeps them, `load` adds requests or
//! churn, `class` has the learners on them, `events` accounts. Nothing here waits except the
//! engine's turn.

mod class;
mod events;
mod fleet;
mod load;
mod session;

use crate::board::Board;
use crate::board::Stage;
use crate::plan::Resource;
use crate::plan::hex;
use crate::share::Share;
use crate::swarm::session::Session;
use crate::tally::Tally;
use lamplight::runtime;
use std::time::Duration;
use std::time::Instant;

/// The loop turns at least this often, to see the board and to give up what is overdue.
const TURN_MAX: Duration = Duration::from_millis(20);

/// What a thread leaves behind.
pub(crate) struct Outcome {
    tally: Tally,
    /// Digest of each resource's first body.
    digests: Vec<Option<[u8; 32]>>,
}

/// Runs a thread's share until the board says that the run is over.
pub(crate) fn run(share: Share, board: &Board) -> anyhow::Result<Outcome> {
    let mut session = Session::new(share, board)?;
    let mut arrived = None;
    let mut watch = Watch::default();
    loop {
        let now = runtime::now();
        let stage = board.stage();
        let measured = board.window().is_some_and(|w| w.holds(now));
        session.overran(watch.overrun(now).filter(|_| measured));
        if stage == Stage::Closing || board.stopped() {
            break;
        }
        session.follow(stage);
        session.start_due(now);
        if arrived != Some(stage) && session.is_done_with(stage, now) {
            arrived = Some(stage);
            board.arrive(stage);
        }
        let until = session.next_due(now).min(now + TURN_MAX);
        watch.expect(until);
        session.turn(until)?;
    }
    session.close_all()?;
    Ok(session.into_outcome())
}

/// Notices that the thread stood still: a turn that took longer than what was asked for.
#[derive(Debug, Default)]
struct Watch(Option<Instant>);

impl Watch {
    /// The next look is expected at `until`.
    const fn expect(&mut self, until: Instant) {
        self.0 = Some(until);
    }

    /// How much later than expected this look comes.
    fn overrun(&self, now: Instant) -> Option<Duration> {
        self.0.map(|until| now.saturating_duration_since(until))
    }
}

/// Adds up the threads, and compares the bodies they saw.
pub(crate) fn merge(outcomes: Vec<Outcome>, resources: &[Resource]) -> Tally {
    let mut all = Tally::default();
    let mut seen: Vec<Option<[u8; 32]>> = vec![None; resources.len()];
    for outcome in outcomes {
        all.merge(outcome.tally);
        let both = seen.iter_mut().zip(outcome.digests).zip(resources);
        for ((first, digest), resource) in both {
            match (&first, digest) {
                (Some(a), Some(b)) if *a != b => all.fault("wrong bytes".into(), || {
                    let (a, b) = (hex(a), hex(&b));
                    format!("{}: two threads saw SHA-256 {a} and {b}", resource.path)
                }),
                (None, digest) => *first = digest,
                _ => {}
            }
        }
    }
    all
}

//! A node: the journal on its disk, learners in memory, snapshots, and what it ships.

use crate::disk::SimDisk;
use crate::person::Command;
use crate::person::Outcome;
use crate::person::judge;
use lamplight::base::id::LearnerId;
use lamplight::session::Effect;
use lamplight::session::State;
use lamplight::store::Append;
use lamplight::store::Segment;
use lamplight::store::Writer;
use lamplight::store::recover;
use lamplight::store::redis::Known;
use lamplight::store::redis::Pace;
use lamplight::store::redis::Shipment;
use lamplight::store::redis::read;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const SEGMENT_BYTES: u64 = 64 * 1024;
pub(crate) const BATCH: usize = 3;

/// Somebody's request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `None`: nobody waits for the reply.
    pub(crate) person: Option<usize>,
    pub(crate) ticket: u64,
    pub(crate) learner: LearnerId,
    pub(crate) command: Command,
}

/// A command that was judged.
pub(crate) struct Judged {
    pub(crate) request: Request,
    pub(crate) effects: Vec<Effect>,
    pub(crate) outcome: Outcome,
}

/// What Redis is being asked.
pub(crate) enum Flight {
    Write(Shipment, Vec<LearnerId>),
    Tell(Vec<LearnerId>),
}

/// What survives a crash.
pub(crate) struct Disk {
    pub(crate) journal: SimDisk,
    pub(crate) snapshots: BTreeMap<LearnerId, Vec<u8>>,
}

pub(crate) struct Node {
    pub(crate) disk: Disk,
    /// Counts starts; what was meant for an earlier life comes to nobody.
    pub(crate) life: u64,
    pub(crate) up: bool,
    pub(crate) clock_ms: i64,
    writer: Option<Writer>,
    pub(crate) waiting: Vec<Judged>,
    pub(crate) memory: BTreeMap<LearnerId, State>,
    pub(crate) unsaved: BTreeSet<LearnerId>,
    /// Who waits until Redis has said what it knows.
    pub(crate) arriving: BTreeMap<LearnerId, Vec<Request>>,
    /// Of whom others said that there is news.
    pub(crate) stale: BTreeSet<LearnerId>,
    pub(crate) outbox: BTreeSet<LearnerId>,
    pub(crate) flight: Option<Flight>,
    pub(crate) known: Known,
    pub(crate) pace: Pace,
    /// Whether Redis has answered, and not failed to since.
    pub(crate) connected: bool,
    pub(crate) asked: u64,
    /// Numbers of what was asked and not answered.
    pub(crate) unanswered: BTreeSet<u64>,
    pub(crate) server: Option<u64>,
    pub(crate) place: u64,
}

impl Node {
    pub(crate) fn new(lies: bool) -> Self {
        Self {
            disk: Disk {
                journal: SimDisk::new(lies),
                snapshots: BTreeMap::new(),
            },
            life: 0,
            up: false,
            clock_ms: 0,
            writer: None,
            waiting: Vec::new(),
            memory: BTreeMap::new(),
            unsaved: BTreeSet::new(),
            arriving: BTreeMap::new(),
            stale: BTreeSet::new(),
            outbox: BTreeSet::new(),
            flight: None,
            known: Known::new(4),
            pace: Pace::default(),
            connected: false,
            asked: 0,
            unanswered: BTreeSet::new(),
            server: None,
            place: 0,
        }
    }

    /// Begins a life; `Err`: the journal cannot be read.
    pub(crate) fn start(&mut self, forgets: bool) -> Result<(), String> {
        let disk = Disk {
            journal: self.disk.journal.clone(),
            snapshots: std::mem::take(&mut self.disk.snapshots),
        };
        let (life, clock_ms) = (self.life + 1, self.clock_ms);
        *self = Self {
            disk,
            life,
            clock_ms,
            up: true,
            ..Self::new(false)
        };
        let (journal, memory) = (self.disk.journal.clone(), &mut self.memory);
        let mut replay = |learner: LearnerId, effect: &[u8]| {
            let effect = Effect::decode(effect).map_err(|error| error.to_string())?;
            if !forgets {
                memory.entry(learner).or_default().apply(&effect);
            }
            Ok(())
        };
        let recovered = recover(&journal, SEGMENT_BYTES, 1, &mut replay, &mut |_| {});
        let recovered = recovered.map_err(|error| format!("the journal is lost: {error}"))?;
        self.writer = Some(recovered.writer);
        for (learner, state) in &mut self.memory {
            if let Some(snapshot) = self.disk.snapshots.get(learner) {
                state.join(&State::decode(snapshot).unwrap());
            }
            self.unsaved.insert(*learner);
        }
        self.sweep();
        Ok(())
    }

    /// Everything this node has is to be shipped.
    pub(crate) fn sweep(&mut self) {
        self.outbox.extend(self.memory.keys());
        self.outbox.extend(self.disk.snapshots.keys());
    }

    /// What this node has of a learner without asking anybody.
    pub(crate) fn state(&self, learner: LearnerId) -> Option<State> {
        let at_rest = || {
            let snapshot = self.disk.snapshots.get(&learner)?;
            Some(State::decode(snapshot).unwrap())
        };
        self.memory.get(&learner).cloned().or_else(at_rest)
    }

    /// Puts a learner into memory with what Redis said, and gives back who waits.
    pub(crate) fn install(&mut self, learner: LearnerId, value: Option<&[u8]>) -> Vec<Request> {
        let mut state = self.state(learner).unwrap_or_default();
        if let Some(value) = value {
            let ours = state.clone();
            state.join(&read(learner, value).unwrap());
            // What is shipped from memory must be known at rest too before it is let go: less,
            // shipped later, would be written over it.
            if state != ours {
                self.unsaved.insert(learner);
            }
        }
        let whom = self.memory.entry(learner).or_default();
        *whom = state;
        self.stale.remove(&learner);
        self.arriving.remove(&learner).unwrap_or_default()
    }

    /// Judges a request of a learner in memory; whether that is to be written.
    pub(crate) fn judge(&mut self, request: Request, now_ms: u64) -> (Request, Outcome, bool) {
        let now_ms = now_ms.saturating_add_signed(self.clock_ms);
        let state = self.memory.get_mut(&request.learner).unwrap();
        let (effects, outcome) = judge(state, &request.command, now_ms);
        let decided = !effects.is_empty();
        if decided {
            self.unsaved.insert(request.learner);
            self.outbox.insert(request.learner);
            self.waiting.push(Judged {
                request: request.clone(),
                effects,
                outcome: outcome.clone(),
            });
        }
        (request, outcome, decided)
    }

    /// Writes what waits with one sync; `None`: the power failed.
    pub(crate) fn commit(&mut self, now_ms: u64) -> Option<Vec<Judged>> {
        let appends = self.waiting.iter().map(|judged| {
            let mut append = Append::default();
            for effect in &judged.effects {
                let learner = judged.request.learner;
                append.push(learner, |out| effect.encode(out)).unwrap();
            }
            append
        });
        let appends: Vec<Append> = appends.collect();
        let writer = self.writer.as_mut()?;
        if !writer.fits(appends.iter().map(Append::len).sum()) {
            let next = Segment::make(&self.disk.journal, writer.segment() + 1, SEGMENT_BYTES);
            writer.rotate(next.ok()?);
        }
        writer.commit(&appends, now_ms).ok()?;
        Some(std::mem::take(&mut self.waiting))
    }

    /// Writes snapshots, and lets go of some who are at rest.
    pub(crate) fn rest(&mut self, leaves: impl Fn(LearnerId) -> bool) {
        for learner in std::mem::take(&mut self.unsaved) {
            let mut bytes = Vec::new();
            self.memory[&learner].encode(&mut bytes);
            self.disk.snapshots.insert(learner, bytes);
        }
        // What is not on the disk yet must not be taken for it after a crash, and is not: the
        // snapshot knows it, and whoever asks again hears of it.
        self.memory.retain(|learner, _| !leaves(*learner));
    }

    /// The next shipment, if one is due.
    pub(crate) fn pack(&mut self) -> Option<&Shipment> {
        if self.flight.is_some() || !self.connected || self.outbox.is_empty() {
            return None;
        }
        let mut whom: Vec<LearnerId> = self.outbox.iter().copied().collect();
        whom.truncate(BATCH);
        for learner in &whom {
            self.outbox.remove(learner);
        }
        let batch = whom.iter();
        let batch = batch.filter_map(|whom| self.state(*whom).map(|state| (*whom, state)));
        let shipment = Shipment::new(batch.collect(), &self.known);
        self.flight = Some(Flight::Write(shipment, whom));
        match &self.flight {
            Some(Flight::Write(shipment, _)) => Some(shipment),
            _ => None,
        }
    }

    /// The connection is gone, and with it whatever was asked.
    pub(crate) fn disconnect(&mut self) {
        self.connected = false;
        self.unanswered.clear();
        if let Some(Flight::Write(_, whom) | Flight::Tell(whom)) = self.flight.take() {
            self.outbox.extend(whom);
        }
        // Shipping brings back what others know.
        self.outbox.append(&mut self.stale);
    }
}

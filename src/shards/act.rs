//! Looking at a learner, and judging what one wants.

use crate::base::id::LearnerId;
use crate::base::limits::STATE_BYTES_MAX;
use crate::session::Effect;
use crate::session::State;
use crate::shards::Ack;
use crate::shards::Shards;
use crate::shards::ack::InFlight;
use crate::shards::resident::Resident;
use crate::shards::table::encoded;
use crate::store::Append;
use crate::store::AppendError;
use crate::store::Pending;
use crate::store::TooLarge;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// How often a learner is looked for who leaves memory again before it is their turn.
const TRIES: u32 = 8;

/// What a command decided.
#[derive(Debug)]
pub struct Judged<T> {
    /// For the reply.
    pub outcome: T,
    /// Facts, already applied to the state that was judged. None: the state stays as it was.
    pub effects: Vec<Effect>,
    /// Asks for a receipt of what hashes to this.
    pub leaf: Option<[u8; 32]>,
}

/// A command that was judged.
#[derive(Debug)]
pub struct Acted<T> {
    /// For the reply.
    pub outcome: T,
    /// What an acknowledgement has to wait for. A refusal need not.
    pub durable: Ack,
}

/// An outcome, at once if the learner is in memory.
pub enum Touch<T> {
    /// It was.
    Now(Result<T, ShardError>),
    /// It has to be loaded. Dropping the future judges nothing.
    Later(Pin<Box<dyn Future<Output = Result<T, ShardError>>>>),
}

/// Why nothing was judged. All but [`TooLarge`](Self::TooLarge) may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The memory is used up by learners who cannot leave yet, or too many are being loaded.
    #[error("there is no memory left for another learner")]
    Full,
    /// The journal did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The learner could not be read; the log says why.
    #[error("the learner cannot be read: {0}")]
    Load(String),
    /// More than a state, or one append, may hold.
    #[error("a learner's state has at most {STATE_BYTES_MAX} bytes; {TooLarge}")]
    TooLarge,
}

impl<T> Judged<T> {
    /// Nothing changes.
    pub const fn unchanged(outcome: T) -> Self {
        Self {
            outcome,
            effects: Vec::new(),
            leaf: None,
        }
    }

    /// These facts are new.
    pub const fn changed(outcome: T, effects: Vec<Effect>) -> Self {
        Self {
            outcome,
            effects,
            leaf: None,
        }
    }
}

impl<T: 'static> Touch<T> {
    /// The outcome, whenever it comes.
    ///
    /// # Errors
    /// [`ShardError`].
    pub async fn wait(self) -> Result<T, ShardError> {
        match self {
            Self::Now(outcome) => outcome,
            Self::Later(future) => future.await,
        }
    }
}

impl<T> fmt::Debug for Touch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
        })
    }
}

impl Shards {
    /// Reads the learner's state. `f` runs under the learner's lock: it must be short.
    pub fn read<T: 'static>(
        self: &Arc<Self>,
        learner: LearnerId,
        f: impl FnOnce(&State) -> T + 'static,
    ) -> Touch<T> {
        let mut f = Some(f);
        self.touch(learner, move |shards| shards.look(learner, &mut f))
    }

    /// Judges a command under the learner's lock, which must be short, and hands its effects to the
    /// journal. The state that others see has them at once; an acknowledgement waits for
    /// [`Acted::durable`].
    pub fn act<T: 'static>(
        self: &Arc<Self>,
        learner: LearnerId,
        judge: impl FnOnce(&mut State) -> Judged<T> + 'static,
    ) -> Touch<Acted<T>> {
        let mut judge = Some(judge);
        self.touch(learner, move |shards| shards.judge(learner, &mut judge))
    }

    /// Tries at once, else after loading. `attempt` gives `None` while the learner is not here.
    fn touch<T: 'static>(
        self: &Arc<Self>,
        learner: LearnerId,
        mut attempt: impl FnMut(&Arc<Self>) -> Option<Result<T, ShardError>> + 'static,
    ) -> Touch<T> {
        if let Some(outcome) = attempt(self) {
            self.metrics.hits.add_one();
            return Touch::Now(outcome.map_err(|error| self.refused(error)));
        }
        self.metrics.misses.add_one();
        let shards = Arc::clone(self);
        Touch::Later(Box::pin(async move {
            for _ in 0..TRIES {
                let loaded = shards.load(learner).await;
                let outcome = match loaded {
                    Ok(()) => attempt(&shards),
                    Err(error) => Some(Err(error)),
                };
                if let Some(outcome) = outcome {
                    return outcome.map_err(|error| shards.refused(error));
                }
            }
            Err(shards.refused(ShardError::Full))
        }))
    }

    fn look<T>(
        &self,
        learner: LearnerId,
        f: &mut Option<impl FnOnce(&State) -> T>,
    ) -> Option<Result<T, ShardError>> {
        let resident = self.map.get(&learner).filter(|known| known.is_whole())?;
        let f = f.take()?;
        resident.touch(self.calendar.tick());
        Some(state_of(&resident).map(|state| f(&state)))
    }

    fn judge<T>(
        self: &Arc<Self>,
        learner: LearnerId,
        judge: &mut Option<impl FnOnce(&mut State) -> Judged<T>>,
    ) -> Option<Result<Acted<T>, ShardError>> {
        let mut resident = self.map.get_mut(&learner).filter(|r| r.is_whole())?;
        let judge = judge.take()?;
        resident.touch(self.calendar.tick());
        let mut state = match state_of(&resident) {
            Ok(state) => state,
            Err(error) => return Some(Err(error)),
        };
        let Judged {
            outcome,
            effects,
            leaf,
        } = judge(&mut state);
        let durable = if !effects.is_empty() {
            self.keep(learner, &mut resident, &state, &effects, leaf)
        } else {
            let doubted = (!resident.is_settled()).then(|| resident.version());
            Ok(Ack::again(self, learner, doubted, leaf))
        };
        Some(durable.map(|durable| Acted { outcome, durable }))
    }

    /// Hands effects to the journal and takes in the state they led to.
    fn keep(
        self: &Arc<Self>,
        learner: LearnerId,
        resident: &mut Resident,
        state: &State,
        effects: &[Effect],
        leaf: Option<[u8; 32]>,
    ) -> Result<Ack, ShardError> {
        let bytes = encoded(state);
        if bytes.len() > STATE_BYTES_MAX {
            return Err(ShardError::TooLarge);
        }
        let mut append = Append::default();
        for effect in effects {
            let pushed = append.push(learner, |out| effect.encode(out));
            pushed.map_err(|_too_large| ShardError::TooLarge)?;
        }
        if let Some(leaf) = leaf {
            append.with_leaf(leaf);
        }
        let pending = self.send(learner, resident, append)?;
        let before = self.put(resident, bytes);
        if effects.iter().any(Effect::ends_sessions) {
            self.urge(learner);
        }
        let version = resident.version();
        let shards = Arc::clone(self);
        let flight = InFlight::new(shards, learner).with_undo(version, before);
        Ok(Ack::waiting(pending, flight))
    }

    /// Appends what a command without effects has to wait for: the whole state, if it was in doubt
    /// at version `doubted`, and the leaf that a receipt is wanted of.
    pub(super) fn append_again(
        self: &Arc<Self>,
        learner: LearnerId,
        doubted: Option<u16>,
        leaf: Option<[u8; 32]>,
    ) -> Result<(Pending, InFlight), AppendError> {
        let mut append = Append::default();
        if let Some(leaf) = leaf {
            append.with_leaf(leaf);
        }
        let Some(version) = doubted else {
            return Ok((self.hand_over(append)?, InFlight::of_nobody()));
        };
        // Nobody leaves memory in doubt. If the state has changed since, what the command took for
        // done may have been taken back.
        let resident = self.map.get_mut(&learner);
        let resident = resident.filter(|known| known.version() == version);
        let mut resident = resident.ok_or(AppendError::Busy)?;
        let known = |out: &mut Vec<u8>| Effect::encode_known(resident.bytes(), out);
        // A state that is larger than one record is safe with its next snapshot.
        let pushed = append.push(learner, known);
        pushed.map_err(|_too_large| AppendError::Busy)?;
        self.metrics.again.add_one();
        let pending = self.send(learner, &mut resident, append)?;
        let flight = InFlight::new(Arc::clone(self), learner).with_healing(version);
        Ok((pending, flight))
    }

    /// Hands an append over and counts it in the resident.
    fn send(
        &self,
        learner: LearnerId,
        resident: &mut Resident,
        append: Append,
    ) -> Result<Pending, AppendError> {
        if !resident.begin() {
            return Err(AppendError::Busy);
        }
        // Before the append: see `Calendar::note`.
        self.mark(learner, resident, self.calendar.tick());
        self.hand_over(append)
            .inspect_err(|_refused| resident.end())
    }

    fn hand_over(&self, append: Append) -> Result<Pending, AppendError> {
        self.journal()
            .map_or(Err(AppendError::Failed), |journal| journal.send(append))
    }

    pub(super) fn refused(&self, error: ShardError) -> ShardError {
        match &error {
            ShardError::Full => self.metrics.refused_full.add_one(),
            ShardError::Append(_) | ShardError::TooLarge => self.metrics.refused_journal.add_one(),
            ShardError::Load(_) => self.metrics.refused_load.add_one(),
        }
        error
    }
}

/// The state of a resident; what this process wrote can be read.
fn state_of(resident: &Resident) -> Result<State, ShardError> {
    resident
        .state()
        .map_err(|error| ShardError::Load(error.to_string()))
}

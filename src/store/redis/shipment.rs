//! Compare-and-set of merged states, without its transport.
//!
//! Each round writes every learner that is still on the way, naming the version that Redis is
//! believed to have. What turns out to be there instead is joined, and the next round writes the
//! join over exactly that. So nothing that anybody stored is ever replaced by less, however many
//! nodes write at once and whichever replies are lost: a write that is repeated, or carried out
//! long after everybody gave up on it, finds its version gone and does nothing.
//!
//! Order of calls: [`Shipment::new`], then [`writes`](Shipment::writes) and
//! [`answered`](Shipment::answered) until [`is_done`](Shipment::is_done), then
//! [`finish`](Shipment::finish).

use crate::base::id::LearnerId;
use crate::base::limits::STATE_BYTES_MAX;
use crate::session::State;
use crate::store::redis::Known;
use crate::store::redis::Unreadable;
use crate::store::redis::Version;
use crate::store::redis::read;
use crate::store::redis::record::VERSION_BYTES;
use crate::store::redis::value;
use smallvec::SmallVec;

/// Rounds of one shipment; who still meets others' writes then waits for the next one.
const ROUNDS_MAX: u8 = 4;

/// Learners on their way to Redis.
#[derive(Debug)]
pub struct Shipment {
    parcels: Vec<Parcel>,
    rounds: u8,
}

/// One learner's write in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write<'a> {
    /// Whose.
    pub learner: LearnerId,
    /// The first bytes of the value that may be replaced; empty: only if there is none.
    pub expected: &'a [u8],
    /// The value to put there; its first [`VERSION_BYTES`] are its version.
    pub value: &'a [u8],
}

/// What Redis says to one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The value is there.
    Stored(Stored),
    /// Nothing was written: this value is there.
    Found(Vec<u8>),
    /// The server refuses this one; its error code.
    Refused(String),
}

/// How a value came to be there. The first three are what a server can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was there already.
    Same,
    /// It replaced what was expected.
    Replaced,
    /// Nothing was there.
    Fresh,
    /// Nothing was there, though it had been: Redis forgot the learner.
    Forgotten,
    /// It replaced a damaged value.
    Mended,
}

/// What became of a learner.
#[derive(Debug, Clone, PartialEq)]
pub struct Shipped {
    /// Who.
    pub learner: LearnerId,
    /// What was shipped joined with what others had stored, if they knew more: join it.
    pub joined: Option<State>,
    /// How the learner came to be in Redis, or why that is still to be done.
    pub outcome: Result<Stored, Left>,
}

/// Why a learner is still to be shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Others wrote in every round.
    Contended,
    /// What is there was written by a newer version and must stay.
    Newer,
    /// The state is larger than any that is read.
    TooLarge,
    /// The server refuses it; its error code.
    Refused(String),
}

#[derive(Debug)]
struct Parcel {
    learner: LearnerId,
    expected: SmallVec<[u8; VERSION_BYTES]>,
    version: Version,
    value: Vec<u8>,
    state: State,
    /// Whether others knew more.
    joined: bool,
    /// Whether a damaged value is being replaced.
    mending: bool,
    /// `None`: still on the way.
    outcome: Option<Result<Stored, Left>>,
}

impl Shipment {
    /// Learners, each once, to be written over what `known` says of Redis. A state contains all
    /// that this node gave for its learner before.
    pub fn new(batch: Vec<(LearnerId, State)>, known: &Known) -> Self {
        let parcels = batch
            .into_iter()
            .map(|(learner, state)| Parcel::new(learner, state, known));
        Self {
            parcels: parcels.collect(),
            rounds: 0,
        }
    }

    /// The writes of this round.
    pub fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        let open = self.parcels.iter().filter(|parcel| parcel.is_open());
        open.map(|parcel| Write {
            learner: parcel.learner,
            expected: &parcel.expected,
            value: &parcel.value,
        })
    }

    /// Takes the replies to this round's writes, in their order.
    pub fn answered(&mut self, replies: impl IntoIterator<Item = Reply>) {
        self.rounds += 1;
        let open = self.parcels.iter_mut().filter(|parcel| parcel.is_open());
        for (parcel, reply) in open.zip(replies) {
            parcel.answered(reply);
        }
        if self.rounds >= ROUNDS_MAX {
            for parcel in &mut self.parcels {
                parcel.outcome.get_or_insert(Err(Left::Contended));
            }
        }
    }

    /// Whether nobody is on the way any more.
    pub fn is_done(&self) -> bool {
        !self.parcels.iter().any(Parcel::is_open)
    }

    /// What became of each, in the order of the batch; `known` learns what Redis has now.
    pub fn finish(self, known: &mut Known) -> Vec<Shipped> {
        let parcels = self.parcels.into_iter();
        parcels.map(|parcel| parcel.finish(known)).collect()
    }
}

impl Parcel {
    fn new(learner: LearnerId, state: State, known: &Known) -> Self {
        let (version, value) = value(learner, &state);
        let expected = known.get(learner).map(Version::bytes);
        let mut parcel = Self {
            learner,
            expected: expected.into_iter().flatten().collect(),
            version,
            value,
            state,
            joined: false,
            mending: false,
            outcome: None,
        };
        parcel.refuse_giants();
        parcel
    }

    const fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    fn answered(&mut self, reply: Reply) {
        match reply {
            Reply::Stored(Stored::Fresh) if !self.expected.is_empty() => {
                self.outcome = Some(Ok(Stored::Forgotten));
            }
            Reply::Stored(Stored::Replaced) if self.mending => {
                self.outcome = Some(Ok(Stored::Mended));
            }
            Reply::Stored(how) => self.outcome = Some(Ok(how)),
            Reply::Found(found) => self.meet(&found),
            Reply::Refused(code) => self.outcome = Some(Err(Left::Refused(code))),
        }
    }

    /// Joins what was found; the next round replaces exactly that.
    fn meet(&mut self, found: &[u8]) {
        self.expected = found.get(..VERSION_BYTES).unwrap_or(found).into();
        let theirs = match read(self.learner, found) {
            Ok(theirs) => theirs,
            Err(Unreadable::Damaged) => {
                self.mending = true;
                return;
            }
            Err(Unreadable::Newer(_)) => {
                self.outcome = Some(Err(Left::Newer));
                return;
            }
        };
        self.mending = false;
        let ours = self.state.clone();
        self.state.join(&theirs);
        if self.state == ours {
            return;
        }
        self.joined = true;
        if self.state == theirs {
            // They know all that we do: there is nothing to write.
            self.outcome = Some(Ok(Stored::Same));
            return;
        }
        (self.version, self.value) = value(self.learner, &self.state);
        self.refuse_giants();
    }

    fn refuse_giants(&mut self) {
        if self.value.len() > VERSION_BYTES + STATE_BYTES_MAX {
            self.outcome = Some(Err(Left::TooLarge));
        }
    }

    fn finish(self, known: &mut Known) -> Shipped {
        let outcome = self.outcome.unwrap_or(Err(Left::Contended));
        // What was joined is not the caller's until it has joined it, and nobody can be sure that
        // it does: only a version whose content came from the caller may be expected next time.
        let is_ours = outcome.is_ok() && !self.joined;
        known.set(self.learner, is_ours.then_some(self.version));
        Shipped {
            learner: self.learner,
            joined: self.joined.then_some(self.state),
            outcome,
        }
    }
}

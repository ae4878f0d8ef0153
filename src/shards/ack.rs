//! What an acknowledgement waits for.

use crate::base::id::LearnerId;
use crate::shards::Shards;
use crate::store::AppendError;
use crate::store::Durable;
use crate::store::Pending;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

/// Resolves once the disk has all that an acknowledgement promises: with the commit that has it, or
/// with `None` if the disk had it before. Only then may anybody be told.
///
/// Dropping it takes nothing back. It must be awaited before anything else is asked of the learner
/// by the same request.
#[must_use = "an acknowledgement that does not wait may promise what is lost"]
pub struct Ack(Inner);

enum Inner {
    Settled,
    /// Nothing new was decided, but what was decided before may not be on the disk yet, or a new
    /// receipt is wanted. Appended when it is waited for: a refusal never is.
    Again(Again),
    Waiting(Pending, InFlight),
}

struct Again {
    shards: Arc<Shards>,
    learner: LearnerId,
    /// The version of the state that is in doubt.
    doubted: Option<u16>,
    leaf: Option<[u8; 32]>,
}

impl Ack {
    /// Waits for what is in doubt, and for a receipt of `leaf`; for nothing, if there is neither.
    pub(super) fn again(
        shards: &Arc<Shards>,
        learner: LearnerId,
        doubted: Option<u16>,
        leaf: Option<[u8; 32]>,
    ) -> Self {
        if doubted.is_none() && leaf.is_none() {
            return Self(Inner::Settled);
        }
        Self(Inner::Again(Again {
            shards: Arc::clone(shards),
            learner,
            doubted,
            leaf,
        }))
    }

    pub(super) const fn waiting(pending: Pending, flight: InFlight) -> Self {
        Self(Inner::Waiting(pending, flight))
    }

    /// Whether there is nothing to wait for.
    pub const fn is_settled(&self) -> bool {
        matches!(self.0, Inner::Settled)
    }
}

impl Future for Ack {
    type Output = Result<Option<Durable>, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                Inner::Settled => return Poll::Ready(Ok(None)),
                Inner::Again(Again {
                    shards,
                    learner,
                    doubted,
                    leaf,
                }) => {
                    let (pending, flight) = shards.append_again(*learner, *doubted, *leaf)?;
                    self.0 = Inner::Waiting(pending, flight);
                }
                Inner::Waiting(pending, flight) => {
                    let answer = ready!(Pin::new(pending).poll(cx));
                    flight.land(match answer {
                        Ok(_) => Landing::Safe,
                        Err(_) => Landing::Refused,
                    });
                    self.0 = Inner::Settled;
                    return Poll::Ready(answer.map(Some));
                }
            }
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Settled => "Ack(settled)",
            Inner::Again(..) => "Ack(again)",
            Inner::Waiting(..) => "Ack(waiting)",
        })
    }
}

/// One append of a learner that the disk has not answered. If nobody waits for the answer, the
/// learner's facts are in doubt: their next acknowledgement appends them again.
pub(super) struct InFlight {
    learner: Option<(Arc<Shards>, LearnerId)>,
    task: Task,
}

/// How an append ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Landing {
    Safe,
    Refused,
    /// Nobody waited: most likely it is written.
    Unheard,
}

/// What is to be done at the end.
enum Task {
    Nothing,
    /// If it fails: put this back, unless the state has changed since.
    Undo(u16, Box<[u8]>),
    /// If it succeeds: all of this version is safe.
    Heal(u16),
}

impl InFlight {
    pub(super) const fn new(shards: Arc<Shards>, learner: LearnerId) -> Self {
        Self {
            learner: Some((shards, learner)),
            task: Task::Nothing,
        }
    }

    /// Of no learner: a receipt of what is safe already.
    pub(super) const fn of_nobody() -> Self {
        Self {
            learner: None,
            task: Task::Nothing,
        }
    }

    /// What the state was before version `version`.
    pub(super) fn with_undo(mut self, version: u16, before: Box<[u8]>) -> Self {
        self.task = Task::Undo(version, before);
        self
    }

    /// It carries the whole state of version `version`.
    pub(super) fn with_healing(mut self, version: u16) -> Self {
        self.task = Task::Heal(version);
        self
    }

    fn land(&mut self, landing: Landing) {
        let Some((shards, learner)) = self.learner.take() else {
            return;
        };
        let task = std::mem::replace(&mut self.task, Task::Nothing);
        let Some(mut resident) = shards.map.get_mut(&learner) else {
            return;
        };
        let alone = resident.is_alone();
        resident.end();
        let same = |version| alone && version == resident.version();
        match (landing, task) {
            (Landing::Safe, Task::Heal(version)) if same(version) => resident.trust(),
            (Landing::Safe, _) => {}
            (Landing::Refused, Task::Undo(version, before)) if same(version) => {
                // Nobody built on it: what was refused never happened.
                shards.put(&mut resident, before);
                shards.metrics.undone.add_one();
            }
            (Landing::Refused | Landing::Unheard, _) => resident.doubt(),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.land(Landing::Unheard);
    }
}

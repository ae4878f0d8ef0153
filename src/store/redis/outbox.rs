//! Whose newest state Redis lacks.

use crate::base::id::LearnerId;
use std::collections::VecDeque;

/// Learners that wait to be shipped, longest waiting first, those that others must hear of before
/// all. Their states stay where they are; an entry is 24 bytes.
///
/// One entry a learner: whoever [`push`](Self::push)es marks the learner as waiting and removes the
/// mark with [`take`](Self::take), under the learner's lock and together with the state that is
/// shipped. A change in between makes a new entry, and nothing is missed.
///
/// Beyond the bound the entries are given up for a sweep over everything this node has
/// ([`is_behind`](Self::is_behind)), which restart and a Redis that lost its memory need anyway.
#[derive(Debug)]
pub struct Outbox {
    after_ms: u64,
    len_max: usize,
    urgent: VecDeque<Waiting>,
    waiting: VecDeque<Waiting>,
    flying: Vec<Waiting>,
    behind: bool,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub learner: LearnerId,
    /// Since when, milliseconds of any clock that only goes forward.
    pub since_ms: u64,
    /// Whether other nodes must hear of it at once.
    pub urgent: bool,
}

impl Outbox {
    /// An empty one whose entries wait `after_ms` for more changes before they go, at most
    /// `len_max` of them.
    pub const fn new(after_ms: u64, len_max: usize) -> Self {
        Self {
            after_ms,
            len_max,
            urgent: VecDeque::new(),
            waiting: VecDeque::new(),
            flying: Vec::new(),
            behind: false,
        }
    }

    /// A learner changed who does not wait yet; an urgent one may wait already.
    pub fn push(&mut self, entry: Waiting) {
        if self.len() >= self.len_max {
            self.waiting.clear();
            self.urgent.clear();
            self.behind = true;
        } else if entry.urgent {
            self.urgent.push_back(entry);
        } else {
            self.waiting.push_back(entry);
        }
    }

    /// Takes up to `max` learners whose time has come; none while others are on their way. Ask for
    /// [`done`](Self::done) or [`failed`](Self::failed) then.
    pub fn take(&mut self, now_ms: u64, max: usize) -> Vec<Waiting> {
        if !self.flying.is_empty() {
            return Vec::new();
        }
        let after_ms = self.after_ms;
        let due = |entry: &Waiting| now_ms.saturating_sub(entry.since_ms) >= after_ms;
        let mut taken: Vec<Waiting> = Vec::new();
        while taken.len() < max
            && let Some(entry) = self.urgent.pop_front()
        {
            taken.push(entry);
        }
        while taken.len() < max && self.waiting.front().is_some_and(due) {
            taken.extend(self.waiting.pop_front());
        }
        self.flying.clone_from(&taken);
        taken
    }

    /// Milliseconds until something can be taken; `None`: nothing waits.
    pub fn due_in_ms(&self, now_ms: u64) -> Option<u64> {
        if !self.urgent.is_empty() {
            return Some(0);
        }
        let waited = now_ms.saturating_sub(self.waiting.front()?.since_ms);
        Some(self.after_ms.saturating_sub(waited))
    }

    /// What was taken is in Redis.
    pub fn done(&mut self) {
        self.flying.clear();
    }

    /// What was taken is not in Redis, as far as is known: it waits again, before all others.
    pub fn failed(&mut self) {
        for entry in self.flying.drain(..).rev() {
            match entry.urgent {
                true => self.urgent.push_front(entry),
                false => self.waiting.push_front(entry),
            }
        }
    }

    /// How many wait or are on their way.
    pub fn len(&self) -> usize {
        self.urgent.len() + self.waiting.len() + self.flying.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Since when the longest waiting waits; `None`: nobody does.
    pub fn oldest_ms(&self) -> Option<u64> {
        let fronts = [self.urgent.front(), self.waiting.front()];
        let all = fronts.into_iter().flatten().chain(&self.flying);
        all.map(|entry| entry.since_ms).min()
    }

    /// Whether entries were given up since [`sweeping`](Self::sweeping): everything this node has
    /// must be shipped.
    pub const fn is_behind(&self) -> bool {
        self.behind
    }

    /// A sweep over everything begins.
    pub const fn sweeping(&mut self) {
        self.behind = false;
    }

    /// A sweep is needed: Redis lost what it had, or the node has just started.
    pub const fn fall_behind(&mut self) {
        self.behind = true;
    }
}

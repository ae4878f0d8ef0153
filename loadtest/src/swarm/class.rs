//! The learners of one thread, each on a connection.

use crate::learn::Call;
use crate::learn::Learner;
use crate::learn::Lesson;
use crate::learn::Step;
use crate::ledger::Subject;
use crate::share::Share;
use crate::swarm::session::Asked;
use crate::swarm::session::Session;
use crate::tally::Purpose;
use bytes::Bytes;
use lamplight::quic::client::ClientError;
use lamplight::quic::client::ConnId;
use lamplight::quic::client::Request;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Learners by connection.
pub(super) struct Class {
    lesson: Arc<Lesson>,
    learners: HashMap<ConnId, (Learner, Stand)>,
    next: u64,
    step: u64,
}

/// How far a learner is before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Something is still to be done.
    Going,
    /// All is done.
    Ready,
    /// Something was refused.
    Failed,
}

impl Class {
    /// Nobody yet. Threads number their learners in turn.
    pub(super) fn new(lesson: Arc<Lesson>, share: &Share) -> Self {
        Self {
            lesson,
            learners: HashMap::new(),
            next: u64::from(share.thread),
            step: u64::from(share.common.threads),
        }
    }

    /// The next learner takes this connection.
    pub(super) fn admit(&mut self, conn: ConnId) {
        let learner = Learner::new(self.next);
        self.next += self.step;
        self.learners.insert(conn, (learner, Stand::Going));
    }

    /// How far the learner of a connection is.
    pub(super) fn stand(&self, conn: ConnId) -> Stand {
        let learner = self.learners.get(&conn);
        learner.map_or(Stand::Failed, |(_, stand)| *stand)
    }

    /// A reply came; the sentence says what is wrong with it.
    pub(super) fn take(
        &mut self,
        conn: ConnId,
        step: Step,
        status: u16,
        body: &[u8],
    ) -> Result<(), String> {
        let (learner, stand) = self
            .learners
            .get_mut(&conn)
            .ok_or("nobody asked for this")?;
        let taken = learner.take(step, status, body);
        if *stand == Stand::Going {
            *stand = match (&taken, learner.prepare(&self.lesson)) {
                (Err(_), _) => Stand::Failed,
                (Ok(()), None) => Stand::Ready,
                (Ok(()), Some(_)) => Stand::Going,
            };
        }
        taken
    }

    /// The next call of the learner on `conn`, and what it shows.
    fn next(&mut self, conn: ConnId, purpose: Purpose) -> Option<(Call, Option<String>)> {
        let (learner, _) = self.learners.get_mut(&conn)?;
        let call = match purpose {
            Purpose::Opening => learner.prepare(&self.lesson)?,
            Purpose::Load | Purpose::Check => learner.act(&self.lesson),
        };
        let shows = learner.authorization(call.step);
        Some((call, shows))
    }
}

impl Session<'_> {
    /// Sends the next call of the learner on `conn`.
    pub(super) fn call(
        &mut self,
        conn: ConnId,
        purpose: Purpose,
        intended: Instant,
        now: Instant,
    ) -> Asked {
        let next = self.class.as_mut().and_then(|c| c.next(conn, purpose));
        let Some((call, shows)) = next else {
            return Asked::Gone;
        };
        let mut fields = self.fields.clone().with("content-type", "application/json");
        if let Some(shows) = shows {
            fields = fields.with("authorization", &shows);
        }
        let request = Request {
            method: call.method,
            authority: &self.share.target.authority,
            target: &call.path,
            fields: &fields,
            body: Bytes::from(call.body),
        };
        let subject = Subject::Call(call.step);
        match self.client.request(conn, &request) {
            Ok(stream) => {
                let key = (conn, stream);
                self.ledger.begin(key, purpose, subject, intended, now);
                Asked::Sent
            }
            // What the learner wanted to say is said with a later number.
            Err(ClientError::StreamsExhausted) => Asked::Blocked,
            Err(other) => {
                let why = other.to_string();
                self.ledger.never_left(purpose, subject, &why);
                Asked::Gone
            }
        }
    }
}

//! Opening connections, each with one request, and asking each of them once more at the end.

use crate::pace::Pace;
use crate::share::Arrivals;
use crate::swarm::class::Stand;
use crate::swarm::session::Asked;
use crate::swarm::session::Session;
use crate::tally::Purpose;
use lamplight::quic::client::ConnId;
use std::time::Instant;

impl Session<'_> {
    /// Connections of the opening stage. A churn that resumes needs a first ticket.
    pub(super) const fn connections_wanted(&self) -> usize {
        match self.share.arrivals {
            Arrivals::Churn(_) => self.share.resume as usize,
            Arrivals::None | Arrivals::Closed(_) | Arrivals::Open(_) | Arrivals::Once(_) => {
                self.share.connections
            }
        }
    }

    /// Begins connections up to the number that may be under way.
    pub(super) fn open_more(&mut self, now: Instant) {
        while self.begun < self.connections_wanted() && self.unanswered < self.share.opening {
            let due = self.open_pace.as_mut().map(|pace| pace.take(now));
            if due == Some(None) {
                return;
            }
            self.begun += 1;
            self.unanswered += 1;
            if let Err(why) = self.connect(now) {
                self.unanswered -= 1;
                self.ledger.tally.refused += 1;
                self.board.opened.add_one();
                self.ledger.tally.fault(why.clone(), || why);
            }
        }
    }

    /// When the next connection is to be begun, if their rate is bounded.
    pub(super) fn next_opening(&self) -> Option<Instant> {
        let more = self.begun < self.connections_wanted();
        let room = self.unanswered < self.share.opening;
        let pace = self.open_pace.as_ref().filter(|_| more && room);
        pace.map(Pace::next_due)
    }

    /// Begins a handshake.
    pub(super) fn connect(&mut self, now: Instant) -> Result<ConnId, String> {
        let (server, name) = (self.share.address, &self.share.target.host);
        let conn = self.client.connect(now, server, name);
        let conn = conn.map_err(|e| e.to_string())?;
        self.pending.insert(conn, now);
        Ok(conn)
    }

    /// The first request of a connection that is up.
    pub(super) fn greet(&mut self, conn: ConnId, now: Instant) {
        if let Some(class) = &mut self.class {
            class.admit(conn);
        }
        let resource = self.any_resource();
        if self.ask(conn, Purpose::Opening, resource, now) != Asked::Sent {
            self.greeted(conn);
        }
    }

    /// A first request has ended, well or not. A learner may have more to prepare; one whose
    /// preparation failed takes no part.
    pub(super) fn prepared(&mut self, conn: ConnId, now: Instant) {
        let Some(class) = &self.class else {
            return self.greeted(conn);
        };
        match class.stand(conn) {
            Stand::Ready => self.greeted(conn),
            Stand::Going if self.ask(conn, Purpose::Opening, 0, now) == Asked::Sent => {}
            Stand::Going | Stand::Failed => {
                self.unanswered -= 1;
                self.board.opened.add_one();
            }
        }
    }

    /// The first request has ended: the connection is one of the fleet.
    pub(super) fn greeted(&mut self, conn: ConnId) {
        self.unanswered -= 1;
        self.board.opened.add_one();
        self.live.push(conn);
    }

    /// Asks connections that have not been checked, up to the number in flight.
    pub(super) fn check_more(&mut self, now: Instant) {
        while self.checking < self.share.checking {
            let Some(conn) = self.live.get(self.checked).copied() else {
                return;
            };
            let resource = self.any_resource();
            match self.ask(conn, Purpose::Check, resource, now) {
                Asked::Sent => self.checking += 1,
                Asked::Blocked => return,
                Asked::Gone => {}
            }
            self.checked += 1;
        }
    }
}

//! What the engine reports, accounted for.

use crate::ledger::Fault;
use crate::share::Arrivals;
use crate::swarm::session::Asked;
use crate::swarm::session::Session;
use crate::tally::Purpose;
use lamplight::quic::client::ConnId;
use lamplight::quic::client::Event;
use lamplight::quic::client::Handshake;
use std::time::Instant;

impl Session<'_> {
    /// Accounts for one event.
    pub(super) fn account(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected { conn, handshake } => self.connected(conn, handshake, now),
            Event::StreamsAvailable { conn } => self.top_up(conn, now),
            Event::Head {
                conn,
                stream,
                status,
                ..
            } => self.ledger.head((conn, stream), status.0),
            Event::Body {
                conn,
                stream,
                bytes,
            } => self.ledger.body((conn, stream), &bytes),
            Event::Done { conn, stream } => {
                let class = &mut self.class;
                let purpose = self.ledger.done((conn, stream), now, |step, status, body| {
                    let class = class.as_mut().ok_or("nobody asked for this")?;
                    class.take(conn, step, status, body)
                });
                self.follow_up(conn, purpose, now);
            }
            Event::Failed { conn, stream, code } => {
                let purpose = self.ledger.failed((conn, stream), &Fault::Reset(code));
                self.follow_up(conn, purpose, now);
            }
            Event::GoAway { .. } => {
                let why = "the server said GOAWAY";
                self.ledger.tally.fault(why.into(), || why.into());
            }
            Event::Closed { conn, reason } => self.closed(conn, &reason.to_string(), now),
        }
    }

    fn connected(&mut self, conn: ConnId, handshake: Handshake, now: Instant) {
        let Some(since) = self.pending.remove(&conn) else {
            return;
        };
        self.members.insert(conn);
        self.board.live.add(1);
        let tally = &mut self.ledger.tally;
        tally.connected += 1;
        tally.resumed += u64::from(handshake.resumed);
        tally.handshake.record(now.saturating_duration_since(since));
        let churns = matches!(self.share.arrivals, Arrivals::Churn(_));
        if !churns || self.unanswered > 0 {
            self.greet(conn, now);
            return;
        }
        // The one request of a short connection counts from the first packet of the handshake.
        let resource = self.any_resource();
        if self.ask(conn, Purpose::Load, resource, since) != Asked::Sent {
            self.load_ended(conn, now);
        }
    }

    fn follow_up(&mut self, conn: ConnId, purpose: Option<Purpose>, now: Instant) {
        if let Some(purpose) = purpose {
            self.ended(conn, purpose, now);
        }
    }

    /// A request has ended, well or not: what comes next on its connection.
    pub(super) fn ended(&mut self, conn: ConnId, purpose: Purpose, now: Instant) {
        match purpose {
            Purpose::Opening => self.prepared(conn, now),
            Purpose::Load => self.load_ended(conn, now),
            Purpose::Check => self.checking = self.checking.saturating_sub(1),
        }
    }

    /// A handshake came to nothing.
    pub(super) fn refused(&mut self, conn: ConnId, why: &str, now: Instant) {
        self.pending.remove(&conn);
        self.ledger.tally.refused += 1;
        let kind = format!("connection refused: {why}");
        self.ledger.tally.fault(kind.clone(), || kind);
        self.board.opened.add_one();
        if self.unanswered > 0 {
            self.unanswered -= 1;
        } else {
            self.churn(now);
        }
    }

    fn closed(&mut self, conn: ConnId, why: &str, now: Instant) {
        if self.pending.contains_key(&conn) {
            self.refused(conn, why, now);
            return;
        }
        if !self.members.remove(&conn) {
            return;
        }
        self.board.live.add(-1);
        self.ledger.tally.lost += 1;
        let kind = format!("connection lost: {why}");
        self.ledger.tally.fault(kind.clone(), || kind);
        let lost = Fault::Lost(why.into());
        for purpose in self.ledger.fail_all(|(owner, _)| *owner == conn, &lost) {
            self.ended(conn, purpose, now);
        }
    }
}

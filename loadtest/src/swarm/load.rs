//! Load in the measured window: closed loop, open loop, or churn of connections.

use crate::ledger::Subject;
use crate::pace::Pace;
use crate::pace::Window;
use crate::share::Arrivals;
use crate::share::Share;
use crate::swarm::session::Asked;
use crate::swarm::session::Session;
use crate::tally::Purpose;
use lamplight::quic::client::ConnId;
use lamplight::runtime;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

/// Requests that wait for a stream; more than this never leave, and are counted.
const WAITING_MAX: usize = 100_000;
/// Waiting requests tried again in one turn.
const RETRIES_PER_TURN: usize = 256;
/// Requests sent in one turn, so that a backlog does not keep answers waiting.
const SENT_PER_TURN: usize = 512;

/// A request whose time has come and whose connection has no stream free.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    conn: ConnId,
    resource: usize,
    intended: Instant,
}

/// Progress of the loaded interval.
#[derive(Debug, Default)]
pub(super) struct Loading {
    window: Option<Window>,
    pace: Option<Pace>,
    tick: Duration,
    waiting: VecDeque<Waiting>,
    /// Closed loop: requests in flight by connection.
    in_flight: HashMap<ConnId, usize>,
    /// Each once: connections that were asked.
    pub(super) asked: usize,
    begun: bool,
}

impl Loading {
    /// Load begins with the window's start; threads interleave.
    pub(super) fn begin(&mut self, share: &Share, window: Window) {
        self.window = Some(window);
        self.tick = share.common.tick.duration();
        if let Arrivals::Open(rate) = share.arrivals {
            let turn = f64::from(share.thread) / f64::from(share.common.threads) / rate;
            self.pace = Some(Pace::new(
                window.start + Duration::from_secs_f64(turn),
                rate,
            ));
        }
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether requests may still be started.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.window
            .is_some_and(|w| (w.start..w.until).contains(&now))
    }

    /// Whether requests leave by the clock now, in ticks.
    pub(super) fn is_paced(&self, now: Instant) -> bool {
        self.pace.is_some() && !self.tick.is_zero() && self.is_on(now)
    }

    /// When the next request is to leave, if that is known.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let window = self.window.filter(|w| now < w.until)?;
        match &self.pace {
            Some(pace) => Some(pace.next_due().max(now + self.tick)),
            None if self.begun => None,
            None => Some(window.start),
        }
    }
}

impl Session<'_> {
    /// Starts what is due of the load.
    pub(super) fn load_more(&mut self, now: Instant) {
        match self.share.arrivals {
            Arrivals::None => {}
            Arrivals::Open(_) => self.send_due(now),
            Arrivals::Once(bound) => self.ask_each(bound),
            Arrivals::Closed(_) | Arrivals::Churn(_)
                if self.loading.begun || !self.loading.is_on(now) => {}
            Arrivals::Closed(_) => {
                self.loading.begun = true;
                for index in 0..self.share.active.min(self.live.len()) {
                    if let Some(conn) = self.live.get(index).copied() {
                        self.top_up(conn, now);
                    }
                }
            }
            Arrivals::Churn(count) => {
                self.loading.begun = true;
                for _ in 0..count {
                    self.churn(now);
                }
            }
        }
    }

    /// Closed loop: fills a connection up to its number in flight.
    pub(super) fn top_up(&mut self, conn: ConnId, now: Instant) {
        let Arrivals::Closed(wanted) = self.share.arrivals else {
            return;
        };
        while self.loading.is_on(now) {
            if self
                .loading
                .in_flight
                .get(&conn)
                .is_some_and(|n| *n >= wanted)
            {
                return;
            }
            let resource = self.any_resource();
            if self.ask(conn, Purpose::Load, resource, now) != Asked::Sent {
                return;
            }
            *self.loading.in_flight.entry(conn).or_default() += 1;
        }
    }

    /// A request of the load has ended, well or not.
    pub(super) fn load_ended(&mut self, conn: ConnId, now: Instant) {
        match self.share.arrivals {
            Arrivals::None | Arrivals::Open(_) => {}
            Arrivals::Once(bound) => self.ask_each(bound),
            Arrivals::Closed(_) => {
                if let Some(count) = self.loading.in_flight.get_mut(&conn) {
                    *count = count.saturating_sub(1);
                }
                self.top_up(conn, now);
            }
            Arrivals::Churn(_) => {
                if self.members.contains(&conn) {
                    self.release(conn, now);
                }
                self.churn(now);
            }
        }
    }

    /// Each connection once; all are due when the window begins.
    fn ask_each(&mut self, bound: usize) {
        let Some(window) = self.loading.window else {
            return;
        };
        if runtime::now() < window.start {
            return;
        }
        while self.ledger.in_flight() < bound {
            let Some(conn) = self.live.get(self.loading.asked).copied() else {
                return;
            };
            self.loading.asked += 1;
            if self.ask(conn, Purpose::Load, 0, window.start) == Asked::Blocked {
                self.never_left(0);
            }
        }
    }

    /// Churn: one more connection, while load is on.
    pub(super) fn churn(&mut self, now: Instant) {
        if !self.loading.is_on(now) {
            return;
        }
        if let Err(why) = self.connect(now) {
            self.ledger.tally.refused += 1;
            self.ledger.tally.fault(why.clone(), || why);
        }
    }

    /// Open loop: sends what is due, first what has waited for a stream.
    fn send_due(&mut self, now: Instant) {
        self.retry(now);
        let until = self.loading.window.map_or(now, |w| w.until);
        for _ in 0..SENT_PER_TURN {
            let Some(pace) = self.loading.pace.as_mut().filter(|p| p.next_due() < until) else {
                return;
            };
            let Some(intended) = pace.take(now) else {
                return;
            };
            let index = self.choice.below(self.share.active.min(self.live.len()));
            let resource = self.any_resource();
            if let Some(conn) = self.live.get(index).copied() {
                self.late(now, intended);
                let waiting = Waiting {
                    conn,
                    resource,
                    intended,
                };
                self.send(waiting);
            }
        }
    }

    /// How late the generator itself is, whatever the server's streams allow.
    fn late(&mut self, now: Instant, intended: Instant) {
        if self.loading.window.is_some_and(|w| w.holds(intended)) {
            let lag = now.saturating_duration_since(intended);
            self.ledger.tally.lag.record(lag);
        }
    }

    fn send(&mut self, wanted: Waiting) {
        let Waiting {
            conn,
            resource,
            intended,
        } = wanted;
        if self.ask(conn, Purpose::Load, resource, intended) != Asked::Blocked {
            return;
        }
        if self.loading.waiting.len() < WAITING_MAX {
            self.loading.waiting.push_back(wanted);
        } else {
            self.never_left(resource);
        }
    }

    fn retry(&mut self, now: Instant) {
        let timeout = self.share.common.timeout.duration();
        for _ in 0..self.loading.waiting.len().min(RETRIES_PER_TURN) {
            let Some(waiting) = self.loading.waiting.pop_front() else {
                return;
            };
            if now.saturating_duration_since(waiting.intended) > timeout {
                self.never_left(waiting.resource);
            } else {
                self.send(waiting);
            }
        }
    }

    fn never_left(&mut self, resource: usize) {
        let subject = Subject::Resource(resource);
        self.ledger
            .never_left(Purpose::Load, subject, "no stream was free in time");
    }
}

//! Going away: tell everybody, let requests finish, close, in bounded time.

use crate::http::Service;
use crate::quic::server::connection::Connection;
use crate::quic::server::worker::Worker;
use crate::runtime::Phase;
use std::time::Duration;
use std::time::Instant;

/// How far a worker's end has come. Each stage visits every connection once, some each turn, so
/// that requests under way are not held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not begun.
    Open,
    /// The first GOAWAY goes out: no new connections, requests under way may still arrive
    /// (RFC 9114, 5.2).
    Notice { visited: usize, since: Instant },
    /// The second GOAWAY goes out: no new requests; who has none left is closed.
    Finish { visited: usize },
    /// The time is up: everybody is closed.
    Close { visited: usize },
}

impl<S: Service> Worker<S> {
    /// Whether newcomers are admitted.
    pub(super) fn is_welcoming(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Moves the end along; whether there is more to do at once.
    pub(super) fn drain(&mut self, now: Instant, phase: Phase) -> bool {
        let until = match phase {
            Phase::Running => return false,
            Phase::Draining { until } => until,
            Phase::Closed => now,
        };
        match self.stage {
            Stage::Open => {
                self.stage = Stage::Notice {
                    visited: 0,
                    since: now,
                }
            }
            Stage::Notice { .. } | Stage::Finish { .. } if now >= until => {
                self.stage = Stage::Close { visited: 0 };
            }
            Stage::Notice { visited, since } => {
                let visited = self.visit(visited, |connection| {
                    let mut goaway = Vec::new();
                    connection.h3.shutdown_notice(&mut goaway);
                    connection.tell(&goaway);
                });
                self.stage = Stage::Notice { visited, since };
                if visited >= self.connections.len() {
                    if now < since + NOTICE {
                        return false;
                    }
                    self.stage = Stage::Finish { visited: 0 };
                }
            }
            Stage::Finish { visited } => {
                let visited = self.visit(visited, |connection| {
                    let mut goaway = Vec::new();
                    connection.h3.goaway(&mut goaway);
                    connection.tell(&goaway);
                });
                self.stage = Stage::Finish { visited };
                return visited < self.connections.len();
            }
            Stage::Close { visited } => {
                let visited = self.visit(visited, |connection| {
                    connection.close(now, "the server stops");
                });
                self.stage = Stage::Close { visited };
                return visited < self.connections.len();
            }
        }
        true
    }

    /// Whether a connection that had its turn has nothing left to finish.
    pub(super) fn is_finished(&self, connection: &mut Connection) -> bool {
        let Stage::Finish { visited } = self.stage else {
            return false;
        };
        // The control stream never ends; every other stream is a reply not yet acknowledged.
        let sending = connection.quic.streams().send_streams();
        visited > connection.slot
            && !connection.quic.is_closed()
            && connection.exchanges.is_empty()
            && sending <= usize::from(connection.control.is_some())
    }

    /// When the drain must go on at the latest.
    pub(super) fn drain_deadline(&self, phase: Phase) -> Option<Instant> {
        let end = match phase {
            Phase::Draining { until } => Some(until),
            Phase::Running | Phase::Closed => None,
        };
        match self.stage {
            Stage::Notice { since, .. } => end.map(|end| end.min(since + NOTICE)),
            Stage::Open | Stage::Finish { .. } => end,
            Stage::Close { .. } => None,
        }
    }

    /// Whether the worker may stop: everybody was told, and the last packets are out.
    pub(super) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Open | Stage::Notice { .. } => false,
            Stage::Finish { visited } | Stage::Close { visited } => {
                self.open == 0 && visited >= self.connections.len() && self.dirty.is_empty()
            }
        }
    }

    fn visit(&mut self, from: usize, mut each: impl FnMut(&mut Connection)) -> usize {
        let to = (from + VISITS).min(self.connections.len());
        for slot in from..to {
            let place = self.connections.get_mut(slot).and_then(Option::as_mut);
            if let Some(connection) = place.filter(|c| !c.quic.is_closed()) {
                each(connection);
                self.mark(slot);
            }
        }
        to
    }
}

/// Connections visited a turn.
const VISITS: usize = 512;
/// Time between the two GOAWAYs, about a long round trip.
const NOTICE: Duration = Duration::from_millis(200);

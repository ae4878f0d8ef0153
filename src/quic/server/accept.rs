//! Who may come in.

use crate::h3;
use crate::http::Service;
use crate::quic::Metrics;
use crate::quic::server::connection::Connection;
use crate::quic::server::half_open::Prefix;
use crate::quic::server::worker::Worker;
use quinn_proto::Incoming;
use quinn_proto::Transmit;
use std::time::Instant;

/// What to do with a newcomer.
enum Verdict {
    Admit,
    /// Let it prove its address first (RFC 9000, 8.1.2).
    Retry,
    /// CONNECTION_REFUSED; counted by whoever decides.
    Refuse,
}

impl<S: Service> Worker<S> {
    /// Admits, asks back or refuses.
    pub(super) fn incoming(&mut self, now: Instant, line: u16, incoming: Incoming) {
        let prefix = Prefix::of(incoming.remote_address().ip());
        self.reply.clear();
        match self.judge(prefix, &incoming) {
            Verdict::Retry => {
                self.metrics.retried.add_one();
                if let Ok(transmit) = self.endpoint.retry(incoming, &mut self.reply) {
                    self.respond(line, &transmit);
                }
            }
            Verdict::Refuse => self.refuse(line, incoming),
            Verdict::Admit => self.admit(now, line, prefix, incoming),
        }
    }

    fn judge(&self, prefix: Prefix, incoming: &Incoming) -> Verdict {
        let Metrics { refused, .. } = &*self.metrics;
        let total = self.half_open.total();
        let unproven = !incoming.remote_address_validated() && incoming.may_retry();
        let reason = if !self.is_welcoming() {
            &refused.draining
        } else if total >= self.config.half_open_max {
            &refused.half_open
        } else if self.half_open.of(prefix) >= self.config.half_open_prefix_max {
            &refused.prefix
        } else if total >= self.config.half_open_retry && unproven {
            return Verdict::Retry;
        } else {
            return Verdict::Admit;
        };
        reason.add_one();
        Verdict::Refuse
    }

    fn refuse(&mut self, line: u16, incoming: Incoming) {
        let transmit = self.endpoint.refuse(incoming, &mut self.reply);
        self.respond(line, &transmit);
    }

    fn admit(&mut self, now: Instant, line: u16, prefix: Prefix, incoming: Incoming) {
        let Some(permit) = self.budget.permit() else {
            self.metrics.refused.budget.add_one();
            self.refuse(line, incoming);
            return;
        };
        let accepted = self.endpoint.accept(incoming, now, &mut self.reply, None);
        let (handle, quic) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                self.metrics.refused.handshake.add_one();
                if let Some(transmit) = error.response {
                    self.respond(line, &transmit);
                }
                return;
            }
        };
        self.serial = self.serial.wrapping_add(1);
        self.half_open.add(prefix);
        self.metrics.half_open.add(1);
        self.metrics.live.add(1);
        self.open += 1;
        let until = now + self.config.handshake_timeout.duration();
        self.insert(Box::new(Connection {
            quic,
            slot: handle.0,
            serial: self.serial,
            line,
            dirty: false,
            settled: false,
            writable: false,
            half_open: Some((prefix, until)),
            raised: None,
            stall: None,
            taken: 0,
            h3: h3::Connection::server(&self.h3),
            control: None,
            exchanges: Vec::new(),
            _permit: permit,
        }));
        self.mark(handle.0);
    }

    /// Sends what the endpoint put into `self.reply`.
    pub(super) fn respond(&mut self, line: u16, transmit: &Transmit) {
        self.metrics.stateless_replies.add_one();
        if let Some(line) = self.lines.get_mut(usize::from(line)) {
            line.send(
                transmit,
                self.reply.get(..transmit.size).unwrap_or_default(),
            );
        }
    }
}

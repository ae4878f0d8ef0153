//! The access log: one line for one request in so many.

use crate::base::network::Network;
use crate::http::Method;
use crate::http::Reply;
use crate::http::Version;
use std::cell::Cell;
use std::time::Duration;

/// Decides which requests are logged; one a worker.
#[derive(Debug)]
pub(crate) struct AccessLog {
    every: u32,
    until_next: Cell<u32>,
}

/// What is known of a logged request when its reply is ready. The client's network and not its
/// address, the path without query and signature: a log outlives its purpose.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) took: Duration,
    pub(crate) client: Network,
}

impl AccessLog {
    /// Logs one request in `every`; none at 0.
    pub(crate) const fn new(every: u32) -> Self {
        Self {
            every,
            until_next: Cell::new(0),
        }
    }

    /// Whether any request is logged.
    pub(crate) const fn is_on(&self) -> bool {
        self.every > 0
    }

    /// Whether this request is one to log.
    pub(crate) fn wants(&self) -> bool {
        if !self.is_on() {
            return false;
        }
        let left = self.until_next.get();
        self.until_next
            .set(if left == 0 { self.every - 1 } else { left - 1 });
        left == 0
    }
}

impl Line<'_> {
    /// Writes the line.
    pub(crate) fn write(&self, reply: &Reply) {
        let field = |name: &str| {
            let own = reply.extra.get_str(name);
            own.or_else(|| reply.head.fields().get_str(name))
        };
        tracing::info!(
            target: "lamplight::access",
            version = ?self.version,
            method = ?self.method,
            path = self.path,
            client = %self.client,
            status = reply.status().0,
            bytes = field("content-length").unwrap_or("0"),
            took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            cache = field("cache-status").unwrap_or("-"),
            request = field("x-request-id").unwrap_or("-"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_so_many_is_logged_and_none_at_zero() {
        let wanted = |every: u32| {
            let log = AccessLog::new(every);
            (0..12).filter(|_| log.wants()).count()
        };
        assert_eq!(
            (wanted(0), wanted(1), wanted(3), wanted(100)),
            (0, 12, 4, 1)
        );
    }
}

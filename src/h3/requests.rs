//! Which requests have come, so that GOAWAY and early PRIORITY_UPDATE frames can name them.

use crate::http::Priority;

/// The request streams of one connection, on the server.
#[derive(Debug)]
pub(crate) struct Requests {
    /// Stream id above every request that has come.
    next: u64,
    /// Bit `i` says that the request on stream `next - 4 - 4 i` has come.
    recent: u64,
    /// First request that is not accepted, once GOAWAY was sent.
    end: u64,
    /// Priorities of requests that have not come, oldest first; no allocation while empty.
    early: Vec<(u64, Priority)>,
}

impl Requests {
    pub(crate) const fn new() -> Self {
        Self {
            next: 0,
            recent: 0,
            end: u64::MAX,
            early: Vec::new(),
        }
    }

    /// First request that is not accepted any more.
    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    /// Accepts no request beyond those that came; returns the first refused one.
    pub(crate) fn close(&mut self) -> u64 {
        self.end = self.end.min(self.next);
        self.end
    }

    /// The head on `stream` has come; returns the priority that came before it.
    pub(crate) fn arrived(&mut self, stream: u64) -> Option<Priority> {
        if stream >= self.next {
            let steps = (stream - self.next) / 4 + 1;
            let shift = u32::try_from(steps).unwrap_or(u32::MAX);
            self.recent = self.recent.checked_shl(shift).unwrap_or(0) | 1;
            self.next = stream + 4;
        } else if let Some(bit) = self.bit(stream) {
            self.recent |= bit;
        }
        if self.early.is_empty() {
            return None;
        }
        let at = self.early.iter().position(|(id, _)| *id == stream)?;
        let (_, priority) = self.early.remove(at);
        if self.early.is_empty() {
            self.early = Vec::new();
        }
        Some(priority)
    }

    /// Whether the head on `stream` has come; of the long past, yes.
    pub(crate) fn has_arrived(&self, stream: u64) -> bool {
        stream < self.next && self.bit(stream).is_none_or(|bit| self.recent & bit != 0)
    }

    /// Remembers the priority of a request that has not come; beyond [`EARLY_MAX`] of them the
    /// oldest is forgotten, since a priority is advice.
    pub(crate) fn remember(&mut self, stream: u64, priority: Priority) {
        if let Some((_, known)) = self.early.iter_mut().find(|(id, _)| *id == stream) {
            *known = priority;
            return;
        }
        if self.early.len() >= EARLY_MAX {
            self.early.remove(0);
        }
        self.early.push((stream, priority));
    }

    fn bit(&self, stream: u64) -> Option<u64> {
        let back = (self.next.checked_sub(stream)? / 4).checked_sub(1)?;
        1_u64.checked_shl(u32::try_from(back).ok()?)
    }
}

/// Priorities remembered for requests that have not come.
const EARLY_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_out_of_order_are_told_apart() {
        let mut requests = Requests::new();
        for stream in [0, 12, 4] {
            assert!(!requests.has_arrived(stream));
            assert_eq!(requests.arrived(stream), None);
            assert!(requests.has_arrived(stream));
        }
        assert!(!requests.has_arrived(8) && !requests.has_arrived(16));
        requests.arrived(4 * 1000);
        assert!(requests.has_arrived(8), "long past");
        assert!(!requests.has_arrived(4 * 999));
        assert_eq!(requests.close(), 4 * 1001);
        requests.arrived(4 * 2000);
        assert_eq!(requests.close(), 4 * 1001, "a GOAWAY never takes back");
    }

    #[test]
    fn early_priorities_are_bounded_and_the_latest_counts() {
        let mut requests = Requests::new();
        let priority = |urgency| Priority {
            urgency,
            incremental: false,
        };
        for n in 0..100 {
            requests.remember(4 * n, priority(1));
            requests.remember(4 * n, priority(2));
        }
        assert_eq!(requests.early.len(), EARLY_MAX);
        assert_eq!(requests.arrived(0), None);
        assert_eq!(requests.arrived(4 * 99), Some(priority(2)));
        for n in 84..99 {
            assert_eq!(requests.arrived(4 * n), Some(priority(2)));
        }
        assert_eq!(
            requests.early.capacity(),
            0,
            "an idle connection holds no heap"
        );
    }
}

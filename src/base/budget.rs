//! One budget of live connections over every transport, handed out as permits.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// How many connections the process may still take; shared by all workers and transports.
#[derive(Debug)]
pub struct Budget {
    taken: AtomicUsize,
    max: usize,
}

impl Budget {
    /// A budget of `max` permits.
    pub const fn new(max: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            max,
        }
    }

    /// A permit, or `None` when all are taken: refuse the newcomer and count it.
    pub fn permit(self: &Arc<Self>) -> Option<Permit> {
        let take = |taken: usize| (taken < self.max).then_some(taken + 1);
        let taken = self.taken.fetch_update(Relaxed, Relaxed, take);
        taken.ok().map(|_| Permit(Arc::clone(self)))
    }

    /// Permits taken now.
    pub fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    /// Permits in all.
    pub const fn max(&self) -> usize {
        self.max
    }
}

/// The right to hold one connection; given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<Budget>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_makes_room_for_the_next() {
        let budget = Arc::new(Budget::new(2));
        let first = budget.permit();
        let second = budget.permit();
        assert!(first.is_some() && second.is_some());
        assert!(budget.permit().is_none(), "the newcomer is refused");
        drop(first);
        assert!(budget.permit().is_some());
        assert_eq!((budget.taken(), budget.max()), (1, 2));
    }
}

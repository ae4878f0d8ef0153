//! The stop signal every worker and listener watches: running → draining → closed, one way only.

use std::time::Instant;
use tokio::sync::watch;

/// Where the process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// New connections and requests are welcome.
    Running,
    /// No new connections; what runs may finish until the deadline.
    Draining {
        /// When the drain ends at the latest.
        until: Instant,
    },
    /// Drop what is left.
    Closed,
}

/// The receiving side; cheap to clone, one for every task that must notice.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Phase>);

/// The side that decides. Dropping every trigger closes.
#[derive(Debug, Clone)]
pub struct Trigger(watch::Sender<Phase>);

impl Shutdown {
    /// A signal in the phase `Running` and its trigger.
    pub fn new() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(Phase::Running);
        (Trigger(sender), Self(receiver))
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        match self.0.has_changed() {
            Ok(_) => *self.0.borrow(),
            Err(_) => Phase::Closed,
        }
    }

    /// Whether new work is still welcome.
    pub fn is_running(&self) -> bool {
        self.phase() == Phase::Running
    }

    /// Resolves once the phase is `Draining` or `Closed`. Dropping the future loses nothing.
    pub async fn draining(&mut self) -> Phase {
        self.wait(|phase| *phase != Phase::Running).await
    }

    /// Resolves once the phase is `Closed`. Dropping the future loses nothing.
    pub async fn closed(&mut self) {
        self.wait(|phase| *phase == Phase::Closed).await;
    }

    async fn wait(&mut self, until: impl FnMut(&Phase) -> bool) -> Phase {
        let phase = self.0.wait_for(until).await;
        phase.map_or(Phase::Closed, |phase| *phase)
    }
}

impl Trigger {
    /// Begins to drain; a second call and one after `close` change nothing.
    pub fn drain(&self, until: Instant) {
        self.0.send_if_modified(|phase| {
            let first = *phase == Phase::Running;
            if first {
                *phase = Phase::Draining { until };
            }
            first
        });
    }

    /// Ends at once.
    pub fn close(&self) {
        self.0.send_if_modified(|phase| {
            let first = *phase != Phase::Closed;
            *phase = Phase::Closed;
            first
        });
    }

    /// Another receiver.
    pub fn watch(&self) -> Shutdown {
        Shutdown(self.0.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::block_on;
    use crate::runtime::now;

    #[test]
    fn a_drain_never_goes_back_to_running_and_keeps_its_deadline() {
        let (trigger, mut shutdown) = Shutdown::new();
        assert!(shutdown.is_running());
        let until = now();
        trigger.drain(until);
        trigger.drain(until + std::time::Duration::from_secs(9));
        assert_eq!(shutdown.phase(), Phase::Draining { until });
        block_on(async { assert_eq!(shutdown.draining().await, Phase::Draining { until }) });
        trigger.close();
        trigger.drain(until);
        assert_eq!(shutdown.phase(), Phase::Closed);
    }

    #[test]
    fn a_lost_trigger_stops_the_workers_instead_of_orphaning_them() {
        let (trigger, mut shutdown) = Shutdown::new();
        drop(trigger);
        assert_eq!(shutdown.phase(), Phase::Closed);
        block_on(shutdown.closed());
    }
}

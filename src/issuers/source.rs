//! One issuer as it is now, and when its keys are asked for.

use crate::identity::Issuer;
use crate::identity::KeySet;
use crate::issuers::kept::Kept;
use crate::runtime::client::Origin;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::watch;

/// A key that an issuer does not have is asked for at most so often: whoever makes up names of keys
/// does not make us knock at somebody's door.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(60);

/// An issuer and where its keys come from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) place: Place,
    /// Rules and present keys.
    pub(super) issuer: ArcSwap<Issuer>,
    asking: Mutex<Asking>,
    /// Wakes the fetcher.
    wanted: Notify,
    /// Fetches ended so far.
    ended: watch::Sender<u64>,
}

/// Where a key set lies.
#[derive(Debug)]
pub(super) enum Place {
    /// Made by ourselves.
    Here,
    File(PathBuf),
    Url {
        origin: Origin,
        path: String,
        kept: Kept,
    },
}

#[derive(Debug, Default)]
struct Asking {
    /// Whether a fetch is under way or about to begin.
    busy: bool,
    /// When a log-in last caused one.
    at: Option<Instant>,
    /// Whether the last one brought no set.
    failed: bool,
}

/// What became of asking for fresher keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// There are other keys than before: try again.
    Fresher,
    /// The keys are as they were, and the issuer says so.
    Same,
    /// The issuer cannot be asked at the moment.
    Away,
}

impl Source {
    pub(super) fn new(place: Place, issuer: Issuer) -> Self {
        Self {
            place,
            issuer: ArcSwap::from_pointee(issuer),
            asking: Mutex::default(),
            wanted: Notify::new(),
            ended: watch::Sender::new(0),
        }
    }

    pub(super) fn name(&self) -> String {
        self.issuer.load().rules().issuer.clone()
    }

    pub(super) fn has_keys(&self) -> bool {
        self.issuer.load().keys().names().next().is_some()
    }

    /// Takes a good set.
    pub(super) fn take(&self, keys: KeySet) {
        let fresh = self.issuer.load().with_keys(keys);
        self.issuer.store(Arc::new(fresh));
    }

    /// Waits for keys that are fresher than those of `tried`, for `patience` at most. `now` is the
    /// time of asking.
    pub(super) async fn fresher(
        &self,
        tried: &Arc<Issuer>,
        now: Instant,
        patience: Duration,
    ) -> Asked {
        // Before anything is looked at, so that no end is missed.
        let mut ended = self.ended.subscribe();
        if self.differs(tried) {
            return Asked::Fresher;
        }
        if !matches!(self.place, Place::Url { .. }) {
            return Asked::Same;
        }
        if self.ask(now) {
            // Both ends of the wait are looked at below.
            drop(tokio::time::timeout(patience, ended.changed()).await);
        }
        if self.differs(tried) {
            return Asked::Fresher;
        }
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.busy || asking.failed {
            Asked::Away
        } else {
            Asked::Same
        }
    }

    /// When log-ins may ask again, if they may not yet.
    pub(super) fn waits(&self, now: Instant) -> Duration {
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let next = asking.at.map(|at| at + ASK_EVERY);
        next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    /// A reload: asks the fetcher for a fetch soon, whoever asked when.
    pub(super) fn refresh(&self) {
        self.wanted.notify_one();
    }

    /// Resolves when somebody wants a fetch.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// The fetcher begins.
    pub(super) fn begin(&self) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.busy = true;
    }

    /// The fetcher is done; a good set was taken before.
    pub(super) fn end(&self, failed: bool) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.busy = false;
        asking.failed = failed;
        drop(asking);
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Whether a fetch is under way, caused by this call if need be.
    fn ask(&self, now: Instant) -> bool {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.busy {
            return true;
        }
        let soon = |at: Instant| now.saturating_duration_since(at) < ASK_EVERY;
        if asking.at.is_some_and(soon) {
            return false;
        }
        asking.at = Some(now);
        asking.busy = true;
        drop(asking);
        self.wanted.notify_one();
        true
    }

    fn differs(&self, tried: &Arc<Issuer>) -> bool {
        !Arc::ptr_eq(&self.issuer.load(), tried)
    }
}

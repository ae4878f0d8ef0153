//! Bringing a learner back, once, however many ask.

use crate::base::id::LearnerId;
use crate::base::limits::LEARNERS_LOADING_MAX;
use crate::runtime;
use crate::session::State;
use crate::shards::Cold;
use crate::shards::ShardError;
use crate::shards::Shards;
use crate::shards::facts;
use crate::shards::resident::Place;
use crate::shards::resident::Resident;
use crate::shards::table::encoded;
use dashmap::Entry;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::watch;

/// How long a newcomer waits for memory.
const RELIEF_WITHIN: Duration = Duration::from_secs(1);

type Outcome = Option<Result<(), ShardError>>;

/// Loads under way.
#[derive(Debug, Default)]
pub(super) struct Loading(Mutex<HashMap<LearnerId, watch::Receiver<Outcome>>>);

/// One load. At its end, whichever way it comes, the next one who asks begins anew; before anybody
/// is told, so that whoever asks from here on finds the learner.
struct Flight {
    shards: Arc<Shards>,
    learner: LearnerId,
    outcome: watch::Sender<Outcome>,
}

impl Loading {
    fn lock(&self) -> MutexGuard<'_, HashMap<LearnerId, watch::Receiver<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.shards.loading.lock().remove(&self.learner);
    }
}

impl Shards {
    /// Resolves when the learner is in memory. Dropping the future stops no load: others may wait
    /// for it.
    ///
    /// # Errors
    /// [`ShardError`].
    pub(super) async fn load(self: &Arc<Self>, learner: LearnerId) -> Result<(), ShardError> {
        let mut outcome = self.join_load(learner)?;
        let ended = outcome.wait_for(Option::is_some).await;
        match ended {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            Err(_ended) => Err(ShardError::Load("the server is stopping".to_owned())),
        }
    }

    /// The load of this learner that is under way, or a new one.
    fn join_load(
        self: &Arc<Self>,
        learner: LearnerId,
    ) -> Result<watch::Receiver<Outcome>, ShardError> {
        let mut loading = self.loading.lock();
        if let Some(under_way) = loading.get(&learner) {
            self.metrics.collapsed.add_one();
            return Ok(under_way.clone());
        }
        if loading.len() >= LEARNERS_LOADING_MAX {
            return Err(ShardError::Full);
        }
        let (sender, receiver) = watch::channel(None);
        loading.insert(learner, receiver.clone());
        drop(loading);
        let flight = Flight {
            shards: Arc::clone(self),
            learner,
            outcome: sender,
        };
        runtime::spawn("learner", async move {
            let loaded = flight.shards.bring(learner).await;
            let outcome = flight.outcome.clone();
            drop(flight);
            outcome.send_replace(Some(loaded));
        });
        Ok(receiver)
    }

    async fn bring(self: &Arc<Self>, learner: LearnerId) -> Result<(), ShardError> {
        if !self.has_room(0) && !self.map.contains_key(&learner) {
            self.relief().await?;
        }
        // It is on its way while the disk is read.
        let shared = self.redis.as_ref().map(|redis| redis.load(learner));
        let state = match self.cold.clone() {
            None => None,
            Some(cold) => self.read_cold(cold, learner).await?,
        };
        let mut state = state.unwrap_or_default();
        let (mut is_missed, mut has_news) = (false, false);
        if let Some(shared) = shared {
            match shared.await {
                Ok(Some(theirs)) => {
                    let ours = state.clone();
                    state.join(&theirs);
                    has_news = state != ours;
                }
                Ok(None) => {}
                // Nobody waits for Redis to come back; what others know is joined then.
                Err(_away) => is_missed = true,
            }
        }
        self.install(learner, state)?;
        if is_missed {
            self.lack(learner, Place::Redis);
        }
        // Whoever was shipped from memory must not be shipped again from where less is known: it
        // would be written over what Redis has by then.
        if has_news && self.cold.is_some() {
            self.lack(learner, Place::Snapshots);
        }
        Ok(())
    }

    async fn read_cold(
        &self,
        cold: Arc<dyn Cold>,
        learner: LearnerId,
    ) -> Result<Option<State>, ShardError> {
        let read = runtime::blocking("learner", move || cold.load(learner)).await;
        let read = read.unwrap_or_else(|panicked| Err(panicked.to_string()));
        read.map_err(|error| {
            tracing::error!(%error, ?learner, "a learner cannot be read");
            self.metrics.loads_failed.add_one();
            ShardError::Load(error)
        })
    }

    /// Waits for memory, which the keeper is asked to free.
    async fn relief(&self) -> Result<(), ShardError> {
        let relieved = self.relieved.notified();
        self.pressed.notify_one();
        let waited = tokio::time::timeout(RELIEF_WITHIN, relieved).await;
        if waited.is_err() || !self.has_room(0) {
            return Err(ShardError::Full);
        }
        Ok(())
    }

    /// Puts a learner into memory, with what is known of them there already.
    fn install(&self, learner: LearnerId, state: State) -> Result<(), ShardError> {
        let tick = self.calendar.tick();
        match self.map.entry(learner) {
            Entry::Vacant(entry) => {
                drop(self.welcome(entry, Resident::whole(encoded(&state), tick)));
            }
            Entry::Occupied(mut entry) => {
                let resident = entry.get_mut();
                if !resident.is_whole() {
                    let state = facts::applied(state, resident.bytes());
                    let state = state.map_err(|error| ShardError::Load(error.to_string()))?;
                    self.put(resident, encoded(&state));
                    resident.touch(tick);
                }
            }
        }
        Ok(())
    }
}

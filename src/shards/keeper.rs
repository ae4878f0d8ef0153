//! The task behind the learners: snapshots, what the journal may forget, who leaves memory.

use crate::base::id::LearnerId;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::shards::Cold;
use crate::shards::Shards;
use crate::shards::facts;
use crate::shards::resident::Place;
use crate::shards::table::encoded;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long a tick is, and how often there is a look at what is due.
const EVERY: Duration = Duration::from_secs(1);
/// Learners of one snapshot batch: some MiB, so that neither memory nor the disk notices.
const BATCH: usize = 2048;
/// Ticks between two looks for idle learners; each walks the whole map.
const IDLE_EVERY: u32 = 10;

/// Ages in ticks are counted in classes, each twice as old.
const AGES: usize = 33;

/// Keeps the learners until `stop` closes, then writes the last snapshots. Of them nothing that was
/// acknowledged depends: they make the next start short, and they end at `until` at the latest
/// after the stop.
pub async fn keep(shards: Arc<Shards>, mut stop: Shutdown, last: Duration) {
    let begun = runtime::now();
    let mut looked = 0;
    loop {
        let pressed = tokio::select! {
            () = stop.closed() => break,
            () = shards.pressed.notified() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let tick = shards.begin_tick(begun);
        let due = match pressed {
            true => tick,
            false => tick.saturating_sub(ticks(shards.config.snapshot_after.duration())),
        };
        shards.save_due(due, None).await;
        let idle = tick >= looked + IDLE_EVERY;
        if idle {
            looked = tick;
        }
        if pressed || idle || shards.bytes() > shards.high_water() {
            shards.let_go(tick);
        }
        shards.relieved.notify_waiters();
    }
    let tick = shards.begin_tick(begun);
    shards.save_due(tick, Some(runtime::now() + last)).await;
}

fn ticks(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// A learner on the way to the snapshots.
struct Leaving {
    learner: LearnerId,
    since: u32,
    version: u16,
}

impl Shards {
    /// Begins the tick of now.
    fn begin_tick(&self, begun: Instant) -> u32 {
        // Everything before the first stands in the two ticks of the start.
        let elapsed = runtime::now().saturating_duration_since(begun);
        let tick = ticks(elapsed).saturating_add(3);
        if let Some(journal) = self.journal() {
            self.calendar.begin(tick, journal.mark());
        }
        self.calendar.tick()
    }

    const fn high_water(&self) -> usize {
        self.budget / 16 * 15
    }

    /// Writes snapshots of all who changed in tick `due` or before, in batches, until `limit`.
    pub(super) async fn save_due(self: &Arc<Self>, due: u32, limit: Option<Instant>) {
        let Some(cold) = self.cold.clone() else {
            return;
        };
        loop {
            let taken = self.calendar.take(Place::Snapshots, due, BATCH);
            if taken.learners.is_empty() {
                break;
            }
            let (shards, cold) = (Arc::clone(self), Arc::clone(&cold));
            let saved = move || shards.save(&*cold, &taken.learners, taken.mark);
            let saved = runtime::blocking("snapshots", saved).await;
            let failed = !matches!(saved, Ok(true));
            if failed || limit.is_some_and(|limit| runtime::now() >= limit) {
                return;
            }
        }
        self.forget(cold).await;
    }

    /// Lets the journal forget what the snapshots have.
    async fn forget(self: &Arc<Self>, cold: Arc<dyn Cold>) {
        let Some(journal) = self.journal().cloned() else {
            return;
        };
        // Nothing is kept for Redis: whoever was not shipped is, from the snapshots, after a start.
        let mark = self.calendar.needed_by(Place::Snapshots);
        // The snapshots must know first: what they say they have may then be missing here.
        let told = runtime::blocking("snapshots", move || cold.save(&[], mark)).await;
        match told {
            Ok(Ok(())) => {
                if let Err(error) = journal.forget(mark).await {
                    tracing::error!(%error, "the journal cannot drop what is no longer needed");
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "snapshots cannot be written"),
            Err(panicked) => tracing::error!("{panicked}"),
        }
    }

    /// Writes one batch; blocks. False if nothing of it could be written: then all of it is tried
    /// again.
    fn save(&self, cold: &dyn Cold, learners: &[LearnerId], mark: u64) -> bool {
        let mut batch = Vec::with_capacity(learners.len());
        let mut leaving = Vec::with_capacity(learners.len());
        let mut unreadable = None;
        for learner in learners {
            match self.set_out(cold, *learner) {
                Ok(None) => {}
                Ok(Some((one, bytes))) => {
                    batch.push((one.learner, bytes));
                    leaving.push(one);
                }
                Err(error) => {
                    // Holds nobody else up; the journal keeps what it has of them.
                    let later = self.calendar.tick().saturating_add(1);
                    self.calendar
                        .put_back(Place::Snapshots, *learner, later, mark);
                    unreadable = Some(error);
                }
            }
        }
        let saved = match batch.is_empty() {
            true => Ok(()),
            false => cold.save(&batch, 0),
        };
        match &saved {
            Ok(()) => {
                self.metrics.saved.add(leaving.len() as u64);
                leaving.iter().for_each(|one| self.arrive(one));
            }
            Err(_) => self.come_back(&leaving, mark),
        }
        let stuck = saved.is_err() || batch.is_empty() && unreadable.is_some();
        if let Some(error) = saved.err().or(unreadable) {
            self.metrics.saves_failed.add_one();
            tracing::error!(%error, "snapshots cannot be written; the journal keeps everything");
        }
        !stuck
    }

    /// The bytes of a learner's snapshot. Of one of whom only facts are known, with what the
    /// snapshots have.
    fn set_out(
        &self,
        cold: &dyn Cold,
        learner: LearnerId,
    ) -> Result<Option<(Leaving, Vec<u8>)>, String> {
        let mut rest = None;
        let mut resident = loop {
            let Some(resident) = self.map.get_mut(&learner) else {
                return Ok(None);
            };
            if resident.is_whole() || rest.is_some() {
                break resident;
            }
            drop(resident);
            rest = Some(cold.load(learner)?.unwrap_or_default());
        };
        if !resident.is_lacked_by(Place::Snapshots) {
            return Ok(None);
        }
        let bytes = match rest.filter(|_rest| !resident.is_whole()) {
            None => resident.bytes().to_vec(),
            Some(rest) => {
                let state = facts::applied(rest, resident.bytes());
                encoded(&state.map_err(|error| error.to_string())?).into_vec()
            }
        };
        let since = resident.set_out(Place::Snapshots);
        let version = resident.version();
        let one = Leaving {
            learner,
            since,
            version,
        };
        Ok(Some((one, bytes)))
    }

    fn arrive(&self, one: &Leaving) {
        if let Some(mut resident) = self.map.get_mut(&one.learner) {
            resident.arrived(Place::Snapshots);
            if resident.version() == one.version {
                resident.trust();
            }
        }
    }

    fn come_back(&self, all: &[Leaving], mark: u64) {
        for one in all {
            if let Some(mut resident) = self.map.get_mut(&one.learner) {
                resident.arrived(Place::Snapshots);
                resident.mark(Place::Snapshots, one.since);
                self.calendar
                    .put_back(Place::Snapshots, one.learner, one.since, mark);
            }
        }
    }

    /// Lets learners leave memory who are safe elsewhere: the idle ones, and above the high-water
    /// mark those who were away longest, until an eighth below it. Holds one lock of the map at a
    /// time, for as long as it takes to look at its learners.
    pub(super) fn let_go(&self, tick: u32) {
        if self.cold.is_none() {
            return;
        }
        let idle = ticks(self.config.idle.duration());
        self.let_go_from(tick, idle);
        if self.bytes() > self.high_water() {
            let excess = self.bytes() - self.budget / 16 * 13;
            let age = self.age_of_oldest(tick, excess);
            self.let_go_from(tick, age);
        }
    }

    /// Lets go who can and was not asked for in so many ticks.
    fn let_go_from(&self, tick: u32, age: u32) {
        let (mut count, mut bytes) = (0, 0);
        self.map.retain(|_learner, resident| {
            let leaves = tick.saturating_sub(resident.touched()) >= age && resident.is_clean();
            if leaves {
                count += 1;
                bytes += resident.weight();
            }
            !leaves
        });
        self.weigh(bytes, 0);
        self.metrics.residents.add(-count);
        self.metrics.evicted.add(count.unsigned_abs());
    }

    /// The age from which on those who can leave weigh `excess`; 0 if all together do not.
    fn age_of_oldest(&self, tick: u32, excess: usize) -> u32 {
        let mut ages = [0_usize; AGES];
        for resident in &self.map {
            let age = tick.saturating_sub(resident.touched());
            let class = AGES - 1 - age.leading_zeros() as usize;
            if resident.is_clean()
                && let Some(weight) = ages.get_mut(class)
            {
                *weight += resident.weight();
            }
        }
        let mut freed = 0;
        for (class, weight) in ages.iter().enumerate().rev() {
            freed += weight;
            if freed >= excess && class > 0 {
                return 1 << (class - 1);
            }
        }
        0
    }
}

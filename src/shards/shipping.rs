//! The task between memory and Redis: ships who changed here, hears who changed elsewhere.
//!
//! What is shipped may be ahead of the disk by one commit. If the disk then refuses that, it comes
//! back from Redis: nobody was told that it counts, and whoever repeats it finds it known.

use crate::base::id::LearnerId;
use crate::base::limits::LEARNERS_LACKING_MAX;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::session::State;
use crate::shards::Cold;
use crate::shards::Shards;
use crate::shards::calendar::RECOVERED;
use crate::shards::facts;
use crate::shards::resident::Place;
use crate::shards::table::encoded;
use crate::store::Redis;
use crate::store::RedisHealth;
use crate::store::Shipped;
use crate::store::redis::Event;
use crate::store::redis::Pace;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc;

/// How often there is a look at what is due.
const EVERY: Duration = Duration::from_millis(500);
/// Batches that are shipped before there is another look at what else happens.
const BATCHES: usize = 16;
/// Between two batches of a sweep, so that a node that fills an empty Redis serves its learners.
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

/// Ships learners until `stop` closes, then those who are left, for `last` at most. `after` is how
/// long the changes of a learner gather.
pub async fn ship(
    shards: Arc<Shards>,
    mut events: mpsc::Receiver<Event>,
    after: Duration,
    mut stop: Shutdown,
    last: Duration,
) {
    let Some(redis) = shards.redis.clone() else {
        return;
    };
    let mut shipping = Shipping {
        shards,
        redis,
        after: u32::try_from(after.as_secs()).unwrap_or(u32::MAX),
        pace: Pace::default(),
        behind: false,
        sweep: None,
    };
    loop {
        let wait = shipping.turn(None).await;
        tokio::select! {
            () = stop.closed() => break,
            Some(event) = events.recv() => shipping.hear(event).await,
            () = shipping.shards.urged.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    let until = runtime::now() + last;
    shipping.after = 0;
    // A sweep is begun anew after the next start.
    shipping.sweep = None;
    while shipping.shards.lacking() > 0 && runtime::now() < until && shipping.answers() {
        let wait = shipping.turn(Some(until)).await;
        tokio::time::sleep(wait.min(EVERY / 10)).await;
    }
}

struct Shipping {
    shards: Arc<Shards>,
    redis: Redis,
    /// Ticks that changes gather.
    after: u32,
    pace: Pace,
    /// Everything is to be shipped once Redis answers.
    behind: bool,
    sweep: Option<Sweep>,
}

/// Everything that rests, on its way to Redis.
struct Sweep {
    rest: Rest,
    /// What did not arrive.
    page: Vec<(LearnerId, State)>,
}

/// Learners at rest, one after the other.
type Rest = Box<dyn Iterator<Item = Result<(LearnerId, State), String>> + Send>;

/// A learner on the way to Redis, and since when that lacks something.
struct Leaving {
    learner: LearnerId,
    since: u32,
}

impl Shipping {
    /// Ships what is due; gives how long to wait until the next look.
    async fn turn(&mut self, until: Option<Instant>) -> Duration {
        if self.shards.lacking() > LEARNERS_LACKING_MAX {
            self.shards.calendar.clear(Place::Redis);
            self.behind = true;
        }
        if !self.answers() {
            return EVERY;
        }
        if std::mem::take(&mut self.behind) {
            self.begin_sweep().await;
        }
        let mut whom = self.shards.take_urged();
        for _ in 0..BATCHES {
            if whom.is_empty() {
                let tick = self.shards.calendar.tick();
                let due = tick.saturating_sub(self.after);
                let taken = self
                    .shards
                    .calendar
                    .take(Place::Redis, due, Redis::BATCH_MAX);
                whom = taken.learners;
            }
            if whom.is_empty() {
                return self.sweep_on().await;
            }
            if let Err(wait) = self.ship(std::mem::take(&mut whom)).await {
                return wait;
            }
            if until.is_some_and(|until| runtime::now() >= until) {
                break;
            }
        }
        Duration::ZERO
    }

    fn answers(&self) -> bool {
        let health = self.redis.health();
        matches!(health, RedisHealth::Well | RedisHealth::Refusing(_))
    }

    /// Ships these learners, those who wait for it; `Err`: it failed, how long to wait.
    async fn ship(&mut self, mut whom: Vec<LearnerId>) -> Result<(), Duration> {
        let rest = whom.split_off(whom.len().min(Redis::BATCH_MAX));
        rest.into_iter()
            .for_each(|learner| self.shards.urge(learner));
        let shards = Arc::clone(&self.shards);
        let packed = runtime::blocking("shipping", move || shards.pack(&whom)).await;
        let Ok((batch, leaving)) = packed else {
            return Err(EVERY);
        };
        if batch.is_empty() {
            return Ok(());
        }
        match self.redis.ship(batch).await {
            Ok(shipped) => {
                self.pace.worked();
                self.shards.arrive_in_redis(&leaving, shipped);
                Ok(())
            }
            Err(_away) => {
                self.shards.come_back_from_redis(&leaving);
                Err(self.wait())
            }
        }
    }

    fn wait(&mut self) -> Duration {
        Duration::from_millis(self.pace.failed(runtime::random::number()))
    }

    async fn begin_sweep(&mut self) {
        let shards = Arc::clone(&self.shards);
        let begun = runtime::blocking("shipping", move || {
            shards.calendar.clear(Place::Redis);
            shards.lack_all();
            shards.cold.as_ref().map(|cold| cold.all())
        });
        let rest = begun.await.unwrap_or(None);
        let page = Vec::new();
        self.sweep = rest.map(|rest| Sweep { rest, page });
        tracing::info!(learners = self.shards.len(), "shipping everything to Redis");
    }

    /// Ships the next of those who rest and are not in memory.
    async fn sweep_on(&mut self) -> Duration {
        let Some(Sweep { mut rest, mut page }) = self.sweep.take() else {
            return EVERY;
        };
        if page.is_empty() {
            let shards = Arc::clone(&self.shards);
            let read = runtime::blocking("shipping", move || {
                let page = shards.page(&mut rest);
                (rest, page)
            });
            match read.await {
                Ok((read, next)) => (rest, page) = (read, next),
                Err(_panicked) => return EVERY,
            }
        }
        if page.is_empty() {
            tracing::info!("everything is in Redis");
            return EVERY;
        }
        let wait = match self.redis.ship(page.clone()).await {
            Ok(shipped) => {
                page.clear();
                let left = shipped.into_iter().filter(|one| one.outcome.is_err());
                for one in left {
                    let tick = self.shards.calendar.tick();
                    self.shards
                        .calendar
                        .put_back(Place::Redis, one.learner, tick, 0);
                }
                SWEEP_PAUSE
            }
            Err(_away) => self.wait(),
        };
        self.sweep = Some(Sweep { rest, page });
        wait
    }

    async fn hear(&mut self, event: Event) {
        let learners = match event {
            Event::Behind => {
                self.behind = true;
                return;
            }
            Event::Changed(learners) => learners,
        };
        let here = learners.into_iter();
        let here = here.filter(|learner| self.shards.has_whole(*learner));
        // All are asked for before the first is waited for.
        let loads: Vec<_> = here.map(|id| (id, self.redis.load(id))).collect();
        for (learner, load) in loads {
            match load.await {
                Ok(Some(state)) => self.shards.join_news(learner, &state),
                Ok(None) => {}
                // Shipping brings back what others know.
                Err(_away) => self.shards.lack(learner, Place::Redis),
            }
        }
    }
}

impl Shards {
    /// Learners whose newest state Redis lacks.
    fn lacking(&self) -> usize {
        self.calendar.count(Place::Redis)
    }

    /// Redis may lack everybody in memory.
    fn lack_all(&self) {
        for mut resident in self.map.iter_mut() {
            let learner = *resident.key();
            resident.mark(Place::Redis, RECOVERED);
            self.calendar.note(Place::Redis, learner, RECOVERED);
        }
    }

    /// A place may lack what is known of a learner, or know more.
    pub(super) fn lack(&self, learner: LearnerId, place: Place) {
        if let Some(mut resident) = self.map.get_mut(&learner) {
            let tick = self.calendar.tick();
            if resident.mark(place, tick) {
                self.calendar.note(place, learner, tick);
            }
        }
    }

    fn has_whole(&self, learner: LearnerId) -> bool {
        let resident = self.map.get(&learner);
        resident.is_some_and(|resident| resident.is_whole())
    }

    /// The states of learners on their way to Redis: from memory, else from where they rest.
    /// Blocks.
    fn pack(&self, learners: &[LearnerId]) -> (Vec<(LearnerId, State)>, Vec<Leaving>) {
        let mut batch = Vec::with_capacity(learners.len());
        let mut leaving = Vec::with_capacity(learners.len());
        for learner in learners {
            match self.pack_one(*learner) {
                Ok(None) => {}
                Ok(Some((state, since))) => {
                    let learner = *learner;
                    // Nobody may be in one batch twice.
                    if !leaving.iter().any(|one: &Leaving| one.learner == learner) {
                        leaving.push(Leaving { learner, since });
                        batch.push((learner, state));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, ?learner, "a learner cannot be read for Redis");
                    let tick = self.calendar.tick();
                    self.calendar.put_back(Place::Redis, *learner, tick, 0);
                }
            }
        }
        (batch, leaving)
    }

    /// A learner's state, and since when Redis lacks something; `None`: it does not any more.
    fn pack_one(&self, learner: LearnerId) -> Result<Option<(State, u32)>, String> {
        let rest = |cold: &Arc<dyn Cold>| cold.load(learner);
        let mut at_rest = None;
        loop {
            let Some(mut resident) = self.map.get_mut(&learner) else {
                // Left memory meanwhile: everything is where learners rest.
                let state = self.cold.as_ref().map(rest).transpose()?.flatten();
                return Ok(state.map(|state| (state, RECOVERED)));
            };
            if !resident.is_lacked_by(Place::Redis) {
                return Ok(None);
            }
            let state = match (resident.is_whole(), at_rest.take()) {
                (true, _) => resident.state(),
                (false, Some(state)) => facts::applied(state, resident.bytes()),
                (false, None) => {
                    drop(resident);
                    let state = self.cold.as_ref().map(rest).transpose()?.flatten();
                    at_rest = Some(state.unwrap_or_default());
                    continue;
                }
            };
            let state = state.map_err(|error| error.to_string())?;
            return Ok(Some((state, resident.set_out(Place::Redis))));
        }
    }

    fn arrive_in_redis(&self, leaving: &[Leaving], shipped: Vec<Shipped>) {
        for (one, shipped) in leaving.iter().zip(shipped) {
            if shipped.outcome.is_err() {
                self.come_back_from_redis(std::slice::from_ref(one));
            } else if let Some(mut resident) = self.map.get_mut(&one.learner) {
                resident.arrived(Place::Redis);
            }
            if let Some(news) = &shipped.joined {
                self.join_news(one.learner, news);
            }
        }
    }

    fn come_back_from_redis(&self, leaving: &[Leaving]) {
        for one in leaving {
            let is_first = match self.map.get_mut(&one.learner) {
                Some(mut resident) => {
                    resident.arrived(Place::Redis);
                    resident.mark(Place::Redis, one.since)
                }
                None => true,
            };
            if is_first {
                self.calendar
                    .put_back(Place::Redis, one.learner, one.since, 0);
            }
        }
    }

    /// Adds what Redis has of a learner in memory. Who is not there is loaded with it anyway.
    fn join_news(&self, learner: LearnerId, news: &State) {
        let Some(mut resident) = self.map.get_mut(&learner) else {
            return;
        };
        let Some(mut state) = resident.is_whole().then(|| resident.state().ok()).flatten() else {
            return;
        };
        let before = state.clone();
        state.join(news);
        if state != before {
            self.put(&mut resident, encoded(&state));
            let tick = self.calendar.tick();
            // Redis has it, the journal of another node too; here it is only to be found faster.
            if self.cold.is_some() && resident.mark(Place::Snapshots, tick) {
                self.calendar.note(Place::Snapshots, learner, tick);
            }
        }
    }

    /// The next of those who rest and are not in memory. Blocks.
    fn page(&self, rest: &mut Rest) -> Vec<(LearnerId, State)> {
        let mut page = Vec::with_capacity(Redis::BATCH_MAX);
        while page.len() < Redis::BATCH_MAX
            && let Some(next) = rest.next()
        {
            match next {
                Ok((learner, _)) if self.map.contains_key(&learner) => {}
                Ok(one) => page.push(one),
                Err(error) => tracing::error!(%error, "a learner at rest cannot be shipped"),
            }
        }
        page
    }
}

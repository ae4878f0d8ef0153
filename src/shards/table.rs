//! The map of learners and what is counted about it.

use crate::base::id::LearnerId;
use crate::base::limits::LEARNERS_URGED_MAX;
use crate::session::Effect;
use crate::session::State;
use crate::shards::Cold;
use crate::shards::Config;
use crate::shards::calendar::Calendar;
use crate::shards::calendar::RECOVERED;
use crate::shards::facts;
use crate::shards::load::Loading;
use crate::shards::metrics::Metrics;
use crate::shards::resident::Place;
use crate::shards::resident::Resident;
use crate::shards::resident::weight;
use crate::store::Journal;
use crate::store::Redis;
use dashmap::DashMap;
use dashmap::Entry;
use std::cell::RefCell;
use std::fmt;
use std::hash::BuildHasher;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::Notify;

/// Locks of the map. With 400,000 learners each guards some 1,500; a lock is held for the
/// microseconds of one command, so that 64 workers seldom meet.
const LOCKS: usize = 256;

/// The learners in memory.
pub struct Shards {
    pub(super) map: DashMap<LearnerId, Resident, Spread>,
    pub(super) calendar: Calendar,
    pub(super) loading: Loading,
    pub(super) metrics: Metrics,
    pub(super) config: Config,
    pub(super) cold: Option<Arc<dyn Cold>>,
    pub(super) redis: Option<Redis>,
    /// Learners of whom other nodes must hear at once.
    urgent: Mutex<Vec<LearnerId>>,
    pub(super) urged: Notify,
    pub(super) budget: usize,
    bytes: AtomicUsize,
    journal: OnceLock<Journal>,
    /// Somebody waits for memory; memory was freed.
    pub(super) pressed: Notify,
    pub(super) relieved: Notify,
}

/// What [`Shards`] are made of.
pub struct Setup {
    /// `[sessions]`.
    pub config: Config,
    /// Where learners rest; without it they stay in memory.
    pub cold: Option<Arc<dyn Cold>>,
    /// What other nodes share with this one.
    pub redis: Option<Redis>,
    /// The first commit that the journal still has, or an earlier one.
    pub mark: u64,
}

impl Shards {
    /// No learners yet. Then come all [`replay`](Self::replay)s, then [`open`](Self::open), then
    /// the learners.
    pub fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            map: DashMap::with_hasher_and_shard_amount(Spread, LOCKS),
            calendar: Calendar::new(setup.mark),
            loading: Loading::default(),
            metrics: Metrics::default(),
            budget: setup.config.memory.as_len(),
            config: setup.config,
            cold: setup.cold,
            redis: setup.redis,
            urgent: Mutex::default(),
            urged: Notify::new(),
            bytes: AtomicUsize::new(0),
            journal: OnceLock::new(),
            pressed: Notify::new(),
            relieved: Notify::new(),
        })
    }

    /// Takes in a fact that the journal has.
    ///
    /// # Errors
    /// A sentence, if the fact cannot be read.
    pub fn replay(&self, learner: LearnerId, effect: &[u8]) -> Result<(), String> {
        let known = Effect::decode(effect).map_err(|error| format!("a fact is {error}"))?;
        drop(known);
        self.metrics.recovered.add_one();
        self.add_facts(learner, effect, RECOVERED)
            .map_err(|error| error.to_string())
    }

    /// From here on the journal keeps what is judged. A second call changes nothing.
    pub fn open(&self, journal: Journal) {
        self.calendar.begin(RECOVERED + 1, 0);
        self.journal.get_or_init(|| journal);
    }

    /// Adds what another node or an import knows of a learner. It goes into the places that lack
    /// it, not into the journal: whoever knew it first has it.
    pub fn join(&self, learner: LearnerId, other: &State) {
        let tick = self.calendar.tick();
        let whole = self.map.get_mut(&learner).filter(|known| known.is_whole());
        if let Some(mut resident) = whole {
            let joined = resident.state().map(|mut state| {
                state.join(other);
                state
            });
            // What is in memory was written by this process.
            let Ok(state) = joined else { return };
            self.put(&mut resident, encoded(&state));
            self.mark(learner, &mut resident, tick);
            return;
        }
        drop(whole);
        let mut effect = Vec::new();
        Effect::encode_known(&encoded(other), &mut effect);
        if let Err(error) = self.add_facts(learner, &effect, tick) {
            tracing::error!(%error, "what another node knows of a learner cannot be joined");
        }
    }

    /// Learners in memory.
    pub fn len(&self) -> usize {
        usize::try_from(self.metrics.residents.value()).unwrap_or(0)
    }

    /// Whether nobody is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory of all learners, estimated.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// The journal, once it is open.
    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.get()
    }

    /// Whether a learner of so many bytes fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes() + weight(bytes) <= self.budget
    }

    /// Puts another state in the place of a resident's, and gives back the former bytes.
    pub(super) fn put(&self, resident: &mut Resident, bytes: Box<[u8]>) -> Box<[u8]> {
        let before = resident.weight();
        let former = resident.replace(bytes);
        self.weigh(before, resident.weight());
        former
    }

    /// Accounts for a resident that weighed `before` and weighs `after`.
    pub(super) fn weigh(&self, before: usize, after: usize) {
        if after >= before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    /// Notes that all places lack a change of this learner since `tick`.
    pub(super) fn mark(&self, learner: LearnerId, resident: &mut Resident, tick: u32) {
        for place in self.places() {
            if resident.mark(place, tick) {
                self.calendar.note(place, learner, tick);
            }
        }
    }

    /// Where learners are to be kept.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let snapshots = self.cold.is_some().then_some(Place::Snapshots);
        let redis = self.redis.is_some().then_some(Place::Redis);
        snapshots.into_iter().chain(redis)
    }

    /// Other nodes must hear of this learner at once.
    pub(super) fn urge(&self, learner: LearnerId) {
        if self.redis.is_some() {
            let mut urgent = self.urgent.lock().unwrap_or_else(PoisonError::into_inner);
            // The others go with all that changed.
            if urgent.len() < LEARNERS_URGED_MAX {
                urgent.push(learner);
            }
            drop(urgent);
            self.urged.notify_one();
        }
    }

    /// Those of whom other nodes must hear at once, each once.
    pub(super) fn take_urged(&self) -> Vec<LearnerId> {
        let mut urgent = self.urgent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = std::mem::take(&mut *urgent);
        drop(urgent);
        taken.sort_unstable();
        taken.dedup();
        taken
    }

    /// A new resident; `entry` is vacant.
    pub(super) fn welcome<'a>(
        &self,
        entry: dashmap::VacantEntry<'a, LearnerId, Resident>,
        resident: Resident,
    ) -> dashmap::mapref::one::RefMut<'a, LearnerId, Resident> {
        self.weigh(0, resident.weight());
        self.metrics.residents.add(1);
        entry.insert(resident)
    }

    fn add_facts(
        &self,
        learner: LearnerId,
        effect: &[u8],
        tick: u32,
    ) -> Result<(), crate::session::DecodeError> {
        match self.map.entry(learner) {
            Entry::Vacant(entry) => {
                let resident = Resident::of_facts(facts::with(&[], effect)?, tick);
                let mut resident = self.welcome(entry, resident);
                self.mark(learner, &mut resident, tick);
            }
            Entry::Occupied(mut entry) => {
                let resident = entry.get_mut();
                let before = resident.weight();
                if resident.is_whole() {
                    let mut state = resident.state()?;
                    state.apply(&Effect::decode(effect)?);
                    resident.replace(encoded(&state));
                } else {
                    let facts = facts::with(resident.bytes(), effect)?;
                    resident.replace_facts(facts);
                }
                self.weigh(before, resident.weight());
                self.mark(learner, resident, tick);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({} of {} bytes)", self.bytes(), self.budget)
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("config", &self.config)
            .field("cold", &self.cold.is_some())
            .field("redis", &self.redis)
            .field("mark", &self.mark)
            .finish()
    }
}

thread_local! {
    /// States are encoded here first: a box of the right size is then one allocation.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The encoded state, as long as it is.
pub(super) fn encoded(state: &State) -> Box<[u8]> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        state.encode(scratch);
        scratch.as_slice().into()
    })
}

/// Learner ids are keyed hashes: nobody can choose them, and their bits are as good as any hash.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread;

#[derive(Debug, Default)]
pub(super) struct FirstBytes(u64);

impl BuildHasher for Spread {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes::default()
    }
}

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        // The length that arrays write before themselves is no part of an id.
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

//! The content folder, and the way from a path to its bytes.

use crate::content::Catalogue;
use crate::content::Chunk;
use crate::content::Config;
use crate::content::LoadError;
use crate::content::Lookup;
use crate::content::Path;
use crate::content::cache;
use crate::content::cache::Chunks;
use crate::content::cache::Evictions;
use crate::content::cache::Indexes;
use crate::content::lookup::Building;
use crate::content::lookup::Told;
use crate::content::metrics::Metrics;
use crate::content::past::Fate;
use crate::content::refresh::Keeper;
use crate::content::shelf::ChunkId;
use crate::content::shelf::Found;
use crate::content::shelf::Job;
use crate::runtime;
use arc_swap::ArcSwap;
use std::cell::Cell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// What a build comes to, with the time it took.
type Landed = Result<(Arc<Chunk>, Duration), LoadError>;
/// The same, `None` until then; any number may wait for it.
type Outcome = watch::Receiver<Option<Landed>>;

/// The content folder, opened. Shared by all workers.
pub struct Library {
    pub(crate) config: Config,
    pub(crate) catalogue: ArcSwap<Catalogue>,
    pub(crate) chunks: Chunks,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) evictions: Evictions,
    /// Builds that may run at once; the others wait.
    builders: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    /// Builds waiting or running. Held for a look-up or an insertion, never across an await.
    pub(crate) flights: Mutex<HashMap<ChunkId, Outcome>>,
    /// One reload at a time, so that a slow one never replaces what a later one read. Held for the
    /// whole reload, taken by nobody who serves.
    pub(crate) keeper: Mutex<Keeper>,
    /// Told when a source turned out to have changed.
    pub(crate) noticed: Notify,
    /// Set when the process ends.
    pub(crate) stopping: AtomicBool,
}

impl Library {
    /// A library that serves `catalogue`.
    pub(crate) fn serving(config: Config, catalogue: Catalogue, keeper: Keeper) -> Arc<Self> {
        let evictions = Evictions::default();
        Arc::new(Self {
            chunks: cache::chunks(config.cache.as_bytes(), evictions.clone()),
            indexes: Arc::new(Indexes::new(config.index_cache.as_bytes(), keeper.pins())),
            catalogue: ArcSwap::from_pointee(catalogue),
            evictions,
            builders: Arc::new(Semaphore::new(BUILDERS)),
            metrics: Metrics::default(),
            flights: Mutex::default(),
            keeper: Mutex::new(keeper),
            noticed: Notify::new(),
            stopping: AtomicBool::new(false),
            config,
        })
    }

    /// The catalogue now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    /// What `path` leads to at `now`.
    pub fn find(self: &Arc<Self>, path: &Path<'_>, now: Instant) -> Lookup {
        let catalogue = self.catalogue.load();
        let (found, past) = match catalogue.find(path) {
            Some(found) => (found, false),
            None => match catalogue.past.find(path, now) {
                Fate::Kept(found) => (found, true),
                Fate::Gone => return Lookup::Gone,
                Fate::Unknown => return Lookup::NotFound,
            },
        };
        match found {
            Found::File(mut file) => {
                if let Some(pins) = self.indexes.handles.pins() {
                    Arc::make_mut(&mut file).pins = Some(pins.clone());
                }
                Lookup::File(file)
            }
            Found::Chunk(id, sketch) => match self.cached(&id) {
                Some(chunk) => Lookup::Hit(chunk),
                None => {
                    self.metrics.misses.add_one();
                    let wait = Arc::clone(self).build(id, sketch.owned());
                    Lookup::Miss(Building::new(if past {
                        Box::pin(async move { wait.await.map_err(LoadError::of_the_past) })
                    } else {
                        Box::pin(wait)
                    }))
                }
            },
        }
    }

    /// Forgets every chunk that one of `keys` (course, course/lesson, version) means, and says how
    /// many there were; the next request for one builds it anew. Holds up look-ups for some
    /// milliseconds at most.
    pub fn purge(&self, keys: &HashSet<&str>) -> usize {
        let forgotten = Cell::new(0);
        self.chunks.retain(|_, chunk| {
            let meant = chunk.keys().any(|key| keys.contains(key));
            forgotten.set(forgotten.get() + usize::from(meant));
            !meant
        });
        self.metrics.purged.add(forgotten.get() as u64);
        forgotten.get()
    }

    pub(crate) fn cached(&self, id: &ChunkId) -> Option<Arc<Chunk>> {
        let chunk = self.chunks.get(id);
        if chunk.is_some() {
            self.metrics.hits.add_one();
        }
        chunk
    }

    /// One build however many ask. It belongs to nobody who asks: when they all go away it still
    /// ends in the cache, so that asking and leaving wins nothing.
    pub(crate) async fn build(
        self: Arc<Self>,
        id: ChunkId,
        job: Job,
    ) -> Result<(Arc<Chunk>, Told), LoadError> {
        let (mut outcome, collapsed) = self.join(id, job)?;
        let landed = match outcome.wait_for(Option::is_some).await {
            Ok(done) => done.clone().unwrap_or(Err(LoadError::Internal)),
            // The worker that built it was stopped.
            Err(_closed) => Err(LoadError::Internal),
        };
        landed.map(|(chunk, built_in)| {
            let told = Told {
                collapsed,
                built_in,
            };
            (chunk, told)
        })
    }

    /// The flight of that chunk, begun now unless it is under way, and whether it was.
    fn join(self: Arc<Self>, id: ChunkId, job: Job) -> Result<(Outcome, bool), LoadError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = flights.get(&id) {
            self.metrics.collapsed.add_one();
            return Ok((outcome.clone(), true));
        }
        // It may have landed since it was looked up.
        if let Some(chunk) = self.chunks.get(&id) {
            self.metrics.collapsed.add_one();
            let landed = Some(Ok((chunk, Duration::ZERO)));
            return Ok((watch::channel(landed).1, true));
        }
        if flights.len() >= BUILDS_MAX {
            self.metrics.busy.add_one();
            return Err(LoadError::Busy);
        }
        let (landed, outcome) = watch::channel(None);
        flights.insert(id, outcome.clone());
        drop(flights);
        let flight = Flight {
            library: self,
            id,
            landed,
        };
        drop(runtime::spawn("packaging", flight.run(job)));
        Ok((outcome, false))
    }
}

/// A build under way. However it ends, its place is free again.
struct Flight {
    library: Arc<Library>,
    id: ChunkId,
    landed: watch::Sender<Option<Landed>>,
}

impl Flight {
    async fn run(self, job: Job) {
        let metrics = &self.library.metrics;
        let permit = Arc::clone(&self.library.builders).acquire_owned().await;
        let indexes = Arc::clone(&self.library.indexes);
        let built = runtime::blocking("packaging", move || {
            let _permit = permit;
            let begun = runtime::now();
            let chunk = job.run(&indexes)?;
            Ok((chunk, runtime::now().saturating_duration_since(begun)))
        });
        let outcome = match built.await {
            Ok(Ok((chunk, took))) => {
                let chunk = Arc::new(chunk);
                metrics.builds.add_one();
                metrics.built_bytes.add(chunk.weight());
                self.library.chunks.insert(self.id, Arc::clone(&chunk));
                Ok((chunk, took))
            }
            Ok(Err(error)) => {
                metrics.changed.add_one();
                self.library.noticed.notify_one();
                Err(error)
            }
            Err(_panicked) => Err(LoadError::Internal),
        };
        self.landed.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let flights = &self.library.flights;
        let mut flights = flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.id);
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let courses = self.catalogue.load().courses().len();
        write!(
            f,
            "Library({}, {courses} courses)",
            self.config.dir.display()
        )
    }
}

/// Builds at once: reads of files that the kernel does not have in memory yet.
const BUILDERS: usize = 8;
/// Builds waiting or running before newcomers are refused.
const BUILDS_MAX: usize = 1024;

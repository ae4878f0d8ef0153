//! The content folder, and the way from a path to its bytes.

use crate::base::metrics;
use crate::base::metrics::Counter;
use crate::base::metrics::Sample;
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
use crate::content::folder::Folder;
use crate::content::lookup::Building;
use crate::content::lookup::Told;
use crate::content::metrics::Metrics;
use crate::content::past::Fate;
use crate::content::scan;
use crate::content::shelf::ChunkId;
use crate::content::shelf::Found;
use crate::content::shelf::Job;
use crate::course::Problem;
use crate::runtime;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::fmt;
use std::path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::sync::watch;

/// What a build comes to, with the time it took.
type Landed = Result<(Arc<Chunk>, Duration), LoadError>;
/// The same, `None` until then; any number may wait for it.
type Outcome = watch::Receiver<Option<Landed>>;

/// The content folder, opened. Shared by all workers.
pub struct Library {
    config: Config,
    catalogue: ArcSwap<Catalogue>,
    chunks: Chunks,
    indexes: Arc<Indexes>,
    evictions: Evictions,
    /// Builds that may run at once; the others wait.
    builders: Arc<Semaphore>,
    metrics: Metrics,
    /// Builds waiting or running. Held for a look-up or an insertion, never across an await.
    flights: Mutex<HashMap<ChunkId, Outcome>>,
    /// One reload at a time, so that a slow one never replaces what a later one read. Held for the
    /// whole reload, taken by nobody who serves.
    reloading: Mutex<()>,
}

impl Library {
    /// Reads the folder; blocks, so call it before the loops start.
    ///
    /// # Errors
    /// [`LoadError::Folder`] if the folder is absent, unreadable or holds no course folder at all.
    pub fn open(config: Config) -> Result<Arc<Self>, LoadError> {
        let catalogue = read(&config.dir, config.target_ms())?;
        let evictions = Evictions::default();
        Ok(Arc::new(Self {
            chunks: cache::chunks(config.cache.as_bytes(), evictions.clone()),
            indexes: Arc::new(Indexes::new(config.index_cache.as_bytes())),
            catalogue: ArcSwap::from_pointee(catalogue),
            evictions,
            builders: Arc::new(Semaphore::new(BUILDERS)),
            metrics: Metrics::default(),
            flights: Mutex::default(),
            reloading: Mutex::new(()),
            config,
        }))
    }

    /// Reads the folder again and swaps the catalogue at `now`; blocks. Requests under way keep the
    /// old one, and what it served stays fetchable as [`Config::keep_replaced`] says.
    ///
    /// # Errors
    /// As [`Library::open`]; the catalogue then stays as it is.
    pub fn reload(&self, now: Instant) -> Result<(), LoadError> {
        let _one = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match read(&self.config.dir, self.config.target_ms()) {
            Ok(mut catalogue) => {
                let keep = self.config.keep_replaced.duration();
                catalogue.follow(&self.catalogue.load(), now, keep);
                self.catalogue.store(Arc::new(catalogue));
                self.metrics.reloads.add_one();
                Ok(())
            }
            Err(error) => {
                self.metrics.reloads_failed.add_one();
                Err(error)
            }
        }
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
            Found::File(file) => Lookup::File(file),
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

    fn cached(&self, id: &ChunkId) -> Option<Arc<Chunk>> {
        let chunk = self.chunks.get(id);
        if chunk.is_some() {
            self.metrics.hits.add_one();
        }
        chunk
    }

    /// One build however many ask. It belongs to nobody who asks: when they all go away it still
    /// ends in the cache, so that asking and leaving wins nothing.
    async fn build(
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

impl metrics::Source for Library {
    fn sample(&self, into: &mut Vec<Sample>) {
        let counted = |name, help, counter: &Counter| Sample::counter(name, help, counter);
        let m = &self.metrics;
        let lookups = "Chunks looked up, by outcome.";
        let name = "lamplight_content_lookups";
        into.push(counted(name, lookups, &m.hits).labelled("outcome", "hit"));
        into.push(counted(name, lookups, &m.misses).labelled("outcome", "miss"));
        into.push(counted(
            "lamplight_content_builds",
            "Chunks built.",
            &m.builds,
        ));
        let help = "Memory of chunks built.";
        into.push(counted(
            "lamplight_content_built_bytes",
            help,
            &m.built_bytes,
        ));
        let help = "Requests that waited for a build another had begun.";
        into.push(counted("lamplight_content_collapsed", help, &m.collapsed));
        let (name, help) = ("lamplight_content_refused", "Chunks refused, by reason.");
        into.push(counted(name, help, &m.changed).labelled("reason", "source_changed"));
        into.push(counted(name, help, &m.busy).labelled("reason", "builds_waiting"));
        let help = "Chunks that left the cache.";
        into.push(counted(
            "lamplight_content_evictions",
            help,
            self.evictions.counter(),
        ));
        let (name, help) = (
            "lamplight_content_reloads",
            "Catalogues read again, by outcome.",
        );
        into.push(counted(name, help, &m.reloads).labelled("outcome", "done"));
        into.push(counted(name, help, &m.reloads_failed).labelled("outcome", "failed"));
        self.sample_gauges(into);
    }
}

impl Library {
    fn sample_gauges(&self, into: &mut Vec<Sample>) {
        let gauge = |name, help, value: u64| Sample {
            name,
            help,
            kind: metrics::Kind::Gauge,
            label: None,
            value: i64::try_from(value).unwrap_or(i64::MAX),
        };
        let catalogue = self.catalogue.load();
        let count = |n: usize| n as u64;
        let lessons = catalogue
            .courses()
            .iter()
            .map(|course| course.lessons.len())
            .sum();
        let help = "Memory held by finished chunks.";
        into.push(gauge(
            "lamplight_content_cache_bytes",
            help,
            self.chunks.weight(),
        ));
        let help = "Memory held by sample tables.";
        into.push(gauge(
            "lamplight_content_index_bytes",
            help,
            self.indexes.weight(),
        ));
        let help = "Courses served.";
        into.push(gauge(
            "lamplight_content_courses",
            help,
            count(catalogue.courses().len()),
        ));
        into.push(gauge(
            "lamplight_content_lessons",
            "Lessons served.",
            count(lessons),
        ));
        let help = "Problems of the content folder.";
        into.push(gauge(
            "lamplight_content_problems",
            help,
            count(catalogue.problems().len()),
        ));
        let help = "Replaced lessons and quizzes still served under their former versions.";
        into.push(gauge(
            "lamplight_content_replaced",
            help,
            count(catalogue.past.kept()),
        ));
        let help = "Files of the content folder held open.";
        into.push(gauge(
            "lamplight_content_open_files",
            help,
            count(self.indexes.handles.len()),
        ));
        let help = "Chunks being built or waiting for it.";
        let flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        into.push(gauge(
            "lamplight_content_building",
            help,
            count(flights.len()),
        ));
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

fn read(dir: &path::Path, target_ms: u32) -> Result<Catalogue, LoadError> {
    let refuse = |reason: String| LoadError::Folder {
        dir: dir.display().to_string(),
        reason,
    };
    let root = Folder::root(dir).map_err(|error| refuse(error.to_string()))?;
    let catalogue = scan::library(&root, target_ms);
    if catalogue.courses.is_empty() && catalogue.problems.is_empty() {
        return Err(refuse("holds no course folder".to_owned()));
    }
    Ok(catalogue)
}

/// Every problem of a content folder (or of one course folder), in order of file and line. Blocks.
///
/// # Errors
/// [`LoadError::Folder`] if there is nothing to look at.
pub fn check(path: &path::Path) -> Result<Vec<Problem>, LoadError> {
    let target_ms = Config::default().target_ms();
    if !path.join("course.toml").exists() {
        return Ok(read(path, target_ms)?.problems);
    }
    let (parent, course) = Folder::above(path).map_err(|error| LoadError::Folder {
        dir: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let mut problems = Vec::new();
    drop(scan::course(&parent, &course, target_ms, &mut problems));
    problems.sort();
    Ok(problems)
}

/// Builds at once: reads of files that the kernel does not have in memory yet.
const BUILDERS: usize = 8;
/// Builds waiting or running before newcomers are refused.
const BUILDS_MAX: usize = 1024;

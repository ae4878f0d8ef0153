//! Reading the content folder: at the start, when told to, and when something in it changed.

use crate::content::Catalogue;
use crate::content::Config;
use crate::content::Library;
use crate::content::LoadError;
use crate::content::Progress;
use crate::content::folder::Folder;
use crate::content::scan;
use crate::content::sidecar::Sidecar;
use crate::content::stand::Stand;
use crate::content::survey::Survey;
use crate::content::sweep::Earlier;
use crate::content::sweep::Sweep;
use crate::content::sweep::Swept;
use crate::course::Problem;
use crate::runtime;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZero;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

/// What helps to read the content folder at the start.
pub struct Sources<'a> {
    /// The content index, made when absent; `None` reads everything at every start.
    pub index: Option<PathBuf>,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sources(index {:?})", self.index)
    }
}

/// What is kept between two looks at the content folder.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    sidecar: Option<Sidecar>,
    /// Whether the index on disk lacks something.
    unsaved: bool,
    /// Courses that are being written to, and since when they are waited for.
    waiting: HashMap<String, Instant>,
}

/// What a look at the content folder found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Course folders that were read because something in them changed.
    pub read: usize,
    /// Course folders that are being written to; look again soon.
    pub waiting: usize,
}

impl Library {
    /// Reads the folder; blocks, so call it before the loops start.
    ///
    /// # Errors
    /// [`LoadError::Folder`] if the folder is absent, unreadable or holds no course folder at all.
    pub fn open(config: Config) -> Result<Arc<Self>, LoadError> {
        let sources = Sources {
            index: None,
            progress: &(),
        };
        Self::open_with(config, sources)
    }

    /// The same with what helps.
    ///
    /// # Errors
    /// As [`Library::open`]. An index that cannot be used is only logged.
    pub fn open_with(config: Config, sources: Sources<'_>) -> Result<Arc<Self>, LoadError> {
        let root = root(&config.dir)?;
        let mut keeper = Keeper {
            sidecar: sources
                .index
                .and_then(|path| sidecar(path, &root, config.target_ms())),
            ..Keeper::default()
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let earlier = match &keeper.sidecar {
            Some(sidecar) => remembered(sidecar, threads),
            None => Earlier::new(),
        };
        let sweep = Sweep {
            root: &root,
            target_ms: config.target_ms(),
            earlier: &earlier,
            threads,
            unix_ns: unix_ns(),
            patient: None,
            progress: sources.progress,
            stop: &AtomicBool::new(false),
        };
        let swept = sweep.run();
        refuse_empty(&config.dir, &swept.catalogue)?;
        keeper.unsaved = swept.read > 0 || swept.catalogue.stands.len() != earlier.len();
        Ok(Self::serving(config, swept.catalogue, keeper))
    }

    /// Reads what changed in the folder, at once and whatever is being written to, and swaps the
    /// catalogue at `now`; blocks. Requests under way keep the old one, and what it served stays
    /// fetchable as [`Config::keep_replaced`] says.
    ///
    /// # Errors
    /// As [`Library::open`]; the catalogue then stays as it is.
    pub fn reload(&self, now: Instant) -> Result<(), LoadError> {
        let outcome = self.refresh(now, unix_ns(), false);
        let metrics = &self.metrics;
        let counter = if outcome.is_ok() {
            &metrics.reloads
        } else {
            &metrics.reloads_failed
        };
        counter.add_one();
        outcome.map(drop)
    }

    /// Looks whether something changed in the folder and takes it in. A course whose files are
    /// being written to stays as it is until they were left alone for three seconds, at most ten
    /// minutes; a folder that cannot be read changes nothing. Blocks, a second for 100,000 files.
    ///
    /// # Errors
    /// As [`Library::open`]; the catalogue then stays as it is.
    pub fn look(&self, now: Instant, unix_ns: u64) -> Result<Looked, LoadError> {
        self.refresh(now, unix_ns, true)
    }

    /// Ends a look or a reload that is under way, without a change; later ones change nothing
    /// either.
    /// For the end of the process, which must not wait until thousands of courses were read.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }

    /// Resolves when a source turned out to have changed since it was read, so that a look is due.
    pub async fn noticed(&self) {
        self.noticed.notified().await;
    }

    fn refresh(&self, now: Instant, unix_ns: u64, patiently: bool) -> Result<Looked, LoadError> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let root = root(&self.config.dir)?;
        let former = self.catalogue.load_full();
        let earlier: Earlier = former
            .stands
            .iter()
            .map(|stand| (stand.folder.clone(), Arc::clone(stand)))
            .collect();
        let waiting = &keeper.waiting;
        let patience = |folder: &str| {
            let since = waiting.get(folder);
            since.is_none_or(|since| now.saturating_duration_since(*since) < PATIENCE)
        };
        let sweep = Sweep {
            root: &root,
            target_ms: self.config.target_ms(),
            earlier: &earlier,
            threads: 1,
            unix_ns,
            patient: patiently.then_some(&patience),
            progress: &(),
            stop: &self.stopping,
        };
        let Swept {
            mut catalogue,
            read,
            unsettled,
        } = sweep.run();
        if self.stopping.load(Relaxed) {
            return Ok(Looked {
                read: 0,
                waiting: 0,
            });
        }
        refuse_empty(&self.config.dir, &catalogue)?;
        let looked = Looked {
            read,
            waiting: unsettled.len(),
        };
        let since = |folder: &String| waiting.get(folder).copied().unwrap_or(now);
        keeper.waiting = unsettled.iter().map(|f| (f.clone(), since(f))).collect();
        if read > 0 || !former.is_same(&catalogue) || former.past.has_expired(now) {
            keeper.unsaved |= read > 0 || former.stands.len() != catalogue.stands.len();
            let keep = self.config.keep_replaced.duration();
            catalogue.follow(&former, now, keep);
            self.catalogue.store(Arc::new(catalogue));
        }
        Ok(looked)
    }

    /// Writes the content index if it lacks something; blocks. Returns its bytes if it was written.
    ///
    /// # Errors
    /// It cannot be written; the former one stays.
    pub fn save_index(&self) -> std::io::Result<Option<u64>> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if !keeper.unsaved {
            return Ok(None);
        }
        let Some(sidecar) = &keeper.sidecar else {
            return Ok(None);
        };
        let bytes = sidecar.write(&self.catalogue.load().stands)?;
        keeper.unsaved = false;
        Ok(Some(bytes))
    }
}

fn sidecar(path: PathBuf, root: &Folder, target_ms: u32) -> Option<Sidecar> {
    let made = Sidecar::new(path, root.path(), target_ms);
    made.inspect_err(|error| tracing::warn!(%error, "no content index is kept"))
        .ok()
}

/// What the index knows.
fn remembered(sidecar: &Sidecar, threads: usize) -> Earlier {
    let mut earlier = Earlier::new();
    if let Err(error) = sidecar.read(&mut earlier, threads) {
        let file = sidecar.path().display();
        tracing::warn!(%file, %error, "the content index is not used whole; reading on");
    }
    earlier
}

fn root(dir: &Path) -> Result<Folder, LoadError> {
    Folder::root(dir).map_err(|error| refused(dir, error.to_string()))
}

fn refused(dir: &Path, reason: String) -> LoadError {
    LoadError::Folder {
        dir: dir.display().to_string(),
        reason,
    }
}

fn refuse_empty(dir: &Path, catalogue: &Catalogue) -> Result<(), LoadError> {
    if catalogue.stands.is_empty() && catalogue.problems().is_empty() {
        return Err(refused(dir, "holds no course folder".to_owned()));
    }
    Ok(())
}

fn unix_ns() -> u64 {
    runtime::unix_ms().saturating_mul(1_000_000)
}

/// What a check of a folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Every problem, in the order of file and line.
    pub problems: Vec<Problem>,
    /// Courses that would be served.
    pub courses: usize,
    /// Their lessons.
    pub lessons: usize,
    /// Their quizzes.
    pub quizzes: usize,
}

/// Looks for every problem of a content folder (or of one course folder). Blocks.
///
/// # Errors
/// [`LoadError::Folder`] if there is nothing to look at.
pub fn check(path: &Path, progress: &dyn Progress) -> Result<Checked, LoadError> {
    let target_ms = Config::default().target_ms();
    if path.join("course.toml").exists() {
        let found = Folder::above(path).map_err(|error| refused(path, error.to_string()))?;
        let survey = Survey::of(&found.0, &found.1);
        return Ok(checked(
            &[Arc::new(scan::course(survey, None, target_ms))],
            None,
        ));
    }
    let sweep = Sweep {
        root: &root(path)?,
        target_ms,
        earlier: &Earlier::new(),
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        unix_ns: 0,
        patient: None,
        progress,
        stop: &AtomicBool::new(false),
    };
    let catalogue = sweep.run().catalogue;
    refuse_empty(path, &catalogue)?;
    Ok(checked(&catalogue.stands, Some(&catalogue)))
}

fn checked(stands: &[Arc<Stand>], catalogue: Option<&Catalogue>) -> Checked {
    let mut problems = match catalogue {
        Some(catalogue) => catalogue.problems().to_vec(),
        None => stands.iter().flat_map(|s| s.problems.clone()).collect(),
    };
    problems.sort();
    let courses = stands.iter().filter_map(|stand| stand.served.as_ref());
    let courses: Vec<_> = courses.map(|served| &served.course).collect();
    Checked {
        problems,
        courses: courses.len(),
        lessons: courses.iter().map(|course| course.lessons.len()).sum(),
        quizzes: courses.iter().map(|course| course.quizzes.len()).sum(),
    }
}

/// How long a course that is written to again and again is left as it was.
const PATIENCE: Duration = Duration::from_secs(600);

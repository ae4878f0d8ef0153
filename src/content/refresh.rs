//! Reading the content folder: at the start, when told to, and when something in it changed.

use crate::base::digest::Digest;
use crate::content::Catalogue;
use crate::content::Config;
use crate::content::Library;
use crate::content::LoadError;
use crate::content::Progress;
use crate::content::folder::Folder;
use crate::content::past::Past;
use crate::content::pins::PinBoard;
use crate::content::pins::Pins;
use crate::content::scan;
use crate::content::sidecar;
use crate::content::sidecar::Sidecar;
use crate::content::sidecar::Told;
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
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

/// What helps to read the content folder at the start.
pub struct Sources<'a> {
    /// The content index, made when absent; `None` reads everything at every start.
    pub index: Option<PathBuf>,
    /// The folder of pins; `None` lets go of what is replaced and was not read lately.
    pub pins: Option<PathBuf>,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sources(index {:?})", self.index)
    }
}

/// What is kept between two looks at the content folder.
#[derive(Debug)]
pub(crate) struct Keeper {
    sidecar: Option<Sidecar>,
    pins: Option<PinBoard>,
    /// This program.
    reader: Digest,
    /// Whether the index on disk lacks something.
    unsaved: bool,
    /// Courses that are being written to, and since when they are waited for.
    waiting: HashMap<String, Instant>,
}

impl Keeper {
    /// Where replaced files are found.
    pub(crate) fn pins(&self) -> Option<Pins> {
        self.pins.as_ref().map(PinBoard::pins)
    }
}

/// What a look at the content folder found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Course folders that were read because something in them changed.
    pub read: usize,
    /// Course folders that were read because another program had read them.
    pub renewed: usize,
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
            pins: None,
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
        let index = sources.index;
        let mut keeper = Keeper {
            pins: sources.pins.map(|dir| PinBoard::new(&dir)),
            reader: if index.is_some() {
                reader()
            } else {
                Digest::of(&[])
            },
            sidecar: index.map(|path| Sidecar::new(path, root.path(), config.target_ms())),
            unsaved: false,
            waiting: HashMap::new(),
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let Told { stands, relics } = match &keeper.sidecar {
            Some(sidecar) => remembered(sidecar, threads),
            None => Told::default(),
        };
        let sweep = Sweep {
            root: &root,
            target_ms: config.target_ms(),
            earlier: &stands,
            threads,
            unix_ns: unix_ns(),
            reader: keeper.reader,
            renewals: AtomicUsize::new(0),
            patient: None,
            progress: sources.progress,
            stop: &AtomicBool::new(false),
        };
        let mut swept = sweep.run();
        refuse_empty(&config.dir, &swept.catalogue)?;
        keeper.unsaved = swept.read > 0 || swept.catalogue.stands.len() != stands.len();
        if keeper.unsaved || !relics.is_empty() {
            // What was replaced while no process ran, or shortly before.
            let (now, keep) = (runtime::now(), config.keep_replaced.duration());
            let mut former: Vec<_> = stands.into_values().collect();
            former.sort_by(|one, other| one.folder.cmp(&other.folder));
            let mut former = Catalogue::new(former, Vec::new());
            former.past = Past::remembered(relics, now, runtime::unix_ms(), keep);
            swept.catalogue.follow(&former, now, keep);
        }
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
            reader: keeper.reader,
            renewals: AtomicUsize::new(RENEWALS_MAX),
            patient: patiently.then_some(&patience),
            progress: &(),
            stop: &self.stopping,
        };
        let Swept {
            mut catalogue,
            read,
            renewed,
            unsettled,
        } = sweep.run();
        if self.stopping.load(Relaxed) {
            return Ok(Looked::default());
        }
        refuse_empty(&self.config.dir, &catalogue)?;
        let looked = Looked {
            read,
            renewed,
            waiting: unsettled.len(),
        };
        let since = |folder: &String| waiting.get(folder).copied().unwrap_or(now);
        keeper.waiting = unsettled.iter().map(|f| (f.clone(), since(f))).collect();
        let changed = read + renewed > 0 || !former.is_same(&catalogue);
        if changed || former.past.has_expired(now) {
            keeper.unsaved |= changed;
            let keep = self.config.keep_replaced.duration();
            catalogue.follow(&former, now, keep);
            self.catalogue.store(Arc::new(catalogue));
            self.settle(&mut keeper);
        }
        Ok(looked)
    }

    /// Sees to it that every recording and caption file stays readable when it is replaced, as
    /// [`Config::keep_replaced`] says. Every look does so for what changed; this is for the start.
    /// Blocks: some seconds for 100,000 files the first time, later for what changed only.
    pub fn pin(&self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle(&mut keeper);
    }

    fn settle(&self, keeper: &mut Keeper) {
        let Some(board) = &mut keeper.pins else {
            return;
        };
        let catalogue = self.catalogue.load();
        let kept = !self.config.keep_replaced.duration().is_zero();
        let wanted = catalogue.sources().filter(|_| kept);
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        match board.settle(wanted, &self.stopping) {
            Ok(settled) => {
                let before = self.metrics.unpinned.value();
                self.metrics.pinned.set(gauge(settled.pinned));
                self.metrics.unpinned.set(gauge(settled.unpinned));
                if let Some(error) = settled.reason.filter(|_| before == 0) {
                    let files = settled.unpinned;
                    tracing::warn!(files, %error, "recordings are gone as soon as they are \
                        replaced, unless somebody watches them; let content.pins lie on the file \
                        system of content.dir, and the server own the files or may write them");
                }
            }
            Err(error) => tracing::warn!(%error, "the folder of pins cannot be kept"),
        }
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
        let catalogue = self.catalogue.load();
        let relics = catalogue.past.relics(runtime::now(), runtime::unix_ms());
        let bytes = sidecar.write(&catalogue.stands, &relics)?;
        keeper.unsaved = false;
        Ok(Some(bytes))
    }
}

/// What the index knows.
fn remembered(sidecar: &Sidecar, threads: usize) -> Told {
    let mut told = Told::default();
    if let Err(error) = sidecar.read(&mut told, threads) {
        let file = sidecar.path().display();
        tracing::warn!(%file, %error, "the content index is not used whole; reading on");
    }
    told
}

/// This program; one that cannot be read counts as another at every start.
fn reader() -> Digest {
    let program = sidecar::program();
    program.unwrap_or_else(|_unreadable| Digest::of(&[&unix_ns().to_be_bytes()]))
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
        reader: Digest::of(&[]),
        renewals: AtomicUsize::new(0),
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

/// Courses of another program that one look reads again: some seconds of one core.
const RENEWALS_MAX: usize = 100;
/// How long a course that is written to again and again is left as it was.
const PATIENCE: Duration = Duration::from_secs(600);

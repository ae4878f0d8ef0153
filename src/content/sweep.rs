//! All course folders: looked at, and read where something changed.

use crate::base::digest::Digest;
use crate::base::limits::COURSES_MAX;
use crate::content::Catalogue;
use crate::content::folder::Folder;
use crate::content::folder::Item;
use crate::content::scan;
use crate::content::stand::Stand;
use crate::content::stand::is_fresh;
use crate::content::survey::Survey;
use crate::course::Problem;
use crate::runtime;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Hears how far a reading of the content folder has come; called from several threads.
pub trait Progress: Sync {
    /// So many of `all` course folders are done.
    fn done(&self, courses: usize, all: usize);
}

/// Nobody listens.
impl Progress for () {
    fn done(&self, _courses: usize, _all: usize) {}
}

/// Course folders as they were read before, by name.
pub(crate) type Earlier = HashMap<String, Arc<Stand>>;

/// How the content folder is looked at.
pub(crate) struct Sweep<'a> {
    pub(crate) root: &'a Folder,
    pub(crate) target_ms: u32,
    pub(crate) earlier: &'a Earlier,
    pub(crate) threads: usize,
    /// The wall clock, nanoseconds since 1970 UTC.
    pub(crate) unix_ns: u64,
    /// This program.
    pub(crate) reader: Digest,
    /// Courses that are read again though nothing in them changed, because another program had
    /// read them. A few a look: an update of a large catalogue goes on for a while.
    pub(crate) renewals: AtomicUsize,
    /// Leaves a course as it is while its files are being written.
    pub(crate) patient: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    pub(crate) progress: &'a dyn Progress,
    /// Once set, nothing more is read.
    pub(crate) stop: &'a AtomicBool,
}

/// What a look at the content folder comes to.
pub(crate) struct Swept {
    pub(crate) catalogue: Catalogue,
    /// Course folders that were read because something in them changed.
    pub(crate) read: usize,
    /// Course folders that were read because another program had read them.
    pub(crate) renewed: usize,
    /// Course folders that are being written to: look again soon.
    pub(crate) unsettled: Vec<String>,
}

/// What became of one course folder.
enum Look {
    Kept(Arc<Stand>),
    Read(Arc<Stand>),
    Renewed(Arc<Stand>),
    /// Something is being written: as before, if there was something.
    Waits(Option<Arc<Stand>>),
}

impl Sweep<'_> {
    /// Looks at every course folder; blocks.
    pub(crate) fn run(&self) -> Swept {
        let mut problems = Vec::new();
        let items = self.root.items(&mut problems);
        let mut folders: Vec<&Item> = items.iter().filter(|item| item.is_folder()).collect();
        if let Some(first) = folders.get(COURSES_MAX) {
            let what = format!("more than {COURSES_MAX} courses");
            let remedy = "serve the rest from another node";
            problems.push(Problem::new(first.shown(), what, remedy));
            folders.truncate(COURSES_MAX);
        }
        let done = AtomicUsize::new(0);
        let looks = runtime::in_parallel(self.threads, folders.len(), |at| {
            let look = folders.get(at).map(|item| self.look(item));
            self.progress
                .done(done.fetch_add(1, Relaxed) + 1, folders.len());
            look
        });
        let (mut read, mut renewed) = (0, 0);
        let (mut unsettled, mut stands) = (Vec::new(), Vec::new());
        for (look, item) in looks.into_iter().zip(&folders) {
            match look {
                Some(Look::Kept(stand)) => stands.push(stand),
                Some(Look::Read(stand)) => {
                    read += 1;
                    stands.push(stand);
                }
                Some(Look::Renewed(stand)) => {
                    renewed += 1;
                    stands.push(stand);
                }
                Some(Look::Waits(stand)) => {
                    unsettled.push(item.name.clone());
                    stands.extend(stand);
                }
                None => {}
            }
        }
        Swept {
            catalogue: Catalogue::new(stands, problems),
            read,
            renewed,
            unsettled,
        }
    }

    fn look(&self, item: &Item) -> Look {
        let earlier = self.earlier.get(&item.name);
        if self.stop.load(Relaxed) {
            return Look::Waits(earlier.map(Arc::clone));
        }
        let survey = Survey::of(self.root, item);
        if let Some(stand) = earlier
            && stand.fingerprint == survey.fingerprint
            && !stand.was_fresh
        {
            if stand.read_by == self.reader || !self.may_renew() {
                return Look::Kept(Arc::clone(stand));
            }
            return Look::Renewed(self.read(survey, Some(stand), false));
        }
        let fresh = is_fresh(survey.youngest_ns, self.unix_ns);
        if fresh && self.patient.is_some_and(|patient| patient(&item.name)) {
            return Look::Waits(earlier.map(Arc::clone));
        }
        Look::Read(self.read(survey, earlier, fresh))
    }

    fn read(&self, survey: Survey, earlier: Option<&Arc<Stand>>, was_fresh: bool) -> Arc<Stand> {
        let mut stand = scan::course(survey, earlier.map(|stand| &**stand), self.target_ms);
        stand.was_fresh = was_fresh;
        stand.read_by = self.reader;
        Arc::new(stand)
    }

    /// Whether one more course may be read without need.
    fn may_renew(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.renewals.fetch_update(Relaxed, Relaxed, less).is_ok()
    }
}

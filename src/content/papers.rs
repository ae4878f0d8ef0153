//! Papers that are kept because somebody sat them.
//!
//! An attempt is graded with the version it was opened with, and it may be open for as long as its
//! quiz allows: longer than authors leave a quiz alone, and longer than a process lives. So before
//! the first attempt at a version is acknowledged, its paper is on the disk, in a folder of its own
//! in the data directory: one JSON file a version, `<course>.<quiz>.<quiz number>.<version>.json`.
//! They hold right answers, and only the server's user may read them.

use crate::base::digest::Digest;
use crate::base::id::CourseId;
use crate::base::id::QuizId;
use crate::base::limits::PAPER_BYTES_MAX;
use crate::base::limits::PAPERS_MAX;
use crate::base::limits::PAPERS_READ_MAX;
use crate::content::Path;
use crate::content::Sheet;
use crate::content::SheetName;
use crate::content::paper::Paper;
use crate::content::shelf::QuizShelf;
use crate::content::shelf::place_id;
use crate::course::Slug;
use serde::Deserialize;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

/// The folder of papers. Shared by all workers.
pub struct Papers {
    dir: PathBuf,
    /// What is kept. Held for a look-up or an insertion.
    known: Mutex<Known>,
    /// Held while a paper is written; nobody waits for it on a worker's loop.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Known {
    titles: HashMap<SheetName, Title>,
    /// Names by the public URL's parts.
    urls: HashMap<String, SheetName>,
    /// Those that this process knows to be on the disk as they are now.
    current: HashMap<SheetName, Arc<QuizShelf>>,
    /// Sheets that were read lately.
    read: HashMap<SheetName, Sheet>,
}

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Title {
    course: Slug,
    quiz: Slug,
    number: QuizId,
    version: Digest,
}

/// Why a paper cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The operating system refused.
    #[error("paper {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("paper {path} is damaged: {what}; restore it from a backup or another node")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// As many as there may be are kept.
    #[error("{0} is full of papers; remove those whose attempts are long over")]
    Full(PathBuf),
    /// Nobody sat it here.
    #[error("no such paper is kept")]
    Unknown,
}

/// Form 1 of a file. Members are never renamed, so that every later version reads it.
#[derive(Serialize, Deserialize)]
struct Form {
    v: u32,
    /// Hash of the paper's own JSON.
    check: String,
    modified_unix_s: u64,
    paper: Paper,
}

impl Papers {
    /// Opens the folder at `dir`, which is made if it is absent; blocks.
    ///
    /// # Errors
    /// [`PaperError::Io`]. Files that are no papers are passed over.
    pub fn open(dir: PathBuf) -> Result<Self, PaperError> {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&dir);
        made.map_err(failed(&dir))?;
        let mut known = Known::default();
        for entry in fs::read_dir(&dir).map_err(failed(&dir))? {
            let name = entry.map_err(failed(&dir))?.file_name();
            if let Some(title) = name.to_str().and_then(Title::parse) {
                known.learn(&title);
            }
        }
        Ok(Self {
            dir,
            known: Mutex::new(known),
            writing: Mutex::default(),
        })
    }

    /// Whether the sheet's paper is on the disk as it is now.
    pub fn has(&self, sheet: &Sheet) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let current = known.current.get(&sheet.name);
        current.is_some_and(|current| Arc::ptr_eq(current, &sheet.shelf))
    }

    /// Puts the sheet's paper on the disk; blocks for a sync. A paper with the same public half and
    /// another key, which an author corrected, takes the place of the former.
    ///
    /// # Errors
    /// [`PaperError`]; then no attempt at it may be acknowledged.
    pub fn keep(&self, sheet: &Sheet) -> Result<(), PaperError> {
        self.put(sheet, PAPERS_MAX, Sync::Yes)
    }

    /// Puts papers there that authors replaced, since a learner whose attempt was opened on another
    /// node may come here; blocks. They take half of the room at most.
    ///
    /// # Errors
    /// [`PaperError`] of the first that cannot be put there.
    pub fn leave(&self, sheets: &[Sheet]) -> Result<(), PaperError> {
        let mut sheets = sheets.iter();
        sheets.try_for_each(|sheet| self.put(sheet, PAPERS_MAX / 2, Sync::No))
    }

    fn put(&self, sheet: &Sheet, room: usize, sync: Sync) -> Result<(), PaperError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has(sheet) {
            return Ok(());
        }
        let title = Title::of(sheet);
        let path = self.dir.join(title.file());
        let hash = sheet.shelf.paper.hash();
        let written = read(&path).is_ok_and(|form| form.paper.hash() == hash);
        // What lies there may not have been synced.
        if !written || sync == Sync::Yes {
            let is_new = |known: &Known| !known.titles.contains_key(&sheet.name);
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if is_new(&known) && known.titles.len() >= room {
                return Err(PaperError::Full(self.dir.clone()));
            }
            drop(known);
            let form = Form {
                v: 1,
                check: hash.to_string(),
                modified_unix_s: sheet.shelf.modified_unix_s,
                paper: sheet.shelf.paper.clone(),
            };
            let text = serde_json::to_vec(&form).map_err(io::Error::other);
            let written = text.and_then(|text| write(&self.dir, &path, &text, sync));
            written.map_err(failed(&path))?;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.learn(&title);
        known.read.remove(&sheet.name);
        if sync == Sync::Yes {
            known.current.insert(sheet.name, Arc::clone(&sheet.shelf));
        }
        Ok(())
    }

    /// The sheet of that name if it was read lately; `Some(None)` if it has to be read from the
    /// disk, `None` if nobody sat it here.
    pub fn find(&self, name: SheetName) -> Option<Option<Sheet>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let read = known.read.get(&name).cloned();
        (read.is_some() || known.titles.contains_key(&name)).then_some(read)
    }

    /// The sheet that a public URL names, if one was kept.
    pub fn named(&self, path: &Path<'_>) -> Option<SheetName> {
        let Path::Quiz(course, quiz, version) = path else {
            return None;
        };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.urls.get(&url(course, quiz, *version)).copied()
    }

    /// Reads the sheet of that name from the disk; blocks.
    ///
    /// # Errors
    /// [`PaperError`].
    pub fn read(&self, name: SheetName) -> Result<Sheet, PaperError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let title = known.titles.get(&name).cloned();
        drop(known);
        let title = title.ok_or(PaperError::Unknown)?;
        let form = read(&self.dir.join(title.file()))?;
        let (course, quiz) = (&title.course, &title.quiz);
        let shelf = QuizShelf {
            keys: format!("{course} {course}/{quiz}"),
            version: title.version,
            id: place_id(title.version, course.as_str(), "", quiz.as_str()),
            name: quiz.clone(),
            paper: form.paper,
            modified_unix_s: form.modified_unix_s,
            key: OnceLock::new(),
        };
        let sheet = Sheet {
            name,
            course: course.clone(),
            shelf: Arc::new(shelf),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.read.len() >= PAPERS_READ_MAX {
            known.read.clear();
        }
        known.read.insert(name, sheet.clone());
        Ok(sheet)
    }
}

impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Papers({})", self.dir.display())
    }
}

impl Known {
    fn learn(&mut self, title: &Title) {
        let name = title.name();
        let url = url(title.course.as_str(), title.quiz.as_str(), title.version);
        self.urls.insert(url, name);
        self.titles.insert(name, title.clone());
    }
}

impl Title {
    fn of(sheet: &Sheet) -> Self {
        Self {
            course: sheet.course.clone(),
            quiz: sheet.quiz().clone(),
            number: sheet.name.quiz,
            version: sheet.version(),
        }
    }

    fn name(&self) -> SheetName {
        SheetName {
            course: CourseId::of(self.course.as_str()),
            quiz: self.number,
            version: self.version.first64(),
        }
    }

    fn file(&self) -> String {
        let Self {
            course,
            quiz,
            number,
            version,
        } = self;
        format!("{course}.{quiz}.{:08x}.{version}.json", number.0)
    }

    fn parse(file: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(".json")?.split('.');
        let title = Self {
            course: Slug::parse(parts.next()?)?,
            quiz: Slug::parse(parts.next()?)?,
            number: QuizId(u32::from_str_radix(parts.next()?, 16).ok()?),
            version: Digest::parse(parts.next()?)?,
        };
        (parts.next().is_none() && title.file() == file).then_some(title)
    }
}

fn url(course: &str, quiz: &str, version: Digest) -> String {
    format!("{course}/{quiz}/{version}")
}

/// Reads and checks a file.
fn read(path: &path::Path) -> Result<Form, PaperError> {
    let mut bytes = Vec::new();
    let opened = fs::File::open(path).map_err(failed(path))?;
    let mut bounded = opened.take(PAPER_BYTES_MAX);
    bounded.read_to_end(&mut bytes).map_err(failed(path))?;
    let damaged = |what: String| PaperError::Damaged {
        path: path.to_owned(),
        what,
    };
    let form: Form = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if form.v != 1 {
        let what = "a later version of this program wrote it".to_owned();
        return Err(damaged(what));
    }
    if form.check != form.paper.hash().to_string() {
        return Err(damaged("its check does not fit".to_owned()));
    }
    Ok(form)
}

/// Whether the disk has to have a file before anything is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    Yes,
    No,
}

/// Writes a file whole or not at all, and returns once the disk has it under its name if that is
/// asked for.
fn write(dir: &path::Path, path: &path::Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    if sync == Sync::No {
        return fs::rename(&fresh, path);
    }
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    fs::File::open(dir)?.sync_all()
}

fn failed(path: &path::Path) -> impl FnOnce(io::Error) -> PaperError {
    move |source| PaperError::Io {
        path: path.to_owned(),
        source,
    }
}

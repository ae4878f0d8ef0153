//! Looking into folders without ever leaving the content folder.

use crate::base::limits::COURSE_FILE_BYTES_MAX;
use crate::base::limits::FOLDER_ENTRIES_MAX;
use crate::content::disk::OnDisk;
use crate::content::disk::Stamp;
use crate::course::Problem;
use std::collections::HashSet;
use std::fs;
use std::fs::DirEntry;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

/// A folder being read; paths are shown relative to the content folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// The content folder, without links; nothing outside it is opened.
    root: PathBuf,
    path: PathBuf,
    shown: String,
}

/// A file or folder that may be opened.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) disk: Arc<OnDisk>,
    folder: bool,
}

impl Folder {
    /// The content folder itself.
    pub(crate) fn root(path: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(path)?;
        fs::read_dir(&root)?;
        Ok(Self {
            path: root.clone(),
            root,
            shown: String::new(),
        })
    }

    /// The content folder above the course folder `path`, and the course as an item of it.
    pub(crate) fn above(path: &Path) -> io::Result<(Self, Item)> {
        let course = fs::canonicalize(path)?;
        let name = course.file_name().map(|n| n.to_string_lossy().into_owned());
        let metadata = fs::metadata(&course)?;
        let item = Item::new(name.unwrap_or_default(), &course, String::new(), &metadata);
        let folder = Self {
            root: course.clone(),
            path: course,
            shown: String::new(),
        };
        Ok((folder, item))
    }

    /// Where it lies, without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder `item`.
    pub(crate) fn enter(&self, item: &Item) -> Self {
        Self {
            root: self.root.clone(),
            path: item.disk.path.to_path_buf(),
            shown: item.shown().to_owned(),
        }
    }

    /// Where a file of that name would be, as problems show it.
    pub(crate) fn shown(&self, name: &str) -> String {
        if self.shown.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.shown)
        }
    }

    /// Its own path, as problems show it.
    pub(crate) fn shown_itself(&self) -> &str {
        &self.shown
    }

    /// Files and folders by name. Hidden ones are passed over, odd ones reported.
    pub(crate) fn items(&self, problems: &mut Vec<Problem>) -> Vec<Item> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) => {
                let what = format!("cannot be listed: {error}");
                problems.push(Problem::new(&self.shown, what, "make it readable"));
                return Vec::new();
            }
        };
        let mut items = Vec::new();
        for (at, entry) in entries.enumerate() {
            if at >= FOLDER_ENTRIES_MAX {
                let what = format!("holds more than {FOLDER_ENTRIES_MAX} files");
                problems.push(Problem::new(&self.shown, what, "split the folder"));
                break;
            }
            match entry {
                Ok(entry) => items.extend(self.entry(&entry, problems)),
                Err(error) => {
                    let what = format!("cannot be listed: {error}");
                    problems.push(Problem::new(&self.shown, what, "check the disk"));
                }
            }
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        report_twins(&items, problems);
        items
    }

    fn entry(&self, entry: &DirEntry, problems: &mut Vec<Problem>) -> Option<Item> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let file = self.shown(&printable(&name.to_string_lossy()));
            problems.push(Problem::new(file, "its name is not UTF-8", "rename it"));
            return None;
        };
        if name.starts_with('.') {
            return None;
        }
        let shown = self.shown(&printable(name));
        let item = self.look(entry, name, &shown);
        item.map_err(|(what, remedy)| problems.push(Problem::new(&shown, what, remedy)))
            .ok()
    }

    fn look(&self, entry: &DirEntry, name: &str, shown: &str) -> Result<Item, Refusal> {
        if let Some(what) = odd(name) {
            return Err((what.to_owned(), "rename it"));
        }
        let refuse =
            |error: io::Error| (format!("cannot be opened: {error}"), "repair or remove it");
        let metadata = entry.metadata().map_err(refuse)?;
        if !metadata.is_symlink() {
            return Self::plain(name, &self.path.join(name), shown, &metadata);
        }
        // Only a link can lead elsewhere, so only it pays for being followed.
        let path = fs::canonicalize(self.path.join(name)).map_err(refuse)?;
        if !path.starts_with(&self.root) {
            let what = "is a link that leads out of the content folder".to_owned();
            return Err((what, "copy the file itself into the folder"));
        }
        if self.path.starts_with(&path) {
            return Err(("is a link to a folder it lies in".to_owned(), "remove it"));
        }
        let metadata = fs::metadata(&path).map_err(refuse)?;
        Self::plain(name, &path, shown, &metadata)
    }

    fn plain(name: &str, path: &Path, shown: &str, metadata: &Metadata) -> Result<Item, Refusal> {
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(("is neither a file nor a folder".to_owned(), "remove it"));
        }
        Ok(Item::new(name.to_owned(), path, shown.to_owned(), metadata))
    }
}

/// What is wrong with a name that could not stand in a URL or on a terminal.
fn odd(name: &str) -> Option<&'static str> {
    if name.chars().any(char::is_control) {
        return Some("its name has a control character");
    }
    if name.chars().any(is_invisible) {
        return Some("its name has an invisible character that turns or breaks the line");
    }
    let reserved = name.contains(['\\', '"', '%', '?', '#']);
    reserved.then_some("its name has one of \\ \" % ? #")
}

/// Marks of writing direction (UAX 9), line separators and the byte order mark: with them one name
/// looks like another.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A name as it may be printed anywhere.
fn printable(name: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || is_invisible(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    name.chars().map(plain).collect()
}

/// Reports names that differ only in how their letters are composed: nobody can tell them apart.
fn report_twins(items: &[Item], problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    for item in items.iter().filter(|item| !item.name.is_ascii()) {
        if !seen.insert(item.name.nfc().collect::<String>()) {
            let what = "its name looks the same as another one's: letters with marks are written \
                        in two ways";
            problems.push(Problem::new(
                item.shown(),
                what,
                "rename or remove one of them",
            ));
        }
    }
}

/// What is wrong and the remedy.
type Refusal = (String, &'static str);

impl Item {
    fn new(name: String, path: &Path, shown: String, metadata: &Metadata) -> Self {
        let disk = OnDisk {
            path: path.into(),
            shown: shown.into(),
            stamp: Stamp::of(metadata),
        };
        Self {
            name,
            disk: Arc::new(disk),
            folder: metadata.is_dir(),
        }
    }

    /// Whether it is a file.
    pub(crate) const fn is_file(&self) -> bool {
        !self.folder
    }

    /// Whether it is a folder.
    pub(crate) const fn is_folder(&self) -> bool {
        self.folder
    }

    /// Path below the content folder, as problems name it.
    pub(crate) fn shown(&self) -> &str {
        &self.disk.shown
    }

    /// The whole text of a small file.
    pub(crate) fn text(&self) -> Result<String, Problem> {
        let refuse = |what: String, remedy: &str| Err(Problem::new(self.shown(), what, remedy));
        match self.disk.bytes(COURSE_FILE_BYTES_MAX) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let before = error.as_bytes().get(..at).unwrap_or_default();
                let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                let problem = Problem::new(self.shown(), "is not UTF-8", "save it as UTF-8");
                problem.at(u32::try_from(line).unwrap_or(u32::MAX))
            }),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                refuse("has more than 4 MiB".to_owned(), "split or shorten it")
            }
            Err(error) => refuse(format!("cannot be read: {error}"), "make it readable"),
        }
    }

    /// Modification time, seconds since 1970 UTC.
    pub(crate) fn modified_unix_s(&self) -> u64 {
        self.disk.modified_unix_s()
    }
}

//! Looking into folders without ever leaving the content folder.

use crate::base::limits::COURSE_FILE_BYTES_MAX;
use crate::base::limits::FOLDER_ENTRIES_MAX;
use crate::course::Problem;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

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
    pub(crate) path: PathBuf,
    pub(crate) shown: String,
    pub(crate) metadata: Metadata,
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
        let item = Item {
            name: name.unwrap_or_default(),
            metadata: fs::metadata(&course)?,
            shown: String::new(),
            path: course.clone(),
        };
        let folder = Self {
            root: course.clone(),
            path: course,
            shown: String::new(),
        };
        Ok((folder, item))
    }

    /// The folder `item`.
    pub(crate) fn enter(&self, item: &Item) -> Self {
        Self {
            root: self.root.clone(),
            path: item.path.clone(),
            shown: item.shown.clone(),
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
            match entry.map(|e| e.file_name()) {
                Ok(name) => match name.to_str() {
                    Some(hidden) if hidden.starts_with('.') => {}
                    Some(name) => items.extend(self.item(name, problems)),
                    None => {
                        let file = self.shown(&name.to_string_lossy());
                        problems.push(Problem::new(file, "its name is not UTF-8", "rename it"));
                    }
                },
                Err(error) => {
                    let what = format!("cannot be listed: {error}");
                    problems.push(Problem::new(&self.shown, what, "check the disk"));
                }
            }
        }
        items.sort_by(|a, b| a.name.cmp(&b.name));
        items
    }

    fn item(&self, name: &str, problems: &mut Vec<Problem>) -> Option<Item> {
        let shown = self.shown(name);
        let mut refuse = |what: String, remedy: &str| {
            problems.push(Problem::new(&shown, what, remedy));
            None
        };
        if name
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | '"' | '%' | '?' | '#'))
        {
            let what = "its name has a control character or one of \\ \" % ? #".to_owned();
            return refuse(what, "rename it");
        }
        let path = match fs::canonicalize(self.path.join(name)) {
            Ok(path) => path,
            Err(error) => {
                return refuse(format!("cannot be opened: {error}"), "repair or remove it");
            }
        };
        if !path.starts_with(&self.root) {
            let what = "is a link that leads out of the content folder".to_owned();
            return refuse(what, "copy the file itself into the folder");
        }
        if self.path.starts_with(&path) {
            return refuse("is a link to a folder it lies in".to_owned(), "remove it");
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                return refuse(format!("cannot be opened: {error}"), "repair or remove it");
            }
        };
        if !metadata.is_dir() && !metadata.is_file() {
            return refuse("is neither a file nor a folder".to_owned(), "remove it");
        }
        Some(Item {
            name: name.to_owned(),
            path,
            shown,
            metadata,
        })
    }
}

impl Item {
    /// The whole text of a small file.
    pub(crate) fn text(&self) -> Result<String, Problem> {
        let refuse = |what: String, remedy: &str| Err(Problem::new(&self.shown, what, remedy));
        match self.bytes(COURSE_FILE_BYTES_MAX) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let before = error.as_bytes().get(..at).unwrap_or_default();
                let line = before.iter().filter(|b| **b == b'\n').count() + 1;
                let problem = Problem::new(&self.shown, "is not UTF-8", "save it as UTF-8");
                problem.at(u32::try_from(line).unwrap_or(u32::MAX))
            }),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                refuse("has more than 4 MiB".to_owned(), "split or shorten it")
            }
            Err(error) => refuse(format!("cannot be read: {error}"), "make it readable"),
        }
    }

    /// The whole file, which may have grown since it was listed.
    pub(crate) fn bytes(&self, max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = File::open(&self.path)?.take(max + 1);
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    /// Modification time, seconds since 1970 UTC.
    pub(crate) fn modified_unix_s(&self) -> u64 {
        let ns = crate::content::attachment::modified_ns(&self.metadata);
        u64::try_from(ns / 1_000_000_000).unwrap_or(0)
    }
}

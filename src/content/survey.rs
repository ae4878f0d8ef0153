//! What lies in a course folder, seen without opening a file.

use crate::base::digest::Digest;
use crate::base::limits::COURSE_ENTRIES_MAX;
use crate::content::folder::Folder;
use crate::content::folder::Item;
use crate::course::Problem;

/// A folder and what lies in it.
pub(crate) struct Branch {
    pub(crate) folder: Folder,
    /// Files and folders by name.
    pub(crate) items: Vec<Item>,
    /// The folders among them, as far as they are looked into.
    below: Vec<Self>,
    name: String,
}

/// A course folder at one moment.
pub(crate) struct Survey {
    pub(crate) branch: Branch,
    pub(crate) problems: Vec<Problem>,
    /// Changes with every name, length, modification time and inode in it.
    pub(crate) fingerprint: Digest,
    /// The latest modification time, nanoseconds since 1970 UTC.
    pub(crate) youngest_ns: u64,
}

struct Surveyor {
    problems: Vec<Problem>,
    print: Vec<u8>,
    youngest_ns: u64,
    entries: usize,
}

impl Survey {
    /// Looks at the course folder `item` of `parent`.
    pub(crate) fn of(parent: &Folder, item: &Item) -> Self {
        let mut surveyor = Surveyor {
            problems: Vec::new(),
            print: Vec::new(),
            youngest_ns: item.disk.stamp.modified_ns,
            entries: 0,
        };
        surveyor.note(item);
        let branch = surveyor.branch(parent.enter(item), &item.name, 0);
        for problem in &surveyor.problems {
            surveyor.print.extend(problem.to_string().as_bytes());
        }
        Self {
            branch,
            problems: surveyor.problems,
            fingerprint: Digest::of(&[&surveyor.print]),
            youngest_ns: surveyor.youngest_ns,
        }
    }
}

impl Surveyor {
    fn branch(&mut self, folder: Folder, name: &str, depth: u32) -> Branch {
        let mut items = folder.items(&mut self.problems);
        let room = COURSE_ENTRIES_MAX.saturating_sub(self.entries);
        if items.len() > room {
            let what = format!("the course holds more than {COURSE_ENTRIES_MAX} files");
            let problem = Problem::new(folder.shown_itself(), what, "split the course");
            self.problems.push(problem);
            items.truncate(room);
        }
        self.entries += items.len();
        let mut below = Vec::new();
        for item in &items {
            self.note(item);
            if item.is_file() {
                continue;
            }
            if depth < DEPTH_MAX {
                below.push(self.branch(folder.enter(item), &item.name, depth + 1));
            } else {
                let what = format!("lies more than {DEPTH_MAX} folders deep");
                self.problems
                    .push(Problem::new(item.shown(), what, "move it up"));
            }
        }
        Branch {
            folder,
            items,
            below,
            name: name.to_owned(),
        }
    }

    /// Adds to the print; lengths keep names apart.
    fn note(&mut self, item: &Item) {
        let stamp = item.disk.stamp;
        let path = item.disk.path.as_os_str().as_encoded_bytes();
        self.print.push(u8::from(item.is_file()));
        for number in [
            stamp.len,
            stamp.modified_ns,
            stamp.inode,
            path.len() as u64,
            item.shown().len() as u64,
        ] {
            self.print.extend(number.to_be_bytes());
        }
        self.print.extend(path);
        self.print.extend(item.shown().as_bytes());
        self.youngest_ns = self.youngest_ns.max(stamp.modified_ns);
    }
}

impl Branch {
    /// The files in it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.is_file())
    }

    /// The folders in it that were looked into.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Self> {
        self.below.iter()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Folders below a course that may hold something.
const DEPTH_MAX: u32 = 4;

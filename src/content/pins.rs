//! Second names of recordings and captions: what its author replaces by a rename stays readable for
//! those who have the former playlist, whether anybody had read it before or not.
//!
//! A pin is a hard link: it costs no bytes while the file is in its place, and keeps them after.
//! Its name says which state of which file it is (inode, time, length); what is read through it is
//! compared with that state as ever, so that a file overwritten in place is noticed here too.

use crate::content::disk::OnDisk;
use crate::content::disk::Stamp;
use std::collections::HashSet;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The folder of links. It must lie on the file system of what is linked.
#[derive(Debug, Clone)]
pub(crate) struct Pins(Arc<Path>);

/// What is known to lie in the folder, and its keeping.
#[derive(Debug)]
pub(crate) struct PinBoard {
    pins: Pins,
    /// `None` until the folder was looked at.
    there: Option<HashSet<Stamp>>,
}

/// What a settling came to.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Files with a pin.
    pub(crate) pinned: usize,
    /// Files that cannot be given one.
    pub(crate) unpinned: usize,
    /// Why, for the first of them.
    pub(crate) reason: Option<io::Error>,
}

impl Pins {
    /// The pin of that state of a file.
    ///
    /// # Errors
    /// It has none, or was written to.
    pub(crate) fn open(&self, file: &OnDisk) -> io::Result<File> {
        let open = File::open(self.place(file.stamp))?;
        file.verify(&open)?;
        Ok(open)
    }

    fn place(&self, stamp: Stamp) -> PathBuf {
        self.0.join(name(stamp))
    }

    /// Links the file; whether it still is the one that the scan saw.
    fn link(&self, file: &OnDisk) -> io::Result<bool> {
        let place = self.place(file.stamp);
        match fs::hard_link(&file.path, &place) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Replaced or removed a moment ago: the next look at the folder tells.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        if Stamp::of(&fs::symlink_metadata(&place)?) == file.stamp {
            return Ok(true);
        }
        fs::remove_file(&place)?;
        Ok(false)
    }
}

impl PinBoard {
    /// The board at `dir`, which is made when first needed.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            pins: Pins(dir.into()),
            there: None,
        }
    }

    /// For whoever reads.
    pub(crate) fn pins(&self) -> Pins {
        self.pins.clone()
    }

    /// Gives every file of `wanted` a pin, as far as that can be, and takes away all others.
    /// Blocks: some tens of microseconds a new file, nothing for those that have one. Set `stop`
    /// ends it early.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub(crate) fn settle<'a>(
        &mut self,
        wanted: impl Iterator<Item = &'a OnDisk>,
        stop: &AtomicBool,
    ) -> io::Result<Settled> {
        let mut before = match self.there.take() {
            Some(there) => there,
            None => self.look()?,
        };
        let mut settled = Settled::default();
        let (mut there, mut seen) = (HashSet::new(), HashSet::new());
        let mut failed_in_a_row = 0;
        for file in wanted.filter(|file| seen.insert(file.stamp)) {
            if before.remove(&file.stamp) {
                there.insert(file.stamp);
                continue;
            }
            if failed_in_a_row >= FAILURES_MAX || stop.load(Relaxed) {
                settled.unpinned += 1;
                continue;
            }
            match self.pins.link(file) {
                Ok(linked) => {
                    failed_in_a_row = 0;
                    if linked {
                        there.insert(file.stamp);
                    }
                }
                Err(error) => {
                    failed_in_a_row += 1;
                    settled.unpinned += 1;
                    settled.reason.get_or_insert(error);
                }
            }
        }
        for stamp in before {
            match fs::remove_file(self.pins.place(stamp)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    // Tried again at the next settling.
                    there.insert(stamp);
                }
                Ok(()) | Err(_) => {}
            }
        }
        settled.pinned = there.len();
        self.there = Some(there);
        Ok(settled)
    }

    /// What lies in the folder; names that are no pin's are left alone.
    fn look(&self) -> io::Result<HashSet<Stamp>> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.pins.0)?;
        let mut there = HashSet::new();
        for entry in fs::read_dir(&self.pins.0)? {
            there.extend(entry?.file_name().to_str().and_then(stamp));
        }
        Ok(there)
    }
}

/// The name of a pin.
fn name(stamp: Stamp) -> String {
    let Stamp {
        len,
        modified_ns,
        inode,
    } = stamp;
    format!("{inode:x}-{modified_ns:x}-{len:x}")
}

/// What a pin's name says.
fn stamp(pin: &str) -> Option<Stamp> {
    let mut parts = pin.split('-');
    let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
    let (inode, modified_ns, len) = (number()?, number()?, number()?);
    let stamp = Stamp {
        len,
        modified_ns,
        inode,
    };
    // One spelling only: what another program put here is not ours to remove.
    (name(stamp) == pin).then_some(stamp)
}

/// After so many failures one behind the other (another file system, as a rule) the rest is not
/// tried.
const FAILURES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;
    use tempfile::TempDir;

    fn seen(path: &Path) -> OnDisk {
        OnDisk {
            path: path.into(),
            shown: "c/a.txt".into(),
            stamp: Stamp::of(&fs::metadata(path).unwrap()),
        }
    }

    fn settle(board: &mut PinBoard, wanted: &[&OnDisk]) -> usize {
        let settled = board
            .settle(wanted.iter().copied(), &AtomicBool::new(false))
            .unwrap();
        assert_eq!(settled.unpinned, 0, "{:?}", settled.reason);
        settled.pinned
    }

    fn file(dir: &TempDir, name: &str, text: &str) -> OnDisk {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        seen(&path)
    }

    #[test]
    fn what_nobody_read_is_there_after_a_rename_over_it_and_no_longer_than_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data/pins");
        let old = file(&dir, "a.txt", "old");
        let mut board = PinBoard::new(&folder);
        assert!(board.pins().open(&old).is_err(), "not pinned yet");
        assert_eq!(settle(&mut board, &[&old, &old]), 1);
        file(&dir, "b.txt", "newer");
        fs::rename(dir.path().join("b.txt"), dir.path().join("a.txt")).unwrap();
        let new = seen(&dir.path().join("a.txt"));
        for mut board in [board, PinBoard::new(&folder)] {
            assert_eq!(settle(&mut board, &[&new, &old]), 2, "also another process");
            let pin = board.pins().open(&old).unwrap();
            let mut bytes = [0; 3];
            old.read(&pin, &mut bytes, 0).unwrap();
            assert_eq!(&bytes, b"old");
        }
        fs::write(folder.join("notes"), "somebody's").unwrap();
        fs::write(folder.join("01-2-3"), "nor is this a name of ours").unwrap();
        let mut board = PinBoard::new(&folder);
        assert_eq!(settle(&mut board, &[&new]), 1);
        assert!(board.pins().open(&old).is_err(), "unwanted");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        assert_eq!(settle(&mut board, &[]), 0);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_written_to_in_its_place_is_not_handed_out_by_its_pin() {
        let dir = tempfile::tempdir().unwrap();
        let mut board = PinBoard::new(&dir.path().join("pins"));
        let old = file(&dir, "a.txt", "old");
        assert_eq!(settle(&mut board, &[&old]), 1);
        file(&dir, "a.txt", "else");
        assert!(board.pins().open(&old).is_err());
        // And what changed between the scan and the pinning gets none under its former name.
        let mut board = PinBoard::new(&dir.path().join("others"));
        assert_eq!(settle(&mut board, &[&old]), 0);
        assert_eq!(fs::read_dir(dir.path().join("others")).unwrap().count(), 0);
        fs::remove_file(dir.path().join("a.txt")).unwrap();
        assert_eq!(settle(&mut board, &[&old]), 0);
    }

    #[test]
    fn another_file_system_is_told_and_costs_nothing_else() {
        // The system's own files lie elsewhere.
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), Path::new("/proc/self/stat"));
        let foreign: Vec<OnDisk> = (0..100)
            .map(|n| OnDisk {
                stamp: Stamp {
                    len: n,
                    ..Stamp::default()
                },
                ..seen(elsewhere)
            })
            .collect();
        let own = file(&dir, "a.txt", "own");
        let mut board = PinBoard::new(&dir.path().join("pins"));
        let wanted = [&own].into_iter().chain(&foreign);
        let settled = board.settle(wanted, &AtomicBool::new(false)).unwrap();
        assert_eq!((settled.pinned, settled.unpinned), (1, 100));
        assert!(settled.reason.is_some());
    }
}

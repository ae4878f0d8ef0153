//! A file as the scan saw it, and reading it only while it still is that file.

use crate::base::limits::CONTENT_FILES_OPEN_MAX;
use crate::content::LoadError;
use crate::content::pins::Pins;
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde::Serialize;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

/// What tells one state of a file from another without reading it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub(crate) struct Stamp {
    /// Bytes.
    pub(crate) len: u64,
    /// Modification time, nanoseconds since 1970 UTC; 0 where the system does not know.
    pub(crate) modified_ns: u64,
    /// The file system's number of the file: a file renamed over another has its own.
    pub(crate) inode: u64,
}

impl Stamp {
    /// The stamp of a file with that metadata.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let time = metadata.modified().ok();
        let since = time.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            len: metadata.len(),
            modified_ns: since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(0)),
            inode: metadata.ino(),
        }
    }
}

/// A file that the scan found. Its bytes are handed out only if it had this stamp before and after
/// they were read, so that a file replaced or cut meanwhile is an error and never a mixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnDisk {
    /// Without links.
    pub(crate) path: Box<Path>,
    /// Below the content folder, as problems name it.
    pub(crate) shown: Box<str>,
    pub(crate) stamp: Stamp,
}

impl OnDisk {
    /// Opens it.
    ///
    /// # Errors
    /// It is not there, or another file took its place.
    pub(crate) fn open(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        self.verify(&file)?;
        Ok(file)
    }

    /// Opens it, or what keeps it after it was replaced.
    ///
    /// # Errors
    /// It is not there, or another file took its place and nothing keeps it.
    pub(crate) fn open_or_pinned(&self, pins: Option<&Pins>) -> io::Result<File> {
        self.open().or_else(|error| {
            let pinned = pins.and_then(|pins| pins.open(self).ok());
            pinned.ok_or(error)
        })
    }

    /// Whether `file` is in the state that the scan saw.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn verify(&self, file: &File) -> io::Result<()> {
        if Stamp::of(&file.metadata()?) == self.stamp {
            Ok(())
        } else {
            Err(io::Error::other("it was replaced or changed"))
        }
    }

    /// Fills `piece` from byte `at` on; asks `verify` before the bytes are used.
    ///
    /// # Errors
    /// The file ends early or is in another state by now.
    pub(crate) fn read(&self, file: &File, piece: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(piece, at)?;
        self.verify(file)
    }

    /// The whole file.
    ///
    /// # Errors
    /// `FileTooLarge` beyond `max` bytes; it cannot be read; it changes meanwhile.
    pub(crate) fn bytes(&self, max: u64) -> io::Result<Vec<u8>> {
        let file = self.open()?;
        if self.stamp.len > max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.stamp.len).unwrap_or(0));
        // One byte more than it should have: a file that grows is noticed too.
        (&file).take(self.stamp.len + 1).read_to_end(&mut bytes)?;
        self.verify(&file)?;
        if bytes.len() as u64 == self.stamp.len {
            Ok(bytes)
        } else {
            Err(io::Error::other("it changed while it was read"))
        }
    }

    /// Modification time, seconds since 1970 UTC.
    pub(crate) const fn modified_unix_s(&self) -> u64 {
        self.stamp.modified_ns / 1_000_000_000
    }

    /// The error of somebody who needed it.
    pub(crate) fn changed(&self, reason: impl std::fmt::Display) -> LoadError {
        LoadError::Changed {
            file: self.shown.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Files read lately, kept open: a segment costs no look-up of its path. What its author replaced
/// is read by its pin; where it has none, by the handle that was kept.
#[derive(Debug)]
pub(crate) struct Handles {
    open: Cache<Stamp, Arc<File>>,
    pins: Option<Pins>,
}

impl Handles {
    /// None yet.
    pub(crate) fn new(pins: Option<Pins>) -> Self {
        Self {
            open: Cache::new(CONTENT_FILES_OPEN_MAX),
            pins,
        }
    }

    /// Where what was replaced is found.
    pub(crate) fn pins(&self) -> Option<&Pins> {
        self.pins.as_ref()
    }

    /// The file, in the state that the scan saw; blocks.
    ///
    /// # Errors
    /// [`LoadError::Changed`] if no open file, none at its path and no pin is in that state.
    pub(crate) fn open(&self, file: &OnDisk) -> Result<Arc<File>, LoadError> {
        if let Some(open) = self.open.get(&file.stamp) {
            if file.verify(&open).is_ok() {
                return Ok(open);
            }
            self.open.remove(&file.stamp);
        }
        let open = file.open_or_pinned(self.pins.as_ref());
        let open = Arc::new(open.map_err(|error| file.changed(error))?);
        self.open.insert(file.stamp, Arc::clone(&open));
        Ok(open)
    }

    /// Files held open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn seen(path: &Path) -> OnDisk {
        OnDisk {
            path: path.into(),
            shown: "c/a.txt".into(),
            stamp: Stamp::of(&fs::metadata(path).unwrap()),
        }
    }

    #[test]
    fn a_file_that_grew_shrank_or_was_replaced_is_never_read_as_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let handles = Handles::new(None);
        for change in ["aa", "aaaa"] {
            fs::write(&path, "aaa").unwrap();
            let file = seen(&path);
            let open = handles.open(&file).unwrap();
            assert_eq!(file.bytes(3).unwrap(), b"aaa");
            assert_eq!(
                file.bytes(2).unwrap_err().kind(),
                io::ErrorKind::FileTooLarge
            );
            fs::write(&path, change).unwrap();
            assert!(file.bytes(9).is_err(), "{change}");
            assert!(file.read(&open, &mut [0; 2], 0).is_err(), "{change}");
            assert!(handles.open(&file).is_err(), "{change}");
        }
    }

    #[test]
    fn what_is_being_played_stays_readable_after_a_rename_over_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.txt"), dir.path().join("b.txt"));
        fs::write(&path, "old").unwrap();
        fs::write(&other, "new").unwrap();
        let (file, handles) = (seen(&path), Handles::new(None));
        handles.open(&file).unwrap();
        fs::rename(&other, &path).unwrap();
        let mut piece = [0; 3];
        let open = handles.open(&file).unwrap();
        file.read(&open, &mut piece, 0).unwrap();
        assert_eq!((&piece, handles.len()), (b"old", 1));
        // Who never read it has nothing to read any more.
        assert!(Handles::new(None).open(&file).is_err());
        assert_eq!(seen(&path).bytes(3).unwrap(), b"new");
    }
}

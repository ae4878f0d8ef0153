//! The journal without its thread: segments of zeros, filled batch by batch.

use crate::base::limits::JOURNAL_BATCH_BYTES_MAX;
use crate::store::Append;
use crate::store::Disk;
use crate::store::DiskFile;
use crate::store::Kept;
use crate::store::Segments;
use crate::store::batch;
use crate::store::batch::BLOCK_BYTES;
use crate::store::batch::HEAD_BYTES;
use crate::store::batch::Name;
use std::fmt;
use std::io;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"LLjrnl\x01\n";
/// Zeros are written in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// A segment whose zeros, head and name are on the disk.
pub struct Segment {
    number: u64,
    bytes: u64,
    file: Box<dyn DiskFile>,
}

/// Writes batches. The order of calls is `append`s, then one `commit`.
pub struct Writer {
    segment: Segment,
    /// Where the next batch goes.
    offset: u64,
    /// The number of the next commit.
    commit: u64,
    buffer: Vec<u8>,
    segments: Arc<Segments>,
}

/// One commit that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Its number, from 1, without gaps over the journal's whole life.
    pub number: u64,
    /// When it was written, unix milliseconds.
    pub at_ms: u64,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The segment is full: go on with the next one.
    #[error("the journal's segment is full")]
    Full,
    /// More than one commit may hold.
    #[error("a commit has at most {JOURNAL_BATCH_BYTES_MAX} bytes")]
    TooLarge,
    /// The disk failed. What was written may be there or not; nothing may be acknowledged by this
    /// writer any more.
    #[error("journal: cannot {verb} segment {segment}")]
    Disk {
        /// What was tried.
        verb: &'static str,
        /// On which segment.
        segment: u64,
        /// Why it failed.
        source: io::Error,
    },
}

impl Segment {
    /// Makes a segment: zeros ahead, so that no commit waits for the file system to find blocks;
    /// head, sync, name, sync of the name. Takes as long as the disk takes for its bytes.
    ///
    /// # Errors
    /// Of the operating system; a full disk shows here first. Then nothing of it stays.
    pub fn make(disk: &dyn Disk, number: u64, bytes: u64) -> io::Result<Self> {
        let fresh = format!("{}.new", name(number));
        let made = Self::fill(disk, &fresh, number, bytes);
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // The half-made file is in the way of the next try; that it is there is not news.
                drop(disk.remove(&fresh));
                return Err(error);
            }
        };
        disk.rename(&fresh, &name(number))?;
        disk.sync()?;
        Ok(Self {
            number,
            bytes,
            file,
        })
    }

    fn fill(
        disk: &dyn Disk,
        fresh: &str,
        number: u64,
        bytes: u64,
    ) -> io::Result<Box<dyn DiskFile>> {
        let file = disk.create(fresh)?;
        let zeros = vec![0; PIECE_BYTES];
        let mut offset = 0;
        while offset < bytes {
            let left = usize::try_from(bytes - offset).unwrap_or(PIECE_BYTES);
            let piece = zeros.get(..left.min(PIECE_BYTES)).unwrap_or_default();
            file.write(offset, piece)?;
            offset += piece.len() as u64;
        }
        file.write(0, &head(number))?;
        file.sync()?;
        Ok(file)
    }

    /// An existing segment, its head checked.
    pub(super) fn of_file(file: Box<dyn DiskFile>, number: u64) -> io::Result<Option<Self>> {
        let bytes = file.size()?;
        if bytes < BLOCK_BYTES as u64 {
            return Ok(None);
        }
        let mut found = vec![0; head(number).len()];
        file.read(0, &mut found)?;
        let whole = found == head(number);
        Ok(whole.then_some(Self {
            number,
            bytes,
            file,
        }))
    }

    /// Its number, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Its bytes, head included.
    pub const fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether it has no room for any batch.
    pub const fn is_empty(&self) -> bool {
        self.bytes <= BLOCK_BYTES as u64
    }

    pub(super) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }
}

impl Writer {
    /// Goes on in `segment` at `offset` with commit number `commit`.
    pub(super) fn resume(segment: Segment, offset: u64, commit: u64, segments: Segments) -> Self {
        Self {
            segment,
            offset,
            commit,
            buffer: Vec::new(),
            segments: Arc::new(segments),
        }
    }

    /// Goes on in a fresh segment.
    pub fn rotate(&mut self, segment: Segment) {
        self.segment = segment;
        self.offset = BLOCK_BYTES as u64;
    }

    /// The number of the segment in use.
    pub const fn segment(&self) -> u64 {
        self.segment.number
    }

    /// The number of the next commit.
    pub const fn next(&self) -> u64 {
        self.commit
    }

    /// Which segments hold commits.
    pub const fn segments(&self) -> &Arc<Segments> {
        &self.segments
    }

    /// Whether batches of this many bytes fit the segment.
    pub const fn fits(&self, bytes: usize) -> bool {
        let blocks = (HEAD_BYTES + bytes).next_multiple_of(BLOCK_BYTES) as u64;
        self.offset + blocks <= self.segment.bytes
    }

    /// Writes one batch and returns once the disk has it.
    ///
    /// # Errors
    /// [`WriteError`]. After `Disk` the writer must not be used again.
    pub fn commit(&mut self, appends: &[Append], now_ms: u64) -> Result<Commit, WriteError> {
        let bytes = appends.iter().map(Append::len).sum();
        if bytes > JOURNAL_BATCH_BYTES_MAX {
            return Err(WriteError::TooLarge);
        }
        if !self.fits(bytes) {
            return Err(WriteError::Full);
        }
        let segment = self.segment.number;
        let name = Name {
            segment,
            commit: self.commit,
            at_ms: now_ms,
        };
        batch::write(&mut self.buffer, name, appends.iter());
        let failed = |verb| {
            move |source| WriteError::Disk {
                verb,
                segment,
                source,
            }
        };
        let file = self.segment.file();
        file.write(self.offset, &self.buffer)
            .map_err(failed("write"))?;
        file.sync().map_err(failed("sync"))?;
        if self.offset == BLOCK_BYTES as u64 {
            let first = name.commit;
            self.segments.begun(Kept { segment, first });
        }
        self.offset += self.buffer.len() as u64;
        self.commit += 1;
        Ok(Commit {
            number: name.commit,
            at_ms: now_ms,
        })
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({})", self.number)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Writer(commit {} at {:?}+{})",
            self.commit, self.segment, self.offset
        )
    }
}

/// The file name of a segment; sorted as text, segments are in order.
pub(super) fn name(number: u64) -> String {
    format!("journal-{number:012}.log")
}

/// The number in the file name of a segment.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("journal-")?.strip_suffix(".log")?;
    (digits.len() == 12).then(|| digits.parse().ok()).flatten()
}

/// What the first block of a segment begins with: magic, number, checksum of both.
pub(super) fn head(number: u64) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&number.to_le_bytes());
    head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    head
}

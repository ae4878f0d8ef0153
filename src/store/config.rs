//! Settings of the journal and of the snapshots.

use crate::base::limits::JOURNAL_SEGMENT_BYTES_MAX;
use crate::base::limits::JOURNAL_SEGMENT_BYTES_MIN;
use crate::base::units::Size;
use serde::Deserialize;
use serde::Serialize;

/// Settings of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes of one segment file, 4 MiB to 256 MiB. Default: 64 MiB. The next one is written with
    /// zeros ahead of its use, so the journal takes one segment of disk more than it holds; smaller
    /// segments are dropped sooner, larger ones rotate less often.
    pub segment: Size,
    /// Appends that may wait for the disk, 1 to 1,048,576. Default: 65,536. Beyond them the server
    /// answers 503, so that nobody waits for ever; each takes some 300 bytes.
    pub queue: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment: Size::mib(64),
            queue: 65_536,
        }
    }
}

impl Config {
    /// Whether all values are within their bounds.
    ///
    /// # Errors
    /// The first that is not, with its key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        let (min, max) = (JOURNAL_SEGMENT_BYTES_MIN, JOURNAL_SEGMENT_BYTES_MAX);
        within("journal.segment", self.segment, min, max)?;
        if !(1..=1 << 20).contains(&self.queue) {
            return Err(format!("journal.queue is {}; use 1 to 1048576", self.queue));
        }
        Ok(())
    }

    /// The segment's bytes within its bounds, a whole number of blocks.
    pub fn segment_bytes(&self) -> u64 {
        let bytes = self.segment.as_bytes();
        let bytes = bytes.clamp(JOURNAL_SEGMENT_BYTES_MIN, JOURNAL_SEGMENT_BYTES_MAX);
        bytes / 4096 * 4096
    }

    /// The queue's length within its bounds.
    pub fn queue_len(&self) -> usize {
        self.queue.clamp(1, 1 << 20) as usize
    }
}

/// Settings of the sessions at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotsConfig {
    /// Memory for blocks that were read, 1 MiB to 16 GiB. Default: 32 MiB. A learner who comes back
    /// is read once, so more helps little.
    pub cache: Size,
    /// Bytes gathered in memory before they are written as one table, 1 MiB to 256 MiB. Default:
    /// 16 MiB. The database may take five times as much when it cannot keep up; smaller tables are
    /// merged more often.
    pub memtable: Size,
    /// Threads that write and merge tables, 1 to 8. Default: 2, so that gathered bytes are written
    /// while tables are merged.
    pub workers: u8,
    /// Room on the disk that is left alone, up to 1 TiB. Default: 512 MiB. Below it nothing is
    /// saved, because the database does not survive a full disk without a new start; the journal
    /// keeps what is not saved. "0 B" turns the check off.
    pub reserve: Size,
}

impl Default for SnapshotsConfig {
    fn default() -> Self {
        Self {
            cache: Size::mib(32),
            memtable: Size::mib(16),
            workers: 2,
            reserve: Size::mib(512),
        }
    }
}

impl SnapshotsConfig {
    /// Whether all values are within their bounds.
    ///
    /// # Errors
    /// The first that is not, with its key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        within("snapshots.cache", self.cache, 1 << 20, 1 << 34)?;
        within("snapshots.memtable", self.memtable, 1 << 20, 1 << 28)?;
        within("snapshots.reserve", self.reserve, 0, 1 << 40)?;
        if !(1..=8).contains(&self.workers) {
            return Err(format!("snapshots.workers is {}; use 1 to 8", self.workers));
        }
        Ok(())
    }

    /// The number of threads: the database knows no 0.
    pub(super) fn worker_count(&self) -> usize {
        usize::from(self.workers.max(1))
    }
}

fn within(key: &str, size: Size, min: u64, max: u64) -> Result<(), String> {
    let [min, max] = [min, max].map(Size::bytes);
    if (min.as_bytes()..=max.as_bytes()).contains(&size.as_bytes()) {
        return Ok(());
    }
    Err(format!("{key} is {size}; use {min} to {max}"))
}

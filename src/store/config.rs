//! Settings of the journal.

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

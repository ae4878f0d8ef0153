//! Floor 5: what must survive the process: the journal of everything that was acknowledged, and
//! the learners' states at rest.
//!
//! - [`Journal`] appends facts and answers with [`Durable`] once the disk has them. Only this room
//!   can make one, so a reply that is built from it cannot promise too much.
//! - [`Writer`] is the journal without its thread: group commit into segments of zeros, one
//!   checksum and one `fdatasync` a batch.
//! - [`recover`] reads the segments back, tolerates a torn end and refuses a broken middle;
//!   [`scan`] and [`survey`] only look.
//! - [`Journal::forget`] drops segments that nobody needs: oldest first, each removal synced, never
//!   the one with the newest commit.
//! - [`Snapshots`] keeps learners' states at rest, in a database of its own; what is saved there
//!   lets segments of the journal go.
//! - [`Place`] looks through both, writes all learners out as JSON lines and takes them in.
//! - [`Receipt`] proves to anyone that an answer was accepted; a [`Signer`] signs a commit once.
//! - [`redis`] ships learners' states to the other nodes and loads what they shipped.
//! - [`Disk`] is the one seam to files; tests put a simulated one there that loses whatever was not
//!   synced.
//!
//! Invariants: no acknowledgement before the sync; after a failed write or sync none ever again
//! (the kernel may have dropped the pages, so trying again proves nothing); a batch starts on a
//! block of its own, so a torn one takes nothing acknowledged with it; a segment is used only once
//! its zeros and its name are on the disk.
//!
//! What `Durable` survives: the death of the process, the machine's restart. Not: the loss of the
//! disk, or a disk that says it has synced and has not.

mod batch;
mod config;
mod disk;
mod exchange;
mod journal;
mod making;
mod metrics;
mod receipt;
mod receipt_keys;
mod recovery;
pub mod redis;
mod scan;
mod segments;
mod snapshots;
mod snapshots_error;
mod snapshots_mend;
#[cfg(test)]
mod tests;
mod whole;
mod writer;

pub use batch::Append;
pub use batch::TooLarge;
pub use config::Config;
pub use config::SnapshotsConfig;
pub use disk::Directory;
pub use disk::Disk;
pub use disk::DiskFile;
pub use exchange::Export;
pub use exchange::Line;
pub use exchange::LineError;
pub use journal::AppendError;
pub use journal::Durable;
pub use journal::Health;
pub use journal::Journal;
pub use journal::Pending;
pub use receipt::Answered;
pub use receipt::Receipt;
pub use receipt::ReceiptError;
pub use receipt::Signer;
pub use receipt_keys::ReceiptKeys;
pub use recovery::RecoverError;
pub use recovery::Recovered;
pub use recovery::recover;
pub use redis::Redis;
pub use redis::RedisError;
pub use redis::RedisHealth;
pub use redis::Shipped;
pub use scan::Progress;
pub use scan::Replay;
pub use scan::Scanned;
pub use scan::Torn;
pub use scan::Watch;
pub use scan::scan;
pub use scan::survey;
pub use segments::ForgetError;
pub use segments::Kept;
pub use segments::Segments;
pub use snapshots::Snapshots;
pub use snapshots_error::SnapshotsError;
pub use whole::Findings;
pub use whole::ImportError;
pub use whole::Place;
pub use whole::Stage;
pub use whole::Stages;
pub use writer::Commit;
pub use writer::Segment;
pub use writer::WriteError;
pub use writer::Writer;

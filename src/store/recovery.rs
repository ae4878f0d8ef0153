//! Reading the journal back at start.
//!
//! The last batch may be torn: the machine stopped while it was written, so nobody was told. It is
//! cut off and reported. Anything broken before a whole batch was acknowledged once: that is never
//! skipped silently, the journal refuses to open and says what to do.

use crate::store::Disk;
use crate::store::Replay;
use crate::store::Scanned;
use crate::store::Segment;
use crate::store::Segments;
use crate::store::Torn;
use crate::store::Watch;
use crate::store::Writer;
use crate::store::batch::BLOCK_BYTES;
use crate::store::scan;
use crate::store::writer::name;
use std::io;

/// What was found.
#[derive(Debug)]
pub struct Recovered {
    /// Where to go on.
    pub writer: Writer,
    /// Commits that were read.
    pub commits: u64,
    /// Records that were read.
    pub records: u64,
    /// What was cut off at the end.
    pub torn: Option<Torn>,
}

/// Why the journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The operating system refused.
    #[error("journal: cannot {verb} {file}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        file: String,
        /// Why it failed.
        source: io::Error,
    },
    /// What was acknowledged is damaged.
    #[error(
        "journal: {file} is damaged at byte {offset}, and whole commits follow: what was \
         acknowledged there is lost. Restore the file from a backup; or go on with what can be \
         read: `lamplight store export`, then `import` into a new data directory \
         (docs/operations.md, Damage)"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
    },
    /// A file is missing between two others, or one is from elsewhere.
    #[error(
        "journal: {file} begins with commit {found}, but {expected} should come next: a file is \
         missing or from another journal. Restore it from a backup; or go on with what can be \
         read: `lamplight store export`, then `import` into a new data directory \
         (docs/operations.md, Damage)"
    )]
    Gap {
        /// The file.
        file: String,
        /// The commit that should come.
        expected: u64,
        /// The commit that comes.
        found: u64,
    },
    /// Files are missing at the beginning or the end.
    #[error(
        "journal: commit {needed} and what follows should be here, but {}: files are missing, or \
         the snapshots were removed. Restore them from a backup; or go on with what can be read: \
         `lamplight store export`, then `import` into a new data directory \
         (docs/operations.md, Damage)",
        held(*first, *next)
    )]
    Missing {
        /// The commit up to which the snapshots hold everything.
        needed: u64,
        /// The first commit that is here.
        first: Option<u64>,
        /// The one after the last.
        next: u64,
    },
    /// A record could not be used.
    #[error("journal: {file}, commit {commit}: {what}")]
    Record {
        /// The file.
        file: String,
        /// Which commit.
        commit: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl RecoverError {
    pub(super) fn io(verb: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { verb, file, source }
    }
}

fn held(first: Option<u64>, next: u64) -> String {
    match first {
        Some(first) => format!("it holds commits {first} to {}", next.saturating_sub(1)),
        None => "it holds none".to_owned(),
    }
}

/// Reads all segments of `disk` in order, gives every record to `replay`, tells `watch` how far it
/// is, and makes the journal ready to go on. The first segment of a new journal has
/// `segment_bytes`. All commits below `needed` are known from elsewhere ([`Snapshots::mark`]); the
/// journal must have the others. Those below that are still here are replayed all the same.
///
/// # Errors
/// [`RecoverError`]; `replay` may refuse a record with a sentence. Nothing was changed then.
///
/// [`Snapshots::mark`]: crate::store::Snapshots::mark
pub fn recover(
    disk: &dyn Disk,
    segment_bytes: u64,
    needed: u64,
    replay: &mut Replay<'_>,
    watch: &mut Watch<'_>,
) -> Result<Recovered, RecoverError> {
    let scanned = scan(disk, replay, watch)?;
    scanned.covers(needed)?;
    mend(disk, scanned, segment_bytes)
}

/// Begins a journal in an empty directory whose first commit, of nothing, has number `commit`: the
/// numbers of another journal go on here.
///
/// # Errors
/// [`RecoverError::Io`].
pub(super) fn begin_at(
    disk: &dyn Disk,
    segment_bytes: u64,
    commit: u64,
    now_ms: u64,
) -> Result<(), RecoverError> {
    sweep(disk, &[], 0)?;
    // What was prepared and never used is in the way.
    let file = name(1);
    if disk.open(&file).is_ok() {
        disk.remove(&file)
            .map_err(RecoverError::io("remove", &file))?;
    }
    let segment = Segment::make(disk, 1, segment_bytes);
    let segment = segment.map_err(RecoverError::io("make", &file))?;
    let start = BLOCK_BYTES as u64;
    let mut writer = Writer::resume(segment, start, commit, Segments::default());
    let written = writer.commit(&[], now_ms).map_err(io::Error::other);
    written.map_err(RecoverError::io("write", &file))?;
    Ok(())
}

/// Cuts off what is torn and goes on there.
fn mend(disk: &dyn Disk, scanned: Scanned, segment_bytes: u64) -> Result<Recovered, RecoverError> {
    let (number, offset) = scanned.end.unwrap_or((1, BLOCK_BYTES as u64));
    let file = name(number);
    sweep(disk, &scanned.numbers, number)?;
    let segment = if scanned.numbers.is_empty() {
        Segment::make(disk, number, segment_bytes).map_err(RecoverError::io("make", &file))?
    } else {
        let opened = disk.open(&file).map_err(RecoverError::io("open", &file))?;
        let segment = Segment::of_file(opened, number);
        let segment = segment.map_err(RecoverError::io("read", &file))?;
        segment.ok_or_else(|| RecoverError::Damaged {
            file: file.clone(),
            offset: 0,
        })?
    };
    if scanned.torn.is_some() {
        clear(&segment, offset).map_err(RecoverError::io("mend", &file))?;
    }
    let segments = Segments::new(scanned.kept);
    Ok(Recovered {
        writer: Writer::resume(segment, offset, scanned.next, segments),
        commits: scanned.commits,
        records: scanned.records,
        torn: scanned.torn,
    })
}

/// Removes what was being made when the machine stopped, and segments behind the one in use: they
/// were prepared and are made anew when their turn comes.
fn sweep(disk: &dyn Disk, numbers: &[u64], last: u64) -> Result<(), RecoverError> {
    let files = disk.list();
    let files = files.map_err(RecoverError::io("list", "the directory"))?;
    let unfinished = files.into_iter().filter(|file| file.ends_with(".log.new"));
    let unused = numbers.iter().filter(|number| **number > last);
    for file in unfinished.chain(unused.map(|number| name(*number))) {
        disk.remove(&file)
            .map_err(RecoverError::io("remove", &file))?;
    }
    disk.sync()
        .map_err(RecoverError::io("sync", "the directory"))
}

/// Writes zeros over the rest of a segment, so that a torn batch is not met again.
fn clear(segment: &Segment, offset: u64) -> io::Result<()> {
    let zeros = vec![0; BLOCK_BYTES];
    let mut at = offset;
    while at < segment.len() {
        segment.file().write(at, &zeros)?;
        at += BLOCK_BYTES as u64;
    }
    segment.file().sync()
}

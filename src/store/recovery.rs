//! Reading the journal back at start.
//!
//! The last batch may be torn: the machine stopped while it was written, so nobody was told. It is
//! cut off and reported. Anything broken before a whole batch was acknowledged once: that is never
//! skipped silently, the journal refuses to open and says what to do.

use crate::base::id::LearnerId;
use crate::base::limits::JOURNAL_SEGMENT_BYTES_MAX;
use crate::store::Disk;
use crate::store::Segment;
use crate::store::Writer;
use crate::store::batch;
use crate::store::batch::BLOCK_BYTES;
use crate::store::batch::NoBatch;
use crate::store::writer::name;
use crate::store::writer::number;
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

/// A batch that was being written when the machine stopped; nobody was told it was safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
}

/// What is done with each record: the learner and the effect. It may refuse with a sentence.
pub type Replay<'a> = dyn FnMut(LearnerId, &[u8]) -> Result<(), String> + 'a;

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
         acknowledged there is lost. Restore the file from a backup; or, to go on with only what \
         the later files hold, move this file and all earlier ones out of the directory"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
    },
    /// A file is missing, or one is from elsewhere.
    #[error(
        "journal: {file} begins with commit {found}, but {expected} should come next: a file is \
         missing or from another journal. Restore it from a backup or another node"
    )]
    Gap {
        /// The file.
        file: String,
        /// The commit that should come.
        expected: u64,
        /// The commit that comes.
        found: u64,
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

/// Reads all segments of `disk` in order, gives every record to `replay`, and makes the journal
/// ready to go on. The first segment of a new journal has `segment_bytes`.
///
/// # Errors
/// [`RecoverError`]; `replay` may refuse a record with a sentence.
pub fn recover<'a>(
    disk: &dyn Disk,
    segment_bytes: u64,
    replay: &'a mut Replay<'a>,
) -> Result<Recovered, RecoverError> {
    let mut scan = Scan {
        replay,
        next: None,
        commits: 0,
        records: 0,
        suspect: None,
        end: None,
    };
    let numbers = segments(disk)?;
    for number in &numbers {
        scan.segment(disk, *number)?;
    }
    scan.finish(disk, &numbers, segment_bytes)
}

struct Scan<'a> {
    replay: &'a mut Replay<'a>,
    /// The commit that should come next; `None` before the first.
    next: Option<u64>,
    commits: u64,
    records: u64,
    /// The first place that is no batch and not the empty end of a segment that was left for the
    /// next one: nothing whole may come after it.
    suspect: Option<Suspect>,
    /// Segment and offset behind the last whole batch.
    end: Option<(u64, u64)>,
}

struct Suspect {
    segment: u64,
    offset: u64,
    /// Not zeros.
    broken: bool,
}

impl Scan<'_> {
    fn segment(&mut self, disk: &dyn Disk, number: u64) -> Result<(), RecoverError> {
        let bytes = read(disk, number)?;
        let mut offset = BLOCK_BYTES;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            match batch::read(rest) {
                Ok((name, records, len)) if name.segment == number => {
                    self.batch(name, records)?;
                    offset += len;
                    self.end = Some((number, offset as u64));
                }
                found => {
                    let broken = found != Err(NoBatch::Empty);
                    let here = Suspect {
                        segment: number,
                        offset: offset as u64,
                        broken,
                    };
                    self.suspect.get_or_insert(here).broken |= broken;
                    offset += BLOCK_BYTES;
                }
            }
        }
        self.end.get_or_insert((number, BLOCK_BYTES as u64));
        // The next segment was begun because the next batch did not fit.
        self.suspect = self.suspect.take().filter(|suspect| suspect.broken);
        Ok(())
    }

    fn batch(&mut self, found: batch::Name, records: &[u8]) -> Result<(), RecoverError> {
        if let Some(suspect) = &self.suspect {
            return Err(RecoverError::Damaged {
                file: name(suspect.segment),
                offset: suspect.offset,
            });
        }
        let (file, commit) = (name(found.segment), found.commit);
        if let Some(expected) = self.next.filter(|expected| *expected != commit) {
            let found = commit;
            return Err(RecoverError::Gap {
                file,
                expected,
                found,
            });
        }
        for record in batch::records(records) {
            let replayed = match record {
                Some((learner, effect)) => (self.replay)(learner, effect),
                None => Err("a record is longer than its batch".to_owned()),
            };
            replayed.map_err(|what| RecoverError::Record {
                file: file.clone(),
                commit,
                what,
            })?;
            self.records += 1;
        }
        self.commits += 1;
        self.next = Some(commit + 1);
        Ok(())
    }

    /// Mends the end and goes on there.
    fn finish(
        self,
        disk: &dyn Disk,
        numbers: &[u64],
        segment_bytes: u64,
    ) -> Result<Recovered, RecoverError> {
        let torn = self
            .suspect
            .map(|suspect| (suspect.segment, suspect.offset));
        let (number, offset) = torn.or(self.end).unwrap_or((1, BLOCK_BYTES as u64));
        let file = name(number);
        // Prepared and not used; they are made anew when their turn comes.
        let unused = numbers.iter().filter(|unused| **unused > number);
        for unused in unused.map(|number| name(*number)) {
            disk.remove(&unused).map_err(failed("remove", &unused))?;
        }
        disk.sync()
            .map_err(failed("sync the directory of", &file))?;
        let segment = if numbers.is_empty() {
            Segment::make(disk, number, segment_bytes).map_err(failed("make", &file))?
        } else {
            let opened = disk.open(&file).map_err(failed("open", &file))?;
            let segment = Segment::of_file(opened, number).map_err(failed("read", &file))?;
            segment.ok_or_else(|| RecoverError::Damaged {
                file: file.clone(),
                offset: 0,
            })?
        };
        if torn.is_some() {
            clear(&segment, offset).map_err(failed("mend", &file))?;
        }
        Ok(Recovered {
            writer: Writer::resume(segment, offset, self.next.unwrap_or(1)),
            commits: self.commits,
            records: self.records,
            torn: torn.map(|_| Torn { file, offset }),
        })
    }
}

/// Numbers of the segments, in order. What was being made when the machine stopped is removed.
fn segments(disk: &dyn Disk) -> Result<Vec<u64>, RecoverError> {
    let files = disk.list().map_err(failed("list", "the directory"))?;
    for fresh in files.iter().filter(|file| file.ends_with(".log.new")) {
        disk.remove(fresh).map_err(failed("remove", fresh))?;
    }
    let mut numbers: Vec<u64> = files.iter().filter_map(|file| number(file)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn read(disk: &dyn Disk, number: u64) -> Result<Vec<u8>, RecoverError> {
    let file = name(number);
    let opened = disk.open(&file).map_err(failed("open", &file))?;
    let segment = Segment::of_file(opened, number).map_err(failed("read", &file))?;
    let Some(segment) = segment else {
        return Err(RecoverError::Damaged { file, offset: 0 });
    };
    let len = segment.len().min(JOURNAL_SEGMENT_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    segment
        .file()
        .read(0, &mut bytes)
        .map_err(failed("read", &file))?;
    Ok(bytes)
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

fn failed(verb: &'static str, file: &str) -> impl FnOnce(io::Error) -> RecoverError {
    let file = file.to_owned();
    move |source| RecoverError::Io { verb, file, source }
}

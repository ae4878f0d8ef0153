//! Reading the journal's segments, changing nothing.

use crate::base::id::LearnerId;
use crate::base::limits::JOURNAL_SEGMENT_BYTES_MAX;
use crate::store::Disk;
use crate::store::Kept;
use crate::store::RecoverError;
use crate::store::batch;
use crate::store::batch::BLOCK_BYTES;
use crate::store::batch::NoBatch;
use crate::store::writer::head;
use crate::store::writer::name;
use crate::store::writer::number;

/// Complaints that are kept; one broken disk should not fill the memory.
const COMPLAINTS_MAX: usize = 1000;

/// What is done with each record: the learner and the effect. It may refuse with a sentence.
pub type Replay<'a> = dyn FnMut(LearnerId, &[u8]) -> Result<(), String> + 'a;

/// Hears after each segment how far the reading is.
pub type Watch<'a> = dyn FnMut(Progress) + 'a;

/// How far the reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Segments that were read.
    pub segments: u64,
    /// Segments there are.
    pub segments_total: u64,
    /// Commits that were read.
    pub commits: u64,
    /// Records that were read.
    pub records: u64,
}

/// A batch that was being written when the machine stopped; nobody was told it was safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
}

/// What the segments hold.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Number of the first commit, if there is one.
    pub first: Option<u64>,
    /// The number that the next commit will have.
    pub next: u64,
    /// Commits that were read.
    pub commits: u64,
    /// Records that were read.
    pub records: u64,
    /// What is not whole at the end. While a server writes, that is the batch on its way.
    pub torn: Option<Torn>,
    /// All segments, in order.
    pub(super) numbers: Vec<u64>,
    /// Those with commits, in order.
    pub(super) kept: Vec<Kept>,
    /// Segment and offset where it goes on.
    pub(super) end: Option<(u64, u64)>,
}

/// Reads all segments of `disk` in order and gives every record to `replay`.
///
/// # Errors
/// The first [`RecoverError`].
pub fn scan(
    disk: &dyn Disk,
    replay: &mut Replay<'_>,
    watch: &mut Watch<'_>,
) -> Result<Scanned, RecoverError> {
    let mut scan = Scan::new(replay, None);
    scan.all(disk, watch)?;
    Ok(scan.found)
}

/// Reads whatever can be read, also behind what is damaged, and gives all complaints (1000 at
/// most). For looking at a journal and for saving what there is, never for serving from it.
pub fn survey(
    disk: &dyn Disk,
    replay: &mut Replay<'_>,
    watch: &mut Watch<'_>,
) -> (Scanned, Vec<RecoverError>) {
    let mut scan = Scan::new(replay, Some(Vec::new()));
    let listed = scan.all(disk, watch);
    let mut complaints = scan.complaints.unwrap_or_default();
    complaints.extend(listed.err());
    (scan.found, complaints)
}

impl Scanned {
    /// Whether everything from commit `needed` on is here, as far as can be told.
    ///
    /// # Errors
    /// [`RecoverError::Missing`].
    pub fn covers(&self, needed: u64) -> Result<(), RecoverError> {
        let begins = self.first.unwrap_or(1);
        if (begins..=self.next).contains(&needed) || needed <= 1 && begins <= 1 {
            return Ok(());
        }
        let (first, next) = (self.first, self.next);
        Err(RecoverError::Missing {
            needed,
            first,
            next,
        })
    }
}

struct Scan<'a, 'r> {
    replay: &'a mut Replay<'r>,
    /// `None`: the first complaint ends it.
    complaints: Option<Vec<RecoverError>>,
    found: Scanned,
    /// The first place that is no batch and not the empty end of a segment that was left for the
    /// next one: nothing whole may come after it.
    suspect: Option<Suspect>,
    /// One segment.
    bytes: Vec<u8>,
}

struct Suspect {
    segment: u64,
    offset: u64,
    /// Not zeros.
    broken: bool,
}

impl<'a, 'r> Scan<'a, 'r> {
    fn new(replay: &'a mut Replay<'r>, complaints: Option<Vec<RecoverError>>) -> Self {
        let found = Scanned {
            next: 1,
            ..Scanned::default()
        };
        Self {
            replay,
            complaints,
            found,
            suspect: None,
            bytes: Vec::new(),
        }
    }

    fn complain(&mut self, error: RecoverError) -> Result<(), RecoverError> {
        match &mut self.complaints {
            None => Err(error),
            Some(all) => {
                if all.len() < COMPLAINTS_MAX {
                    all.push(error);
                }
                Ok(())
            }
        }
    }

    fn all(&mut self, disk: &dyn Disk, watch: &mut Watch<'_>) -> Result<(), RecoverError> {
        let files = disk.list();
        let files = files.map_err(RecoverError::io("list", "the directory"))?;
        let mut numbers: Vec<u64> = files.iter().filter_map(|file| number(file)).collect();
        numbers.sort_unstable();
        for (read, number) in (1..).zip(&numbers) {
            match self.read(disk, *number) {
                Ok(()) => self.segment(*number)?,
                Err(error) => self.complain(error)?,
            }
            watch(Progress {
                segments: read,
                segments_total: numbers.len() as u64,
                commits: self.found.commits,
                records: self.found.records,
            });
        }
        self.found.numbers = numbers;
        if let Some(Suspect {
            segment, offset, ..
        }) = self.suspect.take()
        {
            let file = name(segment);
            self.found.torn = Some(Torn { file, offset });
            self.found.end = Some((segment, offset));
        }
        Ok(())
    }

    /// Reads a whole segment into `bytes`.
    fn read(&mut self, disk: &dyn Disk, number: u64) -> Result<(), RecoverError> {
        let file = name(number);
        let opened = disk.open(&file).map_err(RecoverError::io("open", &file))?;
        let size = opened.size().map_err(RecoverError::io("look at", &file))?;
        let len = usize::try_from(size.min(JOURNAL_SEGMENT_BYTES_MAX)).unwrap_or(0);
        self.bytes.resize(len, 0);
        let read = opened.read(0, &mut self.bytes);
        read.map_err(RecoverError::io("read", &file))
    }

    fn segment(&mut self, number: u64) -> Result<(), RecoverError> {
        let bytes = std::mem::take(&mut self.bytes);
        let headed = bytes.len() >= BLOCK_BYTES && bytes.starts_with(&head(number));
        if !headed {
            let (file, offset) = (name(number), 0);
            self.complain(RecoverError::Damaged { file, offset })?;
        }
        let mut offset = BLOCK_BYTES;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            match batch::read(rest) {
                Ok((name, records, len)) if name.segment == number => {
                    self.batch(name, records)?;
                    offset += len;
                    self.found.end = Some((number, offset as u64));
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
        self.found.end.get_or_insert((number, BLOCK_BYTES as u64));
        // The next segment was begun because the next batch did not fit.
        self.suspect = self.suspect.take().filter(|suspect| suspect.broken);
        self.bytes = bytes;
        Ok(())
    }

    fn batch(&mut self, found: batch::Name, records: &[u8]) -> Result<(), RecoverError> {
        if let Some(suspect) = self.suspect.take() {
            self.complain(RecoverError::Damaged {
                file: name(suspect.segment),
                offset: suspect.offset,
            })?;
        }
        let (file, commit) = (name(found.segment), found.commit);
        let expected = self.found.next;
        if self.found.first.is_some() && expected != commit {
            self.complain(RecoverError::Gap {
                file: file.clone(),
                expected,
                found: commit,
            })?;
        }
        for record in batch::records(records) {
            let replayed = match record {
                Some((learner, effect)) => (self.replay)(learner, effect),
                None => Err("a record is longer than its batch".to_owned()),
            };
            if let Err(what) = replayed {
                let file = file.clone();
                self.complain(RecoverError::Record { file, commit, what })?;
            }
            self.found.records += 1;
        }
        self.found.commits += 1;
        self.found.first.get_or_insert(commit);
        self.found.next = commit + 1;
        if self.found.kept.last().map(|kept| kept.segment) != Some(found.segment) {
            self.found.kept.push(Kept {
                segment: found.segment,
                first: commit,
            });
        }
        Ok(())
    }
}

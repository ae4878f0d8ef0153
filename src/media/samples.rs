//! The sample tables of one track, kept compact: runs where the file has runs, two bytes a size
//! where they suffice.

use crate::base::limits::MEDIA_SAMPLES_MAX;
use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;

/// Where every sample of a track lies, how long it is and when it is shown. Memory: 2 to 4 bytes a
/// sample, 16 a run of equal durations, 8 a run of equal offsets, 8 a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Samples {
    count: u32,
    sizes: Sizes,
    times: Box<[TimeRun]>,
    offsets: Box<[OffsetRun]>,
    /// Indexes of key frames; `None`: every sample is one.
    sync: Option<Box<[u32]>>,
    chunk_runs: Box<[ChunkRun]>,
    chunks: Box<[u64]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sizes {
    Equal(u32),
    Short(Box<[u16]>),
    Long(Box<[u32]>),
}

/// Samples from `first` on last `duration`; `first` is decoded at `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TimeRun {
    first: u32,
    duration: u32,
    time: u64,
}

/// Samples from `first` on are shown `offset` after they are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OffsetRun {
    first: u32,
    offset: i32,
}

/// Chunks from `chunk` on hold `per_chunk` samples; the first of them is `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ChunkRun {
    first: u32,
    chunk: u32,
    per_chunk: u32,
}

/// One sample. Times in the track's timescale, before any edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) index: u32,
    pub(crate) size: u32,
    pub(crate) position: u64,
    pub(crate) time: u64,
    pub(crate) duration: u32,
    pub(crate) offset: i32,
    pub(crate) sync: bool,
}

impl Sample {
    /// When it is shown.
    pub(crate) const fn shown(&self) -> i64 {
        // Times stay below 2^56: 2^24 samples of 2^32 units each.
        self.time.cast_signed() + self.offset as i64
    }

    /// When the next one is shown if nothing is reordered.
    pub(crate) const fn shown_end(&self) -> i64 {
        self.shown() + self.duration as i64
    }
}

impl Samples {
    /// Reads `stbl` of a track in a file of `file_len` bytes.
    pub(crate) fn parse(stbl: &[u8], file_len: u64) -> Result<Self, Refused> {
        let boxes = Boxes::of(stbl);
        let (count, sizes) = sizes(boxes.require(b"stsz", "no table of sizes")?, file_len)?;
        let times = times(boxes.require(b"stts", "no table of times")?, count)?;
        let offsets = match boxes.find(b"ctts")? {
            Some(ctts) => offsets(ctts, count)?,
            None => Box::default(),
        };
        let sync = boxes
            .find(b"stss")?
            .map(|stss| sync(stss, count))
            .transpose()?;
        let chunks = match boxes.find(b"stco")? {
            Some(stco) => positions(stco, 4)?,
            None => positions(boxes.require(b"co64", "no table of chunks")?, 8)?,
        };
        let stsc = boxes.require(b"stsc", "no table of samples in chunks")?;
        let chunk_runs = chunk_runs(stsc, count, chunks.len())?;
        let samples = Self {
            count,
            sizes,
            times,
            offsets,
            sync,
            chunk_runs,
            chunks,
        };
        samples.inside(file_len)?;
        Ok(samples)
    }

    /// Every sample must lie in the file; checked once, so that nobody checks again.
    fn inside(&self, file_len: u64) -> Result<(), Refused> {
        let ends = self
            .from(0)
            .map(|s| s.position.saturating_add(s.size.into()));
        let needs = ends.max().unwrap_or(0);
        if needs > file_len {
            return Err(Refused::CutOff {
                len: file_len,
                needs,
            });
        }
        Ok(())
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Drops the samples from `count` on.
    pub(crate) fn truncate(&mut self, count: u32) {
        self.count = self.count.min(count);
    }

    /// Bytes of memory it holds.
    pub(crate) fn weight(&self) -> usize {
        let sizes = match &self.sizes {
            Sizes::Equal(_) => 0,
            Sizes::Short(sizes) => sizes.len() * 2,
            Sizes::Long(sizes) => sizes.len() * 4,
        };
        let sync = self.sync.as_ref().map_or(0, |s| s.len() * 4);
        let runs = self.times.len() * 16 + self.offsets.len() * 8 + self.chunk_runs.len() * 12;
        sizes + sync + runs + self.chunks.len() * 8
    }

    /// All samples from index `first` on, in decoding order.
    pub(crate) fn from(&self, first: u32) -> Walk<'_> {
        let run_of = |starts: &dyn Fn(usize) -> u32, len: usize| {
            let (mut low, mut high) = (0, len);
            while low + 1 < high {
                let middle = usize::midpoint(low, high);
                if starts(middle) <= first {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low
        };
        let times = &self.times;
        let offsets = &self.offsets;
        let runs = &self.chunk_runs;
        let mut walk = Walk {
            samples: self,
            next: first,
            time_run: run_of(&|i| times.get(i).map_or(u32::MAX, |r| r.first), times.len()),
            offset_run: run_of(
                &|i| offsets.get(i).map_or(u32::MAX, |r| r.first),
                offsets.len(),
            ),
            sync_at: self
                .sync
                .as_ref()
                .map_or(0, |s| s.partition_point(|k| *k < first)),
            chunk_run: run_of(&|i| runs.get(i).map_or(u32::MAX, |r| r.first), runs.len()),
            chunk: 0,
            left: 0,
            position: 0,
        };
        walk.enter_chunk();
        walk
    }

    fn size(&self, index: u32) -> u32 {
        let at = index as usize;
        match &self.sizes {
            Sizes::Equal(size) => *size,
            Sizes::Short(sizes) => sizes.get(at).copied().unwrap_or(0).into(),
            Sizes::Long(sizes) => sizes.get(at).copied().unwrap_or(0),
        }
    }
}

/// An iterator that keeps its place in every table, so that a step costs a few additions.
#[derive(Debug, Clone)]
pub(crate) struct Walk<'a> {
    samples: &'a Samples,
    next: u32,
    time_run: usize,
    offset_run: usize,
    sync_at: usize,
    chunk_run: usize,
    chunk: u32,
    left: u32,
    position: u64,
}

impl Walk<'_> {
    /// Finds the chunk of `next` and its position in it.
    fn enter_chunk(&mut self) {
        let Some(run) = self.samples.chunk_runs.get(self.chunk_run) else {
            return;
        };
        let within = self.next - run.first;
        self.chunk = run.chunk + within / run.per_chunk;
        let before = within % run.per_chunk;
        self.left = run.per_chunk - before;
        self.position = self
            .samples
            .chunks
            .get(self.chunk as usize)
            .copied()
            .unwrap_or(0);
        for index in self.next - before..self.next {
            self.position += u64::from(self.samples.size(index));
        }
    }

    fn advance_chunk(&mut self) {
        self.chunk += 1;
        let runs = &self.samples.chunk_runs;
        if runs
            .get(self.chunk_run + 1)
            .is_some_and(|run| run.chunk == self.chunk)
        {
            self.chunk_run += 1;
        }
        self.left = runs.get(self.chunk_run).map_or(1, |run| run.per_chunk);
        self.position = self
            .samples
            .chunks
            .get(self.chunk as usize)
            .copied()
            .unwrap_or(0);
    }

    fn time(&mut self) -> (u64, u32) {
        let times = &self.samples.times;
        while times
            .get(self.time_run + 1)
            .is_some_and(|run| run.first <= self.next)
        {
            self.time_run += 1;
        }
        times.get(self.time_run).map_or((0, 0), |run| {
            let since = u64::from(self.next - run.first);
            (run.time + since * u64::from(run.duration), run.duration)
        })
    }

    fn offset(&mut self) -> i32 {
        let offsets = &self.samples.offsets;
        while offsets
            .get(self.offset_run + 1)
            .is_some_and(|run| run.first <= self.next)
        {
            self.offset_run += 1;
        }
        offsets.get(self.offset_run).map_or(0, |run| run.offset)
    }

    fn sync(&mut self) -> bool {
        let Some(sync) = &self.samples.sync else {
            return true;
        };
        let is = sync.get(self.sync_at) == Some(&self.next);
        self.sync_at += usize::from(is);
        is
    }
}

impl Iterator for Walk<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if self.next >= self.samples.count {
            return None;
        }
        if self.left == 0 {
            self.advance_chunk();
        }
        let (time, duration) = self.time();
        let sample = Sample {
            index: self.next,
            size: self.samples.size(self.next),
            position: self.position,
            time,
            duration,
            offset: self.offset(),
            sync: self.sync(),
        };
        self.position = self.position.saturating_add(sample.size.into());
        self.left -= 1;
        self.next += 1;
        Some(sample)
    }
}

fn sizes(stsz: &[u8], file_len: u64) -> Result<(u32, Sizes), Refused> {
    let mut fields = Fields::new(stsz);
    fields.version()?;
    let equal = fields.u32()?;
    if equal != 0 {
        let count = fields.u32()?;
        let needs = u64::from(count) * u64::from(equal);
        if needs > file_len {
            return Err(Refused::CutOff {
                len: file_len,
                needs,
            });
        }
        bounded(count as usize)?;
        return Ok((count, Sizes::Equal(equal)));
    }
    let entries = fields.entries(4)?;
    let count = bounded(entries.len())?;
    let sizes = entries.map(|e| word(e, 0));
    let short = sizes.clone().all(|size| u16::try_from(size).is_ok());
    let table = if short {
        Sizes::Short(sizes.map(|size| u16::try_from(size).unwrap_or(0)).collect())
    } else {
        Sizes::Long(sizes.collect())
    };
    Ok((count, table))
}

fn times(stts: &[u8], count: u32) -> Result<Box<[TimeRun]>, Refused> {
    let mut fields = Fields::new(stts);
    fields.version()?;
    let mut runs: Vec<TimeRun> = Vec::new();
    let (mut first, mut time) = (0_u32, 0_u64);
    for entry in fields.entries(8)? {
        let (samples, duration) = (word(entry, 0), word(entry, 4));
        if samples == 0 || first >= count {
            continue;
        }
        if runs.last().is_none_or(|run| run.duration != duration) {
            runs.push(TimeRun {
                first,
                duration,
                time,
            });
        }
        let used = samples.min(count - first);
        first += used;
        time += u64::from(used) * u64::from(duration);
    }
    if first < count {
        return Err(Refused::Damaged(
            "the table of times is shorter than the track",
        ));
    }
    Ok(runs.into())
}

fn offsets(ctts: &[u8], count: u32) -> Result<Box<[OffsetRun]>, Refused> {
    let mut fields = Fields::new(ctts);
    fields.version()?;
    let mut runs: Vec<OffsetRun> = Vec::new();
    let mut first = 0_u32;
    for entry in fields.entries(8)? {
        // Version 0 is unsigned in the standard and signed in practice.
        let (samples, offset) = (word(entry, 0), word(entry, 4).cast_signed());
        if samples == 0 || first >= count {
            continue;
        }
        if runs.last().is_none_or(|run| run.offset != offset) {
            runs.push(OffsetRun { first, offset });
        }
        first = first.saturating_add(samples);
    }
    if first < count && first > 0 {
        runs.push(OffsetRun { first, offset: 0 });
    }
    Ok(runs.into())
}

fn sync(stss: &[u8], count: u32) -> Result<Box<[u32]>, Refused> {
    let mut fields = Fields::new(stss);
    fields.version()?;
    let mut keys = Vec::new();
    for entry in fields.entries(4)? {
        let index = word(entry, 0).checked_sub(1);
        let index = index.ok_or(Refused::Damaged("key frames are counted from 1"))?;
        if keys.last().is_some_and(|last| *last >= index) {
            return Err(Refused::Damaged("key frames are in disorder"));
        }
        if index < count {
            keys.push(index);
        }
    }
    Ok(keys.into())
}

fn positions(table: &[u8], width: usize) -> Result<Box<[u64]>, Refused> {
    let mut fields = Fields::new(table);
    fields.version()?;
    let entries = fields.entries(width)?;
    let positions = entries.map(|e| match width {
        8 => u64::from(word(e, 0)) << 32 | u64::from(word(e, 4)),
        _ => word(e, 0).into(),
    });
    Ok(positions.collect())
}

fn chunk_runs(stsc: &[u8], count: u32, chunks: usize) -> Result<Box<[ChunkRun]>, Refused> {
    let damaged = Refused::Damaged("the table of samples in chunks does not fit the track");
    let mut fields = Fields::new(stsc);
    fields.version()?;
    let entries = fields.entries(12)?;
    let mut runs: Vec<ChunkRun> = Vec::new();
    let mut first = 0_u64;
    for entry in entries {
        let (chunk, per_chunk) = (word(entry, 0), word(entry, 4));
        let chunk = chunk.checked_sub(1).ok_or_else(|| damaged.clone())?;
        if let Some(last) = runs.last() {
            let span = chunk.checked_sub(last.chunk).filter(|s| *s > 0);
            let span = span.ok_or_else(|| damaged.clone())?;
            first += u64::from(span) * u64::from(last.per_chunk);
        } else if chunk != 0 {
            return Err(damaged);
        }
        if per_chunk == 0 {
            return Err(damaged);
        }
        if first >= u64::from(count) {
            break;
        }
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        runs.push(ChunkRun {
            first,
            chunk,
            per_chunk,
        });
    }
    let Some(last) = runs.last() else {
        return if count == 0 {
            Ok(Box::default())
        } else {
            Err(damaged)
        };
    };
    let chunks = u64::try_from(chunks).unwrap_or(u64::MAX);
    let in_last = chunks.saturating_sub(last.chunk.into()) * u64::from(last.per_chunk);
    if u64::from(last.first) + in_last < u64::from(count) {
        return Err(damaged);
    }
    Ok(runs.into())
}

fn bounded(count: usize) -> Result<u32, Refused> {
    if count > MEDIA_SAMPLES_MAX {
        return Err(Refused::TooLong(count as u64));
    }
    u32::try_from(count)
        .ok()
        .ok_or(Refused::TooLong(count as u64))
}

/// The big-endian word at `at` of a table entry of checked width.
fn word(entry: &[u8], at: usize) -> u32 {
    let bytes = entry.get(at..).and_then(<[u8]>::first_chunk::<4>);
    bytes.map_or(0, |b| u32::from_be_bytes(*b))
}

//! The sample tables of one track, kept compact: runs where the file has runs, two bytes a size
//! where they suffice.

use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::tables;
use crate::media::tables::ChunkRun;
use crate::media::tables::OffsetRun;
use crate::media::tables::Sizes;
use crate::media::tables::TimeRun;

/// Where every sample of a track lies, how long it is and when it is shown. Memory: 2 to 4 bytes a
/// sample, 16 a run of equal durations, 8 a run of equal offsets, 8 a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Samples {
    pub(super) count: u32,
    pub(super) sizes: Sizes,
    pub(super) times: Box<[TimeRun]>,
    pub(super) offsets: Box<[OffsetRun]>,
    /// Indexes of key frames; `None`: every sample is one.
    pub(super) sync: Option<Box<[u32]>>,
    pub(super) chunk_runs: Box<[ChunkRun]>,
    pub(super) chunks: Box<[u64]>,
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
        let (count, sizes) = tables::sizes(boxes.require(b"stsz", "no table of sizes")?, file_len)?;
        let times = tables::times(boxes.require(b"stts", "no table of times")?, count)?;
        let offsets = match boxes.find(b"ctts")? {
            Some(ctts) => tables::offsets(ctts, count)?,
            None => Box::default(),
        };
        let sync = boxes
            .find(b"stss")?
            .map(|stss| tables::sync(stss, count))
            .transpose()?;
        let chunks = match boxes.find(b"stco")? {
            Some(stco) => tables::positions(stco, 4)?,
            None => tables::positions(boxes.require(b"co64", "no table of chunks")?, 8)?,
        };
        let stsc = boxes.require(b"stsc", "no table of samples in chunks")?;
        let chunk_runs = tables::chunk_runs(stsc, count, chunks.len())?;
        let samples = Self {
            count,
            sizes,
            times,
            offsets,
            sync,
            chunk_runs,
            chunks,
        };
        samples.inside(file_len)
    }

    /// Every sample must lie in the file; checked once, so that nobody checks again.
    pub(super) fn inside(self, file_len: u64) -> Result<Self, Refused> {
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
        Ok(self)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::write::full;
    use crate::media::write::word;
    use crate::media::write::words;
    use proptest::prelude::*;

    /// A track as an author's file describes it: samples in chunks of any size.
    #[derive(Debug, Clone)]
    struct Author {
        /// (size, duration, offset, key frame) of each sample.
        samples: Vec<(u32, u32, i32, bool)>,
        /// Samples a chunk, and bytes of something else before it.
        chunks: Vec<(u32, u32)>,
    }

    fn author() -> impl Strategy<Value = Author> {
        let sample = (0_u32..70_000, 1_u32..5, -3_i32..4, any::<bool>());
        let samples = prop::collection::vec(sample, 1..40);
        (samples, prop::collection::vec((1_u32..6, 0_u32..50), 40))
            .prop_map(|(samples, chunks)| Author { samples, chunks })
    }

    impl Author {
        /// The position of each sample, and of each chunk, and samples of each chunk.
        fn layout(&self) -> (Vec<u64>, Vec<u64>, Vec<u32>) {
            let (mut positions, mut starts, mut counts) = (Vec::new(), Vec::new(), Vec::new());
            let (mut at, mut next) = (0_u64, 0);
            for (count, gap) in &self.chunks {
                if next >= self.samples.len() {
                    break;
                }
                at += u64::from(*gap);
                starts.push(at);
                counts.push(*count);
                for (size, ..) in self.samples.iter().skip(next).take(*count as usize) {
                    positions.push(at);
                    at += u64::from(*size);
                }
                next += *count as usize;
            }
            (positions, starts, counts)
        }

        fn stbl(&self) -> Vec<u8> {
            let (_, starts, counts) = self.layout();
            let count = u32::try_from(self.samples.len()).unwrap();
            let mut out = Vec::new();
            full(&mut out, b"stsz", 0, 0, |out| {
                words(out, &[0, count]);
                self.samples.iter().for_each(|s| word(out, s.0));
            });
            full(&mut out, b"stts", 0, 0, |out| {
                word(out, count);
                self.samples.iter().for_each(|s| words(out, &[1, s.1]));
            });
            full(&mut out, b"ctts", 1, 0, |out| {
                word(out, count);
                self.samples
                    .iter()
                    .for_each(|s| words(out, &[1, s.2.cast_unsigned()]));
            });
            let keys: Vec<u32> = (1..)
                .zip(&self.samples)
                .filter(|(_, s)| s.3)
                .map(|(n, _)| n)
                .collect();
            full(&mut out, b"stss", 0, 0, |out| {
                word(out, u32::try_from(keys.len()).unwrap());
                words(out, &keys);
            });
            full(&mut out, b"stco", 0, 0, |out| {
                word(out, u32::try_from(starts.len()).unwrap());
                starts
                    .iter()
                    .for_each(|s| word(out, u32::try_from(*s).unwrap()));
            });
            full(&mut out, b"stsc", 0, 0, |out| {
                word(out, u32::try_from(counts.len()).unwrap());
                (1..)
                    .zip(&counts)
                    .for_each(|(n, count)| words(out, &[n, *count, 1]));
            });
            out
        }
    }

    proptest! {
        #[test]
        fn every_sample_is_found_where_its_author_put_it(author in author(), from in 0_usize..40) {
            let (positions, ..) = author.layout();
            let samples = Samples::parse(&author.stbl(), 1 << 40).unwrap();
            let from = from.min(author.samples.len());
            let walked: Vec<Sample> = samples.from(u32::try_from(from).unwrap()).collect();
            prop_assert_eq!(walked.len(), author.samples.len() - from);
            let mut time: u64 = author.samples.iter().take(from).map(|s| u64::from(s.1)).sum();
            for (at, sample) in walked.iter().enumerate() {
                let (size, duration, offset, sync) = author.samples[from + at];
                prop_assert_eq!(sample.position, positions[from + at]);
                prop_assert_eq!((sample.size, sample.duration), (size, duration));
                prop_assert_eq!((sample.offset, sample.sync), (offset, sync));
                prop_assert_eq!(sample.time, time);
                time += u64::from(duration);
            }
        }

        #[test]
        fn a_sample_beyond_the_end_of_the_file_is_refused(author in author()) {
            let (positions, ..) = author.layout();
            let ends = positions.iter().zip(&author.samples).map(|(at, s)| at + u64::from(s.0));
            let needs = ends.max().unwrap();
            prop_assert!(Samples::parse(&author.stbl(), needs).is_ok());
            if needs > 0 {
                let refused = Samples::parse(&author.stbl(), needs - 1);
                prop_assert_eq!(refused, Err(Refused::CutOff { len: needs - 1, needs }));
            }
        }
    }

    #[test]
    fn four_billion_samples_of_one_byte_are_not_believed() {
        let mut stbl = Vec::new();
        full(&mut stbl, b"stsz", 0, 0, |out| words(out, &[1, u32::MAX]));
        let refused = Samples::parse(&stbl, 1000).unwrap_err();
        assert!(
            matches!(refused, Refused::CutOff { len: 1000, .. }),
            "{refused}"
        );
        let refused = Samples::parse(&stbl, 1 << 40).unwrap_err();
        assert!(matches!(refused, Refused::TooLong(_)), "{refused}");
    }
}

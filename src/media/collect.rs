//! Sample tables put together one sample at a time, from movie fragments.

use crate::base::limits::MEDIA_SAMPLES_MAX;
use crate::media::Refused;
use crate::media::edit::TICKS_MAX;
use crate::media::samples::Samples;
use crate::media::tables::ChunkRun;
use crate::media::tables::OffsetRun;
use crate::media::tables::Sizes;
use crate::media::tables::TimeRun;

/// The tables of a track so far. Memory: 4 bytes a sample, and a few a run.
#[derive(Debug, Default)]
pub(crate) struct Collect {
    sizes: Vec<u32>,
    times: Vec<TimeRun>,
    offsets: Vec<OffsetRun>,
    keys: Vec<u32>,
    chunk_runs: Vec<ChunkRun>,
    chunks: Vec<u64>,
    /// When the next sample is decoded.
    time: u64,
    /// Bytes of all samples.
    bytes: u64,
}

/// A sample as a fragment describes it; where it lies and when follows from those before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Next {
    pub(crate) size: u32,
    pub(crate) duration: u32,
    pub(crate) offset: i32,
    pub(crate) sync: bool,
}

impl Collect {
    /// What follows the samples that `moov` itself describes.
    pub(crate) fn after(samples: &Samples) -> Result<Self, Refused> {
        let mut collect = Self::default();
        for sample in samples.from(0) {
            collect.chunk(sample.position, 1);
            collect.push(Next {
                size: sample.size,
                duration: sample.duration,
                offset: sample.offset,
                sync: sample.sync,
            })?;
        }
        Ok(collect)
    }

    /// When the first sample is decoded; `None` before there is one.
    pub(crate) fn began(&self) -> Option<u64> {
        self.times.first().map(|run| run.time)
    }

    /// The next sample is decoded at `time` (`tfdt`). A gap prolongs the sample before it, a step
    /// back (encoders round) shortens it.
    pub(crate) fn clock(&mut self, time: u64) -> Result<(), Refused> {
        if i64::try_from(time).map_or(true, |ticks| ticks >= TICKS_MAX) {
            return Err(Refused::Damaged("a fragment later than any lesson"));
        }
        let (Some(last), Some(run)) = (self.count().checked_sub(1), self.times.last_mut()) else {
            self.time = time;
            return Ok(());
        };
        if time == self.time {
            return Ok(());
        }
        let begun = run.time + u64::from(last - run.first) * u64::from(run.duration);
        let duration = time.checked_sub(begun).map(u32::try_from);
        let Some(Ok(duration)) = duration else {
            return Err(Refused::Damaged("fragments overlap, or lie hours apart"));
        };
        if run.first == last {
            run.duration = duration;
        } else {
            self.times.push(TimeRun {
                first: last,
                duration,
                time: begun,
            });
        }
        self.time = time;
        Ok(())
    }

    /// The next `count` samples lie one behind the other from `position` on.
    pub(crate) fn chunk(&mut self, position: u64, count: u32) {
        if count == 0 {
            return;
        }
        if self
            .chunk_runs
            .last()
            .is_none_or(|run| run.per_chunk != count)
        {
            self.chunk_runs.push(ChunkRun {
                first: self.count(),
                chunk: u32::try_from(self.chunks.len()).unwrap_or(u32::MAX),
                per_chunk: count,
            });
        }
        self.chunks.push(position);
    }

    /// Adds a sample to the chunk.
    pub(crate) fn push(&mut self, next: Next) -> Result<(), Refused> {
        let index = self.count();
        if self.sizes.len() >= MEDIA_SAMPLES_MAX {
            return Err(Refused::TooLong(self.sizes.len() as u64));
        }
        self.sizes.push(next.size);
        self.bytes += u64::from(next.size);
        if self
            .times
            .last()
            .is_none_or(|run| run.duration != next.duration)
        {
            self.times.push(TimeRun {
                first: index,
                duration: next.duration,
                time: self.time,
            });
        }
        if self.offsets.last().map_or(0, |run| run.offset) != next.offset {
            self.offsets.push(OffsetRun {
                first: index,
                offset: next.offset,
            });
        }
        if next.sync {
            self.keys.push(index);
        }
        self.time += u64::from(next.duration);
        Ok(())
    }

    /// The tables of a track in a file of `file_len` bytes, all times less `began`.
    pub(crate) fn finish(mut self, began: u64, file_len: u64) -> Result<Samples, Refused> {
        let count = self.count();
        // Every byte of a track belongs to one sample, so this bounds them by what is there.
        if self.bytes > file_len {
            return Err(Refused::Damaged("frames lie on top of each other"));
        }
        for run in &mut self.times {
            run.time = run.time.saturating_sub(began);
        }
        if self.offsets.first().is_some_and(|run| run.first > 0) {
            self.offsets.insert(0, OffsetRun::default());
        }
        let short = |size: &u32| u16::try_from(*size).ok();
        let sizes = match self.sizes.iter().map(short).collect() {
            Some(sizes) => Sizes::Short(sizes),
            None => Sizes::Long(self.sizes.into()),
        };
        let all = self.keys.len() == count as usize;
        let samples = Samples {
            count,
            sizes,
            times: self.times.into(),
            offsets: self.offsets.into(),
            sync: (!all).then(|| self.keys.into()),
            chunk_runs: self.chunk_runs.into(),
            chunks: self.chunks.into(),
        };
        samples.inside(file_len)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.sizes.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::samples::Sample;
    use proptest::prelude::*;

    fn next(duration: u32) -> Next {
        Next {
            size: 10,
            duration,
            offset: 0,
            sync: false,
        }
    }

    fn times(collect: Collect) -> Vec<(u64, u32)> {
        let samples = collect.finish(0, 1 << 30).unwrap();
        samples.from(0).map(|s| (s.time, s.duration)).collect()
    }

    #[test]
    fn a_gap_between_fragments_keeps_what_follows_on_time() {
        let mut collect = Collect::default();
        collect.chunk(0, 3);
        (0..3).for_each(|_| collect.push(next(10)).unwrap());
        collect.clock(45).unwrap();
        collect.chunk(500, 1);
        collect.push(next(10)).unwrap();
        assert_eq!(times(collect), [(0, 10), (10, 10), (20, 25), (45, 10)]);
    }

    #[test]
    fn a_fragment_that_begins_before_the_last_ends_shortens_it_and_no_more() {
        let mut collect = Collect::default();
        collect.chunk(0, 2);
        (0..2).for_each(|_| collect.push(next(10)).unwrap());
        collect.clock(18).unwrap();
        assert!(matches!(collect.clock(9), Err(Refused::Damaged(_))));
        collect.chunk(100, 1);
        collect.push(next(10)).unwrap();
        assert_eq!(times(collect), [(0, 10), (10, 8), (18, 10)]);
    }

    #[test]
    fn fragments_that_claim_the_same_bytes_again_and_again_are_refused() {
        let mut collect = Collect::default();
        for _ in 0..5 {
            collect.chunk(0, 1);
            collect.push(next(1)).unwrap();
        }
        let refused = collect.finish(0, 40);
        assert!(matches!(refused, Err(Refused::Damaged(_))), "{refused:?}");
    }

    proptest! {
        #[test]
        fn samples_come_back_as_they_went_in(
            runs in prop::collection::vec(
                prop::collection::vec((0_u32..70_000, 1_u32..5, -3_i32..4, any::<bool>()), 1..6),
                1..12,
            ),
            began in 0_u64..1000,
        ) {
            let mut collect = Collect::default();
            let mut wanted = Vec::new();
            let (mut time, mut position) = (began, 0);
            collect.clock(began).unwrap();
            for run in &runs {
                position += 7;
                collect.chunk(position, u32::try_from(run.len()).unwrap());
                for (size, duration, offset, sync) in run.iter().copied() {
                    collect.push(Next { size, duration, offset, sync }).unwrap();
                    let index = u32::try_from(wanted.len()).unwrap();
                    let time_now = time - began;
                    wanted.push(Sample {
                        index, size, position, time: time_now, duration, offset, sync,
                    });
                    time += u64::from(duration);
                    position += u64::from(size);
                }
            }
            let samples = collect.finish(began, 1 << 30).unwrap();
            for from in 0..wanted.len() {
                let walked: Vec<Sample> = samples.from(u32::try_from(from).unwrap()).collect();
                prop_assert_eq!(&walked[..], &wanted[from..]);
            }
        }
    }
}

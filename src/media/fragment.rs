//! One segment: `styp`, `moof` and the head of `mdat`, and where in the source its samples lie.

use crate::media::Plan;
use crate::media::Track;
use crate::media::init::TRACK_ID;
use crate::media::samples::Sample;
use crate::media::write::boxed;
use crate::media::write::full;
use crate::media::write::patch;
use crate::media::write::word;
use crate::media::write::words;
use std::ops::Range;

/// The byte plan of one segment: `header`, then the bytes of `ranges` of the source, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Everything before the first sample.
    pub header: Vec<u8>,
    /// Where the samples lie in the source; neighbours are joined.
    pub ranges: Vec<Range<u64>>,
    /// Bytes of all ranges.
    pub payload: u64,
}

impl Fragment {
    /// The plan of segment `n`; `None` beyond the last.
    pub fn new(track: &Track, plan: &Plan, n: u32) -> Option<Self> {
        let (begin, end) = plan.span(n)?;
        let count = end.sample.saturating_sub(begin.sample) as usize;
        let samples: Vec<Sample> = track.samples.from(begin.sample).take(count).collect();
        Self::of(track, &samples, n + 1, true)
    }

    /// The plan of a fragment of `samples`, which has that number in its file and, where it begins
    /// a segment, a `styp`. `None` without a sample.
    pub(crate) fn of(track: &Track, samples: &[Sample], number: u32, begins: bool) -> Option<Self> {
        let first = *samples.first()?;
        let (ranges, payload) = ranges(samples);
        let mut header = Vec::with_capacity(160 + samples.len() * 16);
        if begins {
            boxed(&mut header, b"styp", |out| {
                out.extend_from_slice(b"msdh\0\0\0\0msdhcmfc");
            });
        }
        let moof = header.len();
        let mut data_offset = 0;
        boxed(&mut header, b"moof", |out| {
            full(out, b"mfhd", 0, 0, |out| word(out, number));
            boxed(out, b"traf", |out| {
                data_offset = traf(out, track, samples, first);
            });
        });
        // From the first byte of `moof` to the first sample behind the head of `mdat`.
        let offset = u32::try_from(header.len() - moof + 8).unwrap_or(u32::MAX);
        patch(&mut header, data_offset, offset);
        word(&mut header, u32::try_from(payload + 8).unwrap_or(u32::MAX));
        header.extend_from_slice(b"mdat");
        Some(Self {
            header,
            ranges,
            payload,
        })
    }

    /// Bytes of the whole segment.
    pub fn len(&self) -> u64 {
        self.header.len() as u64 + self.payload
    }

    /// Whether it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.payload == 0
    }
}

/// Where samples lie, neighbours joined, and the bytes of all of them.
fn ranges(samples: &[Sample]) -> (Vec<Range<u64>>, u64) {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut payload = 0;
    for sample in samples.iter().filter(|s| s.size > 0) {
        let end = sample.position + u64::from(sample.size);
        payload += u64::from(sample.size);
        match ranges.last_mut() {
            Some(last) if last.end == sample.position => last.end = end,
            _ => ranges.push(sample.position..end),
        }
    }
    (ranges, payload)
}

impl Track {
    /// What is added to every decoding time: the delay of a track that starts late.
    fn delay(&self) -> u64 {
        u64::try_from(-self.start).unwrap_or(0)
    }

    /// How much of the beginning is decoded but not shown. Encoders shift the times of reordered
    /// pictures and prime the decoder of sounds; an edit list in the initialisation segment takes
    /// it back, the one form that browsers, phones and ffmpeg all follow.
    pub(crate) fn hidden(&self) -> Option<u64> {
        let hidden = u64::try_from(self.start).ok();
        hidden.filter(|ticks| *ticks > 0)
    }
}

/// Writes the track fragment; returns where its data offset is to be patched.
fn traf(out: &mut Vec<u8>, track: &Track, samples: &[Sample], first: Sample) -> usize {
    let rest = samples.get(1).map_or(first.sync, |second| second.sync);
    // Base is moof; duration, size and flags by default.
    full(out, b"tfhd", 0, 0x02_0038, |out| {
        words(out, &[TRACK_ID, first.duration, first.size, flags(rest)]);
    });
    full(out, b"tfdt", 1, 0, |out| {
        out.extend_from_slice(&(first.time + track.delay()).to_be_bytes());
    });
    run(out, samples, first, rest)
}

fn run(out: &mut Vec<u8>, samples: &[Sample], first: Sample, rest: bool) -> usize {
    let present = differences(samples, first, rest);
    let mut data_offset = 0;
    // In version 1 offsets are signed.
    let version = u8::from(samples.iter().any(|s| s.offset < 0));
    full(out, b"trun", version, present, |out| {
        word(out, u32::try_from(samples.len()).unwrap_or(u32::MAX));
        data_offset = out.len();
        word(out, 0);
        if present & FIRST_FLAGS != 0 {
            word(out, flags(first.sync));
        }
        for sample in samples {
            if present & DURATIONS != 0 {
                word(out, sample.duration);
            }
            if present & SIZES != 0 {
                word(out, sample.size);
            }
            if present & FLAGS != 0 {
                word(out, flags(sample.sync));
            }
            if present & OFFSETS != 0 {
                word(out, sample.offset.cast_unsigned());
            }
        }
    });
    data_offset
}

/// What must be said of each sample, as the flags of `trun`; what is equal is said once.
fn differences(samples: &[Sample], first: Sample, rest: bool) -> u32 {
    let mut present = DATA_OFFSET;
    let mut differ = |what: u32, differs: &dyn Fn(&Sample) -> bool| {
        if samples.iter().any(differs) {
            present |= what;
        }
    };
    differ(DURATIONS, &|s| s.duration != first.duration);
    differ(SIZES, &|s| s.size != first.size);
    differ(OFFSETS, &|s| s.offset != 0);
    if samples.iter().skip(1).any(|s| s.sync != rest) {
        present | FLAGS
    } else if first.sync != rest {
        present | FIRST_FLAGS
    } else {
        present
    }
}

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other; or on others and no sync sample.
const fn flags(sync: bool) -> u32 {
    if sync { 0x0200_0000 } else { 0x0101_0000 }
}

/// Flags of `trun` (ISO/IEC 14496-12, 8.8.8.1).
const DATA_OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;
const FLAGS: u32 = 0x400;
const OFFSETS: u32 = 0x800;

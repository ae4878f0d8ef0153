//! The tables of `stbl` (ISO/IEC 14496-12, 8.6 and 8.7), read without trusting a count.

use crate::base::limits::MEDIA_SAMPLES_MAX;
use crate::media::Refused;
use crate::media::boxes::Fields;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sizes {
    Equal(u32),
    Short(Box<[u16]>),
    Long(Box<[u32]>),
}

/// Samples from `first` on last `duration`; `first` is decoded at `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRun {
    pub(crate) first: u32,
    pub(crate) duration: u32,
    pub(crate) time: u64,
}

/// Samples from `first` on are shown `offset` after they are decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OffsetRun {
    pub(crate) first: u32,
    pub(crate) offset: i32,
}

/// Chunks from `chunk` on hold `per_chunk` samples; the first of them is `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkRun {
    pub(crate) first: u32,
    pub(crate) chunk: u32,
    pub(crate) per_chunk: u32,
}

/// `stsz`: the number of samples and the size of each.
pub(crate) fn sizes(stsz: &[u8], file_len: u64) -> Result<(u32, Sizes), Refused> {
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

/// `stts`: how long each of `count` samples lasts.
pub(crate) fn times(stts: &[u8], count: u32) -> Result<Box<[TimeRun]>, Refused> {
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

/// `ctts`: how long after its decoding each sample is shown.
pub(crate) fn offsets(ctts: &[u8], count: u32) -> Result<Box<[OffsetRun]>, Refused> {
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

/// `stss`: which samples are key frames, from 0.
pub(crate) fn sync(stss: &[u8], count: u32) -> Result<Box<[u32]>, Refused> {
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

/// `stco` or `co64`: where the chunks lie, in entries of `width` bytes.
pub(crate) fn positions(table: &[u8], width: usize) -> Result<Box<[u64]>, Refused> {
    let mut fields = Fields::new(table);
    fields.version()?;
    let entries = fields.entries(width)?;
    let positions = entries.map(|e| match width {
        8 => u64::from(word(e, 0)) << 32 | u64::from(word(e, 4)),
        _ => word(e, 0).into(),
    });
    Ok(positions.collect())
}

/// `stsc`: how many samples each of `chunks` chunks holds.
pub(crate) fn chunk_runs(
    stsc: &[u8],
    count: u32,
    chunks: usize,
) -> Result<Box<[ChunkRun]>, Refused> {
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

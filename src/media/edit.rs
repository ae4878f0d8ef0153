//! Edit lists (ISO/IEC 14496-12, 8.6.6), as far as players follow them.

use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::samples::Samples;

/// What an edit list amounts to: a start, and an end where it hides the rest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Edit {
    /// What is subtracted from every time shown; negative for a late start.
    pub(crate) start: i64,
    end: Option<i64>,
}

impl Edit {
    pub(crate) fn parse(edts: &[u8], movie: u32, media: u32, video: bool) -> Result<Self, Refused> {
        let word = if video { "video" } else { "sound" };
        let Some(elst) = Boxes::of(edts).find(b"elst")? else {
            return Ok(Self::default());
        };
        let mut fields = Fields::new(elst);
        let long = fields.version()? == 1;
        let entries = fields.entries(if long { 20 } else { 12 })?;
        let scaled = |ticks: u64| u128::from(ticks) * u128::from(media) / u128::from(movie);
        let (mut delay, mut shown) = (0_i64, None);
        for entry in entries {
            let mut entry = Fields::new(entry);
            let (duration, at) = if long {
                (entry.u64()?, entry.i64()?)
            } else {
                (entry.u32()?.into(), entry.i32()?.into())
            };
            let ticks = i64::try_from(scaled(duration))
                .ok()
                .filter(|t| *t < TICKS_MAX);
            let ticks = ticks.ok_or(Refused::Damaged("an edit longer than any lesson"))?;
            match at {
                -1 if shown.is_none() => delay += ticks,
                0..TICKS_MAX if shown.is_none() && entry.u32()? == 0x0001_0000 => {
                    shown = Some((at, (duration > 0).then_some(ticks)));
                }
                _ => return Err(Refused::Edited(word)),
            }
        }
        // An edit's end is rounded to the movie's timescale: allow one of its ticks, rounded up.
        let slack = i64::try_from(scaled(1)).unwrap_or(0) + 1;
        let (at, length) = shown.unwrap_or((0, None));
        Ok(Self {
            start: at - delay,
            end: length.map(|ticks| at + ticks + slack),
        })
    }

    /// Drops the samples that are decoded last and shown only after the end.
    pub(crate) fn trim(&self, samples: &mut Samples) {
        let Some(end) = self.end else {
            return;
        };
        let shown = samples.from(0).filter(|s| s.shown() < end);
        let last = shown.map(|s| s.index + 1).max();
        samples.truncate(last.unwrap_or(0));
    }
}

/// Ticks of the longest time we compute with; sums of a few stay far inside 64 bits.
pub(crate) const TICKS_MAX: i64 = 1 << 56;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::write::full;
    use crate::media::write::words;

    /// An `edts` payload of (duration, media time, rate) entries.
    fn edts(entries: &[(u32, i32, u32)]) -> Vec<u8> {
        let mut out = Vec::new();
        full(&mut out, b"elst", 0, 0, |out| {
            words(out, &[u32::try_from(entries.len()).unwrap()]);
            for (duration, at, rate) in entries {
                words(out, &[*duration, at.cast_unsigned(), *rate]);
            }
        });
        out
    }

    fn edit(entries: &[(u32, i32, u32)]) -> Result<(i64, Option<i64>), Refused> {
        let edit = Edit::parse(&edts(entries), 1000, 48_000, false)?;
        Ok((edit.start, edit.end))
    }

    const PLAIN: u32 = 0x0001_0000;

    #[test]
    fn edit_lists_shift_delay_and_trim() {
        assert_eq!(edit(&[]), Ok((0, None)));
        assert_eq!(edit(&[(0, 1024, PLAIN)]), Ok((1024, None)));
        // One tick of the movie's clock is 48 of ours; the end is rounded up by it.
        assert_eq!(
            edit(&[(2000, 1024, PLAIN)]),
            Ok((1024, Some(1024 + 96_000 + 49)))
        );
        assert_eq!(
            edit(&[(500, -1, PLAIN), (0, 0, PLAIN)]),
            Ok((-24_000, None))
        );
    }

    #[test]
    fn edits_that_a_player_could_not_follow_are_refused() {
        let refused = Err(Refused::Edited("sound"));
        assert_eq!(edit(&[(1, 0, PLAIN), (1, 5000, PLAIN)]), refused);
        assert_eq!(edit(&[(1, 0, PLAIN), (1, -1, PLAIN)]), refused);
        assert_eq!(edit(&[(1, 0, 0x0002_0000)]), refused);
        assert_eq!(edit(&[(1, -2, PLAIN)]), refused);
    }
}

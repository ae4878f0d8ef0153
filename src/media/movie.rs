//! The index of a progressive MP4: `moov` as the packager needs it.

use crate::media::Codec;
use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::codec::describe;
use crate::media::samples::Samples;

/// The first video and the first audio track of a file. A track that cannot be served is there as
/// the reason why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie {
    /// The picture.
    pub video: Option<Result<Track, Refused>>,
    /// The sound.
    pub audio: Option<Result<Track, Refused>>,
}

/// One track with its sample tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    pub(crate) codec: Codec,
    /// Units a second of all its times.
    pub(crate) timescale: u32,
    /// Language as `mdhd` packs it, three letters of five bits.
    pub(crate) language: u16,
    /// The transformation of `tkhd`, verbatim: rotated pictures stay rotated.
    pub(crate) matrix: [u8; 36],
    /// The sample entry, verbatim.
    pub(crate) entry: Box<[u8]>,
    /// What the edit list subtracts from every time shown; negative for a late start.
    pub(crate) start: i64,
    pub(crate) samples: Samples,
}

impl Movie {
    /// Parses the payload of `moov` of a file of `file_len` bytes.
    ///
    /// # Errors
    /// A damaged or fragmented index, or one without a track of either kind.
    pub fn parse(moov: &[u8], file_len: u64) -> Result<Self, Refused> {
        let boxes = Boxes::of(moov);
        if boxes.find(b"mvex")?.is_some() {
            return Err(Refused::Fragmented);
        }
        let header = boxes.require(b"mvhd", "no movie header")?;
        let timescale = timescale(header)?;
        let mut movie = Self {
            video: None,
            audio: None,
        };
        for found in boxes {
            let (kind, trak) = found?;
            if kind != *b"trak" {
                continue;
            }
            let mdia = Boxes::of(trak).require(b"mdia", "a track without media")?;
            let handler = Boxes::of(mdia).require(b"hdlr", "a track without a handler")?;
            let slot = match handler.get(8..12) {
                Some(b"vide") => &mut movie.video,
                Some(b"soun") => &mut movie.audio,
                _ => continue,
            };
            let video = handler.get(8..12) == Some(b"vide");
            // A cover picture is a video track too; the first that can be served wins.
            if !matches!(slot, Some(Ok(_))) {
                let track = Track::parse(trak, mdia, timescale, video, file_len);
                if slot.is_none() || track.is_ok() {
                    *slot = Some(track);
                }
            }
        }
        // A picture without the end of its sound would pass for a whole lesson.
        for track in [&movie.video, &movie.audio].into_iter().flatten() {
            if let Err(cut @ Refused::CutOff { .. }) = track {
                return Err(cut.clone());
            }
        }
        if movie.video.is_none() && movie.audio.is_none() {
            return Err(Refused::NoTrack);
        }
        Ok(movie)
    }
}

impl Track {
    fn parse(
        trak: &[u8],
        mdia: &[u8],
        movie_timescale: u32,
        video: bool,
        file_len: u64,
    ) -> Result<Self, Refused> {
        let mdhd = Boxes::of(mdia).require(b"mdhd", "a track without a header")?;
        let timescale = timescale(mdhd)?;
        let minf = Boxes::of(mdia).require(b"minf", "a track without information")?;
        let stbl = Boxes::of(minf).require(b"stbl", "a track without tables")?;
        let stsd = Boxes::of(stbl).require(b"stsd", "no sample description")?;
        let (codec, entry) = describe(stsd, video)?;
        let mut samples = Samples::parse(stbl, file_len)?;
        if samples.count() == 0 {
            return Err(Refused::Damaged("a track without a frame"));
        }
        let edit = match Boxes::of(trak).find(b"edts")? {
            Some(edts) => Edit::parse(edts, movie_timescale, timescale, video)?,
            None => Edit::default(),
        };
        edit.trim(&mut samples);
        if samples.count() == 0 {
            return Err(Refused::Edited(if video { "video" } else { "sound" }));
        }
        Ok(Self {
            codec,
            timescale,
            language: language(mdhd),
            matrix: matrix(Boxes::of(trak).require(b"tkhd", "a track without a header")?)?,
            entry: entry.into(),
            start: edit.start,
            samples,
        })
    }

    /// Codec and shape.
    pub const fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Number of samples.
    pub const fn frames(&self) -> u32 {
        self.samples.count()
    }

    /// Bytes of memory it holds.
    pub fn weight(&self) -> usize {
        self.samples.weight() + self.entry.len() + size_of::<Self>()
    }

    /// Whether the picture is turned by a quarter.
    pub(crate) fn is_turned(&self) -> bool {
        let word = |at: usize| self.matrix.get(at..at + 4).is_some_and(|w| w != [0; 4]);
        word(4) && word(12) && !word(0) && !word(16)
    }
}

/// What an edit list amounts to: a start, and an end where it hides the rest.
#[derive(Debug, Default)]
struct Edit {
    start: i64,
    end: Option<i64>,
}

impl Edit {
    fn parse(edts: &[u8], movie: u32, media: u32, video: bool) -> Result<Self, Refused> {
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
    fn trim(&self, samples: &mut Samples) {
        let Some(end) = self.end else {
            return;
        };
        let shown = samples.from(0).filter(|s| s.shown() < end);
        let last = shown.map(|s| s.index + 1).max();
        samples.truncate(last.unwrap_or(0));
    }
}

fn timescale(header: &[u8]) -> Result<u32, Refused> {
    let mut fields = Fields::new(header);
    let long = fields.version()? == 1;
    fields.take(if long { 16 } else { 8 })?;
    match fields.u32()? {
        0 => Err(Refused::Damaged("a timescale of zero")),
        timescale => Ok(timescale),
    }
}

fn language(mdhd: &[u8]) -> u16 {
    let long = mdhd.first() == Some(&1);
    let at = if long { 32 } else { 20 };
    let packed = mdhd.get(at..).and_then(<[u8]>::first_chunk::<2>);
    packed.map_or(UNDETERMINED, |b| u16::from_be_bytes(*b))
}

fn matrix(tkhd: &[u8]) -> Result<[u8; 36], Refused> {
    let long = tkhd.first() == Some(&1);
    let at = if long { 52 } else { 40 };
    let matrix = tkhd.get(at..).and_then(<[u8]>::first_chunk::<36>);
    matrix
        .copied()
        .ok_or(Refused::Damaged("a track header ends early"))
}

/// `und` (ISO 639-2) in three times five bits.
const UNDETERMINED: u16 = 0x55c4;
/// Ticks of the longest time we compute with; sums of a few stay far inside 64 bits.
const TICKS_MAX: i64 = 1 << 56;

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

    #[test]
    fn a_timescale_of_zero_divides_nothing() {
        let header = [0; 20];
        assert!(matches!(timescale(&header), Err(Refused::Damaged(_))));
    }
}

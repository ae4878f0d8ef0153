//! The index being read: `moov`, then the fragments that go on from there.

use crate::base::limits::MEDIA_SOUNDS_MAX;
use crate::media::Codec;
use crate::media::Movie;
use crate::media::Refused;
use crate::media::Track;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::codec::describe;
use crate::media::collect::Collect;
use crate::media::edit::Edit;
use crate::media::runs::Fragmented;
use crate::media::samples::Samples;

/// A movie whose samples may not all be known yet.
#[derive(Debug)]
pub(crate) struct Draft {
    video: Option<Result<Part, Refused>>,
    audio: Vec<Result<Part, Refused>>,
    /// What fragments leave out, by track; `None` in a progressive file.
    fragmented: Option<Fragmented>,
}

/// A track but for the samples of its fragments.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) id: u32,
    codec: Codec,
    timescale: u32,
    language: u16,
    matrix: [u8; 36],
    entry: Box<[u8]>,
    edit: Edit,
    pub(crate) tables: Tables,
}

/// The samples of a track so far.
#[derive(Debug)]
pub(crate) enum Tables {
    /// All of them.
    Whole(Samples),
    /// Those of the fragments read so far, and of `moov` before them.
    Growing(Collect),
}

impl Draft {
    /// Reads the payload of `moov` of a file of `file_len` bytes.
    pub(crate) fn read(moov: &[u8], file_len: u64) -> Result<Self, Refused> {
        let boxes = Boxes::of(moov);
        let header = boxes.require(b"mvhd", "no movie header")?;
        let timescale = timescale(header)?;
        let mut draft = Self {
            video: None,
            audio: Vec::new(),
            fragmented: boxes.find(b"mvex")?.map(Fragmented::read).transpose()?,
        };
        for found in boxes {
            let (kind, trak) = found?;
            if kind == *b"trak" {
                draft.track(trak, timescale, file_len)?;
            }
        }
        Ok(draft)
    }

    fn track(&mut self, trak: &[u8], timescale: u32, file_len: u64) -> Result<(), Refused> {
        let mdia = Boxes::of(trak).require(b"mdia", "a track without media")?;
        let handler = Boxes::of(mdia).require(b"hdlr", "a track without a handler")?;
        let part = |video| {
            let mut part = Part::read(trak, mdia, timescale, video)?;
            part.tables = self.tables(mdia, file_len)?;
            Ok(part)
        };
        match handler.get(8..12) {
            // A cover picture is a video track too; the first that can be served wins.
            Some(b"vide") if !matches!(self.video, Some(Ok(_))) => {
                let track = part(true);
                if self.video.is_none() || track.is_ok() {
                    self.video = Some(track);
                }
            }
            Some(b"soun") if self.audio.len() < MEDIA_SOUNDS_MAX => self.audio.push(part(false)),
            _ => {}
        }
        Ok(())
    }

    /// The tables that `moov` itself has of a track.
    fn tables(&self, mdia: &[u8], file_len: u64) -> Result<Tables, Refused> {
        let samples = Samples::parse(tables(mdia)?, file_len);
        match (samples, self.fragmented.is_some()) {
            (Ok(samples), true) => Collect::after(&samples).map(Tables::Growing),
            // What a fragmented file says of its empty tables does not matter.
            (Err(Refused::Damaged(_)), true) => Ok(Tables::Growing(Collect::default())),
            (samples, _) => samples.map(Tables::Whole),
        }
    }

    /// Whether fragments may follow.
    pub(crate) const fn is_fragmented(&self) -> bool {
        self.fragmented.is_some()
    }

    /// Takes the payload of a `moof` that begins at `position`.
    pub(crate) fn fragment(
        &mut self,
        position: u64,
        moof: &[u8],
        file_len: u64,
    ) -> Result<(), Refused> {
        let Some(fragmented) = &mut self.fragmented else {
            return Ok(());
        };
        let parts = self.video.iter_mut().chain(&mut self.audio);
        let mut parts: Vec<&mut Part> = parts.flatten().collect();
        fragmented.fragment(position, moof, file_len, &mut parts)
    }

    /// The movie of a file of `file_len` bytes.
    pub(crate) fn finish(self, file_len: u64) -> Result<Movie, Refused> {
        let began = self.began();
        let finish = |part: Result<Part, Refused>| part.and_then(|p| p.finish(began, file_len));
        let movie = Movie {
            video: self.video.map(finish),
            audio: self.audio.into_iter().map(finish).collect(),
        };
        // A picture without the end of its sound would pass for a whole lesson.
        for track in movie.video.iter().chain(&movie.audio) {
            if let Err(cut @ Refused::CutOff { .. }) = track {
                return Err(cut.clone());
            }
        }
        if movie.video.is_none() && movie.audio.is_empty() {
            return Err(Refused::NoTrack);
        }
        Ok(movie)
    }

    /// When the earliest track begins, as ticks and timescale. A live recording goes on counting
    /// from where its encoder was; a lesson begins at 0.
    fn began(&self) -> (u64, u32) {
        let parts = self.video.iter().chain(&self.audio).flatten();
        let began = parts.filter_map(|part| match &part.tables {
            Tables::Growing(collect) => Some((collect.began()?, part.timescale)),
            Tables::Whole(_) => None,
        });
        let earliest = began.min_by(|(a, of_a), (b, of_b)| {
            let left = u128::from(*a) * u128::from(*of_b);
            left.cmp(&(u128::from(*b) * u128::from(*of_a)))
        });
        earliest.unwrap_or((0, 1))
    }
}

impl Part {
    fn read(trak: &[u8], mdia: &[u8], movie_timescale: u32, video: bool) -> Result<Self, Refused> {
        let mdhd = Boxes::of(mdia).require(b"mdhd", "a track without a header")?;
        let timescale = timescale(mdhd)?;
        let stsd = Boxes::of(tables(mdia)?).require(b"stsd", "no sample description")?;
        let (codec, entry) = describe(stsd, video)?;
        let edit = match Boxes::of(trak).find(b"edts")? {
            Some(edts) => Edit::parse(edts, movie_timescale, timescale, video)?,
            None => Edit::default(),
        };
        let tkhd = Boxes::of(trak).require(b"tkhd", "a track without a header")?;
        Ok(Self {
            id: track_id(tkhd)?,
            codec,
            timescale,
            language: language(mdhd),
            matrix: matrix(tkhd)?,
            entry: entry.into(),
            edit,
            tables: Tables::Growing(Collect::default()),
        })
    }

    fn finish(self, (began, of): (u64, u32), file_len: u64) -> Result<Track, Refused> {
        let mut samples = match self.tables {
            Tables::Whole(samples) => samples,
            Tables::Growing(collect) => {
                let ticks = u128::from(began) * u128::from(self.timescale) / u128::from(of);
                collect.finish(u64::try_from(ticks).unwrap_or(u64::MAX), file_len)?
            }
        };
        if samples.count() == 0 {
            return Err(Refused::Damaged("a track without a frame"));
        }
        self.edit.trim(&mut samples);
        if samples.count() == 0 {
            let video = self.codec.is_video();
            return Err(Refused::Edited(if video { "video" } else { "sound" }));
        }
        Ok(Track {
            codec: self.codec,
            timescale: self.timescale,
            language: self.language,
            matrix: self.matrix,
            entry: self.entry,
            start: self.edit.start,
            samples,
        })
    }
}

/// `stbl` of a track.
fn tables(mdia: &[u8]) -> Result<&[u8], Refused> {
    let minf = Boxes::of(mdia).require(b"minf", "a track without information")?;
    Boxes::of(minf).require(b"stbl", "a track without tables")
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

fn track_id(tkhd: &[u8]) -> Result<u32, Refused> {
    let mut fields = Fields::new(tkhd);
    let long = fields.version()? == 1;
    fields.take(if long { 16 } else { 8 })?;
    fields.u32()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timescale_of_zero_divides_nothing() {
        let header = [0; 20];
        assert!(matches!(timescale(&header), Err(Refused::Damaged(_))));
    }
}

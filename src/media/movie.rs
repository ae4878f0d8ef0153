//! What a file holds: its picture and its sounds, with their sample tables.

use crate::media::Codec;
use crate::media::Refused;
use crate::media::draft::Draft;
use crate::media::samples::Samples;

/// The first video track of a file and its sounds. A track that cannot be served is there as the
/// reason why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie {
    /// The picture.
    pub video: Option<Result<Track, Refused>>,
    /// The sounds, in the order of the file.
    pub audio: Vec<Result<Track, Refused>>,
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
    /// Parses the payload of `moov` of a progressive file of `file_len` bytes.
    ///
    /// # Errors
    /// A damaged index, or one without a track of either kind.
    pub fn parse(moov: &[u8], file_len: u64) -> Result<Self, Refused> {
        Draft::read(moov, file_len)?.finish(file_len)
    }
}

impl Track {
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

    /// The three letters of its language (ISO 639-2/T); `None` where the file leaves it open.
    pub fn language(&self) -> Option<[u8; 3]> {
        let letter = |shift: u32| u8::try_from(self.language >> shift & 0x1f).unwrap_or(0) + 0x60;
        let letters = [letter(10), letter(5), letter(0)];
        let known = letters.iter().all(u8::is_ascii_lowercase) && letters != *b"und";
        known.then_some(letters)
    }

    /// Whether the picture is turned by a quarter.
    pub(crate) fn is_turned(&self) -> bool {
        let word = |at: usize| self.matrix.get(at..at + 4).is_some_and(|w| w != [0; 4]);
        word(4) && word(12) && !word(0) && !word(16)
    }
}

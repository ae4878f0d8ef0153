//! Sample descriptions: which codec, and its name as RFC 6381 writes it.

use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::boxes::Kind;
use crate::media::picture::picture;
use crate::media::sound::aac;
use crate::media::sound::opus;
use serde::Deserialize;
use serde::Serialize;

/// Picture or sound, with what a playlist says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    /// H.264, HEVC or AV1.
    Video {
        /// `avc1.4D401F`.
        name: String,
        /// Pixels across, as stored.
        width: u32,
        /// Pixels down, as stored.
        height: u32,
        /// Width to height of one pixel as shown, in lowest terms.
        pixel: (u32, u32),
        /// How bright it may be, where the file says so.
        range: Option<VideoRange>,
    },
    /// AAC or Opus.
    Audio {
        /// `mp4a.40.2`.
        name: String,
        /// Channels.
        channels: u16,
        /// Samples a second.
        sample_rate: u32,
    },
}

/// The dynamic range of a picture, by its transfer characteristics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoRange {
    /// The usual: BT.709, BT.601, BT.2020, sRGB.
    Sdr,
    /// Hybrid log-gamma (ITU-R BT.2100).
    Hlg,
    /// Perceptual quantizer (SMPTE ST 2084).
    Pq,
}

impl VideoRange {
    /// The range of that `TransferCharacteristics` (ISO/IEC 23091-2, 8.2); `None` where it tells
    /// nothing.
    pub(crate) const fn of_transfer(transfer: u16) -> Option<Self> {
        match transfer {
            1 | 4..=7 | 11..=15 => Some(Self::Sdr),
            16 => Some(Self::Pq),
            18 => Some(Self::Hlg),
            _ => None,
        }
    }

    /// Its name in a multivariant playlist (RFC 8216bis, 4.4.6.2).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sdr => "SDR",
            Self::Hlg => "HLG",
            Self::Pq => "PQ",
        }
    }
}

impl Codec {
    /// The name for `CODECS`.
    pub fn name(&self) -> &str {
        match self {
            Self::Video { name, .. } | Self::Audio { name, .. } => name,
        }
    }

    /// Whether it is a picture.
    pub const fn is_video(&self) -> bool {
        matches!(self, Self::Video { .. })
    }
}

/// Reads the payload of `stsd`; returns the codec and the sample entry as it stands, box head
/// included.
pub(crate) fn describe(stsd: &[u8], video: bool) -> Result<(Codec, &[u8]), Refused> {
    let word = if video { "video" } else { "sound" };
    let mut fields = Fields::new(stsd);
    fields.version()?;
    let count = fields.u32()?;
    if count != 1 {
        return Err(Refused::SeveralFormats(word));
    }
    let entries = fields.rest();
    let first = Boxes::of(entries).next();
    let (kind, payload) = first.ok_or(Refused::Damaged("no sample description"))??;
    let entry = entries.get(..payload.len() + 8).unwrap_or_default();
    let codec = match (&kind, video) {
        (b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"av01", true) => picture(kind, payload)?,
        (b"mp4a", false) => aac(payload)?,
        (b"Opus", false) => opus(payload)?,
        (b"encv" | b"enca", _) => return Err(Refused::Encrypted(word)),
        _ => return Err(unknown(kind, video)),
    };
    Ok((codec, entry))
}

fn unknown(kind: Kind, video: bool) -> Refused {
    let known = NAMES.iter().find(|(k, _)| **k == kind);
    let plain = || String::from_utf8_lossy(&kind).escape_default().to_string();
    Refused::Codec {
        kind: if video { "video" } else { "sound" },
        codec: known.map_or_else(plain, |(_, name)| (*name).to_owned()),
        wanted: if video {
            "H.264, HEVC or AV1"
        } else {
            "AAC or Opus"
        },
    }
}

const NAMES: &[(&Kind, &str)] = &[
    (b"dvh1", "Dolby Vision"),
    (b"dvhe", "Dolby Vision"),
    (b"vp08", "VP8"),
    (b"vp09", "VP9"),
    (b"vvc1", "VVC (H.266)"),
    (b"mp4v", "MPEG-4 Part 2"),
    (b"s263", "H.263"),
    (b"jpeg", "Motion JPEG"),
    (b"mjpa", "Motion JPEG"),
    (b"png ", "a PNG picture"),
    (b"apcn", "ProRes"),
    (b"apch", "ProRes"),
    (b"ac-3", "Dolby AC-3"),
    (b"ec-3", "Dolby E-AC-3"),
    (b"fLaC", "FLAC"),
    (b"alac", "Apple Lossless"),
    (b".mp3", "MP3"),
    (b"samr", "AMR"),
    (b"sowt", "uncompressed sound"),
    (b"twos", "uncompressed sound"),
    (b"lpcm", "uncompressed sound"),
    (b"ipcm", "uncompressed sound"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_we_do_not_package_is_named() {
        let sentence = unknown(*b"vp09", true).to_string();
        assert_eq!(sentence, "the video is VP9; H.264, HEVC or AV1 is served");
        assert!(
            unknown(*b"a\0\nb", false)
                .to_string()
                .contains("a\\u{0}\\nb")
        );
    }
}

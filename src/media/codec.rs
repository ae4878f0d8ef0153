//! Sample descriptions: which codec, and its name as RFC 6381 writes it.

use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::boxes::Kind;
use serde::Deserialize;
use serde::Serialize;

/// Picture or sound, with what a playlist says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    /// H.264 (`avc1`).
    Video {
        /// `avc1.4D401F`.
        name: String,
        /// Pixels across, as stored.
        width: u32,
        /// Pixels down, as stored.
        height: u32,
    },
    /// AAC (`mp4a`).
    Audio {
        /// `mp4a.40.2`.
        name: String,
        /// Channels.
        channels: u16,
        /// Samples a second.
        sample_rate: u32,
    },
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
        (b"avc1", true) => avc(payload)?,
        (b"mp4a", false) => aac(payload)?,
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
        wanted: if video { "H.264" } else { "AAC" },
    }
}

/// `avc1` (ISO/IEC 14496-15): a visual sample entry with an `avcC` box.
fn avc(payload: &[u8]) -> Result<Codec, Refused> {
    let mut fields = Fields::new(payload);
    fields.take(24)?;
    let (width, height) = (fields.u16()?, fields.u16()?);
    fields.take(50)?;
    let config = Boxes::of(fields.rest()).require(b"avcC", "no H.264 configuration")?;
    let mut config = Fields::new(config);
    config.u8()?;
    let (profile, compatible, level) = (config.u8()?, config.u8()?, config.u8()?);
    if width == 0 || height == 0 {
        return Err(Refused::Damaged("the picture has no size"));
    }
    Ok(Codec::Video {
        name: format!("avc1.{profile:02X}{compatible:02X}{level:02X}"),
        width: width.into(),
        height: height.into(),
    })
}

/// `mp4a` (ISO/IEC 14496-14): an audio sample entry with an `esds` box.
fn aac(payload: &[u8]) -> Result<Codec, Refused> {
    let mut fields = Fields::new(payload);
    fields.take(8)?;
    if fields.u16()? != 0 {
        return Err(Refused::Codec {
            kind: "sound",
            codec: "a QuickTime sound description".to_owned(),
            wanted: "AAC in MP4",
        });
    }
    fields.take(6)?;
    let (channels, _bits) = (fields.u16()?, fields.u16()?);
    fields.take(4)?;
    let rate = fields.u32()? >> 16;
    let esds = Boxes::of(fields.rest()).require(b"esds", "no AAC configuration")?;
    let config = audio_config(esds)?;
    Ok(Codec::Audio {
        name: format!("mp4a.40.{}", config.object_type),
        channels: config.channels.unwrap_or(channels).max(1),
        sample_rate: config.sample_rate.unwrap_or(rate),
    })
}

struct AudioConfig {
    object_type: u32,
    sample_rate: Option<u32>,
    channels: Option<u16>,
}

/// `esds`: descriptors of ISO/IEC 14496-1, 7.2.6, down to the AudioSpecificConfig.
fn audio_config(esds: &[u8]) -> Result<AudioConfig, Refused> {
    let mut fields = Fields::new(esds);
    fields.version()?;
    let mut stream = descriptor(&mut fields, 3)?;
    stream.u16()?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.u16()?;
    }
    if flags & 0x40 != 0 {
        let len = stream.u8()?;
        stream.take(len.into())?;
    }
    if flags & 0x20 != 0 {
        stream.u16()?;
    }
    let mut decoder = descriptor(&mut stream, 4)?;
    let object = decoder.u8()?;
    if !matches!(object, 0x40 | 0x66..=0x68) {
        let codec = match object {
            0x69 | 0x6b => "MP3",
            0xdd => "Vorbis",
            _ => "an unknown MPEG-4 sound",
        };
        return Err(Refused::Codec {
            kind: "sound",
            codec: codec.to_owned(),
            wanted: "AAC",
        });
    }
    decoder.take(12)?;
    specific(descriptor(&mut decoder, 5)?.rest())
}

/// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): object type, rate, channels.
fn specific(config: &[u8]) -> Result<AudioConfig, Refused> {
    let mut bits = Bits {
        bytes: config,
        at: 0,
    };
    let object_type = match bits.take(5)? {
        31 => 32 + bits.take(6)?,
        plain => plain,
    };
    let sample_rate = match bits.take(4)? {
        15 => Some(bits.take(24)?),
        index => RATES.get(index as usize).copied(),
    };
    let channels = match bits.take(4)? {
        n @ 1..=6 => u16::try_from(n).ok(),
        7 => Some(8),
        _ => None,
    };
    Ok(AudioConfig {
        object_type,
        sample_rate,
        channels,
    })
}

/// A descriptor of that tag, its length in up to four bytes of seven bits.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8) -> Result<Fields<'a>, Refused> {
    if fields.u8()? != tag {
        return Err(Refused::Damaged("the AAC configuration is in disorder"));
    }
    let mut len = 0_usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    fields.take(len).map(Fields::new)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, Refused> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8);
            let byte = byte.ok_or(Refused::Damaged("the AAC configuration ends early"))?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }
}

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];

const NAMES: &[(&Kind, &str)] = &[
    (b"hvc1", "HEVC (H.265)"),
    (b"hev1", "HEVC (H.265)"),
    (b"dvh1", "Dolby Vision"),
    (b"dvhe", "Dolby Vision"),
    (b"av01", "AV1"),
    (b"vp08", "VP8"),
    (b"vp09", "VP9"),
    (b"vvc1", "VVC (H.266)"),
    (b"mp4v", "MPEG-4 Part 2"),
    (b"avc3", "H.264 with parameters in the stream (avc3)"),
    (b"s263", "H.263"),
    (b"jpeg", "Motion JPEG"),
    (b"mjpa", "Motion JPEG"),
    (b"png ", "a PNG picture"),
    (b"apcn", "ProRes"),
    (b"apch", "ProRes"),
    (b"ac-3", "Dolby AC-3"),
    (b"ec-3", "Dolby E-AC-3"),
    (b"Opus", "Opus"),
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
    fn aac_variants_are_told_apart() {
        let lc = specific(&[0x11, 0x90]).unwrap();
        assert_eq!(
            (lc.object_type, lc.sample_rate, lc.channels),
            (2, Some(48_000), Some(2))
        );
        let he = specific(&[0x2b, 0x92, 0x08, 0x00]).unwrap();
        assert_eq!((he.object_type, he.channels), (5, Some(2)));
        assert!(specific(&[0x11]).is_err());
    }

    #[test]
    fn a_codec_we_do_not_package_is_named() {
        let sentence = unknown(*b"hvc1", true).to_string();
        assert_eq!(
            sentence,
            "the video is HEVC (H.265); H.264 is served so far"
        );
        assert!(
            unknown(*b"a\0\nb", false)
                .to_string()
                .contains("a\\u{0}\\nb")
        );
    }
}

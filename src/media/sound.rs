//! Sample descriptions of sound: AAC and Opus.

use crate::media::Codec;
use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;

/// `mp4a` (ISO/IEC 14496-14): an audio sample entry with an `esds` box.
pub(crate) fn aac(payload: &[u8]) -> Result<Codec, Refused> {
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

/// `Opus` (Encapsulation of Opus in ISO Base Media File Format, 4.3): an audio sample entry with a
/// `dOps` box. It is always decoded at 48 kHz.
pub(crate) fn opus(payload: &[u8]) -> Result<Codec, Refused> {
    let mut fields = Fields::new(payload);
    fields.take(28)?;
    let config = Boxes::of(fields.rest()).require(b"dOps", "no Opus configuration")?;
    let mut config = Fields::new(config);
    if config.u8()? != 0 {
        return Err(Refused::Damaged(
            "an unknown version of the Opus configuration",
        ));
    }
    Ok(Codec::Audio {
        name: "opus".to_owned(),
        channels: u16::from(config.u8()?).max(1),
        sample_rate: 48_000,
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

/// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): object type, rate, channels. High-efficiency AAC
/// is found by both kinds of signalling that say it outright.
fn specific(config: &[u8]) -> Result<AudioConfig, Refused> {
    let mut bits = Bits {
        bytes: config,
        at: 0,
    };
    let mut object_type = bits.object_type()?;
    let mut sample_rate = bits.rate()?;
    let channels = match bits.take(4)? {
        n @ 1..=6 => u16::try_from(n).ok(),
        7 => Some(8),
        _ => None,
    };
    if matches!(object_type, SBR | PS) {
        sample_rate = bits.rate()?.or(sample_rate);
    } else if object_type == LC
        && let Some((extended, rate)) = bits.extension(channels.is_some())
    {
        object_type = extended;
        sample_rate = rate.or(sample_rate);
    }
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

    fn object_type(&mut self) -> Result<u32, Refused> {
        Ok(match self.take(5)? {
            31 => 32 + self.take(6)?,
            plain => plain,
        })
    }

    fn rate(&mut self) -> Result<Option<u32>, Refused> {
        Ok(match self.take(4)? {
            15 => Some(self.take(24)?),
            index => RATES.get(index as usize).copied(),
        })
    }

    /// What stands behind the configuration of AAC-LC for those who understand more: the object
    /// type, and the rate it comes to. `plain` if no channel layout precedes it.
    fn extension(&mut self, plain: bool) -> Option<(u32, Option<u32>)> {
        if !plain {
            return None;
        }
        let _frame_length = self.take(1).ok()?;
        if self.take(1).ok()? == 1 {
            self.take(14).ok()?;
        }
        let _extension_flag = self.take(1).ok()?;
        let sync = self.take(11).ok()? == 0x2b7;
        if !sync || self.object_type().ok()? != SBR || self.take(1).ok()? == 0 {
            return None;
        }
        let rate = self.rate().ok()?;
        let parametric = self.take(11).ok() == Some(0x548) && self.take(1).ok() == Some(1);
        Some((if parametric { PS } else { SBR }, rate))
    }
}

/// Object types (ISO/IEC 14496-3, table 1.17): low complexity, with spectral band replication
/// (HE-AAC), and with parametric stereo (HE-AAC v2).
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
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
        assert_eq!(he.sample_rate, Some(44_100));
        // 24 kHz, stereo, then sync word, SBR present, 48 kHz; with and without PS behind it.
        let hidden = specific(&[0x13, 0x10, 0x56, 0xe5, 0x98]).unwrap();
        assert_eq!((hidden.object_type, hidden.sample_rate), (5, Some(48_000)));
        let parametric = specific(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]).unwrap();
        assert_eq!(parametric.object_type, 29);
        let absent = specific(&[0x13, 0x10, 0x56, 0xe5, 0x00]).unwrap();
        assert_eq!((absent.object_type, absent.sample_rate), (2, Some(24_000)));
        assert!(specific(&[0x11]).is_err());
    }
}

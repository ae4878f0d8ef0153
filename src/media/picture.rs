//! Sample descriptions of pictures: H.264, HEVC and AV1, named as players ask for them.

use crate::media::Codec;
use crate::media::Refused;
use crate::media::VideoRange;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::boxes::Kind;
use std::fmt::Write as _;

/// Reads the payload of a visual sample entry (ISO/IEC 14496-12, 12.1.3) with the configuration of
/// its codec.
pub(crate) fn picture(kind: Kind, payload: &[u8]) -> Result<Codec, Refused> {
    let mut fields = Fields::new(payload);
    fields.take(24)?;
    let (width, height) = (fields.u16()?, fields.u16()?);
    fields.take(50)?;
    let boxes = Boxes::of(fields.rest());
    let entry = str::from_utf8(&kind).unwrap_or_default();
    let name = match &kind {
        b"hvc1" | b"hev1" => {
            let config = boxes.require(b"hvcC", "no HEVC configuration")?;
            hevc(entry, config)?
        }
        b"av01" => {
            let config = boxes.require(b"av1C", "no AV1 configuration")?;
            av1(config, boxes.find(b"colr")?)?
        }
        _ => avc(entry, boxes.require(b"avcC", "no H.264 configuration")?)?,
    };
    if width == 0 || height == 0 {
        return Err(Refused::Damaged("the picture has no size"));
    }
    Ok(Codec::Video {
        name,
        width: width.into(),
        height: height.into(),
        pixel: pixel(boxes.find(b"pasp")?)?,
        range: range(boxes.find(b"colr")?)?,
    })
}

/// The shape of a pixel (`pasp`, ISO/IEC 14496-12, 12.1.4); square where nothing is said.
fn pixel(pasp: Option<&[u8]>) -> Result<(u32, u32), Refused> {
    let Some(pasp) = pasp else {
        return Ok((1, 1));
    };
    let mut fields = Fields::new(pasp);
    let (across, down) = (fields.u32()?, fields.u32()?);
    let (mut a, mut b) = (across, down);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    Ok(if across == 0 || down == 0 {
        (1, 1)
    } else {
        (across / a, down / a)
    })
}

/// `avc1` or `avc3` and three bytes of `avcC` (RFC 6381, 3.3).
fn avc(entry: &str, config: &[u8]) -> Result<String, Refused> {
    let mut config = Fields::new(config);
    config.u8()?;
    let (profile, compatible, level) = (config.u8()?, config.u8()?, config.u8()?);
    Ok(format!("{entry}.{profile:02X}{compatible:02X}{level:02X}"))
}

/// `hvc1` or `hev1`, profile, compatibility, tier and level, constraints (ISO/IEC 14496-15,
/// annex E.3).
fn hevc(entry: &str, config: &[u8]) -> Result<String, Refused> {
    let mut config = Fields::new(config);
    config.u8()?;
    let first = config.u8()?;
    let compatible = config.u32()?.reverse_bits();
    let constraints = config.take(6)?;
    let level = config.u8()?;
    let space = ["", "A", "B", "C"].get(usize::from(first >> 6)).copied();
    let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
    let mut name = format!(
        "{entry}.{}{}.{compatible:X}.{tier}{level}",
        space.unwrap_or_default(),
        first & 0x1f
    );
    let said = constraints.iter().rposition(|byte| *byte != 0);
    for byte in constraints.iter().take(said.map_or(0, |last| last + 1)) {
        // Writing to a String cannot fail.
        let _ = write!(name, ".{byte:X}");
    }
    Ok(name)
}

/// Profile, level and tier, depth; where the colours are not the usual ones also what they are
/// (AV1 Codec ISO Media File Format Binding, 5).
fn av1(config: &[u8], colr: Option<&[u8]>) -> Result<String, Refused> {
    let mut config = Fields::new(config);
    config.u8()?;
    let (first, second) = (config.u8()?, config.u8()?);
    let (profile, level) = (first >> 5, first & 0x1f);
    let tier = if second & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (second & 0x40 != 0, second & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    let (mono, across, down) = (second >> 4 & 1, second >> 3 & 1, second >> 2 & 1);
    let position = if across & down == 1 { second & 3 } else { 0 };
    let [primaries, transfer, matrix, range] = colours(colr)?;
    let short = format!("av01.{profile}.{level:02}{tier}.{depth:02}");
    let usual = (mono, across, down, position) == (0, 1, 1, 0);
    if usual && [primaries, transfer, matrix, range] == [1, 1, 1, 0] {
        return Ok(short);
    }
    Ok(format!(
        "{short}.{mono}.{across}{down}{position}.{primaries:02}.{transfer:02}.{matrix:02}.{range}"
    ))
}

/// The dynamic range that `colr` tells of.
fn range(colr: Option<&[u8]>) -> Result<Option<VideoRange>, Refused> {
    let mut fields = Fields::new(colr.unwrap_or_default());
    if colr.is_none() || !COLOURS.contains(&fields.kind()?) {
        return Ok(None);
    }
    fields.u16()?;
    Ok(VideoRange::of_transfer(fields.u16()?))
}

/// Primaries, transfer, matrix and range of `colr` (ISO/IEC 14496-12, 12.1.5); BT.709 where
/// nothing is said.
fn colours(colr: Option<&[u8]>) -> Result<[u16; 4], Refused> {
    let mut fields = Fields::new(colr.unwrap_or_default());
    if colr.is_none() || fields.kind()? != *b"nclx" {
        return Ok([1, 1, 1, 0]);
    }
    let (primaries, transfer, matrix) = (fields.u16()?, fields.u16()?, fields.u16()?);
    // 2 is "unspecified", which the short form means too.
    let said = |value: u16| if value == 2 { 1 } else { value };
    let range = u16::from(fields.u8()? >> 7);
    Ok([said(primaries), said(transfer), said(matrix), range])
}

/// Kinds of `colr` that hold numbers; the latter is QuickTime's.
const COLOURS: [Kind; 2] = [*b"nclx", *b"nclc"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_told_where_the_file_tells_it() {
        let colr = |kind: &[u8], transfer: u8| [kind, &[0, 9, 0, transfer, 0, 9, 0]].concat();
        for (colr, wanted) in [
            (colr(b"nclx", 1), Some(VideoRange::Sdr)),
            (colr(b"nclx", 16), Some(VideoRange::Pq)),
            (colr(b"nclc", 18), Some(VideoRange::Hlg)),
            (colr(b"nclx", 2), None),
            (b"prof....".to_vec(), None),
        ] {
            assert_eq!(range(Some(&colr)).unwrap(), wanted, "{colr:?}");
        }
        assert_eq!(range(None).unwrap(), None);
        assert!(range(Some(b"nclx\0\x09")).is_err());
    }

    #[test]
    fn hevc_is_named_with_its_tier_and_constraints() {
        let mut config = [0; 13];
        config[1..6].copy_from_slice(&[0x01, 0x60, 0, 0, 0]);
        config[6] = 0x90;
        config[12] = 93;
        assert_eq!(hevc("hvc1", &config).unwrap(), "hvc1.1.6.L93.90");
        config[1] = 0x62;
        config[8] = 0x0b;
        assert_eq!(hevc("hev1", &config).unwrap(), "hev1.A2.6.H93.90.0.B");
        assert!(hevc("hvc1", &config[..12]).is_err());
    }

    #[test]
    fn av1_is_named_briefly_unless_its_colours_are_unusual() {
        let usual = [0x81, 0x04, 0x0c, 0];
        assert_eq!(av1(&usual, None).unwrap(), "av01.0.04M.08");
        let deep = [0x81, 0x28, 0x80 | 0x40 | 0x0c, 0];
        assert_eq!(av1(&deep, None).unwrap(), "av01.1.08H.10");
        let colr = [b"nclx".as_slice(), &[0, 9, 0, 16, 0, 9, 0]].concat();
        let name = av1(&usual, Some(&colr)).unwrap();
        assert_eq!(name, "av01.0.04M.08.0.110.09.16.09.0");
        let grey = [0x81, 0x04, 0x1c, 0];
        assert_eq!(av1(&grey, None).unwrap(), "av01.0.04M.08.1.110.01.01.01.0");
    }

    #[test]
    fn pixels_are_square_unless_the_file_says_more() {
        assert_eq!(pixel(None), Ok((1, 1)));
        assert_eq!(pixel(Some(&[0, 0, 0, 64, 0, 0, 0, 48])), Ok((4, 3)));
        assert_eq!(pixel(Some(&[0; 8])), Ok((1, 1)));
        assert!(pixel(Some(&[0; 7])).is_err());
    }
}

//! Content codings (RFC 9110, 8.4 and 12.5.3): which one to send, and preparing it once.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// The codings a representation may have beside the plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// Brotli (RFC 7932).
    Brotli,
    /// Zstandard (RFC 8878), with a window that every client must accept (RFC 9659).
    Zstd,
    /// Gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// Every coding but the plain bytes, the one that makes texts smallest first.
    pub const CODED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The name in `content-encoding`; `None` for the plain bytes.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// What an `Accept-Encoding` takes: weights in thousandths, in the order of [`Coding::CODED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    coded: [u16; 3],
    identity: u16,
}

impl Accepted {
    /// Reads the field's value, over all its lines. A missing field means that any coding will do;
    /// then we send the plain bytes, which everybody reads.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut named = [None; 3];
        let (mut identity, mut any) = (None, None);
        let lines = lines.into_iter();
        for item in lines.flat_map(|line| line.split(|b| *b == b',')) {
            let mut parts = item.split(|b| *b == b';');
            let name = parts.next().unwrap_or_default().trim_ascii();
            let weight = parts.map(<[u8]>::trim_ascii).find_map(weight);
            let [brotli, zstd, gzip] = &mut named;
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let slot = match name.len() {
                1 if is("*") => &mut any,
                2 if is("br") => brotli,
                4 if is("zstd") => zstd,
                4 if is("gzip") => gzip,
                // Its name of old (RFC 9110, 8.4.1.3).
                6 if is("x-gzip") => gzip,
                8 if is("identity") => &mut identity,
                _ => continue,
            };
            *slot = Some(weight.unwrap_or(1000));
        }
        Self {
            coded: named.map(|weight| weight.or(any).unwrap_or(0)),
            // Not named, plain bytes are acceptable but no preference is stated.
            identity: identity.unwrap_or(0),
        }
    }

    /// The codings to send, the best liked first, among equals the smallest; those liked less than
    /// the plain bytes are left out.
    pub fn in_order(&self) -> impl Iterator<Item = Coding> {
        let mut weighed = [(0, Coding::Identity); 3];
        for (place, (weight, coding)) in
            weighed.iter_mut().zip(self.coded.iter().zip(Coding::CODED))
        {
            *place = (*weight, coding);
        }
        weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let least = self.identity.max(1);
        let liked = weighed.into_iter().filter(move |(w, _)| *w >= least);
        liked.map(|(_, coding)| coding)
    }
}

/// A weight `q=0.125` in thousandths; `Some(0)` when it is malformed, so that nothing doubtful is
/// chosen.
fn weight(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', value @ ..] = parameter else {
        return None;
    };
    let (whole, fraction) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return Some(0),
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Some(0);
    }
    let thousandths = (0..3).fold(0, |n, i| {
        n * 10 + fraction.get(i).map_or(0, |b| u16::from(b - b'0'))
    });
    Some(match whole {
        b'0' => thousandths,
        b'1' if thousandths == 0 => 1000,
        _ => 0,
    })
}

/// How much work compression may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For what is kept for everybody: some 20 ms a MB and coding.
    Thorough,
    /// For what is made while somebody's request waits on a worker's loop: ten times faster, a few
    /// percent larger, and small tables to begin with.
    Quick,
}

/// Bytes below which a text is sent plain: field lines and a packet of their own cost more.
pub const CODED_BYTES_MIN: usize = 200;

/// The bytes in that coding, or `None` when it saves less than a tenth, and for the plain bytes.
pub fn coded(plain: &[u8], coding: Coding, effort: Effort) -> Option<Bytes> {
    let made = match coding {
        Coding::Identity => None,
        Coding::Brotli => brotli(plain, effort),
        Coding::Zstd => zstd(plain, effort),
        Coding::Gzip => gzip(plain, effort),
    };
    let mut made = made.filter(|made| made.len() < plain.len() - plain.len() / 10)?;
    made.shrink_to_fit();
    Some(Bytes::from(made))
}

fn brotli(plain: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let (quality, lgwin) = match effort {
        Effort::Thorough => (9, 18),
        Effort::Quick => (4, 16),
    };
    let params = brotli::enc::BrotliEncoderParams {
        quality,
        lgwin,
        size_hint: plain.len(),
        ..Default::default()
    };
    let mut out = Vec::with_capacity(plain.len() / 3 + 64);
    let mut input = plain;
    brotli::BrotliCompress(&mut input, &mut out, &params).ok()?;
    Some(out)
}

/// Levels up to 12 have windows of at most 4 MiB; RFC 9659 allows 8.
fn zstd(plain: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let level = match effort {
        Effort::Thorough => 12,
        Effort::Quick => 3,
    };
    zstd::bulk::compress(plain, level).ok()
}

/// Without name and time in its header, so that equal bytes stay equal.
fn gzip(plain: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let level = match effort {
        Effort::Thorough => Compression::best(),
        Effort::Quick => Compression::new(4),
    };
    let out = Vec::with_capacity(plain.len() / 3 + 64);
    let mut encoder = GzEncoder::new(out, level);
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    fn first(value: &str) -> &'static str {
        let accepted = Accepted::of([value.as_bytes()]);
        let coding = accepted.in_order().next();
        coding.and_then(Coding::name).unwrap_or("plain")
    }

    #[test]
    fn weights_are_honoured() {
        for (value, wanted) in [
            ("br", "br"),
            ("gzip, deflate, br", "br"),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate", "gzip"),
            ("x-gzip", "gzip"),
            ("zstd, gzip", "zstd"),
            ("BR", "br"),
            ("br;q=1.0", "br"),
            ("*", "br"),
            ("gzip, br;q=0.8", "gzip"),
            ("gzip;q=0.5, zstd;q=0.9, br;q=0.8", "zstd"),
            ("identity;q=0.5, br;q=0.5", "br"),
            ("br ; q=0.1", "br"),
            ("*;q=0.2", "br"),
            ("identity;q=0, *", "br"),
            ("br;x=1", "br"),
            ("br;q=0, *", "zstd"),
            ("br;q=0, zstd;q=0, *;q=0.1", "gzip"),
            ("gzip;br", "gzip"),
            ("*;q=0, gzip", "gzip"),
            ("", "plain"),
            ("identity", "plain"),
            ("deflate", "plain"),
            ("br;q=0", "plain"),
            ("br;q=0.000", "plain"),
            ("*;q=0", "plain"),
            ("brx", "plain"),
            ("br;q=0.4, identity;q=0.5", "plain"),
            ("br;q=2", "plain"),
            ("br;q=", "plain"),
            ("br;q=0.1234", "plain"),
            ("br;q=-1", "plain"),
        ] {
            assert_eq!(first(value), wanted, "{value}");
        }
        assert_eq!(Accepted::of([]).in_order().next(), None);
        let all = Accepted::of([&b"gzip, deflate, br, zstd"[..]]);
        assert_eq!(all.in_order().collect::<Vec<_>>(), Coding::CODED);
        let lines = Accepted::of([&b"br;q=0.1"[..], b"gzip"]);
        let gzip_first = [Coding::Gzip, Coding::Brotli];
        assert_eq!(lines.in_order().collect::<Vec<_>>(), gzip_first);
    }

    fn decoded(coded: &[u8], coding: Coding) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            Coding::Identity => plain.extend_from_slice(coded),
            Coding::Brotli => brotli::BrotliDecompress(&mut &coded[..], &mut plain).unwrap(),
            Coding::Zstd => plain = zstd::bulk::decompress(coded, 1 << 20).unwrap(),
            Coding::Gzip => {
                let mut decoder = flate2::read::GzDecoder::new(coded);
                decoder.read_to_end(&mut plain).unwrap();
            }
        }
        plain
    }

    #[test]
    fn text_shrinks_and_noise_is_left_alone() {
        let text = "#EXTINF:4.000,\nsegment.m4s\n".repeat(100);
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(999)
        .collect();
        for coding in Coding::CODED {
            for effort in [Effort::Thorough, Effort::Quick] {
                let small = coded(text.as_bytes(), coding, effort).unwrap();
                assert!(small.len() < text.len() / 10);
                assert_eq!(decoded(&small, coding), text.as_bytes());
                let again = coded(text.as_bytes(), coding, effort).unwrap();
                assert_eq!(small, again, "equal bytes have one tag");
            }
            assert_eq!(coded(&noise, coding, Effort::Quick), None);
            assert_eq!(coded(b"", coding, Effort::Thorough), None);
        }
        assert_eq!(coded(b"aaaa", Coding::Identity, Effort::Quick), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            value in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = Accepted::of([&value[..]]).in_order().count();
        }
    }
}

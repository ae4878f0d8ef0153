//! Content codings (RFC 9110, 8.4 and 12.5.3): which one to send, and preparing it once.

use bytes::Bytes;

/// The codings a representation may have beside the plain bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// Brotli (RFC 7932).
    Brotli,
}

impl Coding {
    /// The name in `content-encoding`; `None` for the plain bytes.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
        }
    }
}

/// Whether an `Accept-Encoding` value takes brotli and likes it no less than the plain bytes. A
/// missing field means that any coding will do; then we send the plain bytes, which everybody
/// reads.
pub fn prefers_brotli(accept: Option<&[u8]>) -> bool {
    let Some(accept) = accept else {
        return false;
    };
    // What browsers and most clients send, word by word.
    if accept.starts_with(b"gzip, deflate, br") && !accept.contains(&b';') {
        return true;
    }
    let (mut brotli, mut identity, mut any) = (None, None, None);
    for item in accept.split(|b| *b == b',') {
        let mut parts = item.split(|b| *b == b';');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let weight = parts.map(<[u8]>::trim_ascii).find_map(weight);
        let slot = match name {
            b"*" => &mut any,
            n if n.eq_ignore_ascii_case(b"br") => &mut brotli,
            n if n.eq_ignore_ascii_case(b"identity") => &mut identity,
            _ => continue,
        };
        *slot = Some(weight.unwrap_or(1000));
    }
    let brotli = brotli.or(any).unwrap_or(0);
    // Not named, plain bytes are acceptable but no preference is stated.
    brotli > 0 && brotli >= identity.unwrap_or(0)
}

/// A weight `q=0.125` in thousandths; `Some(0)` when it is malformed, so that nothing doubtful is
/// chosen.
fn weight(parameter: &[u8]) -> Option<u32> {
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
        n * 10 + fraction.get(i).map_or(0, |b| u32::from(b - b'0'))
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
    /// For what is kept for everybody: quality 9, some 20 ms a MB.
    Thorough,
    /// For what is made while somebody's request waits on a worker's loop: quality 4, ten times
    /// faster, a few percent larger, and small tables to begin with.
    Quick,
}

/// The bytes in brotli, or `None` when that saves less than a tenth.
pub fn brotli(plain: &[u8], effort: Effort) -> Option<Bytes> {
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
    let worth = out.len() < plain.len() - plain.len() / 10;
    out.shrink_to_fit();
    worth.then(|| Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_are_honoured() {
        let takes = |v: &str| prefers_brotli(Some(v.as_bytes()));
        for yes in [
            "br",
            "gzip, deflate, br",
            "gzip, deflate, br, zstd",
            "BR",
            "br;q=1.0",
            "*",
            "gzip, br;q=0.8",
            "identity;q=0.5, br;q=0.5",
            "br ; q=0.1",
            "*;q=0.2",
            "identity;q=0, *",
            "br;x=1",
        ] {
            assert!(takes(yes), "{yes}");
        }
        for no in [
            "",
            "gzip",
            "identity",
            "br;q=0",
            "br;q=0.000",
            "*;q=0",
            "br;q=0, *",
            "brx",
            "br;q=0.4, identity;q=0.5",
            "br;q=2",
            "br;q=",
            "br;q=0.1234",
            "br;q=-1",
            "gzip;br",
        ] {
            assert!(!takes(no), "{no}");
        }
        assert!(!prefers_brotli(None));
    }

    #[test]
    fn text_shrinks_and_noise_is_left_alone() {
        let text = "#EXTINF:4.000,\nsegment.m4s\n".repeat(100);
        for effort in [Effort::Thorough, Effort::Quick] {
            let coded = brotli(text.as_bytes(), effort).unwrap();
            assert!(coded.len() < text.len() / 10);
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut &coded[..], &mut plain).unwrap();
            assert_eq!(plain, text.as_bytes());
        }
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(999)
        .collect();
        assert_eq!(brotli(&noise, Effort::Quick), None);
        assert_eq!(brotli(b"", Effort::Thorough), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            value in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = prefers_brotli(Some(&value));
        }
    }
}

//! The Huffman code of string literals (RFC 7541, appendix B, used by RFC 9204, 4.1.2).
//!
//! The code is canonical, so the lengths of the code words say everything; all tables are made of
//! them at compile time. Decoding looks at 12 bits at once, which is two symbols of usual text.

use crate::h3::qpack::Broken;
use crate::h3::qpack::code::CODES;
use crate::h3::qpack::code::FAST;
use crate::h3::qpack::code::FAST_BITS;
use crate::h3::qpack::code::LEN_MAX;
use crate::h3::qpack::code::LENGTHS;
use crate::h3::qpack::code::ROWS;
use crate::h3::qpack::code::SORTED;
use crate::h3::qpack::code::Step;

/// Bytes that `text` takes when encoded.
pub(crate) fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|b| usize::from(len_of(*b))).sum();
    bits.div_ceil(8)
}

/// Appends the code of `text`, padded with ones to a whole byte.
pub(crate) fn encode(text: &[u8], out: &mut Vec<u8>) {
    let (mut acc, mut bits) = (0_u64, 0_u32);
    for &byte in text {
        let len = u32::from(len_of(byte));
        acc = (acc << len) | u64::from(code_of(byte));
        bits += len;
        if bits >= 32 {
            bits -= 32;
            out.extend_from_slice(&low_32(acc >> bits).to_be_bytes());
        }
    }
    let padding = bits.wrapping_neg() % 8;
    acc = (acc << padding) | ((1 << padding) - 1);
    let left = (bits + padding) / 8;
    let tail = low_32(acc).to_be_bytes();
    out.extend_from_slice(tail.get(4 - left as usize..).unwrap_or_default());
}

/// Decodes `code` to the front of `out`, which grows if it must, and returns the text's length.
///
/// # Errors
/// A padding of 8 bits or more or not of ones, or the end-of-string symbol (RFC 7541, 5.2).
pub(crate) fn decode(code: &[u8], out: &mut Vec<u8>) -> Result<usize, Broken> {
    // The shortest symbol has 5 bits, and two are written at once.
    let room = code.len() * 8 / 5 + 2;
    if out.len() < room {
        out.resize(room, 0);
    }
    let mut text = Text { out, len: 0 };
    let mut bits = Bits::new(code);
    loop {
        bits.fill();
        while bits.count >= FAST_BITS {
            let step = bits.step();
            if step.symbols() == 0 {
                break;
            }
            text.push(step.pair(), step.symbols());
            bits.take(step.bits());
        }
        // Here the next symbol is longer than FAST_BITS, or the bits run low.
        if bits.count < LEN_MAX && !bits.rest.is_empty() {
            continue;
        }
        if bits.count < FAST_BITS {
            break;
        }
        if !push_slow(&mut bits, &mut text)? {
            break;
        }
    }
    finish(bits, text)
}

/// The last bits, less than a step or the beginning of a long symbol; what is left then must be
/// padding.
fn finish(mut bits: Bits<'_>, mut text: Text<'_>) -> Result<usize, Broken> {
    while bits.count > 0 {
        let step = bits.step();
        if step.symbols() > 0 && step.first_bits() <= bits.count {
            text.push(step.pair(), 1);
            bits.take(step.first_bits());
        } else {
            break;
        }
    }
    if bits.is_padding() {
        Ok(text.len)
    } else {
        Err(Broken("a Huffman string has wrong padding"))
    }
}

/// Takes one symbol of more than FAST_BITS bits; false if it is not whole.
#[cold]
fn push_slow(bits: &mut Bits<'_>, text: &mut Text<'_>) -> Result<bool, Broken> {
    let top = !low_32(bits.inverted >> 32);
    for (len, row) in (0..=LEN_MAX).zip(&ROWS).skip(FAST_BITS as usize + 1) {
        let code = top >> (32 - len);
        if code < row.end {
            if len > bits.count {
                return Ok(false);
            }
            let symbol = SORTED.get((row.offset + code - row.first) as usize);
            // The end-of-string symbol is the one that is no byte.
            let symbol = symbol.and_then(|s| u8::try_from(*s).ok());
            text.push([symbol.ok_or(Broken(END_OF_STRING))?, 0], 1);
            bits.take(len);
            return Ok(true);
        }
    }
    Err(Broken(END_OF_STRING))
}

/// Where decoded bytes go.
struct Text<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    /// Writes both bytes and keeps `count` of them.
    #[inline(always)]
    fn push(&mut self, pair: [u8; 2], count: usize) {
        if let Some(place) = self.out.get_mut(self.len..self.len + 2) {
            place.copy_from_slice(&pair);
        }
        self.len += count;
    }
}

/// Bits not yet decoded, the next at the top, all inverted: then the zeros that follow the last
/// bit are the ones that padding consists of.
struct Bits<'a> {
    inverted: u64,
    count: u32,
    rest: &'a [u8],
}

impl<'a> Bits<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self {
            inverted: 0,
            count: 0,
            rest,
        }
    }

    /// Makes at least 56 bits ready if the input has them. Bits beyond `count` may be there
    /// already; they are the same bits that the next call adds.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(word) = self.rest.first_chunk::<8>() {
            self.inverted |= !u64::from_be_bytes(*word) >> self.count;
            let bytes = (63 - self.count) / 8;
            self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
            self.count += bytes * 8;
            return;
        }
        while self.count <= 56
            && let Some((byte, rest)) = self.rest.split_first()
        {
            self.inverted |= u64::from(!byte) << (56 - self.count);
            self.count += 8;
            self.rest = rest;
        }
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "FAST_BITS bits index a table of 2^FAST_BITS entries"
    )]
    fn step(&self) -> Step {
        FAST[(self.inverted >> (64 - FAST_BITS)) as usize]
    }

    #[inline(always)]
    const fn take(&mut self, bits: u32) {
        self.inverted <<= bits;
        self.count -= bits;
    }

    const fn is_padding(&self) -> bool {
        self.count < 8 && self.inverted == 0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
const fn low_32(value: u64) -> u32 {
    value as u32
}

#[expect(clippy::indexing_slicing, reason = "a byte indexes 257 entries")]
fn len_of(byte: u8) -> u8 {
    LENGTHS[usize::from(byte)]
}

#[expect(clippy::indexing_slicing, reason = "a byte indexes 257 entries")]
fn code_of(byte: u8) -> u32 {
    CODES[usize::from(byte)]
}

const END_OF_STRING: &str = "a Huffman string holds the end-of-string symbol";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b' ').collect();
        let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    fn decoded(code: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::new();
        let len = decode(code, &mut out)?;
        Ok(out[..len].to_vec())
    }

    #[test]
    fn strings_of_rfc_7541_appendix_c() {
        for (text, code) in [
            ("www.example.com", "f1e3 c2e5 f23a 6ba0 ab90 f4ff"),
            ("no-cache", "a8eb 1064 9cbf"),
            ("custom-key", "25a8 49e9 5ba9 7d7f"),
            ("custom-value", "25a8 49e9 5bb8 e8b4 bf"),
            ("302", "6402"),
            ("private", "aec3 771a 4b"),
            (
                "Mon, 21 Oct 2013 20:13:21 GMT",
                "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff",
            ),
            (
                "https://www.example.com",
                "9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3",
            ),
            ("307", "640e ff"),
            ("gzip", "9bd9 ab"),
            (
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
                "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 \
                 3160 65c0 03ed 4ee5 b106 3d50 07",
            ),
        ] {
            let mut wire = Vec::new();
            encode(text.as_bytes(), &mut wire);
            assert_eq!(wire, hex(code), "{text}");
            assert_eq!(encoded_len(text.as_bytes()), wire.len());
            assert_eq!(decoded(&wire).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn padding_that_hides_bytes_is_refused() {
        // "0" is 00000; three ones pad it.
        assert_eq!(decoded(&[0b0000_0111]).unwrap(), b"0");
        for wrong in [
            &[0b0000_0000][..],
            &[0b0000_0110],
            &[0b0000_0111, 0xff],
            &[0xff],
            &[0xff, 0xff, 0xff, 0xff],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xfe],
        ] {
            assert!(decoded(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    #[test]
    fn every_byte_alone_and_between_others_survives() {
        for byte in 0..=255 {
            for text in [vec![byte], vec![b'a', byte, b'b'], vec![byte; 40]] {
                let mut wire = Vec::new();
                encode(&text, &mut wire);
                assert_eq!(decoded(&wire).unwrap(), text);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(text: Vec<u8>) {
            let mut wire = Vec::new();
            encode(&text, &mut wire);
            prop_assert_eq!(wire.len(), encoded_len(&text));
            prop_assert_eq!(decoded(&wire).unwrap(), text);
        }

        #[test]
        fn what_decodes_is_the_only_code_of_its_text(code: Vec<u8>) {
            if let Ok(text) = decoded(&code) {
                let mut wire = Vec::new();
                encode(&text, &mut wire);
                prop_assert_eq!(wire, code);
            }
        }
    }
}

//! Prefixed integers (RFC 7541, 5.1, used by RFC 9204, 4.1.1).

use crate::h3::qpack::Broken;

/// The integer whose prefix is the low `bits` bits of `first`, continued at the front of `rest`.
///
/// # Errors
/// The input ends within the integer, or it is larger than 2^62 - 1.
#[inline]
pub(crate) fn read(first: u8, bits: u32, rest: &mut &[u8]) -> Result<u64, Broken> {
    let mask = (1_u8 << bits) - 1;
    let prefix = first & mask;
    if prefix < mask {
        return Ok(u64::from(prefix));
    }
    let mut value = u64::from(mask);
    for shift in (0..63).step_by(7) {
        let Some((&byte, after)) = rest.split_first() else {
            return Err(Broken("a field section ends within an integer"));
        };
        *rest = after;
        value += u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return if value < 1 << 62 {
                Ok(value)
            } else {
                Err(Broken(TOO_LARGE))
            };
        }
    }
    Err(Broken(TOO_LARGE))
}

/// Appends `value` with `bits` bits of prefix; `flags` are the bits above it.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "masked or compared first")]
pub(crate) fn write(flags: u8, bits: u32, value: usize, out: &mut Vec<u8>) {
    let mask = (1_usize << bits) - 1;
    if value < mask {
        out.push(flags | value as u8);
        return;
    }
    out.push(flags | mask as u8);
    let mut left = value - mask;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

const TOO_LARGE: &str = "an integer of a field section exceeds 62 bits";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(wire: &[u8], bits: u32) -> Result<u64, Broken> {
        let (first, mut rest) = wire.split_first().unwrap();
        let value = read(*first, bits, &mut rest)?;
        assert!(rest.is_empty());
        Ok(value)
    }

    #[test]
    fn examples_of_rfc_7541_appendix_c_1() {
        assert_eq!(read_all(&[0b1110_1010], 5).unwrap(), 10);
        assert_eq!(
            read_all(&[0b1111_1111, 0b1001_1010, 0b0000_1010], 5).unwrap(),
            1337
        );
        assert_eq!(read_all(&[42], 8 - 1).unwrap(), 42);
    }

    #[test]
    fn integers_that_would_overflow_are_refused() {
        let cut = [0xff; 9];
        for len in 2..=9 {
            assert!(read_all(&cut[..len], 7).is_err());
        }
        let mut above_62_bits = [0xff; 10];
        above_62_bits[9] = 0x7f;
        let mut endless = [0x80; 12];
        (endless[0], endless[11]) = (0xff, 0);
        for wire in [&above_62_bits[..], &endless] {
            let (first, mut rest) = wire.split_first().unwrap();
            assert!(read(*first, 3, &mut rest).is_err(), "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn any_integer_survives(value in 0_usize..1 << 60, bits in 3_u32..8) {
            let mut wire = Vec::new();
            write(0, bits, value, &mut wire);
            prop_assert_eq!(read_all(&wire, bits).unwrap(), value as u64);
        }
    }
}

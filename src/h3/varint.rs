//! Variable-length integers (RFC 9000, 16).

/// The largest value, 2^62 - 1.
pub(crate) const MAX: u64 = (1 << 62) - 1;

/// The value at the start of `bytes` and the bytes it took; `None` if it is not whole.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    if first < 0x40 {
        return Some((u64::from(first), 1));
    }
    let len = 1_usize << (first >> 6);
    let rest = bytes.get(1..len)?;
    let high = u64::from(first & 0x3f);
    let value = rest.iter().fold(high, |v, b| (v << 8) | u64::from(*b));
    Some((value, len))
}

/// Appends `value` in the fewest bytes; values above [`MAX`] are a fault of the caller.
#[inline]
pub(crate) fn write(value: u64, out: &mut Vec<u8>) {
    debug_assert!(value <= MAX);
    let (tag, len) = match value {
        0..0x40 => (0, 1),
        0x40..0x4000 => (0x40, 2),
        0x4000..0x4000_0000 => (0x80, 4),
        _ => (0xc0, 8),
    };
    let mut bytes = value.to_be_bytes();
    let Some(wire) = bytes.get_mut(8 - len..) else {
        return;
    };
    if let Some(first) = wire.first_mut() {
        *first |= tag;
    }
    out.extend_from_slice(wire);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_rfc_9000_a_1() {
        for (wire, value) in [
            (&[0x25][..], 37),
            (&[0x40, 0x25], 37),
            (&[0x7b, 0xbd], 15_293),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (
                &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c],
                151_288_809_941_952_652,
            ),
        ] {
            assert_eq!(read(wire), Some((value, wire.len())));
            for cut in 0..wire.len() {
                assert_eq!(read(&wire[..cut]), None);
            }
        }
    }

    #[test]
    fn written_values_are_read_back_in_the_fewest_bytes() {
        for (value, len) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (16_383, 2),
            (16_384, 4),
            ((1 << 30) - 1, 4),
            (1 << 30, 8),
            (MAX, 8),
        ] {
            let mut wire = Vec::new();
            write(value, &mut wire);
            assert_eq!((wire.len(), read(&wire)), (len, Some((value, len))));
        }
    }
}

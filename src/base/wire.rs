//! Compact bytes for what is stored and shipped: numbers of varying length, bounded reads.
//!
//! A number is little-endian base 128 (LEB128), at most ten bytes, in its shortest form only, so
//! that equal values have equal bytes. A reader never allocates by a length it was told before it
//! has seen that many bytes.

/// Appends `value` in 1 to 10 bytes.
pub fn put(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(low(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low(rest));
}

/// Appends the number of bytes and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

const fn low(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Reads what [`put`] wrote. Every method gives `None` when the bytes end or make no sense; then
/// the reader is of no further use.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of all of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A number in its shortest form.
    pub fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return shortest.then_some(value);
            }
        }
        None
    }

    /// A number that fits 32 bits.
    pub fn number32(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// A number that fits 16 bits.
    pub fn number16(&mut self) -> Option<u16> {
        self.number()?.try_into().ok()
    }

    /// A count of things of which each takes at least one byte of what is left, at most `max`.
    pub fn count(&mut self, max: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= max && count <= self.rest.len()).then_some(count)
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    /// `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A length of at most `max` and as many bytes.
    pub fn bytes(&mut self, max: usize) -> Option<&'a [u8]> {
        let len = self.count(max)?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_one_spelling() {
        for long in [&[0x80, 0x00][..], &[0xff, 0x80, 0x00], &[0xff; 10], &[0x80]] {
            assert_eq!(Reader::new(long).number(), None, "{long:?}");
        }
        let mut most = vec![0xff; 9];
        most.push(1);
        assert_eq!(Reader::new(&most).number(), Some(u64::MAX));
        most[9] = 2;
        assert_eq!(Reader::new(&most).number(), None);
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        let mut bytes = Vec::new();
        put(&mut bytes, u64::MAX);
        assert_eq!(Reader::new(&bytes).bytes(usize::MAX), None);
        assert_eq!(Reader::new(&bytes).count(usize::MAX), None);
        assert_eq!(Reader::new(&[3, 1, 2, 3]).bytes(2), None);
    }

    proptest! {
        #[test]
        fn numbers_read_back_unchanged(value: u64, shift in 0..64_u32, tail: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            put_bytes(&mut bytes, &tail);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.number(), Some(value));
            prop_assert_eq!(reader.bytes(tail.len()), Some(tail.as_slice()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn hostile_bytes_never_panic_and_read_only_what_would_be_written(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Some(value) = reader.number() {
                let mut again = Vec::new();
                put(&mut again, value);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}

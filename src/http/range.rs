//! Byte ranges (RFC 9110, 14): from a `Range` field and a length to what is to be sent.

/// A part of a representation: never empty, inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    first: u64,
    end: u64,
}

impl ByteRange {
    /// The whole of `len` bytes; `None` when there is none.
    pub const fn whole(len: u64) -> Option<Self> {
        match len {
            0 => None,
            end => Some(Self { first: 0, end }),
        }
    }

    /// Position of the first byte.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Position after the last byte.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Bytes in it, at least one.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub const fn len(&self) -> u64 {
        self.end - self.first
    }

    /// The value of `content-range` (RFC 9110, 14.4) for a representation of `complete` bytes.
    pub fn content_range(&self, complete: u64) -> String {
        format!("bytes {}-{}/{complete}", self.first, self.end - 1)
    }
}

/// What a `Range` field asks of a representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Send all of it with 200: the field is malformed, of another unit, or asks for several
    /// ranges, all of which RFC 9110, 14.2 lets a server ignore.
    Whole,
    /// Send this part with 206.
    Part(ByteRange),
    /// Nothing asked for exists: 416.
    Unsatisfiable,
}

/// Reads the `Range` value for a representation of `len` bytes.
pub fn select(value: &[u8], len: u64) -> Selection {
    let Some(specs) = bytes_unit(value) else {
        return Selection::Whole;
    };
    let mut found = None;
    let (mut given, mut satisfiable) = (0_u32, 0_u32);
    for spec in specs.split(|b| *b == b',') {
        let spec = spec.trim_ascii();
        if spec.is_empty() {
            continue; // empty list elements are allowed (RFC 9110, 5.6.1)
        }
        given += 1;
        match resolve(spec, len) {
            None => return Selection::Whole,
            Some(Selection::Part(range)) => {
                satisfiable += 1;
                found = Some(range);
            }
            Some(Selection::Whole) => return Selection::Whole,
            Some(Selection::Unsatisfiable) => {}
        }
    }
    match (found, satisfiable) {
        (Some(range), 1) => Selection::Part(range),
        (None, _) if given > 0 => Selection::Unsatisfiable,
        _ => Selection::Whole,
    }
}

fn bytes_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, specs) = value.split_at_checked(6)?;
    let named = unit.eq_ignore_ascii_case(b"bytes=");
    named.then_some(specs)
}

/// One range of the set; `None` when it is malformed.
fn resolve(spec: &[u8], len: u64) -> Option<Selection> {
    let dash = spec.iter().position(|b| *b == b'-')?;
    let (first, last) = (spec.get(..dash)?, spec.get(dash + 1..)?);
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match (suffix, len) {
            (0, _) => Selection::Unsatisfiable,
            // No content-range can name a part of nothing.
            (_, 0) => Selection::Whole,
            _ => Selection::Part(ByteRange {
                first: len.saturating_sub(suffix),
                end: len,
            }),
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    if first >= len {
        return Some(Selection::Unsatisfiable);
    }
    let end = last.saturating_add(1).min(len);
    Some(Selection::Part(ByteRange { first, end }))
}

/// Digits only; a number too large for 64 bits is as good as the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        Some(n.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(first: u64, end: u64) -> Selection {
        Selection::Part(ByteRange { first, end })
    }

    #[test]
    fn a_player_gets_exactly_the_bytes_it_asked_for() {
        assert_eq!(select(b"bytes=0-0", 10), part(0, 1));
        assert_eq!(select(b"bytes=2-4", 10), part(2, 5));
        assert_eq!(select(b"bytes=2-", 10), part(2, 10));
        assert_eq!(select(b"bytes=2-99", 10), part(2, 10));
        assert_eq!(select(b"bytes=-3", 10), part(7, 10));
        assert_eq!(select(b"bytes=-30", 10), part(0, 10));
        assert_eq!(select(b"Bytes= 1-2 ,, ", 10), part(1, 3));
        let Selection::Part(range) = select(b"bytes=2-4", 10) else {
            panic!("not a part");
        };
        assert_eq!(range.content_range(10), "bytes 2-4/10");
        assert_eq!(range.len(), 3);
    }

    #[test]
    fn ranges_that_name_no_byte_are_refused() {
        for value in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99-,50-60"] {
            assert_eq!(
                select(value.as_bytes(), 10),
                Selection::Unsatisfiable,
                "{value}"
            );
        }
        let huge = b"bytes=99999999999999999999999999-";
        assert_eq!(select(huge, u64::MAX), Selection::Unsatisfiable);
        assert_eq!(select(b"bytes=0-", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn malformed_and_multiple_ranges_are_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=4-2",
            "bytes=+1-2",
            "bytes=1-2-3",
            "items=0-1",
            "bytes 0-1",
            "bytes=0-1,3-4",
            "bytes=0x1-2",
            "bytes=1 - 2",
            "bytes=0-1,x",
        ] {
            assert_eq!(select(value.as_bytes(), 10), Selection::Whole, "{value}");
        }
        assert_eq!(select(b"bytes=-5", 0), Selection::Whole);
        assert_eq!(select(b"bytes=0-1,50-60", 10), part(0, 2));
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_nor_outside(
            value in "bytes=[0-9]{0,3}-[0-9]{0,3}(,[0-9]{0,3}-[0-9]{0,3})?", len in 0_u64..300,
        ) {
            if let Selection::Part(range) = select(value.as_bytes(), len) {
                prop_assert!(range.first() < range.end() && range.end() <= len);
                prop_assert!(range.len() >= 1);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            value in proptest::collection::vec(any::<u8>(), 0..40), len in any::<u64>(),
        ) {
            let _ = select(&value, len);
            let with_unit: Vec<u8> = b"bytes=".iter().copied().chain(value).collect();
            let _ = select(&with_unit, len);
        }
    }
}

//! Byte ranges (RFC 9110, 14): from a `Range` field and a length to what is to be sent.

use crate::base::limits::RANGES_MAX;
use smallvec::SmallVec;

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

    fn is_near(&self, other: &Self) -> bool {
        self.first <= other.end.saturating_add(PART_OVERHEAD_BYTES)
            && other.first <= self.end.saturating_add(PART_OVERHEAD_BYTES)
    }

    /// The value of `content-range` (RFC 9110, 14.4) for a representation of `complete` bytes.
    pub fn content_range(&self, complete: u64) -> String {
        format!("bytes {}-{}/{complete}", self.first, self.end - 1)
    }
}

/// The parts of a reply to several ranges, in the order they were asked for.
pub type Parts = SmallVec<[ByteRange; 4]>;

/// What a `Range` field asks of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Send all of it with 200: the field is malformed, of another unit, names more than
    /// [`RANGES_MAX`] ranges, or asks for so much that the whole costs no more. RFC 9110, 14.2 lets
    /// a server ignore all of these.
    Whole,
    /// Send this part with 206.
    Part(ByteRange),
    /// Send these parts, two at least, as `multipart/byteranges` with 206. No two overlap or touch.
    Parts(Parts),
    /// Nothing asked for exists: 416.
    Unsatisfiable,
}

/// Reads the `Range` value for a representation of `len` bytes.
pub fn select(value: &[u8], len: u64) -> Selection {
    let Some(specs) = bytes_unit(value) else {
        return Selection::Whole;
    };
    let mut parts = Parts::new();
    let mut given = 0;
    for spec in specs.split(|b| *b == b',') {
        let spec = spec.trim_ascii();
        if spec.is_empty() {
            continue; // empty list elements are allowed (RFC 9110, 5.6.1)
        }
        given += 1;
        match resolve(spec, len) {
            Spec::Part(range) if given <= RANGES_MAX => join(&mut parts, range),
            Spec::Part(_) | Spec::Whole => return Selection::Whole,
            Spec::Unsatisfiable => {}
        }
    }
    match parts.as_slice() {
        [] if given > 0 => Selection::Unsatisfiable,
        [] => Selection::Whole,
        [range] => Selection::Part(*range),
        several => {
            let sent = |range: &ByteRange| range.len() + PART_OVERHEAD_BYTES;
            if several.iter().map(sent).sum::<u64>() < len {
                Selection::Parts(parts)
            } else {
                Selection::Whole
            }
        }
    }
}

/// Adds a range; what it overlaps, or is nearer to than the head of another part is long, becomes
/// one part with it, at the place of the first (RFC 9110, 15.3.7.2). So the same bytes are never
/// sent twice.
fn join(parts: &mut Parts, mut range: ByteRange) {
    let mut at = parts.len();
    while let Some(near) = parts.iter().position(|part| part.is_near(&range)) {
        let other = parts.remove(near);
        range.first = range.first.min(other.first);
        range.end = range.end.max(other.end);
        at = at.min(near);
    }
    parts.insert(at.min(parts.len()), range);
}

/// Bytes that a part costs beside its content, about (delimiter, type, range).
const PART_OVERHEAD_BYTES: u64 = 150;

/// One range of a set.
enum Spec {
    Part(ByteRange),
    Unsatisfiable,
    /// Malformed, or of nothing.
    Whole,
}

fn bytes_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, specs) = value.split_at_checked(6)?;
    let named = unit.eq_ignore_ascii_case(b"bytes=");
    named.then_some(specs)
}

fn resolve(spec: &[u8], len: u64) -> Spec {
    let Some((first, last)) = ends(spec) else {
        return Spec::Whole;
    };
    if first.is_empty() {
        return match (number(last), len) {
            (None, _) => Spec::Whole,
            (Some(0), _) => Spec::Unsatisfiable,
            // No content-range can name a part of nothing.
            (_, 0) => Spec::Whole,
            (Some(suffix), _) => Spec::Part(ByteRange {
                first: len.saturating_sub(suffix),
                end: len,
            }),
        };
    }
    let last = if last.is_empty() {
        Some(u64::MAX)
    } else {
        number(last)
    };
    match (number(first), last) {
        (Some(first), Some(last)) if first <= last && first < len => Spec::Part(ByteRange {
            first,
            end: last.saturating_add(1).min(len),
        }),
        (Some(first), Some(last)) if first <= last => Spec::Unsatisfiable,
        _ => Spec::Whole,
    }
}

/// What stands before and behind the dash.
fn ends(spec: &[u8]) -> Option<(&[u8], &[u8])> {
    let dash = spec.iter().position(|b| *b == b'-')?;
    Some((spec.get(..dash)?, spec.get(dash + 1..)?))
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
    fn malformed_ranges_are_ignored() {
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
            "bytes=0x1-2",
            "bytes=1 - 2",
            "bytes=0-1,x",
        ] {
            assert_eq!(select(value.as_bytes(), 10), Selection::Whole, "{value}");
        }
        assert_eq!(select(b"bytes=-5", 0), Selection::Whole);
        assert_eq!(select(b"bytes=0-1,50-60", 10), part(0, 2));
    }

    fn parts(value: &str, len: u64) -> Vec<(u64, u64)> {
        match select(value.as_bytes(), len) {
            Selection::Parts(parts) => parts.iter().map(|p| (p.first, p.end)).collect(),
            Selection::Part(part) => vec![(part.first, part.end)],
            Selection::Whole => vec![(0, len)],
            Selection::Unsatisfiable => Vec::new(),
        }
    }

    #[test]
    fn several_ranges_come_in_the_order_asked_for_and_no_byte_twice() {
        assert_eq!(parts("bytes=0-9,500-509", 1000), [(0, 10), (500, 510)]);
        assert_eq!(parts("bytes=-9,0-8", 1000), [(991, 1000), (0, 9)]);
        assert_eq!(parts("bytes=9-,2000-2001", 1000), [(9, 1000)]);
        // Near ones and overlapping ones become one, also through a later one between them.
        assert_eq!(parts("bytes=0-1,4-5", 1000), [(0, 6)]);
        assert_eq!(
            parts("bytes=600-609,0-299,200-400", 1000),
            [(600, 610), (0, 401)]
        );
        assert_eq!(parts("bytes=0-9,600-609,5-599", 1000), [(0, 610)]);
    }

    #[test]
    fn ranges_that_would_cost_more_than_the_whole_get_the_whole() {
        assert_eq!(parts("bytes=0-399,600-999", 1000), [(0, 1000)]);
        let every = |n: u64| {
            let list: Vec<_> = (0..n).map(|i| format!("{0}-{0}", i * 1000)).collect();
            parts(&format!("bytes={}", list.join(",")), 1_000_000).len()
        };
        assert_eq!((every(2), every(16), every(17), every(9999)), (2, 16, 1, 1));
        let same = format!("bytes={}", vec!["0-"; 16].join(","));
        assert_eq!(parts(&same, 1000), [(0, 1000)]);
    }

    proptest! {
        #[test]
        fn parts_hold_every_byte_asked_for_and_none_twice(
            asked in proptest::collection::vec((0_u64..3000, 0_u64..500), 2..20),
        ) {
            let list: Vec<_> = asked.iter().map(|(a, n)| format!("{a}-{}", a + n)).collect();
            let value = format!("bytes={}", list.join(", "));
            let sent = parts(&value, 3000);
            let total: u64 = sent.iter().map(|(a, b)| b - a).sum();
            prop_assert!(total <= 3000, "{sent:?}");
            for (n, one) in sent.iter().enumerate() {
                prop_assert!(one.0 < one.1 && one.1 <= 3000);
                for other in sent.iter().skip(n + 1) {
                    prop_assert!(one.1 < other.0 || other.1 < one.0, "{sent:?}");
                }
            }
            for (first, n) in asked {
                let end = (first + n + 1).min(3000);
                prop_assert!(sent.iter().any(|(a, b)| *a <= first && end <= *b), "{sent:?}");
            }
        }

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
            drop(select(&value, len));
            let with_unit: Vec<u8> = b"bytes=".iter().copied().chain(value).collect();
            drop(select(&with_unit, len));
        }
    }
}

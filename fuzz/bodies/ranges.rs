//! `Range` values: the first byte says how long the representation is.
//!
//! Promises: no panic; a part is inside, not empty, and told exactly in `content-range`; of several
//! parts no two share a byte, and there are no more than the bound.

use lamplight::base::limits::RANGES_MAX;
use lamplight::http::ByteRange;
use lamplight::http::range::Selection;
use lamplight::http::range::select;

pub(crate) fn run(bytes: &[u8]) {
    let [size, value @ ..] = bytes else {
        return;
    };
    // 0, 1, 2, 4, … up to the whole of 64 bits.
    let len = match size {
        0 => 0,
        n if *n > 64 => u64::from(*n),
        n => u64::MAX >> (64 - n),
    };
    let parts: Vec<ByteRange> = match select(value, len) {
        Selection::Part(range) => vec![range],
        Selection::Parts(parts) => parts.into_vec(),
        Selection::Whole | Selection::Unsatisfiable => return,
    };
    assert!(parts.len() <= RANGES_MAX);
    for (n, range) in parts.iter().enumerate() {
        assert!(range.first() < range.end() && range.end() <= len);
        let told = format!("bytes {}-{}/{len}", range.first(), range.end() - 1);
        assert_eq!(range.content_range(len), told);
        let mut others = parts.iter().skip(n + 1);
        assert!(others.all(|other| range.end() < other.first() || other.end() < range.first()));
    }
}

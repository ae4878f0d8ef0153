//! `Range` values: the first byte says how long the representation is.
//!
//! Promises: no panic; a part is inside, not empty, and told exactly in `content-range`.

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
    if let Selection::Part(range) = select(value, len) {
        assert!(range.first() < range.end() && range.end() <= len);
        let told = format!("bytes {}-{}/{len}", range.first(), range.end() - 1);
        assert_eq!(range.content_range(len), told);
    }
}

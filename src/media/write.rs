//! Writing MP4 boxes.

use crate::media::boxes::Kind;

/// Appends a box whose payload `fill` writes.
pub(crate) fn boxed(out: &mut Vec<u8>, kind: &Kind, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(kind);
    fill(out);
    let len = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    patch(out, at, len);
}

/// Appends a full box: version and flags, then what `fill` writes.
pub(crate) fn full(
    out: &mut Vec<u8>,
    kind: &Kind,
    version: u8,
    flags: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, kind, |out| {
        word(out, u32::from(version) << 24 | flags);
        fill(out);
    });
}

/// Appends 32 bits.
pub(crate) fn word(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends several words.
pub(crate) fn words(out: &mut Vec<u8>, values: &[u32]) {
    for value in values {
        word(out, *value);
    }
}

/// Replaces the word at `at`, which was written before.
pub(crate) fn patch(out: &mut [u8], at: usize, value: u32) {
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

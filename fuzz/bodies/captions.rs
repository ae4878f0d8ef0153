//! A caption file of an author or a tool.
//!
//! Promises: no panic; a refusal names a line inside the text and a remedy; written anew, the file
//! has the same cues, and once written it stays as it is; whatever the length of segments, each cue
//! is in every segment that it touches and in no other.

use lamplight::media::Captions;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let captions = match Captions::parse(text) {
        Ok(captions) => captions,
        Err(error) => {
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            assert!((1..=lines).contains(&error.line), "{error}");
            assert!(!error.what.is_empty() && !error.remedy.is_empty());
            return;
        }
    };
    let whole = captions.segment(0, u64::MAX);
    let again = Captions::parse(&whole).unwrap();
    assert_eq!(again.len(), captions.len());
    assert_eq!(again.end_ms(), captions.end_ms());
    assert_eq!(again.segment(0, u64::MAX), whole);
    cut(&captions);
}

/// A few segments from the start on, and what lies behind them.
fn cut(captions: &Captions<'_>) {
    const SEGMENT_MS: u64 = 7_000;
    const SEGMENTS: u64 = 8;
    let count = |begin, end| {
        Captions::parse(&captions.segment(begin, end))
            .unwrap()
            .len()
    };
    let mut seen = 0;
    for n in 0..SEGMENTS {
        seen += count(n * SEGMENT_MS, (n + 1) * SEGMENT_MS);
    }
    seen += count(SEGMENTS * SEGMENT_MS, u64::MAX);
    assert!(seen >= captions.len(), "{seen} of {}", captions.len());
    assert_eq!(
        count(captions.end_ms(), u64::MAX),
        0,
        "nothing lasts longer"
    );
}

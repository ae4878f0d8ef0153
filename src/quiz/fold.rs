//! Texts compared as a teacher compares them.

use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// Stands for "anything" in a pattern before it is cut; no text keeps control characters.
pub(crate) const ANYTHING: char = '\u{1}';

/// A text to compare with, in which `*` may have stood for anything.
#[derive(Clone, PartialEq)]
pub(crate) struct Pattern {
    /// Folded texts with anything between them; a single one must be met exactly.
    pieces: Vec<String>,
}

impl Pattern {
    /// The pattern written as `text`, with [`ANYTHING`] where anything may stand.
    pub(crate) fn new(text: &str) -> Self {
        let pieces = folded(text).split(ANYTHING).map(str::to_owned).collect();
        Self { pieces }
    }

    /// The pattern that only `text` itself matches.
    pub(crate) fn exactly(text: &str) -> Self {
        let pieces = vec![fold(text)];
        Self { pieces }
    }

    /// Whether it matches `text`, which was folded.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == text);
        };
        let Some(rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
            return false;
        };
        for piece in middle {
            let Some((_, after)) = rest.split_once(piece.as_str()) else {
                return false;
            };
            rest = after;
        }
        true
    }

    /// Whether nothing but anything is in it, or nothing at all.
    pub(crate) fn is_blank(&self) -> bool {
        self.pieces.iter().all(String::is_empty)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern")
    }
}

/// `text` without what makes no difference to a teacher: composed and decomposed accents (NFC),
/// upper and lower case, blanks around and runs of blanks within, curly quotes, long dashes,
/// invisible marks, and on which vowel of `oa`, `oe`, `uy` a Vietnamese tone is written.
pub(crate) fn fold(text: &str) -> String {
    let kept: String = text.chars().filter(|c| *c != ANYTHING).collect();
    folded(&kept)
}

fn folded(text: &str) -> String {
    let visible = text.nfc().filter(|c| !is_invisible(*c));
    // Up and down again: `ß` and `SS`, the two small sigmas and the like become one.
    let upper = visible.flat_map(char::to_uppercase);
    let lower = upper.flat_map(char::to_lowercase).map(plain);
    let mut folded = String::with_capacity(text.len());
    for c in lower.nfc() {
        if c == ' ' && (folded.is_empty() || folded.ends_with(' ')) {
            continue;
        }
        let moved = folded.pop().and_then(|before| {
            let moved = tone_moved(before, c);
            folded.extend(moved.map_or(Some(before), |[first, _]| Some(first)));
            moved
        });
        folded.push(moved.map_or(c, |[_, second]| second));
    }
    folded.truncate(folded.trim_end_matches(' ').len());
    folded
}

fn is_invisible(c: char) -> bool {
    let mark = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    mark || (c.is_control() && c != ANYTHING && !c.is_whitespace())
}

fn plain(c: char) -> char {
    match c {
        '‘' | '’' | 'ʼ' => '\'',
        '“' | '”' | '„' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// Both ways of writing a tone are taught: `hòa` and `hoà`, `thúy` and `thuý`. The tone on the
/// first vowel moves to the second.
fn tone_moved(first: char, second: char) -> Option<[char; 2]> {
    let (bare, tone) = VOWELS.iter().find_map(|(bare, toned)| {
        let tone = toned.chars().position(|c| c == first)?;
        Some((*bare, tone))
    })?;
    let moves = matches!((bare, second), ('o', 'a' | 'e') | ('u', 'y'));
    let (_, toned) = VOWELS.iter().find(|(vowel, _)| *vowel == second)?;
    let second = toned.chars().nth(tone).filter(|_| moves)?;
    Some([bare, second])
}

const VOWELS: [(char, &str); 5] = [
    ('a', "àáảãạ"),
    ('e', "èéẻẽẹ"),
    ('o', "òóỏõọ"),
    ('u', "ùúủũụ"),
    ('y', "ỳýỷỹỵ"),
];

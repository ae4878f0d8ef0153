//! Characters of which it is known whether they were escaped.

/// One character of a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Glyph {
    pub(crate) c: char,
    /// Whether it stands for itself because it was escaped.
    pub(crate) literal: bool,
    /// Its line from 1.
    pub(crate) line: u32,
}

/// Stands for the answer within a sentence; shown as a blank to fill in.
pub(crate) const BLANK: char = '\u{2}';

/// Reads lines, and says on which a character was escaped that needs none.
pub(crate) fn glyphs(lines: &[(u32, &str)]) -> (Vec<Glyph>, Vec<(u32, char)>) {
    let mut glyphs = Vec::new();
    let mut needless = Vec::new();
    for (line, text) in lines {
        let line = *line;
        let mut push = |c, literal| glyphs.push(Glyph { c, literal, line });
        let mut chars = text
            .chars()
            .filter(|c| !c.is_control() || *c == '\t')
            .peekable();
        while let Some(c) = chars.next() {
            if c != '\\' {
                push(c, false);
                continue;
            }
            let escaped = chars.next_if(|next| ESCAPED.contains(*next));
            match escaped {
                Some('n') => push('\n', true),
                Some(next) => push(next, true),
                None => {
                    needless.extend(
                        chars
                            .peek()
                            .filter(|c| NEEDLESS.contains(**c))
                            .map(|c| (line, *c)),
                    );
                    push('\\', true);
                }
            }
        }
        push('\n', false);
    }
    (glyphs, needless)
}

/// `glyphs` without blanks around.
pub(crate) fn trim(glyphs: &[Glyph]) -> &[Glyph] {
    let full = |g: &Glyph| !g.c.is_whitespace();
    let Some(first) = glyphs.iter().position(full) else {
        return &[];
    };
    let last = glyphs.iter().rposition(full).unwrap_or(first);
    glyphs.get(first..=last).unwrap_or_default()
}

/// Where `sign` stands unescaped.
pub(crate) fn find(glyphs: &[Glyph], sign: char) -> Option<usize> {
    glyphs.iter().position(|g| is(g, sign))
}

/// What stands before and behind the first `sign`, which is several characters without escapes.
pub(crate) fn split_once<'g>(
    glyphs: &'g [Glyph],
    sign: &str,
) -> Option<(&'g [Glyph], &'g [Glyph])> {
    let len = sign.chars().count();
    let mut windows = glyphs.windows(len);
    let at = windows.position(|window| window.iter().zip(sign.chars()).all(|(g, c)| is(g, c)))?;
    Some((glyphs.get(..at)?, glyphs.get(at + len..)?))
}

/// The same for the last `sign`.
pub(crate) fn rsplit_once<'g>(
    glyphs: &'g [Glyph],
    sign: &str,
) -> Option<(&'g [Glyph], &'g [Glyph])> {
    let len = sign.chars().count();
    let mut windows = glyphs.windows(len);
    let at = windows.rposition(|window| window.iter().zip(sign.chars()).all(|(g, c)| is(g, c)))?;
    Some((glyphs.get(..at)?, glyphs.get(at + len..)?))
}

/// The characters, escaped or not.
pub(crate) fn text(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|g| g.c).collect()
}

/// Line of the first of `glyphs`.
pub(crate) fn line(glyphs: &[Glyph]) -> Option<u32> {
    glyphs.first().map(|g| g.line)
}

/// Whether `glyph` is an unescaped `sign`.
pub(crate) fn is(glyph: &Glyph, sign: char) -> bool {
    glyph.c == sign && !glyph.literal
}

/// Characters that a backslash changes. `\*` is a star in a short answer, where `*` alone stands
/// for anything.
const ESCAPED: &str = ":#={}~n\\*";
/// Characters before which a backslash is a habit from elsewhere. Before letters and most signs it
/// belongs to a formula.
const NEEDLESS: &str = "\"'/?<>+@.";

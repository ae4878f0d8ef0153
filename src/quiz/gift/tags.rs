//! HTML to plain text.

/// The text of `html`, and whether a picture, sound or film was left out. Line ends of the source
/// are kept if `lines`, and blanks otherwise. What is no tag of HTML stays: `a < b` is not markup.
pub(crate) fn strip(html: &str, lines: bool) -> (String, bool) {
    let mut stripper = Stripper {
        out: String::with_capacity(html.len()),
        lines,
        raised: None,
        lost_media: 0,
        open_comment: false,
    };
    let mut rest = html;
    while let Some(next) = rest.chars().next() {
        let used = match next {
            '<' => stripper.tag(rest),
            '&' => stripper.entity(rest),
            _ => None,
        };
        let used = used.unwrap_or_else(|| {
            stripper.character(next);
            next.len_utf8()
        });
        rest = rest.get(used..).unwrap_or_default();
    }
    (stripper.out, stripper.lost_media > 0)
}

struct Stripper {
    out: String,
    lines: bool,
    /// Where a raised or lowered text began, and which of both.
    raised: Option<(usize, Script)>,
    /// Pictures, sounds and films left out.
    lost_media: u32,
    /// A comment that does not end was met, so no later one ends either.
    open_comment: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Script {
    Raised,
    Lowered,
}

impl Stripper {
    fn character(&mut self, c: char) {
        if c.is_whitespace() && !(self.lines && c == '\n') {
            if !self.out.ends_with([' ', '\n']) {
                self.out.push(' ');
            }
        } else {
            self.out.push(c);
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Takes the tag that `rest` begins with; its length, or `None` if there is none.
    fn tag(&mut self, rest: &str) -> Option<usize> {
        if rest.starts_with("<!--") && !self.open_comment {
            let end = rest.find("-->");
            self.open_comment = end.is_none();
            return end.map(|at| at + 3);
        }
        let inner = rest.get(1..)?;
        let end = inner.find(['<', '>'])?;
        let inner = inner
            .get(..end)
            .filter(|_| inner.as_bytes().get(end) == Some(&b'>'))?;
        let (closes, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let name_end = inner.find(|c: char| !c.is_ascii_alphanumeric());
        let name = inner.get(..name_end.unwrap_or(inner.len()))?;
        let more = inner.get(name.len()..)?.trim_matches('/').trim();
        if !more.is_empty() && !more.contains('=') {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let used = end + 2;
        match name.as_str() {
            "br" => self.out.push('\n'),
            "li" => {
                self.line();
                self.out.push_str(if closes { "" } else { "• " });
            }
            "td" | "th" => self.character(' '),
            "sup" => self.script(closes, Script::Raised),
            "sub" => self.script(closes, Script::Lowered),
            "img" => {
                self.lost_media += 1;
                let alt = attribute(inner, "alt").filter(|alt| !alt.is_empty());
                if let Some(alt) = alt {
                    self.out.push_str(&format!("[{}]", strip_entities(alt)));
                }
            }
            "audio" | "video" | "iframe" | "object" | "embed" => self.lost_media += 1,
            "script" | "style" if !closes => {
                // Nothing up to the end of it is text.
                let after = rest.get(used..)?;
                let mut ends = after.match_indices("</").map(|(at, _)| at);
                let ends = ends.find(|at| {
                    let close = after.get(at + 2..at + 2 + name.len());
                    close.is_some_and(|close| close.eq_ignore_ascii_case(&name))
                });
                return Some(used + ends.unwrap_or(after.len()));
            }
            block if BLOCKS.contains(&block) => {
                self.line();
            }
            inline if INLINE.contains(&inline) => {}
            _ => return None,
        }
        Some(used)
    }

    /// Takes the entity that `rest` begins with.
    fn entity(&mut self, rest: &str) -> Option<usize> {
        let (c, used) = entity(rest)?;
        if c == '\u{a0}' {
            self.character(' ');
        } else {
            self.out.push(c);
        }
        Some(used)
    }

    fn script(&mut self, closes: bool, script: Script) {
        if !closes {
            self.raised.get_or_insert((self.out.len(), script));
            return;
        }
        let Some((at, began)) = self.raised.take() else {
            return;
        };
        let inner = self.out.split_off(at.min(self.out.len()));
        let table = if began == Script::Raised {
            RAISED
        } else {
            LOWERED
        };
        let place = |c: char| PLAIN.chars().position(|p| p == c);
        let shown = inner
            .chars()
            .map(|c| table.chars().nth(place(c)?))
            .collect();
        let marked = || match began {
            Script::Raised => format!("^({inner})"),
            Script::Lowered => format!("_({inner})"),
        };
        let shown: Option<String> = shown;
        self.out.push_str(&shown.unwrap_or_else(marked));
    }
}

/// The value of an attribute within a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut parts = tag.split_inclusive(['"', '\'']);
    while let Some(before) = parts.next() {
        let value = parts.next()?;
        let key = before
            .trim_end_matches(['"', '\''])
            .trim_end()
            .strip_suffix('=')?;
        let key = key.split_whitespace().next_back()?;
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim_end_matches(['"', '\'']).trim());
        }
    }
    None
}

fn strip_entities(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (c, used) = entity(rest).unwrap_or_else(|| (next, next.len_utf8()));
        out.push(c);
        rest = rest.get(used..).unwrap_or_default();
    }
    out
}

/// The character that the entity at the start of `rest` stands for, and the entity's length.
fn entity(rest: &str) -> Option<(char, usize)> {
    let head = rest.strip_prefix('&')?;
    let head: &str = head.get(
        ..head
            .char_indices()
            .nth(ENTITY_CHARS_MAX)
            .map_or(head.len(), |(at, _)| at),
    )?;
    let name = head.split_once(';')?.0;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control() || *c == '\n')?
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, name.len() + 2))
}

const ENTITY_CHARS_MAX: usize = 10;
const PLAIN: &str = "0123456789+-−=()ni";
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ";
const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₙᵢ";
const BLOCKS: [&str; 24] = [
    "p",
    "div",
    "ul",
    "ol",
    "tr",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "caption",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
    "blockquote",
    "section",
    "article",
    "dl",
    "dt",
    "dd",
];
const INLINE: [&str; 34] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "center", "cite", "code", "del", "em", "font", "i",
    "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "script", "small", "source", "span",
    "strike", "strong", "style", "track", "tt", "u", "var", "wbr", "figure",
];
const ENTITIES: [(&str, char); 44] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("deg", '°'),
    ("times", '×'),
    ("divide", '÷'),
    ("plusmn", '±'),
    ("minus", '−'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("asymp", '≈'),
    ("infin", '∞'),
    ("radic", '√'),
    ("pi", 'π'),
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("Delta", 'Δ'),
    ("omega", 'ω'),
    ("Omega", 'Ω'),
    ("mu", 'μ'),
    ("micro", 'µ'),
    ("rarr", '→'),
    ("larr", '←'),
    ("frac12", '½'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("euro", '€'),
];

//! Texts with markup to the plain text that learners get.
//!
//! Quizzes are shown on phones, in native players and in the page alike, so their chunk carries
//! plain text: paragraphs, lists and line breaks become lines, raised and lowered digits become the
//! characters for them, a picture becomes its alternative text, and nothing that could run is left.

use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::BLANK;
use crate::quiz::gift::glyph::Glyph;
use crate::quiz::gift::tags::strip;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Markup {
    /// HTML in which lines are kept.
    #[default]
    Moodle,
    /// HTML.
    Html,
    /// `CommonMark`.
    Markdown,
    /// As it stands.
    Plain,
}

/// A text without markup.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) text: String,
    /// How it was written.
    pub(crate) markup: Markup,
    /// Whether a picture, sound or film was left out.
    pub(crate) lost_media: bool,
}

/// The text of `glyphs`, which may begin with `[html]` and the like and is `default` otherwise.
pub(crate) fn plain(glyphs: &[Glyph], default: Markup) -> Plain {
    let source = glyph::text(glyph::trim(glyphs));
    let named = NAMES.iter().find_map(|(name, markup)| {
        let rest = source.strip_prefix(name)?;
        Some((*markup, rest))
    });
    let (markup, source) = named.unwrap_or((default, &source));
    let (text, lost_media) = match markup {
        Markup::Plain => (source.to_owned(), false),
        Markup::Moodle => strip(source, true),
        Markup::Html => strip(source, false),
        Markup::Markdown => {
            let mut html = String::new();
            pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(source));
            strip(&html, false)
        }
    };
    Plain {
        text: tidy(&text),
        markup,
        lost_media,
    }
}

/// Lines without blanks around, at most one blank line in a row, none at either end.
fn tidy(text: &str) -> String {
    let text = text.replace(BLANK, "_____");
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim) {
        empty += 1;
        if !line.is_empty() {
            if !tidy.is_empty() {
                tidy.push_str(if empty > 1 { "\n\n" } else { "\n" });
            }
            tidy.push_str(line);
            empty = 0;
        }
    }
    tidy
}

const NAMES: [(&str, Markup); 4] = [
    ("[moodle]", Markup::Moodle),
    ("[html]", Markup::Html),
    ("[markdown]", Markup::Markdown),
    ("[plain]", Markup::Plain),
];

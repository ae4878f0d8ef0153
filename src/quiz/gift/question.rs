//! One block as a question, a description or a category.

use crate::quiz::gift::block::Block;
use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::BLANK;
use crate::quiz::gift::glyph::Glyph;

/// What a block of the file is.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// `$CATEGORY: path`: where the following questions belong.
    Category(String),
    /// Text without answers.
    Description(Vec<Glyph>),
    /// A question.
    Question(Question),
}

/// A question whose answers are still one text.
#[derive(Debug)]
pub(crate) struct Question {
    /// The sentence, with [`BLANK`] where the answer stands within it.
    pub(crate) text: Vec<Glyph>,
    /// What stands in the braces, without the feedback for everybody.
    pub(crate) answers: Vec<Glyph>,
    /// The feedback for everybody.
    pub(crate) explain: Vec<Glyph>,
    /// Line of the opening brace.
    pub(crate) line: u32,
}

/// A mistake: line, what is wrong, what to do.
pub(crate) type Mistake = (u32, String, &'static str);

/// The mistake in words that need no allocation.
pub(crate) fn mistake(line: u32, what: &str, remedy: &'static str) -> Mistake {
    (line, what.to_owned(), remedy)
}

/// Takes the block apart; `glyphs` are those of its lines.
pub(crate) fn parse(block: &Block<'_>, glyphs: &[Glyph]) -> Result<Parsed, Mistake> {
    if let [(line, first), more @ ..] = block.lines.as_slice()
        && let Some(path) = first.strip_prefix("$CATEGORY:")
    {
        return match more {
            [] => Ok(Parsed::Category(path.trim().to_owned())),
            _ => Err(mistake(
                *line,
                "`$CATEGORY:` and a question are one block",
                "leave a blank line behind it",
            )),
        };
    }
    let text = untitled(glyph::trim(glyphs));
    let Some(Braces {
        before,
        inner,
        after,
    }) = braces(block, text)?
    else {
        return Ok(Parsed::Description(text.to_vec()));
    };
    let cut = glyph::rsplit_once(inner, "####");
    let (answers, explain) = cut.unwrap_or((inner, &[]));
    let line = line_at(text, before.len(), block);
    let mut sentence = before.to_vec();
    if !after.is_empty() {
        sentence.push(Glyph {
            c: BLANK,
            literal: true,
            line,
        });
        sentence.extend(after);
    }
    Ok(Parsed::Question(Question {
        text: sentence,
        answers: glyph::trim(answers).to_vec(),
        explain: explain.to_vec(),
        line,
    }))
}

/// A text around and within its braces.
struct Braces<'g> {
    before: &'g [Glyph],
    inner: &'g [Glyph],
    after: &'g [Glyph],
}

/// Finds the one pair of braces; `None` if there is none.
fn braces<'g>(block: &Block<'_>, text: &'g [Glyph]) -> Result<Option<Braces<'g>>, Mistake> {
    let (open, close) = match (glyph::find(text, '{'), glyph::find(text, '}')) {
        (None, None) => return Ok(None),
        (Some(open), Some(close)) if open < close => (open, close),
        (Some(open), None) => {
            let what = "a `{` is not closed before the next blank line";
            let remedy = "close it, take blank lines out of the answers, or write `\\{`";
            return Err(mistake(line_at(text, open, block), what, remedy));
        }
        (_, Some(close)) => {
            let what = "a `}` closes nothing";
            let remedy = "write `\\}` if learners shall see it";
            return Err(mistake(line_at(text, close, block), what, remedy));
        }
    };
    let (before, rest) = text.split_at(open);
    let (inner, after) = rest.split_at(close - open);
    let braces = Braces {
        before,
        inner: inner.get(1..).unwrap_or_default(),
        after: after.get(1..).unwrap_or_default(),
    };
    if let Some(again) = braces.inner.iter().find(|g| glyph::is(g, '{')) {
        let what = "a `{` stands within the answers";
        let remedy = "close the braces before, or write `\\{`";
        return Err(mistake(again.line, what, remedy));
    }
    let mut after = braces.after.iter();
    if let Some(again) = after.find(|g| glyph::is(g, '{') || glyph::is(g, '}')) {
        let what = "a second pair of braces in one question";
        let remedy = "leave a blank line between questions, or write `\\{` and `\\}`";
        return Err(mistake(again.line, what, remedy));
    }
    Ok(Some(braces))
}

/// The text behind `::title::`. Titles are for the author's question bank: they often say what is
/// right, so learners never see one.
fn untitled(text: &[Glyph]) -> &[Glyph] {
    let titled = glyph::split_once(text, "::").filter(|(before, _)| before.is_empty());
    let rest = titled.and_then(|(_, rest)| glyph::split_once(rest, "::"));
    rest.map_or(text, |(_, text)| glyph::trim(text))
}

fn line_at(text: &[Glyph], at: usize, block: &Block<'_>) -> u32 {
    text.get(at).map_or_else(|| block.line(), |g| g.line)
}

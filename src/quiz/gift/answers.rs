//! The answers of a question: which kind it is, what is offered, what is right.

use crate::quiz::ItemKey;
use crate::quiz::Share;
use crate::quiz::compiled::ANSWER_CHARS;
use crate::quiz::compiled::OPTIONS_MAX;
use crate::quiz::compiled::WHOLE;
use crate::quiz::compiled::shuffled;
use crate::quiz::fold::ANYTHING;
use crate::quiz::fold::Pattern;
use crate::quiz::gift::choices::Choice;
use crate::quiz::gift::choices::choices;
use crate::quiz::gift::choices::several;
use crate::quiz::gift::choices::single;
use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::Glyph;
use crate::quiz::gift::numbers;
use crate::quiz::gift::question::Mistake;
use crate::quiz::gift::question::Question;
use crate::quiz::gift::question::mistake;
use crate::quiz::gift::reader::Words;
use crate::quiz::key::Accepted;
use crate::quiz::public::Item;

/// What is right, and what single answers are told.
pub(crate) type Secret = (ItemKey, Vec<String>);

/// Reads the answers of `question`, completes `item`, and says what is right. In the order of
/// Moodle's importer, which decides the kind by the signs it meets.
pub(crate) fn read(
    item: &mut Item,
    question: &Question,
    shuffle: bool,
    words: &mut Words,
) -> Result<Secret, Mistake> {
    let answers = question.answers.as_slice();
    let has = |sign| glyph::find(answers, sign).is_some();
    let Some(first) = answers.first() else {
        return Ok(essay(item));
    };
    if glyph::is(first, '#') {
        item.kind = "num";
        let ranges = numbers::read(answers.get(1..).unwrap_or_default(), question.line, words)?;
        return Ok(ranges);
    }
    if has('~') {
        return options(item, question, shuffle, words);
    }
    if has('=') && glyph::split_once(answers, "->").is_some() {
        return pairs(item, question, words);
    }
    match truth(item, question, words)? {
        Some(secret) => Ok(secret),
        None => texts(item, question, words),
    }
}

fn essay(item: &mut Item) -> Secret {
    item.kind = "text";
    item.max_chars = Some(ESSAY_CHARS);
    item.weight = 0.0;
    item.graded = Some(false);
    let chars_max = ESSAY_CHARS;
    (ItemKey::Person { chars_max }, Vec::new())
}

fn options(
    item: &mut Item,
    question: &Question,
    shuffle: bool,
    words: &mut Words,
) -> Result<Secret, Mistake> {
    let choices = choices(&question.answers, &['=', '~'])?;
    let line = question.line;
    if let Some(stray) = choices.iter().find(|c| c.sign.is_none()) {
        let what = "text stands before the first `=` or `~`";
        return Err(mistake(stray.line, what, "begin it with `=` or `~`"));
    }
    item.kind = "many";
    let mut shares = if choices.iter().any(|c| c.sign == Some('=')) {
        item.kind = "one";
        single(&choices, line)?
    } else {
        several(&choices, line)?
    };
    if item.kind == "many" && shares.iter().all(|share| *share >= 0) && shares.contains(&0) {
        let what = "choosing every option earns everything";
        words.note(
            line,
            what,
            "give wrong options a weight below 0, like ~%-100%",
        );
    }
    let texts = offered(&choices, |c| c.text, line, words)?;
    let mut feedback = words.all(&choices);
    item.options = texts;
    if shuffle {
        let (shown, moved) = shuffled(&item.options);
        item.options = shown;
        shares = placed(&shares, &moved);
        feedback = placed(&feedback, &moved);
    }
    let key = match item.kind {
        "one" => ItemKey::One(shares),
        _ => ItemKey::Many(shares),
    };
    Ok((key, feedback))
}

/// `values` where `moved` says that each went.
fn placed<T: Clone + Default>(values: &[T], moved: &[u32]) -> Vec<T> {
    let mut placed = vec![T::default(); values.len()];
    for (value, at) in values.iter().zip(moved) {
        if let Some(slot) = placed.get_mut(*at as usize) {
            *slot = value.clone();
        }
    }
    placed
}

/// Texts to choose from: 2 to 16, none blank, no two alike.
fn offered<'g>(
    choices: &[Choice<'g>],
    part: impl Fn(&Choice<'g>) -> &'g [Glyph],
    line: u32,
    words: &mut Words,
) -> Result<Vec<String>, Mistake> {
    if !(2..=OPTIONS_MAX).contains(&choices.len()) {
        let what = format!("the question has {} answers to choose from", choices.len());
        return Err((line, what, "give 2 to 16"));
    }
    let mut texts: Vec<String> = Vec::new();
    for choice in choices {
        let text = words.text(part(choice), choice.line)?;
        if text.is_empty() {
            return Err(mistake(
                choice.line,
                "an answer is blank",
                "write a text or remove it",
            ));
        }
        if texts.contains(&text) {
            let what = format!("the answer `{text}` stands twice");
            return Err((choice.line, what, "make the answers different"));
        }
        texts.push(text);
    }
    Ok(texts)
}

/// `=left -> right`. A pair without a left side offers a right one that fits nothing.
fn pairs(item: &mut Item, question: &Question, words: &mut Words) -> Result<Secret, Mistake> {
    item.kind = "match";
    let (mut right, mut rights) = (Vec::new(), Vec::<String>::new());
    for choice in &choices(&question.answers, &['='])? {
        let (from, to) = pair(choice, words)?;
        let at = rights.iter().position(|known| *known == to);
        let at = at.unwrap_or_else(|| {
            rights.push(to);
            rights.len() - 1
        });
        if item.left.contains(&from) {
            let what = format!("`{from}` stands twice on the left");
            return Err((choice.line, what, "make the entries different"));
        }
        if !from.is_empty() {
            item.left.push(from);
            right.push(at);
        }
    }
    let range = 2..=OPTIONS_MAX;
    if !range.contains(&item.left.len()) || !range.contains(&rights.len()) {
        let (l, r) = (item.left.len(), rights.len());
        let what = format!("{l} entries on the left and {r} different ones on the right");
        return Err((question.line, what, "give 2 to 16 of each"));
    }
    let (shown, moved) = shuffled(&rights);
    let offered = u32::try_from(shown.len()).unwrap_or(u32::MAX);
    item.right = shown;
    let place = |at: &usize| moved.get(*at).copied().unwrap_or(0);
    let right = right.iter().map(place).collect();
    Ok((ItemKey::Pairs { right, offered }, Vec::new()))
}

/// Both sides of one pair, of which only the left may be blank.
fn pair(choice: &Choice<'_>, words: &mut Words) -> Result<(String, String), Mistake> {
    let Some((from, to)) = glyph::split_once(choice.text, "->") else {
        let what = "a pair has no `->`";
        return Err(mistake(choice.line, what, "write =left -> right"));
    };
    if !choice.feedback.is_empty() {
        let what = "single pairs have no feedback";
        let remedy = "write `\\#` for the sign itself, `####` for feedback to all";
        return Err(mistake(choice.line, what, remedy));
    }
    let (from, to) = (words.text(from, choice.line)?, words.text(to, choice.line)?);
    if to.is_empty() {
        let what = "a pair has no right side";
        return Err(mistake(choice.line, what, "write =left -> right"));
    }
    Ok((from, to))
}

/// `TRUE`, `T`, `FALSE` or `F`, with feedback to the wrong and to the right answer.
fn truth(
    item: &mut Item,
    question: &Question,
    words: &mut Words,
) -> Result<Option<Secret>, Mistake> {
    let mut parts = question.answers.splitn(3, |g| glyph::is(g, '#'));
    let answer = glyph::text(glyph::trim(parts.next().unwrap_or_default()));
    let truth = match answer.as_str() {
        "T" | "TRUE" => true,
        "F" | "FALSE" => false,
        other if TRUTHS.contains(&other.to_lowercase().as_str()) => {
            let what = format!("`{{{other}}}` would be a text to write, not true or false");
            return Err((
                question.line,
                what,
                "write TRUE or FALSE, or ={other} for a text",
            ));
        }
        _ => return Ok(None),
    };
    item.kind = "tf";
    let mut told = |part: Option<&[Glyph]>| words.feedback(part.unwrap_or_default());
    let (wrong, right) = (told(parts.next()), told(parts.next()));
    let feedback = if truth {
        [right, wrong]
    } else {
        [wrong, right]
    };
    Ok(Some((ItemKey::Truth(truth), feedback.into())))
}

fn texts(item: &mut Item, question: &Question, words: &mut Words) -> Result<Secret, Mistake> {
    item.kind = "text";
    item.max_chars = Some(ANSWER_CHARS);
    let choices = choices(&question.answers, &['='])?;
    let mut accepted: Vec<Accepted> = Vec::new();
    for choice in &choices {
        let one = accepts(choice, words)?;
        if accepted.iter().any(|a| a.pattern == one.pattern) {
            let what = format!("the answer `{}` stands twice", glyph::text(choice.text));
            return Err((choice.line, what, "remove one"));
        }
        accepted.push(one);
    }
    if accepted.iter().all(|a| a.share != Share::ALL) {
        let what = "no accepted answer earns everything";
        return Err(mistake(question.line, what, "give one without a weight"));
    }
    let key = ItemKey::Texts {
        accepted,
        chars_max: ANSWER_CHARS,
    };
    Ok((key, words.all(&choices)))
}

/// One accepted text, in which an unescaped star stands for anything, whatever the markup makes of
/// stars.
fn accepts(choice: &Choice<'_>, words: &mut Words) -> Result<Accepted, Mistake> {
    let anything = |g: &Glyph| Glyph {
        c: if glyph::is(g, '*') { ANYTHING } else { g.c },
        ..*g
    };
    let starred: Vec<Glyph> = choice.text.iter().map(anything).collect();
    let text = words.text(&starred, choice.line)?;
    if text.is_empty() {
        let what = "an answer is blank";
        return Err(mistake(choice.line, what, "write a text or remove it"));
    }
    if text.chars().count() as u64 > ANSWER_CHARS {
        let what = "an accepted answer is longer than 200 characters";
        return Err(mistake(
            choice.line,
            what,
            "shorten it, or ask for an essay with {}",
        ));
    }
    let pattern = Pattern::new(&text);
    let share = Share::clamped(choice.weight.unwrap_or(WHOLE).into());
    if pattern.is_blank() && share != Share::NONE {
        let what = "`*` alone accepts every answer";
        words.note(
            choice.line,
            what,
            "write `\\*` for a star, or an essay with {}",
        );
    }
    Ok(Accepted { pattern, share })
}

/// Characters of an essay.
const ESSAY_CHARS: u64 = 4000;
/// What is meant to be true or false in small letters.
const TRUTHS: [&str; 4] = ["true", "false", "t", "f"];

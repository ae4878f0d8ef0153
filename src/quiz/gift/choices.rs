//! The answers of a question cut at their signs.

use crate::quiz::compiled::WHOLE;
use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::Glyph;
use crate::quiz::gift::question::Mistake;
use crate::quiz::gift::question::mistake;

/// One answer: `=%50%text#feedback`.
#[derive(Debug)]
pub(crate) struct Choice<'g> {
    /// `=` or `~`; `None` for what stands before the first of them.
    pub(crate) sign: Option<char>,
    /// Its weight in millionths, if it gives one.
    pub(crate) weight: Option<i32>,
    pub(crate) text: &'g [Glyph],
    pub(crate) feedback: &'g [Glyph],
    pub(crate) line: u32,
}

/// Cuts `answers` at each of `signs`.
pub(crate) fn choices<'g>(
    answers: &'g [Glyph],
    signs: &[char],
) -> Result<Vec<Choice<'g>>, Mistake> {
    let signed = |g: &Glyph| signs.iter().any(|sign| glyph::is(g, *sign));
    let mut rest = answers;
    let mut choices = Vec::new();
    let mut sign = None;
    loop {
        let end = rest.iter().position(signed).unwrap_or(rest.len());
        let (choice, after) = rest.split_at(end);
        if sign.is_some() || !glyph::trim(choice).is_empty() {
            let line = sign.map_or_else(|| glyph::line(choice).unwrap_or(1), |g: &Glyph| g.line);
            if choices.len() >= CHOICES_MAX {
                let what = "a question has more than 100 answers";
                return Err(mistake(line, what, "split it"));
            }
            choices.push(choice_of(sign.map(|g| g.c), choice, line)?);
        }
        let Some((next, after)) = after.split_first() else {
            return Ok(choices);
        };
        sign = Some(next);
        rest = after;
    }
}

fn choice_of(sign: Option<char>, glyphs: &[Glyph], line: u32) -> Result<Choice<'_>, Mistake> {
    let glyphs = glyph::trim(glyphs);
    let (weight, glyphs) = weight(glyphs, line)?;
    let (text, feedback) = match glyph::find(glyphs, '#') {
        Some(at) => (glyphs.get(..at), glyphs.get(at + 1..)),
        None => (Some(glyphs), None),
    };
    Ok(Choice {
        sign,
        weight,
        text: glyph::trim(text.unwrap_or_default()),
        feedback: glyph::trim(feedback.unwrap_or_default()),
        line,
    })
}

/// Reads `%50%`, `%-33.333%` from the front.
fn weight(glyphs: &[Glyph], line: u32) -> Result<(Option<i32>, &[Glyph]), Mistake> {
    let Some((percent, rest)) = glyphs.split_first() else {
        return Ok((None, glyphs));
    };
    let number = |g: &&Glyph| g.c.is_ascii_digit() || g.c == '-' || g.c == '.';
    let len = rest.iter().take_while(number).count();
    if !glyph::is(percent, '%') || len == 0 {
        return Ok((None, glyphs));
    }
    let (digits, rest) = rest.split_at(len);
    let Some((close, rest)) = rest.split_first() else {
        return Ok((None, glyphs));
    };
    if !glyph::is(close, '%') {
        let what = format!("the weight `%{}` has no second `%`", glyph::text(digits));
        return Err((line, what, "write it like %50%"));
    }
    let percent = glyph::text(digits).parse::<f64>().ok();
    let Some(percent) = percent.filter(|p| (-100.0..=100.0).contains(p)) else {
        let what = format!("`%{}%` is no weight", glyph::text(digits));
        return Err((line, what, "write a number from -100 to 100"));
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between minus and plus one million"
    )]
    Ok((Some((percent * 10_000.0).round() as i32), rest))
}

/// Answers of one question, accepted texts and numbers among them.
const CHOICES_MAX: usize = 100;

/// Shares of the options of a question with one right answer, which is marked `=`.
pub(crate) fn single(choices: &[Choice<'_>], line: u32) -> Result<Vec<i32>, Mistake> {
    let share = |c: &Choice<'_>| match c.sign {
        Some('=') => c.weight.unwrap_or(WHOLE),
        _ => c.weight.unwrap_or(0),
    };
    let shares: Vec<i32> = choices.iter().map(share).collect();
    match shares.iter().filter(|share| **share == WHOLE).count() {
        1 => Ok(shares),
        0 => Err(mistake(
            line,
            "no option of this question earns everything",
            "mark the right one with `=` and no weight",
        )),
        _ => Err(mistake(
            line,
            "several options of a single choice are right",
            "leave one `=`, or begin each right one with ~%50% and the like",
        )),
    }
}

/// Shares of the options of a question with several right answers, which have weights.
pub(crate) fn several(choices: &[Choice<'_>], line: u32) -> Result<Vec<i32>, Mistake> {
    let mut shares: Vec<i32> = choices.iter().map(|c| c.weight.unwrap_or(0)).collect();
    let right: i64 = shares.iter().map(|s| i64::from((*s).max(0))).sum();
    if right == 0 {
        let remedy = "mark the right one with `=`, or several with ~%50% and the like";
        return Err(mistake(line, "no option of this question is right", remedy));
    }
    // Thirds and sixths are written 33.333 or 33: a percent more or less is meant to be all.
    if (right - i64::from(WHOLE)).abs() > i64::from(WHOLE / 100) {
        let percent = right / 10_000;
        let what = format!("the weights of the right options add up to {percent} %, not to 100 %");
        return Err((line, what, "change them, or mark one right option with `=`"));
    }
    let mut rest = WHOLE;
    for share in shares.iter_mut().filter(|share| **share > 0) {
        let part = i64::from(*share) * i64::from(WHOLE) / right;
        *share = i32::try_from(part).unwrap_or(0);
        rest -= *share;
    }
    if let Some(first) = shares.iter_mut().find(|share| **share > 0) {
        *first += rest;
    }
    Ok(shares)
}

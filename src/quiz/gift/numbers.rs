//! Numerical answers: `#3.14:0.01`, `#1..5`, `#=1822 =%50%1822:2 ~#feedback`.

use crate::quiz::ItemKey;
use crate::quiz::Range;
use crate::quiz::Share;
use crate::quiz::compiled::WHOLE;
use crate::quiz::gift::answers::Secret;
use crate::quiz::gift::choices::choices;
use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::Glyph;
use crate::quiz::gift::question::Mistake;
use crate::quiz::gift::question::mistake;
use crate::quiz::gift::reader::Words;

/// Reads what stands behind the `#`.
pub(crate) fn read(answers: &[Glyph], line: u32, words: &mut Words) -> Result<Secret, Mistake> {
    let wrong = glyph::find(answers, '~').unwrap_or(answers.len());
    let (answers, wrong) = answers.split_at(wrong);
    let choices = choices(answers, &['='])?;
    let mut ranges = Vec::new();
    for choice in &choices {
        let share = Share::clamped(choice.weight.unwrap_or(WHOLE).into());
        let (low, high) = bounds(&words.text(choice.text, choice.line)?, choice.line)?;
        ranges.push(Range { low, high, share });
    }
    if ranges.iter().all(|range| range.share != Share::ALL) {
        let what = "no number earns everything";
        return Err(mistake(
            line,
            what,
            "write {#12}, {#12:0.5} or {#11.5..12.5}",
        ));
    }
    let mut feedback = words.all(&choices);
    let told = glyph::find(wrong, '#').and_then(|at| wrong.get(at + 1..));
    feedback.push(words.feedback(told.unwrap_or_default()));
    Ok((ItemKey::Numbers(ranges), feedback))
}

/// The least and the greatest number that `text` accepts.
fn bounds(text: &str, line: u32) -> Result<(f64, f64), Mistake> {
    if text == "*" {
        return Ok((f64::MIN, f64::MAX));
    }
    let (low, high) = if let Some((low, high)) = text.split_once("..") {
        (number(low, line)?, number(high, line)?)
    } else if let Some((value, tolerance)) = text.split_once(':') {
        let (value, tolerance) = (number(value, line)?, number(tolerance, line)?);
        (value - tolerance, value + tolerance)
    } else {
        let value = number(text, line)?;
        (value, value)
    };
    if low > high {
        let what = format!("no number lies in `{text}`");
        return Err((
            line,
            what,
            "write the smaller bound first, the tolerance without minus",
        ));
    }
    Ok((low, high))
}

fn number(text: &str, line: u32) -> Result<f64, Mistake> {
    let text = text.trim();
    let plain = text
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let value = text
        .parse::<f64>()
        .ok()
        .filter(|n| plain && n.abs() <= NUMBER_MAX);
    value.ok_or_else(|| {
        let remedy = if text.contains(',') {
            "write decimals with a point, like 3.14"
        } else {
            "write it like 12, -0.5 or 1e6, up to 1e15"
        };
        (line, format!("`{text}` is not a number"), remedy)
    })
}

const NUMBER_MAX: f64 = 1e15;

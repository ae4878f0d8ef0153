//! What a learner is told of an attempt that is over.

use crate::quiz::Answer;
use crate::quiz::Effort;
use crate::quiz::Given;
use crate::quiz::ItemOutcome;
use crate::quiz::Key;
use crate::quiz::Outcome;
use crate::quiz::Reveal;
use crate::quiz::Share;
use crate::session::Answers;
use serde::Serialize;

/// The result, as docs/protocol.md shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Told {
    score: f64,
    max: f64,
    /// `None` as long as a person has to read something.
    passed: Option<bool>,
    review: &'static str,
    effort: ToldEffort,
    /// `None` where the author does not reveal it, or not yet.
    per_item: Option<Vec<ToldItem>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ToldEffort {
    answered: u32,
    effortful: u32,
    share: Option<f64>,
    low: Option<bool>,
    score: f64,
    max: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ToldItem {
    item: String,
    /// `None` where a person has to read the answer.
    score: Option<f64>,
    max: f64,
    comments: Vec<String>,
}

/// What `key` makes of the answers that an attempt closed with.
pub(crate) fn outcome<'k>(key: &'k Key, answers: &Answers) -> Outcome<'k> {
    key.outcome(|place| {
        let given = answers.get(place)?;
        let answer = Answer::decode(&given.body)??;
        let elapsed_ms = given.elapsed_ms;
        Some(Given { answer, elapsed_ms })
    })
}

impl Told {
    /// The result with as much of single items as `reveal` says.
    pub(crate) fn of(outcome: &Outcome<'_>, reveal: Reveal) -> Self {
        let mark = &outcome.mark;
        let pending = mark.for_person > 0;
        let items = || {
            let items = outcome.items.iter();
            items.map(|item| ToldItem::of(item, reveal)).collect()
        };
        Self {
            score: points(mark.earned),
            max: points(mark.max),
            passed: (!pending).then(|| mark.passed()),
            review: if pending { "pending" } else { "clear" },
            effort: ToldEffort::of(&outcome.effort),
            per_item: (reveal >= Reveal::Items).then(items),
        }
    }
}

impl ToldEffort {
    fn of(effort: &Effort) -> Self {
        let fraction = |share: Share| f64::from(share.millionths()) / 1e6;
        Self {
            answered: effort.answered,
            effortful: effort.effortful,
            share: effort.share().map(fraction),
            low: effort.is_low(),
            score: points(effort.earned),
            max: points(effort.max),
        }
    }
}

impl ToldItem {
    fn of(item: &ItemOutcome<'_>, reveal: Reveal) -> Self {
        let comments = item.comments.iter().map(|text| (*text).to_owned());
        Self {
            item: item.id.to_owned(),
            score: item.earned.map(points),
            max: points(item.max),
            comments: match reveal {
                Reveal::Explanations => comments.collect(),
                Reveal::Result | Reveal::Items => Vec::new(),
            },
        }
    }
}

/// Points as people write them, to the thousandth, of thousandths of a weight times millionths.
fn points(units: u64) -> f64 {
    let thousandths = units.saturating_add(500_000) / 1_000_000;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a hundred items of weight 1000 are 10^8 thousandths"
    )]
    let points = thousandths as f64 / 1000.0;
    points
}

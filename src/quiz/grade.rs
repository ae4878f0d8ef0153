//! Grading: one answer, and a whole attempt.
//!
//! Results are whole millionths and depend on the key and the answers alone: an attempt that was
//! merged from two nodes is graded again and comes out the same on both.

use crate::quiz::Answer;
use crate::quiz::ItemKey;
use crate::quiz::Key;
use crate::quiz::fold::fold;
use crate::quiz::key::KeyItem;
use std::fmt;

/// A share of a whole in millionths, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Share(u32);

/// What an answer earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// That share of the item's weight.
    Graded(Share),
    /// A person has to read it; it counts neither for nor against the learner until then.
    Person,
}

/// The result of an attempt, in thousandths of a weight times millionths of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// What was earned.
    pub earned: u64,
    /// What could be earned in the items that need no person.
    pub max: u64,
    /// Answers that a person has to read.
    pub for_person: u32,
    pass: Share,
}

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(1_000_000);

    /// That many millionths, at most 1,000,000.
    pub(crate) const fn exactly(millionths: u32) -> Self {
        Self(millionths)
    }

    /// `millionths`, at least 0 and at most 1,000,000.
    pub fn clamped(millionths: i64) -> Self {
        let all = i64::from(Self::ALL.0);
        Self(u32::try_from(millionths.clamp(0, all)).unwrap_or(0))
    }

    /// `part` of `whole`, rounded down; nothing of nothing is nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        let share = u128::from(part) * u128::from(Self::ALL.0);
        let share = share.checked_div(u128::from(whole)).unwrap_or(0);
        Self::clamped(i64::try_from(share).unwrap_or(i64::MAX))
    }

    /// The share nearest to `fraction`, which lies between 0 and 1.
    pub fn nearest(fraction: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float-to-integer cast saturates, and the result is clamped"
        )]
        Self::clamped((fraction * 1e6).round() as i64)
    }

    /// Millionths, 0 to 1,000,000.
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1e6)
    }
}

impl Mark {
    /// What was earned of what could be.
    pub fn share(&self) -> Share {
        Share::of(self.earned, self.max)
    }

    /// Whether that is enough. Where nothing could be earned, nobody has passed.
    pub fn passed(&self) -> bool {
        let wanted = u128::from(self.max) * u128::from(self.pass.0);
        self.max > 0 && u128::from(self.earned) * u128::from(Share::ALL.0) >= wanted
    }

    /// Counts an item whose answer, if there is one, has that score. Gives what it earned (`None`:
    /// a person has to say) and what it could earn.
    pub(crate) fn add(&mut self, item: &KeyItem, score: Option<Score>) -> (Option<u64>, u64) {
        let whole = u64::from(item.weight) * u64::from(Share::ALL.0);
        match score.unwrap_or(Score::Graded(Share::NONE)) {
            Score::Person => {
                self.for_person += 1;
                (None, whole)
            }
            Score::Graded(_) if matches!(item.right, ItemKey::Person { .. }) => (Some(0), whole),
            Score::Graded(share) => {
                let earned = u64::from(item.weight) * u64::from(share.0);
                self.earned += earned;
                self.max += whole;
                (Some(earned), whole)
            }
        }
    }
}

impl Key {
    /// The result of an attempt whose answer to each item `answer_of` knows. An item without an
    /// answer earns nothing.
    pub fn mark<'a>(&self, answer_of: impl Fn(&str) -> Option<&'a Answer>) -> Mark {
        let mut mark = self.no_mark();
        for item in &self.items {
            let score = answer_of(&item.id).map(|answer| grade(&item.right, answer));
            mark.add(item, score);
        }
        mark
    }

    /// The mark of nothing yet.
    pub(crate) fn no_mark(&self) -> Mark {
        Mark {
            pass: self.pass,
            ..Mark::default()
        }
    }
}

/// What `answer` earns. One that does not fit the item (see [`ItemKey::fits`]) earns nothing.
///
/// - `one`: the share of the option chosen.
/// - `many`: the shares of all options chosen, added up, never below nothing.
/// - `match`: right pairs among all pairs.
/// - `order`: of all pairs of options, how many more stand the right way round than the wrong way:
///   Kendall's tau, never below nothing. The reverse order earns nothing, one swap of neighbours
///   among four two thirds.
pub fn grade(key: &ItemKey, answer: &Answer) -> Score {
    if key.fits(answer).is_err() {
        return Score::Graded(Share::NONE);
    }
    Score::Graded(match (key, answer) {
        (ItemKey::One(shares) | ItemKey::Many(shares), Answer::Choice(chosen)) => {
            let shares = chosen.iter().filter_map(|at| shares.get(*at as usize));
            Share::clamped(shares.map(|share| i64::from(*share)).sum())
        }
        (ItemKey::Truth(right), Answer::Truth(answer)) => all_if(right == answer),
        (ItemKey::Numbers(_), _) | (ItemKey::Texts { .. }, _) => {
            first_match(key, answer).map_or(Share::NONE, |(_, share)| share)
        }
        (ItemKey::Pairs { right, .. }, Answer::Pairs(pairs)) => {
            let hits = right.iter().zip(pairs).filter(|(r, p)| Some(**r) == **p);
            Share::of(hits.count() as u64, right.len() as u64)
        }
        (ItemKey::Order(right), Answer::Order(order)) => concordance(right, order),
        (ItemKey::Person { .. }, _) => return Score::Person,
        _ => Share::NONE,
    })
}

/// The first entry of the key that holds the answer to a `num` or `text`, and its share.
pub(crate) fn first_match(key: &ItemKey, answer: &Answer) -> Option<(usize, Share)> {
    match (key, answer) {
        (ItemKey::Numbers(ranges), Answer::Number(x)) => {
            let mut ranges = ranges.iter().enumerate();
            ranges.find_map(|(at, range)| {
                // Decimal fractions are not exact: 3.142 is 0.0005 from 3.1415.
                let slack = 8.0 * f64::EPSILON * x.abs().max(range.low.abs()).max(range.high.abs());
                let within = range.low - slack <= *x && *x <= range.high + slack;
                within.then_some((at, range.share))
            })
        }
        (ItemKey::Texts { accepted, .. }, Answer::Text(text)) => {
            let text = fold(text);
            let mut accepted = accepted.iter().enumerate();
            accepted.find_map(|(at, a)| a.pattern.matches(&text).then_some((at, a.share)))
        }
        _ => None,
    }
}

const fn all_if(right: bool) -> Share {
    if right { Share::ALL } else { Share::NONE }
}

/// Kendall's tau-a of two orders of the same positions, never below nothing.
fn concordance(right: &[u32], order: &[u32]) -> Share {
    let place = |what: &u32| right.iter().position(|r| r == what);
    let places: Vec<Option<usize>> = order.iter().map(place).collect();
    let (mut for_it, mut against) = (0, 0);
    for (at, first) in places.iter().enumerate() {
        for second in places.iter().skip(at + 1) {
            if first < second {
                for_it += 1;
            } else {
                against += 1;
            }
        }
    }
    Share::of(u64::saturating_sub(for_it, against), for_it + against)
}

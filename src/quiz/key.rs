//! What is right, and what learners are told once they have answered.

use crate::quiz::Answer;
use crate::quiz::Reveal;
use crate::quiz::fold::Pattern;
use crate::quiz::grade::Share;
use crate::quiz::grade::first_match;
use std::fmt;

/// The key of a quiz: one entry an item, in the order of the public chunk. Its `Debug` form hides
/// the answers, so that no log ever tells them, and it has no form that could become a reply.
#[derive(Clone, PartialEq, Default)]
pub struct Key {
    pub(crate) items: Vec<KeyItem>,
    /// Share of the whole to reach.
    pub(crate) pass: Share,
    /// How much of single items is told afterwards.
    pub(crate) reveal: Reveal,
    /// Until when others may sit the quiz, unix milliseconds; `None`: for ever, and nobody is
    /// examined at one time.
    pub(crate) sat_until_ms: Option<u64>,
}

/// The secret half of one item.
#[derive(Clone, PartialEq)]
pub(crate) struct KeyItem {
    pub(crate) id: String,
    /// Weight in thousandths.
    pub(crate) weight: u32,
    pub(crate) right: ItemKey,
    /// What everybody is told after grading; empty says nothing.
    pub(crate) explain: String,
    /// What one answer is told: by option (`one`, `many`), by entry of the key (`num`, `text`; one
    /// more for answers that match none), for `true` and `false` (`tf`). Empty, or shorter than the
    /// options, where the author says nothing.
    pub(crate) feedback: Vec<String>,
}

/// What is right for one item. Positions count from 0 in the order of the public chunk; shares are
/// millionths of the item's weight.
#[derive(Clone, PartialEq)]
pub enum ItemKey {
    /// `one`: what choosing each option gives; the best gives everything.
    One(Vec<i32>),
    /// `many`: what choosing each option adds or takes; the right ones together give everything.
    Many(Vec<i32>),
    /// `tf`: whether the statement is true.
    Truth(bool),
    /// `num`: accepted ranges; the first that holds the answer decides.
    Numbers(Vec<Range>),
    /// `text`: accepted texts; the first that matches decides.
    Texts {
        /// What is accepted, folded.
        accepted: Vec<Accepted>,
        /// Characters an answer may have.
        chars_max: u64,
    },
    /// `match`: for each left entry the position of its right one.
    Pairs {
        /// The right position of each left entry.
        right: Vec<u32>,
        /// Entries on the right, some of which may fit nothing.
        offered: u32,
    },
    /// `order`: positions of the options in their right order.
    Order(Vec<u32>),
    /// `text` that a person has to read.
    Person {
        /// Characters an answer may have.
        chars_max: u64,
    },
}

/// Numbers that are accepted.
#[derive(Clone, Copy, PartialEq)]
pub struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) share: Share,
}

/// Texts that are accepted.
#[derive(Clone, PartialEq)]
pub struct Accepted {
    pub(crate) pattern: Pattern,
    pub(crate) share: Share,
}

impl Key {
    /// Number of items.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What is right for the item of that id.
    pub fn item(&self, id: &str) -> Option<&ItemKey> {
        self.entry(id).map(|item| &item.right)
    }

    /// What a learner is told about `answer` to the item `id` after grading: what the author wrote
    /// for this answer, then what everybody is told.
    pub fn comments(&self, id: &str, answer: Option<&Answer>) -> Vec<&str> {
        let item = self.entry(id);
        item.map(|item| item.comments(answer)).unwrap_or_default()
    }

    /// Bytes of its texts.
    pub(crate) fn bytes(&self) -> usize {
        let texts = |item: &KeyItem| item.feedback.iter().map(String::len).sum::<usize>();
        let items = self.items.iter();
        items.map(|item| item.explain.len() + texts(item)).sum()
    }

    fn entry(&self, id: &str) -> Option<&KeyItem> {
        self.items.iter().find(|item| item.id == id)
    }
}

impl KeyItem {
    /// What a learner is told about `answer`: what the author wrote for it, then what everybody is
    /// told.
    pub(crate) fn comments(&self, answer: Option<&Answer>) -> Vec<&str> {
        let places = answer.map(|answer| self.places(answer)).unwrap_or_default();
        let own = places.iter().filter_map(|at| self.feedback.get(*at));
        let all = own.chain([&self.explain]).map(String::as_str);
        all.filter(|text| !text.is_empty()).collect()
    }

    /// Which feedback `answer` gets.
    fn places(&self, answer: &Answer) -> Vec<usize> {
        match (&self.right, answer) {
            (ItemKey::One(_) | ItemKey::Many(_), Answer::Choice(chosen)) => {
                chosen.iter().map(|at| *at as usize).collect()
            }
            (ItemKey::Truth(_), Answer::Truth(truth)) => vec![usize::from(!truth)],
            (ItemKey::Numbers(_) | ItemKey::Texts { .. }, _) => {
                vec![
                    first_match(&self.right, answer)
                        .map_or_else(|| self.right.entries(), |(at, _)| at),
                ]
            }
            _ => Vec::new(),
        }
    }
}

impl ItemKey {
    /// Ranges or texts.
    const fn entries(&self) -> usize {
        match self {
            Self::Numbers(ranges) => ranges.len(),
            Self::Texts { accepted, .. } => accepted.len(),
            Self::One(_)
            | Self::Many(_)
            | Self::Truth(_)
            | Self::Pairs { .. }
            | Self::Order(_)
            | Self::Person { .. } => 0,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} items)", self.items.len())
    }
}

macro_rules! silent {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

silent!(KeyItem, ItemKey, Range, Accepted);

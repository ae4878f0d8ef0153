//! What an attempt came to: its mark, its effort, and what is said of each item.

use crate::quiz::Answer;
use crate::quiz::Effort;
use crate::quiz::ItemKey;
use crate::quiz::Key;
use crate::quiz::Mark;
use crate::quiz::Score;
use crate::quiz::grade;

/// An answer as it counts, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// What was answered.
    pub answer: Answer,
    /// Milliseconds the learner took for the item, as the device says.
    pub elapsed_ms: u32,
}

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'k> {
    /// The result.
    pub mark: Mark,
    /// How seriously it was worked at.
    pub effort: Effort,
    /// One an item, in the order of the chunk.
    pub items: Vec<ItemOutcome<'k>>,
}

/// What one item came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOutcome<'k> {
    /// The item's id in the chunk.
    pub id: &'k str,
    /// What was earned, in the units of [`Mark`]; `None` where a person has to read the answer.
    pub earned: Option<u64>,
    /// What could be earned, in the units of [`Mark`].
    pub max: u64,
    /// What the author says of this answer and of the item; may be empty.
    pub comments: Vec<&'k str>,
}

/// How much learners are told of single items once an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Reveal {
    /// The result of the whole alone.
    Result,
    /// What each item earned.
    Items,
    /// The same with the author's explanations.
    #[default]
    Explanations,
}

impl Key {
    /// The place in the chunk of the item of that id.
    pub fn place(&self, id: &str) -> Option<u16> {
        let at = self.items.iter().position(|item| item.id == id)?;
        u16::try_from(at).ok()
    }

    /// The id of the item at that place of the chunk.
    pub fn id_at(&self, place: u16) -> Option<&str> {
        let item = self.items.get(usize::from(place))?;
        Some(&item.id)
    }

    /// The member that answers to the item of that id are given in; of an item that is not there,
    /// that of the first kind.
    pub fn member(&self, id: &str) -> &'static str {
        self.item(id).map_or("choice", ItemKey::member)
    }

    /// What is told of single items at `unix_ms`. As long as others may still sit the quiz, nothing
    /// that could help them.
    pub fn reveals(&self, unix_ms: u64) -> Reveal {
        if self.sat_until_ms.is_some_and(|until| unix_ms < until) {
            Reveal::Result
        } else {
            self.reveal
        }
    }

    /// What an attempt came to whose answer to the item at a place `given` knows.
    pub fn outcome(&self, given: impl Fn(u16) -> Option<Given>) -> Outcome<'_> {
        let mut outcome = Outcome {
            mark: self.no_mark(),
            effort: Effort::default(),
            items: Vec::with_capacity(self.items.len()),
        };
        for (place, item) in (0..).zip(&self.items) {
            let given = given(place);
            let answer = given.as_ref().map(|given| &given.answer);
            let score = answer.map(|answer| grade(&item.right, answer));
            let (earned, max) = outcome.mark.add(item, score);
            if let (Some(given), Some(Score::Graded(_))) = (&given, score) {
                outcome
                    .effort
                    .count(given.elapsed_ms, (earned.unwrap_or(0), max));
            }
            outcome.items.push(ItemOutcome {
                id: &item.id,
                earned,
                max,
                comments: item.comments(answer),
            });
        }
        outcome
    }
}

impl Mark {
    /// The share of the points in parts of 10,000, as a learner's state keeps it.
    pub fn parts(&self) -> u16 {
        u16::try_from(self.share().millionths() / 100).unwrap_or(10_000)
    }
}

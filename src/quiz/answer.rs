//! What a learner answers, and whether it is an answer to that item at all.

use crate::quiz::ItemKey;
use thiserror::Error;

/// An answer to one item. Positions count from 0 in the order of the public chunk.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `one`, `many`: positions of the options that were chosen.
    Choice(Vec<u32>),
    /// `tf`: whether the learner holds the statement to be true.
    Truth(bool),
    /// `num`: the number.
    Number(f64),
    /// `text`: what was written.
    Text(String),
    /// `match`: for each left entry the position of the right one; `None` where it is left open.
    Pairs(Vec<Option<u32>>),
    /// `order`: positions of the options in the learner's order.
    Order(Vec<u32>),
}

/// Why something is no answer to an item. It tells only what the public chunk tells too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Misfit {
    /// An answer to another kind of item.
    #[error("the item asks for another kind of answer")]
    Kind,
    /// A position beyond the last one.
    #[error("there is no position {0}")]
    Position(u32),
    /// One position twice.
    #[error("position {0} stands twice")]
    Twice(u32),
    /// More or fewer positions than the item has.
    #[error("the item has {0} entries")]
    Count(usize),
    /// A text that is too long.
    #[error("the text is longer than {0} characters")]
    Long(u64),
    /// Infinite, or not a number.
    #[error("the number is not finite")]
    Infinite,
}

impl ItemKey {
    /// Whether `answer` is one that the item's form could have sent.
    ///
    /// # Errors
    /// What does not fit; nothing in it depends on what is right.
    pub fn fits(&self, answer: &Answer) -> Result<(), Misfit> {
        match (self, answer) {
            (Self::One(shares), Answer::Choice(chosen)) => {
                distinct(chosen, shares.len())?;
                let single = chosen.len() <= 1;
                single.then_some(()).ok_or(Misfit::Count(1))
            }
            (Self::Many(shares), Answer::Choice(chosen)) => distinct(chosen, shares.len()),
            (Self::Truth(_), Answer::Truth(_)) => Ok(()),
            (Self::Numbers(_), Answer::Number(number)) => {
                number.is_finite().then_some(()).ok_or(Misfit::Infinite)
            }
            (Self::Texts { chars_max, .. } | Self::Person { chars_max }, Answer::Text(text)) => {
                let fits = text.chars().count() as u64 <= *chars_max;
                fits.then_some(()).ok_or(Misfit::Long(*chars_max))
            }
            (Self::Pairs { right, offered }, Answer::Pairs(pairs)) => {
                exactly(pairs.len(), right.len())?;
                let beyond = pairs.iter().flatten().find(|at| *at >= offered);
                beyond.map_or(Ok(()), |at| Err(Misfit::Position(*at)))
            }
            (Self::Order(right), Answer::Order(order)) => {
                exactly(order.len(), right.len())?;
                distinct(order, right.len())
            }
            _ => Err(Misfit::Kind),
        }
    }
}

const fn exactly(len: usize, wanted: usize) -> Result<(), Misfit> {
    if len == wanted {
        Ok(())
    } else {
        Err(Misfit::Count(wanted))
    }
}

/// Positions among `len`, none twice.
fn distinct(places: &[u32], len: usize) -> Result<(), Misfit> {
    if places.len() > len {
        return Err(Misfit::Count(len));
    }
    for (at, place) in places.iter().enumerate() {
        if *place as usize >= len {
            return Err(Misfit::Position(*place));
        }
        if places.iter().take(at).any(|other| other == place) {
            return Err(Misfit::Twice(*place));
        }
    }
    Ok(())
}

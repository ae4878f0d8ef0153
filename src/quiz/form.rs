//! Answers as front ends send them: one member of a JSON object, named after what it holds.

use crate::quiz::Answer;
use crate::quiz::ItemKey;
use serde_json::Map;
use serde_json::Value;
use thiserror::Error;

/// Names of the members that hold an answer; docs/protocol.md shows one of each.
pub const MEMBERS: [&str; 6] = ["choice", "truth", "number", "text", "pairs", "order"];

/// Why a JSON object holds no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormFault {
    /// None of the six members is there.
    #[error("give the answer as `choice`, `truth`, `number`, `text`, `pairs` or `order`")]
    Missing,
    /// Two of them are.
    #[error("both `{0}` and `{1}` are there; give one answer")]
    Several(&'static str, &'static str),
    /// The member holds something else.
    #[error("`{member}` is not {wanted}")]
    Wrong {
        /// The member.
        member: &'static str,
        /// What belongs there.
        wanted: &'static str,
    },
}

impl Answer {
    /// The answer among `members`; `None` if it is `null`: the learner takes back what was
    /// answered before. Other members are passed over.
    ///
    /// # Errors
    /// [`FormFault`]. Whether the answer fits an item is for [`ItemKey::fits`].
    pub fn read(members: &Map<String, Value>) -> Result<Option<Self>, FormFault> {
        let mut given = MEMBERS
            .iter()
            .filter_map(|name| members.get(*name).map(|value| (*name, value)));
        let (member, value) = given.next().ok_or(FormFault::Missing)?;
        if let Some((other, _)) = given.next() {
            return Err(FormFault::Several(member, other));
        }
        if value.is_null() {
            return Ok(None);
        }
        let (answer, wanted) = match member {
            "choice" => (places(value).map(Self::Choice), POSITIONS),
            "truth" => (value.as_bool().map(Self::Truth), "`true` or `false`"),
            "number" => (value.as_f64().map(Self::Number), "a number"),
            "text" => (value.as_str().map(text), "a text"),
            "pairs" => (pairs(value).map(Self::Pairs), PAIRS),
            _ => (places(value).map(Self::Order), POSITIONS),
        };
        answer.map(Some).ok_or(FormFault::Wrong { member, wanted })
    }

    /// The member that holds this answer, and its value.
    pub fn member(&self) -> (&'static str, Value) {
        let name = match self {
            Self::Choice(_) => "choice",
            Self::Truth(_) => "truth",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::Pairs(_) => "pairs",
            Self::Order(_) => "order",
        };
        let value = match self {
            Self::Choice(places) | Self::Order(places) => Value::from(places.as_slice()),
            Self::Truth(truth) => Value::from(*truth),
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Pairs(pairs) => pairs.iter().copied().collect(),
        };
        (name, value)
    }
}

impl ItemKey {
    /// The member that answers to this item are given in.
    pub const fn member(&self) -> &'static str {
        match self {
            Self::One(_) | Self::Many(_) => "choice",
            Self::Truth(_) => "truth",
            Self::Numbers(_) => "number",
            Self::Texts { .. } | Self::Person { .. } => "text",
            Self::Pairs { .. } => "pairs",
            Self::Order(_) => "order",
        }
    }
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

fn place(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn places(value: &Value) -> Option<Vec<u32>> {
    value.as_array()?.iter().map(place).collect()
}

/// A position for each entry on the left, `null` where it is left open.
fn pairs(value: &Value) -> Option<Vec<Option<u32>>> {
    let pair = |value: &Value| {
        let chosen = (!value.is_null()).then(|| place(value));
        chosen.map_or(Some(None), |place| place.map(Some))
    };
    value.as_array()?.iter().map(pair).collect()
}

const POSITIONS: &str = "a list of positions, counted from 0";
const PAIRS: &str = "a list of positions, counted from 0, with `null` where nothing was chosen";

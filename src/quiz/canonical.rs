//! The canonical bytes of an answer: what is kept, compared and hashed into receipts.
//!
//! docs/receipts.md says every byte, for those who check a receipt without us. Equal answers have
//! equal bytes: positions that were chosen stand in rising order, zero has no sign.

use crate::base::limits::ANSWER_BYTES_MAX;
use crate::base::wire::Reader;
use crate::base::wire::put;
use crate::quiz::Answer;

/// The first byte: version 1 of the form in the high half, the kind in the low one.
const WITHDRAWN: u8 = 0x10;
const CHOICE: u8 = 0x11;
const TRUTH: u8 = 0x12;
const NUMBER: u8 = 0x13;
const TEXT: u8 = 0x14;
const PAIRS: u8 = 0x15;
const ORDER: u8 = 0x16;

impl Answer {
    /// The canonical bytes of `answer`; `None` is an answer that was taken back.
    pub fn encode(answer: Option<&Self>) -> Vec<u8> {
        let Some(answer) = answer else {
            return vec![WITHDRAWN];
        };
        let mut bytes = Vec::new();
        match answer {
            Self::Choice(chosen) => {
                let mut sorted = chosen.clone();
                sorted.sort_unstable();
                bytes.push(CHOICE);
                sorted.iter().for_each(|at| put(&mut bytes, (*at).into()));
            }
            Self::Truth(truth) => bytes.extend([TRUTH, u8::from(*truth)]),
            Self::Number(number) => {
                bytes.push(NUMBER);
                // Adding zero makes -0 into 0 and changes nothing else.
                bytes.extend((number + 0.0).to_bits().to_be_bytes());
            }
            Self::Text(text) => {
                bytes.push(TEXT);
                bytes.extend(text.as_bytes());
            }
            Self::Pairs(pairs) => {
                bytes.push(PAIRS);
                let numbers = pairs.iter().map(|at| at.map_or(0, |at| u64::from(at) + 1));
                numbers.for_each(|number| put(&mut bytes, number));
            }
            Self::Order(order) => {
                bytes.push(ORDER);
                order.iter().for_each(|at| put(&mut bytes, (*at).into()));
            }
        }
        bytes
    }

    /// Reads what [`Answer::encode`] wrote; `None` on anything else, `Some(None)` for an answer
    /// that was taken back.
    pub fn decode(bytes: &[u8]) -> Option<Option<Self>> {
        if bytes.len() > ANSWER_BYTES_MAX {
            return None;
        }
        let (form, rest) = bytes.split_first()?;
        let answer = match *form {
            WITHDRAWN => return rest.is_empty().then_some(None),
            CHOICE => Self::Choice(numbers(rest, |n| u32::try_from(n).ok())?),
            TRUTH => Self::Truth(match rest {
                [0] => false,
                [1] => true,
                _ => return None,
            }),
            NUMBER => Self::Number(f64::from_bits(u64::from_be_bytes(rest.try_into().ok()?))),
            TEXT => Self::Text(str::from_utf8(rest).ok()?.to_owned()),
            PAIRS => Self::Pairs(numbers(rest, |n| match n.checked_sub(1) {
                None => Some(None),
                Some(at) => u32::try_from(at).ok().map(Some),
            })?),
            ORDER => Self::Order(numbers(rest, |n| u32::try_from(n).ok())?),
            _ => return None,
        };
        // One spelling only: what would be written differently is not canonical.
        (Self::encode(Some(&answer)) == bytes).then_some(Some(answer))
    }
}

/// All numbers of `bytes`, each as `number` takes it.
fn numbers<T>(bytes: &[u8], number: impl Fn(u64) -> Option<T>) -> Option<Vec<T>> {
    let mut reader = Reader::new(bytes);
    let mut read = Vec::new();
    while !reader.is_empty() {
        read.push(number(reader.number()?)?);
    }
    Some(read)
}

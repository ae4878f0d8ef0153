//! What recovery knows of a learner before anybody asks: effects as they stood in the journal, each
//! behind its length (4 bytes, little-endian). Applying them waits for the first touch, so that a
//! restart costs no more than reading the journal.

use crate::session::DecodeError;
use crate::session::Effect;
use crate::session::State;

/// Facts longer than this are joined into one, when that has become worth while.
const FACTS_BYTES_MAX: usize = 8 * 1024;

/// The facts with one more.
pub(super) fn with(facts: &[u8], effect: &[u8]) -> Result<Box<[u8]>, DecodeError> {
    let mut longer = Vec::with_capacity(facts.len() + 4 + effect.len());
    longer.extend_from_slice(facts);
    push(&mut longer, effect);
    let first = each(&longer).next().map_or(0, <[u8]>::len);
    if longer.len() > FACTS_BYTES_MAX.max(2 * first) {
        return Ok(known(&applied(State::default(), &longer)?));
    }
    Ok(longer.into())
}

/// One fact: all that a state knows.
pub(super) fn known(state: &State) -> Box<[u8]> {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    known_bytes(&bytes)
}

/// The same of a state that is encoded already.
pub(super) fn known_bytes(state: &[u8]) -> Box<[u8]> {
    let mut effect = Vec::with_capacity(state.len() + 3);
    Effect::encode_known(state, &mut effect);
    let mut facts = Vec::with_capacity(effect.len() + 4);
    push(&mut facts, &effect);
    facts.into()
}

/// `state` with the facts.
pub(super) fn applied(mut state: State, facts: &[u8]) -> Result<State, DecodeError> {
    for effect in each(facts) {
        state.apply(&Effect::decode(effect)?);
    }
    Ok(state)
}

fn push(facts: &mut Vec<u8>, effect: &[u8]) {
    let len = u32::try_from(effect.len()).unwrap_or(u32::MAX);
    facts.extend_from_slice(&len.to_le_bytes());
    facts.extend_from_slice(effect);
}

fn each(facts: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = facts;
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        let (effect, after) = after.split_at_checked(len)?;
        rest = after;
        Some(effect)
    })
}

//! A learner's state and effects as bytes, which come from disk, from Redis and from other nodes.
//!
//! Promises: no panic; what is read is written the same way again; joining and applying it keeps
//! the laws.

use lamplight::session::Effect;
use lamplight::session::State;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(state) = State::decode(bytes) {
        let mut again = Vec::new();
        state.encode(&mut again);
        assert_eq!(State::decode(&again).as_ref(), Ok(&state));
        let mut joined = state.clone();
        joined.join(&state);
        assert_eq!(joined, state);
    }
    if let Ok(effect) = Effect::decode(bytes) {
        let mut again = Vec::new();
        effect.encode(&mut again);
        assert_eq!(Effect::decode(&again).as_ref(), Ok(&effect));
        let mut state = State::default();
        state.apply(&effect);
        let once = state.clone();
        state.apply(&effect);
        assert_eq!(state, once);
    }
}

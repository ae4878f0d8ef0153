//! Looking at all learners, wherever they are, without changing who is in memory.

use crate::base::id::LearnerId;
use crate::session::State;
use crate::shards::Shards;
use crate::shards::facts;

impl Shards {
    /// The learners in memory now; 16 bytes each. Each lock of the map is held for its own.
    pub fn learners(&self) -> Vec<LearnerId> {
        self.map.iter().map(|resident| *resident.key()).collect()
    }

    /// All that is known of a learner, in memory and at rest; `None` if nothing is. Blocks.
    ///
    /// # Errors
    /// A sentence, if the state cannot be read.
    pub fn find(&self, learner: LearnerId) -> Result<Option<State>, String> {
        // Memory first: who is not there any more is at rest with everything.
        let known = self.map.get(&learner);
        let known = known.map(|known| (known.is_whole(), known.bytes().to_vec()));
        let at_rest = || match &self.cold {
            None => Ok(None),
            Some(cold) => cold.load(learner),
        };
        let told = |error: crate::session::DecodeError| error.to_string();
        match known {
            None => at_rest(),
            Some((true, bytes)) => State::decode(&bytes).map(Some).map_err(told),
            Some((false, facts)) => {
                let state = at_rest()?.unwrap_or_default();
                facts::applied(state, &facts).map(Some).map_err(told)
            }
        }
    }
}
